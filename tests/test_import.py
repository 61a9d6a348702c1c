"""`import chainrule` is cheap: what only training or showing needs is loaded when they start."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import chainrule as cr

HEAVY = ["llvmlite", "matplotlib", "onnx", "pandas", "pyarrow", "rich", "safetensors", "scipy",
         "sklearn", "typer"]  # fmt: skip
LISTED = "; import json, sys; print(json.dumps(sorted(sys.modules)))"


def loaded_by(code: str) -> set[str]:
    """The top-level modules in memory after a fresh interpreter has run `code`."""
    done = subprocess.run(
        [sys.executable, "-c", code + LISTED], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize(
    "code",
    [
        "import chainrule",
        "import chainrule as cr; cr.grad(lambda x: x**3)(2.0)",
        "import chainrule as cr; cr.nn, cr.optim, cr.losses, cr.random",
    ],
)
def test_import_loads_nothing_heavy(code: str) -> None:
    """NumPy and optree are enough to differentiate and to build a network."""
    assert loaded_by(code).isdisjoint(HEAVY)


def test_the_lazy_modules_come_when_asked_for() -> None:
    """A bare import defines no nn; reading `cr.nn` gives it."""
    import_alone = "import chainrule, sys; assert 'chainrule.nn' not in sys.modules"
    assert "chainrule" in loaded_by(import_alone)
    for name in ("data", "estimators", "export", "losses", "nn", "optim", "random", "train"):
        assert getattr(cr, name).__name__ == f"chainrule.{name}"
        assert name in dir(cr)
    with pytest.raises(AttributeError, match="'gradient'"):
        cr.gradient  # noqa: B018


def test_every_public_name_is_there() -> None:
    """`__all__` holds what can be had, each once and in order."""
    assert cr.__all__ == sorted(set(cr.__all__))
    assert all(hasattr(cr, name) for name in cr.__all__)


def test_version() -> None:
    """The version in the code is that of the package."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert project["version"] == cr.__version__
