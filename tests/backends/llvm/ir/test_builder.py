"""Text of functions: index arithmetic, loops, conversions."""

from __future__ import annotations

import numpy as np

from chainrule.backends.llvm.ir.builder import FunctionBuilder, Module
from chainrule.backends.llvm.ir.types import F32, F64, I64
from chainrule.backends.llvm.target.assembler import assemble
from chainrule.backends.llvm.target.host import host


def function() -> FunctionBuilder:
    return Module().function("f", [("ptr", "p"), ("i64", "n")])


def test_known_indices_are_folded() -> None:
    """No instruction for what is known while compiling."""
    f = function()
    assert (f.plus(2, 3), f.times(2, 3), f.plus("%n", 0), f.times("%n", 1), f.times(0, "%n")) == (
        5, 6, "%n", "%n", 0,
    )  # fmt: skip
    assert f.offset("%p", 0, 8) == "%p"
    assert f.lines == ["entry:"]


def test_a_loop_carries_values() -> None:
    """Phi nodes at its beginning; a loop that may not run has them after its end, too."""
    f = function()
    with f.loop(0, "%n", 4, carried=[f.constant(0.0, F32, 4)]) as loop:
        x = f.load(f.offset("%p", loop.index, 4), F32, 4)
        loop.carry(loop.values[0] + x)
    f.store(loop.values[0], "%p")
    f.emit("ret void")
    assert sum("phi <4 x float>" in line for line in f.lines) == 2
    assert assemble(f.module.text(host().triple))
    g = function()
    with g.loop(0, 8, carried=[g.constant(0, I64)]) as loop:
        loop.carry(loop.values[0] + 1)
    assert sum("phi i64" in line for line in g.lines) == 2  # the index, and the sum


def test_constants_are_converted_while_compiling() -> None:
    """As NumPy converts them; others by an instruction."""
    f = function()
    assert f.convert(f.constant(2.75, F64), np.int32).name == "2"
    assert f.convert(f.constant(-1, I64), np.uint8).name == "255"
    assert f.lines == ["entry:"]
    assert "fptrunc" in f.lines[-1] if f.convert(f.load("%p", F64), F32) else False
