"""Tables that are drawn with lines of their own letters, as databases and terminals print them."""

from __future__ import annotations

# Box drawing, U+2500 to U+257F: what stands between cells, and what is drawn between rows
BETWEEN = "│┃║╎╏┆┇┊┋"
CORNERS = "".join(chr(code) for code in range(0x2500, 0x2580) if chr(code) not in BETWEEN)
LINES = "─━═╌╍┄┅┈┉╴╶╸╺╼╾"
TABLE = str.maketrans(
    {**dict.fromkeys(CORNERS, "+"), **dict.fromkeys(BETWEEN, "|"), **dict.fromkeys(LINES, "-")}
)
FIRST_BYTES = (b"\xe2\x94", b"\xe2\x95")
START = 4096  # bytes in which the first line is drawn


def undrawn(text: bytes) -> bytes:
    """Return a text with bars and hyphens where it has the letters of boxes.

    Examples
    --------
    >>> print(undrawn("│ a │ b │\\n├───┼───┤\\n│ 1 │ 2 │".encode()).decode())
    | a | b |
    +---+---+
    | 1 | 2 |
    """
    if not any(first in text[:START] for first in FIRST_BYTES):
        return text
    lines = text.decode().split("\n")
    drawn = [line for line in lines if line[:1] in (*BETWEEN, *CORNERS) and line]
    if len(drawn) < 0.5 * sum(map(bool, lines)):
        return text
    return "\n".join(line.translate(TABLE) for line in lines).encode()
