"""The types that users' checkers see: `tests/typing` is read by mypy, strictly."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

import chainrule

HERE = Path(__file__).parent
FILES = sorted((HERE / "typing").glob("*.py"))


@pytest.mark.slow
def test_mypy_agrees() -> None:
    """Each `assert_type` holds, each marked line is an error, and nothing else is one."""
    options = ["--strict", "--config-file", "", "--no-error-summary"]
    out, err, status = api.run([*options, *map(str, FILES)])
    assert (out, err, status) == ("", "", 0)


def test_the_package_is_typed() -> None:
    """Without this file checkers would ignore all annotations."""
    assert Path(chainrule.__file__).with_name("py.typed").exists()
    assert len(FILES) >= 1
