"""Every docstring's example is run, of the installed package."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import chainrule

pytestmark = pytest.mark.usefixtures("_unoptimised")

SOURCE = Path(chainrule.__file__).parent
MODULES = [
    ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted(SOURCE.rglob("*.py"))
    if path.name != "__main__.py" and ">>>" in path.read_text(encoding="utf-8")
]
NEEDED = {"chainrule.export.onnx": "onnx"}  # by the examples of a module


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the examples print is what the docstrings say."""
    if name in NEEDED:
        pytest.importorskip(NEEDED[name], reason=f"{NEEDED[name]} is not installed")
    monkeypatch.setenv("COLUMNS", "100")
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, _ = doctest.testmod(import_module(name), optionflags=flags)
    assert failed == 0, "see the captured output"
