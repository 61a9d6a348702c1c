"""Names that somebody could give a file, a column or a class, and what a terminal may be shown.

Each is a harmless text; what is looked for is whether it gets through as text.
"""

from __future__ import annotations

import random
import re
import unicodedata

MARKUP = ("[/x]", "[bold]", "[red]a[/red]", "[link=x]y[/link]", "[", "\\[b]", ":smile:", ":x:",
          "<script>", "</b>", "<!--", "&amp;", "&", '"', "'", "`", "{0}", "%s", "$(x)",
          "\\x1b")  # fmt: skip
CONTROL = ("\x1b[31m", "\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\x07", "\x08\x08", "\r", "\n",
           "\t", "\x0b", "\x0c", "\x7f", "\x01", "\x85", "\x1f")  # fmt: skip
DIRECTION = ("\u202e", "\u202a", "\u2066", "\u2069", "\u200e", "\u200f", "\u061c", "\u2028",
             "\u2029", "\ufff9")  # fmt: skip
FORMULA = ("=1+1", "+x", "-x1", "@SUM(A1)", "=HYPERLINK(1)", "＝1", "  =2", "-", "=")  # noqa: RUF001
OTHER = ("/", "../up", "a/b", " ", "é", "e\u0301", "हिन्दी", "العربية", "日本", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "a\u200db",
         "0", "-1.5", "nan", "None", "x" * 200, "long " * 300, ",", ";", "|", "#", "~")  # fmt: skip
KINDS = (MARKUP, CONTROL, DIRECTION, FORMULA, OTHER)


def names(seed: int, count: int, empty: bool = True) -> list[str]:
    """Different names, each of kind after kind alone, then of several."""
    draw = random.Random(seed)
    made = [""] if empty else []
    while len(made) < count:
        kinds = [draw.choice(KINDS) for _ in range(draw.choice([1, 1, 2, 3]))]
        name = "".join(draw.choice([draw.choice(kind), "a" + draw.choice(kind)]) for kind in kinds)
        if name not in made:
            made.append(name)
    return made


def steers(text: str) -> list[str]:
    """The characters in an output that a terminal would obey, save the ends of our lines."""
    return [
        character
        for character in text
        if character != "\n"
        and (
            unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
            or unicodedata.bidirectional(character) in BIDI
            or character in "\u200e\u200f\u061c\ufff9\ufffa\ufffb"
        )
    ]


BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def seen(text: str) -> list[str]:
    """The words of a text that are seen however it is escaped: none may be missing."""
    return re.findall(r"[^\W_]+", "".join(" " if steers(c) or c == "\n" else c for c in text))
