"""What the sections of a page share: numbers, names, tables and boxes as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..markup import Markup, markup, tag

LONGEST = 120  # characters of a name that are shown; more is nobody's reading


def number(x: float) -> str:
    """Four digits, or all of a whole number.

    Examples
    --------
    >>> [number(x) for x in (12345, 12345.6, 0.98765, 1.0, 0, 0.000012345, float("nan"))]
    ['12,345', '12,346', '0.9877', '1.000', '0', '1.234e-05', 'nan']
    """
    if isinstance(x, (int, np.integer)):
        return f"{x:,}"
    if x == 0 or not np.isfinite(x):
        return f"{x + 0.0:g}"
    if not 1e-3 <= abs(x) < 1e9:
        return f"{x:.3e}"
    return f"{x:,.{max(0, 3 - int(np.floor(np.log10(abs(x)))))}f}"


def percent(share: float) -> str:
    """A share as per cent, with one decimal: ``12.3 %``."""
    return f"{100 * share:.1f} %" if np.isfinite(share) else "–"  # noqa: RUF001


def shortened(text: str, most: int = LONGEST) -> str:
    """The beginning and the end of a text that is too long."""
    if len(text) <= most:
        return text
    return f"{text[: most - most // 3 - 1]}…{text[-(most // 3) :]}"


def label(name: object, most: int = LONGEST) -> Markup:
    """A name from the data; more of it appears where the mouse rests."""
    if isinstance(name, Markup):
        return name
    text = str(name)
    short = shortened(text, most)
    return markup(text) if short == text else tag("span", short, title=shortened(text, 1000))


def value(x: object) -> Markup:
    """Whatever a cell holds. A float carries all of its digits for programs that read the page."""
    if isinstance(x, Markup):
        return x
    if x is None:
        return markup("none")
    if isinstance(x, (bool, np.bool_)):
        return markup("yes" if x else "no")
    if isinstance(x, (float, np.floating)):
        return tag("data", number(float(x)), value=repr(float(x)))
    if isinstance(x, (int, np.integer)):
        return markup(number(int(x)))
    if isinstance(x, (list, tuple)):
        return Markup(", ".join(map(value, x)))
    return label(str(x), 1000)


def table(
    caption: str,
    headers: Sequence[str],
    rows: Iterable[Sequence[object]],
    texts: Sequence[int] = (),
) -> Markup:
    """A table whose first column names the rows; the others are numbers, save those in `texts`."""
    sides = [None if k == 0 or k in texts else "n" for k in range(len(headers))]
    body = [
        tag("tr", tag("th", label(row[0]), scope="row"),
            [tag("td", value(x), class_=side) for x, side in zip(row[1:], sides[1:], strict=True)])
        for row in rows
    ]  # fmt: skip
    head = tag("tr", [
        tag("th", label(text, 40), scope="col", class_=side)
        for text, side in zip(headers, sides, strict=True)
    ])  # fmt: skip
    return scrolled(
        caption, tag("table", tag("caption", caption), tag("thead", head), tag("tbody", body))
    )


def scrolled(name: str, content: Markup) -> Markup:
    """A box that scrolls by itself, with the keyboard too, if what it holds is too wide."""
    return tag("div", content, class_="scroll", role="region", aria_label=name, tabindex=0)


def facts(caption: str, pairs: Iterable[tuple[str, object]]) -> Markup:
    """A table of names and values."""
    rows = [tag("tr", tag("th", label(k), scope="row"), tag("td", value(v))) for k, v in pairs]
    return tag("table", tag("caption", caption), tag("tbody", rows), class_="facts")


def details(summary: str, content: Markup) -> Markup:
    """Content that is shown when its summary is clicked."""
    return tag("details", tag("summary", summary), content)
