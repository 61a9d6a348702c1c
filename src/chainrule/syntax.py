"""Source text as a tree, also where several threads read some at the same time."""

from __future__ import annotations

import ast
from typing import Any

ATTEMPTS = 20


def parse(text: str, mode: Any = "exec") -> Any:
    """Return the tree of a source text, as `ast.parse` does.

    CPython 3.11 counts the depth of the trees that it makes in one place for all threads: where
    another thread makes one meanwhile, the count comes out wrong, and a `SystemError` says so. The
    text is then parsed again.

    Examples
    --------
    >>> parse("1 + 2", mode="eval").body.right.value
    2
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return ast.parse(text, mode=mode)
        except SystemError:
            pass
    return ast.parse(text, mode=mode)
