"""The text of small programs after each stage, so that a failure names the stage.

``pytest tests/backends/llvm/test_golden.py --update-golden`` writes the files anew; their diff is
reviewed like code. They are made for one CPU with vectors of four float32, whatever runs the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from golden_programs import GOLDENS
from stages import simplified

from chainrule.backends.llvm.debug.plan_text import plan_text
from chainrule.backends.llvm.debug.steps_text import steps_text
from chainrule.backends.llvm.emit.module import emit
from chainrule.backends.llvm.fuse.fusion import fuse
from chainrule.backends.llvm.plan.plan import plan
from chainrule.backends.llvm.schedule.schedule import schedule
from chainrule.backends.llvm.target import host
from chainrule.config import configured

FOLDER = Path(__file__).parent / "golden"
CPU = host.Host("x86_64-unknown-linux-gnu", "x86-64-v3", "", vector_bytes=16, fma=True)
STAGES = ("graph", "fuse", "schedule", "emit")


@pytest.fixture(autouse=True)
def _cpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(host, "_host", lambda width: CPU)
    yield


def texts(name: str) -> dict[str, str]:
    """What each stage makes of a program."""
    golden = GOLDENS[name]
    with configured(num_threads=golden.threads, check=1, debug=0):
        graph = simplified(golden.f, *golden.arguments)
        fused = fuse(graph)
        scheduled = schedule(plan(fused))
        module = emit(scheduled).text
    values = (str(graph), steps_text(fused), plan_text(scheduled), module)
    return dict(zip(STAGES, values, strict=True))


def sections(path: Path) -> dict[str, str]:
    """The stages in a golden file, each after a line with its name."""
    found: dict[str, str] = {}
    for section in path.read_text(encoding="utf-8").split("## ")[1:]:
        stage, text = section.split("\n", 1)
        found[stage] = text.strip("\n")
    return found


@pytest.mark.parametrize("name", GOLDENS)
def test_each_stage_writes_what_it_wrote(name: str, request: pytest.FixtureRequest) -> None:
    """Graph, steps, schedule and IR; the first stage that differs is named."""
    path, actual = FOLDER / f"{name}.txt", texts(name)
    if request.config.getoption("--update-golden"):
        body = "\n\n".join(f"## {stage}\n{actual[stage].rstrip()}" for stage in STAGES)
        path.write_text(body + "\n", encoding="utf-8")
    expected = sections(path)
    for stage in STAGES:
        assert expected[stage] == actual[stage].strip("\n"), f"{name}: the stage {stage} differs"


def test_each_file_has_a_program() -> None:
    """No file is left of a program that is gone."""
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(GOLDENS)
