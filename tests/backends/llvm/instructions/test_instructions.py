"""What every kind of instruction answers: all of it agrees with itself."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import pytest
from golden_programs import GOLDENS
from stages import scheduled

from chainrule.backends.llvm.instructions.base import Instruction, walk
from chainrule.config import configured


def instructions() -> Iterator[Instruction]:
    """Those of all small programs."""
    for golden in GOLDENS.values():
        with configured(num_threads=golden.threads):
            yield from walk(scheduled(golden.f, *golden.arguments).instructions)


@pytest.fixture(scope="module")
def every() -> list[Instruction]:
    return list(instructions())


def test_accesses_are_of_buffers(every: list[Instruction]) -> None:
    """All that is written or read is among the buffers that must be alive."""
    for step in every:
        if not step.bodies():
            assert {access.buffer for access in step.accesses()} <= {*step.buffers()}
            written = {access.buffer for access in step.accesses() if access.writes}
            assert {view.buffer for view in step.results()} <= written


def test_each_has_a_cost_and_a_text(every: list[Instruction]) -> None:
    """One line each; control flow has a heading for each body."""
    for step in every:
        assert step.nanoseconds() > 0.0
        assert step.summary() and "\n" not in step.summary()
        assert len(step.headings()) == len(step.bodies())


def test_bodies_can_be_exchanged(every: list[Instruction]) -> None:
    """`with_bodies` keeps all else."""
    for step in every:
        if step.bodies():
            emptied = step.with_bodies([() for _ in step.bodies()])
            assert type(emptied) is type(step) and not any(emptied.bodies())
            assert emptied.with_bodies(step.bodies()).bodies() == step.bodies()


def test_independent_rows_divide_the_results(every: list[Instruction]) -> None:
    """Each row has its own part of what is written."""
    for step in every:
        if rows := step.independent_rows():
            assert all(prod(view.shape) % rows == 0 for view in step.results())
