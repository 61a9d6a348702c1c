"""The documentation site is built without a warning, where MkDocs is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mkdocs")
pytest.importorskip("mkdocstrings")

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_site_is_built(tmp_path: Path) -> None:
    """Each public name has an entry, and each link leads somewhere: `--strict` fails otherwise."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert 0 == done.returncode, done.stderr
    layers = (tmp_path / "reference" / "nn" / "index.html").read_text(encoding="utf-8")
    assert 'id="chainrule.nn.Dense"' in layers
    home = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert 'href="estimators/"' in home
