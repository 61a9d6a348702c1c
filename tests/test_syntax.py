"""Source text as a tree, also where another thread spoils the count of its depth."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from chainrule import syntax


def test_what_a_thread_spoils_is_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPython 3.11's error of the count is no error of the text; one that stays is told."""
    parse, failures = ast.parse, [SystemError("depth mismatch")] * 3

    def spoiled(text: str, mode: Any) -> Any:
        if failures:
            raise failures.pop()
        return parse(text, mode=mode)

    monkeypatch.setattr(ast, "parse", spoiled)
    assert ast.dump(parse("x = 1")) == ast.dump(syntax.parse("x = 1"))
    with pytest.raises(SyntaxError):
        syntax.parse("x = ")
    failures += [SystemError("depth mismatch")] * 100
    with pytest.raises(SystemError, match="mismatch"):
        syntax.parse("x = 1")
