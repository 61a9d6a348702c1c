"""Text from elsewhere (names of files, columns and classes) as it may be shown.

A terminal obeys control characters, a page is made of markup, and a spreadsheet runs what begins
like a formula. Nothing is left out: what must not get there as it is gets there in a form that can
be read.
"""

from __future__ import annotations

import html as _html
import json
import re
from typing import Any

# Control characters, halves of surrogate pairs, separators of lines and paragraphs, what changes
# the direction of text (Unicode's Bidi_Control) or hides annotations, and what is no character.
_UNSEEN = (
    "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
)
_IN_A_LINE = re.compile(f"[{_UNSEEN}]")
_IN_A_TEXT = re.compile(f"(?![\t\n])[{_UNSEEN}]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# What spreadsheets run: also behind spaces, and as they are typed in Japan
_FORMULA = re.compile("[\\s\x00-\x20\x7f-\xa0\u200b-\u200f\u2060\ufeff]*[=+\\-@＝＋－＠]|[\t\r\n]")  # noqa: RUF001


def terminal(text: object) -> str:
    r"""Escape a text for one line of a terminal: control characters are written as in Python.

    Examples
    --------
    >>> print(terminal("red \x1b[31m\nnext, \u202eback"))
    red \x1b[31m\nnext, \u202eback
    """
    return _IN_A_LINE.sub(_escaped, str(text))


def html(text: object) -> str:
    r"""Escape a text for an HTML page, within an element or a quoted attribute.

    Examples
    --------
    >>> print(html("a < b \x00"))
    a &lt; b \x00
    """
    return _html.escape(_IN_A_TEXT.sub(_escaped, str(text)))


def spreadsheet(text: str) -> str:
    """Escape a cell of a CSV file: ``'`` is put before what a spreadsheet would run. Numbers stay.

    Examples
    --------
    >>> [spreadsheet(text) for text in ("=1+1", "-x1", "-1.5", "a=b")]
    ["'=1+1", "'-x1", '-1.5', 'a=b']
    """
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def as_json(value: Any) -> str:
    r"""Write a value as JSON in ASCII, which steers no terminal.

    Examples
    --------
    >>> print(as_json(["\x7f", "\x9b"]))
    [
      "\u007f",
      "\u009b"
    ]
    """
    return json.dumps(value, indent=2).replace("\x7f", "\\u007f")


def _escaped(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]
