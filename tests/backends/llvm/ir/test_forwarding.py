"""Store-to-load forwarding: which loads are left out, and which must not be."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.backends.llvm.ir.builder import FunctionBuilder, Module
from chainrule.backends.llvm.ir.types import F32


@pytest.fixture
def f() -> FunctionBuilder:
    """A function whose arena is its argument."""
    function = Module().function("main", [("ptr", "arena"), ("ptr", "other")])
    function.forwarding.set_root("%arena")
    return function


def loads(f: FunctionBuilder) -> int:
    """How many loads were written."""
    return sum(" = load " in line for line in f.lines)


def test_what_was_stored_is_not_loaded(f: FunctionBuilder) -> None:
    """The whole vector, and one lane of it, at a known distance."""
    x = f.constant(1.5, F32, 4)
    f.store(x, f.offset("%arena", 16, 4))
    assert f.load(f.offset("%arena", 16, 4), F32, 4) is x
    lane = f.load(f.offset("%arena", 18, 4), F32)
    assert loads(f) == 0 and "extractelement" in f.lines[-1] and lane.lanes == 1


def test_overlapping_stores_are_forgotten(f: FunctionBuilder) -> None:
    """A part that is written again, with other lanes or another dtype."""
    f.store(f.constant(1.5, F32, 4), "%arena")
    f.store(f.constant(2.5, F32), f.offset("%arena", 1, 4))
    f.load("%arena", F32, 4)
    assert loads(f) == 1
    f.load(f.offset("%arena", 1, 4), np.int32)
    assert loads(f) == 2


@pytest.mark.parametrize("end", ["label", "call", "unknown address"])
def test_nothing_is_known_after(f: FunctionBuilder, end: str) -> None:
    """Another block, a call, or a store to an address that may lie anywhere."""
    x = f.constant(1.5, F32)
    f.store(x, "%arena")
    if end == "label":
        f.label("next")
    elif end == "call":
        f.emit("call void @poll()")
    else:
        f.store(x, "%other")
    f.load("%arena", F32)
    assert loads(f) == 1


def test_loop_carried_values(f: FunctionBuilder) -> None:
    """What a dry run reads before, and has in registers at its end."""
    with f.forwarding.dry_run() as live:
        x = f.load("%arena", F32, 4)
        total = x + x
        f.store(total, "%arena")
        f.store(total, f.offset("%arena", 8, 4))  # is not read
    assert live == {0: total}
