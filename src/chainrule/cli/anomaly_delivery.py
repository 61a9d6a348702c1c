"""Where the events of a stream go: standard output, a file of JSON lines, a webhook on loopback."""

from __future__ import annotations

import http.client
import ipaddress
import json
import queue
import re
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import DataError
from ..files import append_durably
from .console import complain

SECONDS = 5.0  # for an answer of the webhook
PATIENCE = 10.0  # seconds that posts may take after the end of the stream
MOST_WAITING = 1000  # posts
TARGET = re.compile(r"[!-~]*")  # of a request: visible ASCII


def json_line(record: dict[str, Any]) -> str:
    r"""A record as one line of JSON in ASCII, which steers no terminal.

    Examples
    --------
    >>> print(json_line({"a": "\x9b\n"}))
    {"a": "\u009b\n"}
    """
    return json.dumps(record, allow_nan=False).replace("\x7f", "\\u007f")


class EventFile:
    """A file to which each event is appended as a line, on the disk before the next row.

    Attributes
    ----------
    failed : int
        Events that could not be written.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.failed = path, 0

    def send(self, record: dict[str, Any]) -> None:
        """Append an event; a full disk is said once, and does not end the watch."""
        try:
            append_durably(self.path, f"{json_line(record)}\n".encode())
        except OSError as error:
            if not self.failed:
                complain(
                    f"chainrule: cannot write {self.path}: {error.strerror or error}; going on"
                )
            self.failed += 1

    def close(self) -> None:
        """Say how many events are not in the file."""
        if self.failed:
            complain(f"chainrule: events that are not in {self.path}: {self.failed}")


class Webhook:
    """Posts events as JSON to this machine, in a thread: a slow answer delays no row.

    Parameters
    ----------
    url : str
        Such as ``http://127.0.0.1:8080/alarms``. Its host must be this machine; what it resolves to
        now is what is connected to later. No redirect is followed, and no proxy is used.

    Raises
    ------
    DataError
        For another host, or what is no such address.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.addresses, self.port, self.target, self.host = loopback(url)
        self.failed = self.sent = 0
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._post_all, daemon=True)
        self._thread.start()

    def send(self, record: dict[str, Any]) -> None:
        """Let an event be posted; if too many wait already, it is counted as failed."""
        try:
            self._waiting.put_nowait(record)
        except queue.Full:
            self._fail("it is too slow")

    def close(self) -> None:
        """Wait for the posts that are left, but not long."""
        try:
            self._waiting.put(None, timeout=PATIENCE)
            self._thread.join(PATIENCE)
        except queue.Full:
            pass
        left = self._waiting.qsize()
        if self.failed or left:
            complain(f"chainrule: events that did not reach {self.url}: {self.failed + left}")

    def _post_all(self) -> None:
        while (record := self._waiting.get()) is not None:
            try:
                status = self._post(f"{json_line(record)}\n".encode())
            except (OSError, http.client.HTTPException) as error:
                self._fail(str(error) or type(error).__name__)
            else:
                if 200 <= status < 300:
                    self.sent += 1
                else:
                    self._fail(f"it answers {status}")

    def _post(self, body: bytes) -> int:
        """The status that the first address gives which can be connected to."""
        failure: OSError | None = None
        for address in self.addresses:
            connection = http.client.HTTPConnection(address, self.port, timeout=SECONDS)
            try:
                connection.connect()
            except OSError as error:
                failure = error
                continue
            try:
                headers = {"Content-Type": "application/json", "Host": self.host}
                connection.request("POST", self.target, body, headers)
                return connection.getresponse().status
            finally:
                connection.close()
        raise failure or OSError("there is no address")

    def _fail(self, reason: str) -> None:
        if not self.failed:
            complain(f"chainrule: webhook {self.url}: {reason}; going on")
        self.failed += 1


def loopback(url: str) -> tuple[Sequence[str], int, str, str]:
    """The addresses, the port, the path and the host of a URL on this machine.

    Examples
    --------
    >>> loopback("http://127.0.0.1:8080/alarms?x=1")
    (('127.0.0.1',), 8080, '/alarms?x=1', '127.0.0.1:8080')
    """
    hint = "give one on this machine, such as http://127.0.0.1:8080/alarms"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 80
    except ValueError as error:
        raise DataError(f"--webhook {url}: {error}; {hint}") from None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    plain = TARGET.fullmatch(url) and "@" not in parts.netloc
    if parts.scheme != "http" or not host or not plain:
        raise DataError(f"--webhook {url}: it is no plain http address; {hint}")
    try:
        resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DataError(f"--webhook {url}: {host} is unknown ({error}); {hint}") from None
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in resolved))
    for address in addresses:
        if not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
            raise DataError(
                f"--webhook {url}: {host} is {address}, another machine, and events may be "
                f"private; {hint}"
            )
    return addresses, port, target, parts.netloc
