"""What the sections of a page share: numbers, names, tables and boxes as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..markup import Markup, markup, tag

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LONGEST = 120  # characters of a name that are shown; more is nobody's reading


def number(x: float) -> str:
    """Four digits, or all of a whole number; fewer of very small ones.

    Examples
    --------
    >>> [number(x) for x in (12345, 12345.6, 0.98765, 1.0, 0, 0.00012345, float("nan"))]
    ['12,345', '12,346', '0.9877', '1.000', '0', '0.000123', 'nan']
    >>> number(2.75e-5), number(-1e12)
    ('2.75·10⁻⁵', '-1·10¹²')
    """
    if isinstance(x, (int, np.integer)):
        return f"{x:,}"
    if x == 0 or not np.isfinite(x):
        return f"{x + 0.0:g}"
    if 1e-4 <= abs(x) < 1e-3:
        return f"{x:.6f}"
    if not 1e-4 <= abs(x) < 1e9:
        return with_power(f"{x:.3g}")
    return f"{x:,.{max(0, 3 - int(np.floor(np.log10(abs(x)))))}f}"


def with_power(text: str) -> str:
    """A number as Python writes it, with the power of ten as people write it.

    Examples
    --------
    >>> with_power("-1.5e-07"), with_power("0.25")
    ('-1.5·10⁻⁷', '0.25')
    """
    digits, _, power = text.partition("e")
    return f"{digits}·10{str(int(power)).translate(SUPERSCRIPTS)}" if power else digits


def decimals(x: float, count: int) -> Markup:
    """A score that has no unit, with so many decimals, so that a column of them can be compared.

    Examples
    --------
    >>> decimals(2.2e-16, 3), decimals(-35.25, 4)
    ('<data value="2.2e-16">0.000</data>', '<data value="-35.25">-35.25</data>')
    """
    if not np.isfinite(x) or abs(x) >= 10:
        return value(float(x))
    text = f"{x:.{count}f}"
    text = text.removeprefix("-") if float(text) == 0 else text
    return tag("data", text, value=repr(float(x)))


def with_error(x: float, error: float) -> tuple[str, str]:
    """A number and its error with the digits that the error leaves; 0 for what is within it.

    Examples
    --------
    >>> with_error(0.123456, 0.0123), with_error(-1.692e-4, 3e-4), with_error(0.25, 0.0)
    (('0.123', '0.012'), ('0', '0.0003'), ('0.2500', '0'))
    """
    if not (np.isfinite(x) and np.isfinite(error) and error > 0):
        return number(float(x)), number(float(error))
    power = int(np.floor(np.log10(error)))
    if not -12 < power < 9:
        return number(float(x)), number(float(error))
    decimals = max(0, (0 if error / 10.0**power >= 2 else 1) - power)
    text = f"{x:,.{decimals}f}" if abs(x) > error else "0"
    return text, f"{error:,.{decimals}f}"


def rounded(x: float, width: float) -> str:
    """A number with the decimals that tell it from another one so far away.

    Examples
    --------
    >>> rounded(0.43761, 0.021), rounded(1234.5, 300.0), rounded(-0.0001, 0.2)
    ('0.438', '1,234', '0.00')
    """
    if not np.isfinite(width) or width <= 0 or not np.isfinite(x):
        return number(float(x))
    decimals = int(np.clip(1 - np.floor(np.log10(width)), 0, 6))
    text = f"{x:,.{decimals}f}"
    return text.lstrip("-") if set(text) <= set("-0.,") else text


def percent(share: float) -> str:
    """A share as per cent, with one decimal; 0 or 100 only if it is.

    Examples
    --------
    >>> [percent(share) for share in (0.0, 0.0001, 0.123, 0.99999, 1.0)]
    ['0.0 %', '<0.1 %', '12.3 %', '>99.9 %', '100.0 %']
    """
    if not np.isfinite(share):
        return "–"  # noqa: RUF001
    if 0 < share < 0.0005:
        return "<0.1 %"
    return ">99.9 %" if 0.9995 <= share < 1 else f"{100 * share:.1f} %"


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
    """A table of names and values; numbers are written as they were set."""
    rows = [tag("tr", tag("th", label(k), scope="row"), tag("td", _as_set(v))) for k, v in pairs]
    return tag("table", tag("caption", caption), tag("tbody", rows), class_="facts")


def _as_set(x: object) -> Markup:
    """A value; of a float such as 0.1 no zeros behind it."""
    if isinstance(x, float) and 1e-4 <= abs(x) < 1e4:
        return tag("data", f"{x:.4g}", value=repr(x))
    return value(x)


def details(summary: str, content: Markup) -> Markup:
    """Content that is shown when its summary is clicked."""
    return tag("details", tag("summary", summary), content)
