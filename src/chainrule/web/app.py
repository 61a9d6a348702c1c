"""The application of a server: its addresses, and what each answers."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from ..errors import DataError
from .batching import Batches, BusyError
from .guards import LoopbackOnly
from .landing import landing_page
from .limits import Limits
from .openapi import description
from .requests import parse_options, parse_rows
from .served import Served


class Endpoints:
    """What the addresses of a server answer.

    Parameters
    ----------
    served : Served
        The model.
    limits : Limits
    """

    def __init__(self, served: Served, limits: Limits) -> None:
        self.served, self.limits = served, limits
        self.batches = Batches(served.answer, limits.batch, limits.waiting)
        self.description = description(served, limits)

    async def page(self, request: Request) -> Response:
        """``GET /``: what can be asked, for people."""
        return HTMLResponse(landing_page(self.served, request.headers["host"]))

    async def openapi(self, _request: Request) -> Response:
        """``GET /openapi.json``: the same for programs."""
        return JSONResponse(self.description)

    async def predict(self, request: Request) -> Response:
        """``POST /predict``: a prediction for each row."""
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            raise HTTPException(415, "send JSON, with the header Content-Type: application/json")
        asked = parse_options(_query(request))
        self.served.check(asked)
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                body = await self._body(request)
        except TimeoutError:
            raise HTTPException(408, "the body of the request did not arrive in time") from None
        most = self.limits.explained if asked.effects else self.limits.rows
        rows = await asyncio.to_thread(parse_rows, body, self.served, most)
        try:
            async with asyncio.timeout(self.limits.seconds):
                answers = await self.batches.answer(rows, asked)
        except TimeoutError:
            raise HTTPException(503, "the answer took too long: send fewer rows") from None
        except BusyError:
            raise HTTPException(
                503, "too many requests wait: try again", {"Retry-After": "1"}
            ) from None
        return JSONResponse({"target": self.served.target, "predictions": answers})

    async def _body(self, request: Request) -> bytes:
        """The body, of which no more than the limit is ever in memory."""
        most = self.limits.body
        length = request.headers.get("content-length", "0")
        too_large = HTTPException(413, f"a request may have {most} bytes: send fewer rows")
        if length.isascii() and length.isdigit() and (len(length) > 12 or int(length) > most):
            raise too_large
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > most:
                raise too_large
        return bytes(body)


def _query(request: Request) -> dict[str, str]:
    """The options of the address; a `DataError` names one that comes twice."""
    options: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in options:
            raise DataError(f"option {name!r:.60} comes twice")
        options[name] = value
    return options


async def _wrong_rows(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def _refused(_request: Request, error: Exception) -> Response:
    details: Any = error
    return JSONResponse({"error": details.detail}, details.status_code, details.headers)


async def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


def make_application(served: Served, port: int, limits: Limits | None = None) -> LoopbackOnly:
    """The application in the ASGI protocol, for a server that listens on a port.

    Parameters
    ----------
    served : Served
        See `served_model`.
    port : int
        By which requests must call it.
    limits : Limits, optional
    """
    endpoints = Endpoints(served, limits or Limits())
    routes = [
        Route("/", endpoints.page, methods=["GET"]),
        Route("/openapi.json", endpoints.openapi, methods=["GET"]),
        Route("/predict", endpoints.predict, methods=["POST"]),
    ]
    handlers: dict[Any, Any] = {
        DataError: _wrong_rows, HTTPException: _refused, ClientDisconnect: _gone,
    }  # fmt: skip
    return LoopbackOnly(Starlette(routes=routes, exception_handlers=handlers), port)
