"""Loops that run while a condition holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import ClassVar

from ..codegen.emitter import Emitter
from ..layout.view import Buffer, View
from .base import Instruction, Instructions, Liveness
from .cond import load_truth


@dataclass(frozen=True, eq=False)
class WhileLoop(Instruction):
    """Computes a condition before each iteration and ends when it does not hold.

    Attributes
    ----------
    condition_code : tuple of Instruction
        Computes the condition.
    condition : View
    body : tuple of Instruction
    """

    timed: ClassVar[bool] = False

    condition_code: Instructions
    condition: View
    body: Instructions

    def buffers(self) -> Iterator[Buffer]:
        yield self.condition.buffer
        for instruction in (*self.condition_code, *self.body):
            yield from instruction.buffers()

    def record_liveness(self, liveness: Liveness) -> None:
        with liveness.loop():
            liveness.run(self.condition_code)
            liveness.use([self.condition.buffer])
            liveness.run(self.body)

    def bodies(self) -> tuple[Instructions, ...]:
        return self.condition_code, self.body

    def with_bodies(self, bodies: Sequence[Instructions]) -> Instruction:
        condition_code, body = bodies
        return replace(self, condition_code=condition_code, body=body)

    def nanoseconds(self) -> float:
        return inf

    def summary(self) -> str:
        return "while"

    def headings(self) -> Sequence[str]:
        return ["while:", "do:"]

    def emit(self, emitter: Emitter) -> None:
        f = emitter.f
        check, body, end = f.fresh("ask"), f.fresh("body"), f.fresh("end")
        f.jump(check)
        f.label(check)
        emitter.poll()
        emitter.run(self.condition_code)
        f.branch(load_truth(emitter, self.condition), body, end)
        f.label(body)
        emitter.run(self.body)
        f.jump(check)
        f.label(end)
