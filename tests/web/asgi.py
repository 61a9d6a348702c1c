"""Requests to an application in this process, in the ASGI protocol."""

import asyncio
import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


async def request(application, method, path, body=(), query="", headers=(), host="localhost:8000"):
    """One request, whose body comes in parts; headers are pairs of texts."""
    parts = [*body] or [b""]
    sent = []

    async def receive():
        await asyncio.sleep(0)
        if not parts:
            return {"type": "http.disconnect"}
        part = parts.pop(0)
        if part is None:  # the client is slow
            await asyncio.sleep(60)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message):
        sent.append(message)

    pairs = [*(() if host is None else [("host", host)]), *headers]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "root_path": "", "headers": [(k.encode(), v.encode("latin-1")) for k, v in pairs],
        "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    await application(scope, receive, send)
    start = sent[0]
    names = {key.decode(): value.decode() for key, value in start["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(start["status"], names, body)


JSON = (("content-type", "application/json"),)


async def post(application, rows, query="", **more):
    """Rows to ``/predict``, as JSON."""
    body = [rows] if isinstance(rows, bytes) else [json.dumps(rows).encode()]
    return await request(application, "POST", "/predict", body, query, **{"headers": JSON, **more})
