"""HTML and SVG as strings that are escaped unless they are `Markup` already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from .escape import html

VOID = {"img", "link", "meta"}  # HTML's elements without an end tag
SHAPES = {"circle", "line", "path", "rect"}  # SVG's, which end in />
FOR, AGAINST = "31, 119, 180", "214, 39, 40"  # blue and red: also told apart by the colour-blind
DARKEST = 0.75  # opacity of the word that matters most: its letters stay readable


class Markup(str):
    """Text that is HTML: it is not escaped again."""

    __slots__ = ()


Content: TypeAlias = "str | int | float | Iterable[Content] | None"


def markup(*content: Content) -> Markup:
    """Everything in a row; what isn't `Markup` is escaped.

    Examples
    --------
    >>> markup("a < b, ", tag("b", "c & d"), [1, None])
    'a &lt; b, <b>c &amp; d</b>1'
    """
    return Markup("".join(_escaped(part) for part in content))


def tag(name: str, /, *content: Content, **attributes: str | float | bool | None) -> Markup:
    """An element. ``class_`` gives ``class``, ``aria_label`` gives ``aria-label``.

    Examples
    --------
    >>> tag("td", "<x>", class_="n", title='"', hidden=False)
    '<td class="n" title="&quot;">&lt;x&gt;</td>'
    >>> tag("circle", cx=1, r=2.5)
    '<circle cx="1" r="2.5"/>'
    """
    attributes_text = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in SHAPES:
        return Markup(f"<{name}{attributes_text}/>")
    return Markup(
        f"<{name}{attributes_text}>" + ("" if name in VOID else f"{markup(*content)}</{name}>")
    )


def highlighted(words: Sequence[str], scores: ArrayLike) -> Markup:
    """Words on backgrounds as strong as their scores: blue above 0, red below.

    The score itself appears where the mouse rests.

    Examples
    --------
    >>> print(highlighted(["a", "<b>"], [0.5, -1.0]).replace("; padding: 0 .15em", ""))
    <span title="+0.500" style="background: rgba(31, 119, 180, 0.38)">a</span> \
    <span title="-1.000" style="background: rgba(214, 39, 40, 0.75)">&lt;b&gt;</span>
    """
    values = np.asarray(scores, np.float64)
    largest = float(np.max(np.abs(values), initial=0.0)) or 1.0
    spans = []
    for word, value in zip(words, values, strict=True):
        colour = FOR if value > 0 else AGAINST
        opacity = DARKEST * abs(value) / largest
        style = f"background: rgba({colour}, {opacity:.2f}); padding: 0 .15em"
        spans.append(tag("span", word, title=f"{value:+.3f}", style=style))
    return Markup(" ".join(spans))


def _escaped(part: Content) -> str:
    if isinstance(part, Markup):
        return part
    if part is None:
        return ""
    if isinstance(part, str):
        return html(part)
    if isinstance(part, (int, float)):
        return str(part)
    return "".join(_escaped(each) for each in part)


def _attribute(key: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    key = key.rstrip("_").replace("_", "-")
    return f" {key}" if value is True else f' {key}="{_escaped(str(value))}"'
