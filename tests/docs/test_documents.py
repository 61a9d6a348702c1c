"""Every document's code runs and prints what the document says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blocks import blocks, outputs, run
from supported import DOCUMENT, document

from chainrule.config import configured

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("path", DOCUMENTS, ids=[path.stem for path in DOCUMENTS])
def test_code_prints_what_the_document_says(path: Path) -> None:
    """Each ```text block after a ```python block is its output."""
    names: dict[str, Any] = {"__name__": "example"}
    with configured(check=0):
        found = outputs(path.read_text(encoding="utf-8"), names)
    for block, printed in found:
        assert block.text == printed
    if path.stem == "README":
        assert names["accuracy"] > 0.95


@pytest.mark.parametrize("path", DOCUMENTS, ids=[path.stem for path in DOCUMENTS])
def test_links_lead_somewhere(path: Path) -> None:
    """Relative links name files of the project."""
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (path.parent / target).exists(), target


def test_the_list_of_supported_functions_is_that_of_the_tables() -> None:
    """After a change of the tables: python tests/docs/supported.py."""
    assert document() == DOCUMENT.read_text(encoding="utf-8")


def test_readme_shows_the_two_commands_first() -> None:
    """Its first console block is what .ci/run runs."""
    first = next(b for b in blocks((ROOT / "README.md").read_text()) if b.language == "console")
    commands = [line[2:] for line in first.text.splitlines() if line.startswith("$ ")]
    assert commands == [
        "pip install . && chainrule train digits",
        "pip install '.[test]' && pytest",
    ]


def test_the_reader_of_documents_reads() -> None:
    """It finds output that differs, and runs blocks in one namespace."""
    text = "```python\na = 2\n```\n\n```python\nprint(a)\n```\n```text\n3\n```\n"
    ((block, printed),) = outputs(text, {})
    assert ("3\n", "2\n") == (block.text, printed)
    assert run("print(np.arange(2))", {"np": np}, "x.py") == "[0 1]\n"
