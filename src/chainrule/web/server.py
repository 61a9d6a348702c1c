"""A server on this machine's loopback address."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn

from ..errors import DataError
from .app import make_application
from .limits import Limits
from .served import Served

ADDRESS = "127.0.0.1"
HEAD = 16 * 1024  # bytes of the lines and headers of a request
SHUTDOWN = 5  # seconds that answers may take after Ctrl-C


def listening_socket(port: int) -> socket.socket:
    """A socket on the loopback address; port 0 is one that is free.

    Raises
    ------
    DataError
        If the port is taken, or may not be used.
    """
    try:
        return socket.create_server((ADDRESS, port))
    except OSError as error:
        raise DataError(
            f"cannot listen on port {port}: {error.strerror or error}: choose another one with "
            "--port, or 0 for any that is free"
        ) from error


def serve(
    served: Served, port: int, ready: Callable[[str], None], limits: Limits | None = None
) -> None:
    """Answer requests until Ctrl-C.

    Parameters
    ----------
    served : Served
    port : int
    ready : callable
        Called with the address, when it answers.
    limits : Limits, optional
    """
    with listening_socket(port) as listening:
        port = listening.getsockname()[1]
        chosen = limits or Limits()
        config = uvicorn.Config(
            make_application(served, port, chosen), lifespan="off", ws="none", http="h11",
            log_level="warning", access_log=False, server_header=False, proxy_headers=False,
            timeout_keep_alive=5, timeout_graceful_shutdown=SHUTDOWN,
            h11_max_incomplete_event_size=HEAD, limit_concurrency=4 * chosen.waiting,
        )  # fmt: skip
        ready(f"http://{ADDRESS}:{port}/")
        with suppress(KeyboardInterrupt):  # uvicorn has ended what was left
            uvicorn.Server(config).run(sockets=[listening])
