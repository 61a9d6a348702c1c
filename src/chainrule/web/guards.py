"""Who may ask: this machine, by a name of its own, from no other web page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from starlette.responses import JSONResponse

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

NAMES = ("127.0.0.1", "localhost", "[::1]")
HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; "
                                 b"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)  # fmt: skip


def hosts(port: int) -> frozenset[str]:
    """What the header `Host` may say.

    Examples
    --------
    >>> sorted(hosts(8000))
    ['127.0.0.1:8000', '[::1]:8000', 'localhost:8000']
    """
    bare = NAMES if port == 80 else ()
    return frozenset((*(f"{name}:{port}" for name in NAMES), *bare))


class LoopbackOnly:
    """Refuses requests that another page or another name sent here.

    A page of anybody can let a browser send requests to this machine; if its name resolves to
    127.0.0.1 (DNS rebinding), it could even read the answers. Its `Origin`, or its `Host`, gives it
    away. No answer allows another origin to read it (there are no headers of CORS).

    Parameters
    ----------
    application : callable
        In the ASGI protocol.
    port : int
        On which is listened.
    """

    def __init__(self, application: Application, port: int) -> None:
        self.application = application
        self.hosts = hosts(port)
        self.origins = frozenset(f"http://{host}" for host in self.hosts)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.application(scope, receive, send)
            return
        refused = self._refused(scope)
        if refused is None:
            await self.application(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            status, reason = refused
            response = JSONResponse({"error": reason}, status)
            await response(scope, receive, _with_headers(send))

    def _refused(self, scope: Message) -> tuple[int, str] | None:
        """The status and the reason of a refusal."""
        headers = scope["headers"]
        host = _values(headers, b"host")
        if len(host) != 1 or host[0].lower() not in self.hosts:
            return 421, "this server answers to 127.0.0.1 and localhost alone"
        origin = _values(headers, b"origin")
        if any(each.lower() not in self.origins for each in origin):
            return 403, "pages of other origins may not ask here"
        return None


def _values(headers: Any, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


def _with_headers(send: Send) -> Send:
    """The same, and each answer says how browsers are to treat it."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
        await send(message)

    return sent
