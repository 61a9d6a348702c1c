"""The code blocks of a Markdown document, run from top to bottom in one namespace.

Each ```python block runs. If it prints, a ```text block must follow it directly, and must be equal
to what was printed, character by character (but for blanks at the end of lines). A line

    <!-- rtol: 0.01 -->

directly above a ```text block allows its numbers to differ by that relative tolerance; everything
else must still be equal. A ```text block that is not the output of a ```python block must show a
command line (``$ ...``), or say why it is not compared, in the line above it:

    <!-- not compared: the reason -->

``python tests/docs/blocks.py docs/*.md README.md`` prints the differences; with ``--update`` it
writes what the code prints into the documents. Read the difference before you commit it: the text
around the block may say something else.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import linecache
import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RTOL = re.compile(r"<!-- rtol: (\S+) -->\n```$")
NOT_COMPARED = re.compile(r"<!-- not compared: \S.* -->\n```$")
NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")


class Block(NamedTuple):
    """One fenced block: its language, its text, and the position of the text in the document."""

    language: str
    text: str
    start: int
    stop: int


@dataclass(frozen=True)
class Output:
    """What the document shows for a ```python block, and what the block printed."""

    shown: Block
    printed: str
    rtol: float

    @property
    def agrees(self) -> bool:
        """Whether they are equal, but for numbers within the tolerance."""
        if not self.rtol:
            return self.shown.text == self.printed
        if NUMBER.sub("#", self.shown.text) != NUMBER.sub("#", self.printed):
            return False
        pairs = zip(_numbers(self.shown.text), _numbers(self.printed), strict=True)
        return all(math.isclose(a, b, rel_tol=self.rtol) for a, b in pairs)

    def difference(self) -> str:
        """The difference as a unified diff."""
        lines = [text.splitlines(keepends=True) for text in (self.shown.text, self.printed)]
        return "".join(difflib.unified_diff(*lines, "the document", "the code"))


class DocumentError(AssertionError):
    """A document that leaves output out, or shows output that nothing prints."""


def blocks(document: str) -> list[Block]:
    """All fenced blocks in order."""
    return [
        Block(match[1], match[2], match.start(2), match.end(2))
        for match in FENCE.finditer(document)
    ]


def run(code: str, names: dict[str, Any], filename: str) -> str:
    """Run a piece of code and return what it prints, without blanks at the end of lines."""
    # `explain` shows the line of code, which it reads from this cache
    linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), np.printoptions(legacy=False):
        exec(compile(code, filename, "exec", dont_inherit=True), names)
    return "".join(line.rstrip() + "\n" for line in printed.getvalue().splitlines())


def outputs(document: str, names: dict[str, Any]) -> list[Output]:
    """Run the ```python blocks, and return each printed output with the block that shows it.

    Raises
    ------
    DocumentError
        If a block prints and no ```text block follows it, or if it prints nothing and one does, or
        if a ```text block is neither an output, nor a command's, nor marked as not compared.
    """
    found = []
    fenced = blocks(document)
    followers: list[Block | None] = [*fenced[1:], None][: len(fenced)]
    shown_below_code: set[int] = set()
    for block, follower in zip(fenced, followers, strict=True):
        if block.language == "python":
            printed = run(block.text, names, "example.py")
            if follower is None or follower.language != "text":
                if printed:
                    raise DocumentError(_at(document, block, f"it prints, unshown:\n{printed}"))
                continue
            shown_below_code.add(follower.start)
            if not printed:
                raise DocumentError(_at(document, follower, "the code above prints nothing"))
            found.append(Output(follower, printed, _tolerance(document, follower)))
        elif block.language == "text" and block.start not in shown_below_code:
            is_command = block.text.startswith("$ ")
            if not is_command and not NOT_COMPARED.search(document[: _fence(block)]):
                raise DocumentError(_at(document, block, "this output is compared with nothing"))
    return found


def _numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in NUMBER.findall(text)]


def _fence(block: Block) -> int:
    """The position after the three backticks that open a block."""
    return block.start - len(block.language) - 1


def _tolerance(document: str, block: Block) -> float:
    marked = RTOL.search(document[: _fence(block)])
    return float(marked[1]) if marked else 0.0


def _at(document: str, block: Block, problem: str) -> str:
    line = document[: block.start].count("\n") + 1
    return f"line {line}: {problem}"


def main(arguments: list[str]) -> int:
    """Compare the documents, or write what their code prints into them."""
    update = "--update" in arguments
    differences = 0
    for name in [argument for argument in arguments if argument != "--update"]:
        path = Path(name)
        document = path.read_text(encoding="utf-8")
        for output in reversed(outputs(document, {"__name__": "example"})):
            if output.agrees:
                continue
            differences += 1
            print(f"{name}\n{output.difference()}")
            document = (
                document[: output.shown.start] + output.printed + document[output.shown.stop :]
            )
        if update:
            path.write_text(document, encoding="utf-8")
    return int(differences > 0 and not update)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
