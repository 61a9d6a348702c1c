"""Every docstring's example is run, of the installed package."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

import chainrule

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(chainrule.__path__, "chainrule.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", ["chainrule", *MODULES])
def test_docstrings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the examples print is what the docstrings say."""
    monkeypatch.setenv("COLUMNS", "100")
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, _ = doctest.testmod(import_module(name), optionflags=flags)
    assert failed == 0, "see the captured output"
