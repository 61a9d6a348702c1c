"""Every docstring's example is run, of the installed package."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

import chainrule

pytestmark = pytest.mark.usefixtures("_unoptimised")

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(chainrule.__path__, "chainrule.")
    if not module.name.endswith("__main__")
)
NEEDED = {"chainrule.export.onnx": "onnx"}  # by the examples of a module


@pytest.mark.parametrize("name", ["chainrule", *MODULES])
def test_docstrings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the examples print is what the docstrings say."""
    if name in NEEDED:
        pytest.importorskip(NEEDED[name], reason=f"{NEEDED[name]} is not installed")
    monkeypatch.setenv("COLUMNS", "100")
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, _ = doctest.testmod(import_module(name), optionflags=flags)
    assert failed == 0, "see the captured output"
