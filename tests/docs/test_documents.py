"""Every document's code runs and prints what the document says."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from blocks import DocumentError, blocks, outputs, run
from unoptimised import unoptimised

from chainrule.config import configured

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("bench/*.md"),
        *ROOT.glob("examples/*.md"),
    ]
)
# They train for longer than optimised code takes to be made
TRAINING = {"README", "anomaly-detection", "estimators", "forecasting", "images",
            "reinforcement-learning", "tabular-q-learning"}  # fmt: skip
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("path", DOCUMENTS, ids=[path.stem for path in DOCUMENTS])
def test_code_prints_what_the_document_says(path: Path) -> None:
    """Every block that prints is followed by exactly what it prints."""
    with configured(check=0), nullcontext() if path.stem in TRAINING else unoptimised():
        found = outputs(path.read_text(encoding="utf-8"), {"__name__": "example"})
    differences = [output.difference() for output in found if not output.agrees]
    assert not differences, "\n".join(differences)


@pytest.mark.parametrize("path", DOCUMENTS, ids=[path.stem for path in DOCUMENTS])
def test_links_lead_somewhere(path: Path) -> None:
    """Relative links name files of the project."""
    text = re.sub("`[^`\n]+`", "", path.read_text(encoding="utf-8"))  # `f(x)[0](y)` is no link
    for target in LINK.findall(text):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (path.parent / target).exists(), target


def test_readme_shows_the_two_commands_first() -> None:
    """Its first console block is what .ci/run runs."""
    first = next(b for b in blocks((ROOT / "README.md").read_text()) if b.language == "console")
    commands = [line[2:] for line in first.text.splitlines() if line.startswith("$ ")]
    assert commands == [
        "pip install . && chainrule train digits",
        "pip install '.[test]' && pytest",
    ]


def shown(code: str, text: str, mark: str = "") -> str:
    """A document of one block of code and its output."""
    return f"```python\n{code}```\n{mark}```text\n{text}```\n"


def test_blocks_share_one_namespace() -> None:
    """A later block sees the names of an earlier one; output is compared as text."""
    document = "```python\na = 2\n```\n\n" + shown("print(a)\n", "3\n")
    (output,) = outputs(document, {})
    assert ("3\n", "2\n") == (output.shown.text, output.printed)
    assert not output.agrees and "-3\n+2\n" in output.difference()
    assert run("print(np.arange(2))", {"np": np}, "x.py") == "[0 1]\n"


@pytest.mark.parametrize(
    ("text", "rtol", "agrees"),
    [
        ("loss 0.25 after 10\n", 0.0, True),
        ("loss 0.250 after 10\n", 0.0, False),
        ("loss 0.26 after 10\n", 0.0, False),
        ("loss 0.26 after 10\n", 0.05, True),
        ("loss 0.27 after 10\n", 0.05, False),
        ("loss 0.25 after 12\n", 0.05, False),
        ("cost 0.25 after 10\n", 0.05, False),
        ("loss 0.25 after 10\n3\n", 0.05, False),
        ("Loss 0.25 after 10\n", 0.0, False),
    ],
)
def test_only_numbers_below_a_mark_may_differ(text: str, rtol: float, agrees: bool) -> None:
    """A tolerance counts for the numbers of the one block below it, not for the text."""
    mark = f"<!-- rtol: {rtol} -->\n" if rtol else ""
    document = shown("print('loss 0.25 after 10')\n", text, mark)
    document += shown("print(1.0)\n", "1.01\n")
    first, second = outputs(document, {})
    assert (first.agrees, first.rtol, second.agrees) == (agrees, rtol, False)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("```python\nprint(1)\n```\n", "line 2: it prints, unshown"),
        ("```python\nprint(1)\n```\n```console\n$ ls\n```\n```text\n1\n```\n", "it prints"),
        (shown("a = 1\n", "1\n"), "line 5: the code above prints nothing"),
        ("```text\n1\n```\n", "line 2: this output is compared with nothing"),
        (shown("print(1)\n", "1\n") + "```text\n2\n```\n", "compared with nothing"),
    ],
)
def test_output_that_nothing_compares_is_an_error(document: str, problem: str) -> None:
    """Printed and not shown, shown and not printed."""
    with pytest.raises(DocumentError, match=problem):
        outputs(document, {})


def test_commands_and_marked_blocks_need_no_code() -> None:
    """What a command prints is tested elsewhere; other blocks give their reason."""
    document = "```text\n$ ls\na\n```\n<!-- not compared: a sketch -->\n```text\na -> b\n```\n"
    assert outputs(document, {}) == []
