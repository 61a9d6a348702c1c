"""The notebooks of the project run from top to bottom; their cells assert their numbers."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from cells import ROOT, run

from chainrule.config import configured

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SLOW = {"digits"}
CHECKS = {
    "backpropagation": ["Predicted output: [[0.99993703]]", "product -0.071103679560"],
    "digits": ["the commonest class", "mistakes are in the least certain tenth"],
    "tour": ["accuracy on 150 points not seen"],
}


def sources(path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook."""
    return list(json.loads(path.read_text(encoding="utf-8"))["cells"])


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in SLOW else [])
        for path in NOTEBOOKS
    ],
)
def test_it_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each cell in one namespace, without Jupyter, from an empty folder."""
    monkeypatch.chdir(tmp_path)
    codes = ["".join(cell["source"]) for cell in sources(path) if cell["cell_type"] == "code"]
    with configured(check=0):
        printed = run(codes, path.stem).printed
    for expected in CHECKS[path.stem]:
        assert expected in printed
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_it_holds_no_outputs(path: Path) -> None:
    """Outputs are stripped, ids are distinct, and code asserts something."""
    cells = sources(path)
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert len({cell["id"] for cell in cells}) == len(cells)
    trees = [ast.parse("".join(cell["source"])) for cell in code]
    asserts = sum(isinstance(node, ast.Assert) for tree in trees for node in ast.walk(tree))
    assert asserts >= 5
