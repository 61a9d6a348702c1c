"""One of two lists of instructions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ..codegen.emitter import Emitter
from ..layout.view import Buffer, View
from .base import Instruction, Instructions, Liveness, total_nanoseconds


@dataclass(frozen=True, eq=False)
class If(Instruction):
    """Runs `then` if a stored truth value holds, else `otherwise`."""

    timed: ClassVar[bool] = False

    condition: View
    then: Instructions
    otherwise: Instructions

    def buffers(self) -> Iterator[Buffer]:
        yield self.condition.buffer
        for instruction in (*self.then, *self.otherwise):
            yield from instruction.buffers()

    def record_liveness(self, liveness: Liveness) -> None:
        liveness.use([self.condition.buffer])
        liveness.run(self.then)
        liveness.run(self.otherwise)

    def bodies(self) -> tuple[Instructions, ...]:
        return self.then, self.otherwise

    def with_bodies(self, bodies: Sequence[Instructions]) -> Instruction:
        then, otherwise = bodies
        return replace(self, then=then, otherwise=otherwise)

    def nanoseconds(self) -> float:
        return max(total_nanoseconds(self.then), total_nanoseconds(self.otherwise))

    def summary(self) -> str:
        return "if"

    def headings(self) -> Sequence[str]:
        return ["if:", "else:"]

    def emit(self, emitter: Emitter) -> None:
        f = emitter.f
        then, otherwise, end = f.fresh("yes"), f.fresh("no"), f.fresh("end")
        f.branch(load_truth(emitter, self.condition), then, otherwise)
        f.label(then)
        emitter.run(self.then)
        f.jump(end)
        f.label(otherwise)
        emitter.run(self.otherwise)
        f.jump(end)
        f.label(end)


def load_truth(emitter: Emitter, view: View) -> str:
    """Return the name of an i1: a truth value, which is a byte in memory."""
    byte = emitter.f.name(f"load i8, ptr {emitter.addresses.of_view(view)}, align 1")
    return emitter.f.name(f"icmp ne i8 {byte}, 0")
