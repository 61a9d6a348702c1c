"""Files from http and https addresses: bounded in size and time, wherever redirects lead."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ...config import config
from ...errors import DataError
from ...version import __version__

SCHEMES = ("http", "https")
SECONDS = 30.0  # without a byte
MOST_SECONDS = 600.0  # in all
CHUNK_BYTES = 2**20


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects to http and https only."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        if urlsplit(newurl).scheme.lower() not in SCHEMES:
            name = without_password(req.full_url)
            raise DataError(f"{name} leads to {newurl!r:.80}, which is not on the web")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


HANDLERS: tuple[type[urllib.request.BaseHandler], ...] = (
    urllib.request.ProxyHandler, urllib.request.HTTPHandler, urllib.request.HTTPSHandler,
    urllib.request.HTTPDefaultErrorHandler, urllib.request.HTTPErrorProcessor, _Redirects,
    urllib.request.UnknownHandler,
)  # fmt: skip


def is_address(source: str) -> bool:
    """Return whether a text is the address of a page or file on the web."""
    return source.lower().startswith(("http://", "https://"))


def without_password(address: str) -> str:
    """Return an address as it may be printed and saved.

    Examples
    --------
    >>> without_password("https://ann:secret@example.org/t.csv")
    'https://ann@example.org/t.csv'
    >>> without_password("postgresql://ann:secret@db:5432/shop")
    'postgresql://ann@db:5432/shop'
    """
    try:
        parts = urlsplit(address)
        password, user = parts.password, parts.username
    except ValueError:
        return address.split("://")[0] + "://..."
    if password is None:
        return address
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}@{host}"))


def download(address: str) -> bytes:
    """Return what is at an address.

    Raises
    ------
    DataError
        If it cannot be reached, answers with an error, is larger than ``CHAINRULE_DOWNLOAD`` MiB,
        or leads to what is neither http nor https.
    """
    name = without_password(address)
    if "@" in urlsplit(address).netloc:
        raise DataError(f"{name} has a user's name in it: download the file yourself")
    opener = urllib.request.OpenerDirector()
    for handler in HANDLERS:  # none for file:, ftp: and data: addresses
        opener.add_handler(handler())
    headers = {"User-Agent": f"chainrule/{__version__}", "Accept-Encoding": "identity"}
    try:
        request = urllib.request.Request(address, headers=headers)
        with opener.open(request, timeout=SECONDS) as answer:
            return _read(answer, name)
    except DataError:
        raise
    except urllib.error.HTTPError as error:
        raise DataError(f"{name} answers {error.code} {error.reason}: check the address") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise DataError(f"cannot read {name}: {reason}; check the address and the network") from (
            None
        )


def _read(answer: Any, name: str) -> bytes:
    limit = config.download * 2**20
    length = answer.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > limit:
        _refuse(name)
    chunks, total, end = [], 0, time.monotonic() + MOST_SECONDS
    while chunk := answer.read(CHUNK_BYTES):
        total += len(chunk)
        if total > limit:
            _refuse(name)
        if time.monotonic() > end:
            raise DataError(f"{name} takes more than {MOST_SECONDS:.0f} s: download it yourself")
        chunks.append(chunk)
    if length.isdigit() and total < int(length):
        raise DataError(f"{name} broke off after {total:,} of {int(length):,} bytes; try again")
    return b"".join(chunks)


def _refuse(name: str) -> None:
    raise DataError(
        f"{name} is larger than {config.download} MiB: download it yourself, or set "
        "CHAINRULE_DOWNLOAD (in MiB) higher"
    )
