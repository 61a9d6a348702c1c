"""A film of an episode, as a picture inside of the page."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from ..markup import Markup, tag

SIGNATURES = {b"GIF87a": "image/gif", b"GIF89a": "image/gif", b"\x89PNG\r\n": "image/png"}


def media_type(picture: bytes) -> str | None:
    """What a picture is by its first bytes: GIF, PNG, or None."""
    return SIGNATURES.get(picture[:6])


def section(report: Any) -> Markup | None:
    """The section, or None without a film."""
    kind = media_type(report.film)
    if kind is None:
        return None
    source = f"data:{kind};base64,{b64encode(report.film).decode('ascii')}"
    caption = report.film_caption or f"An episode of {report.environment}"
    return tag("figure", tag("img", src=source, alt=caption, class_="film"),
               tag("figcaption", caption))  # fmt: skip
