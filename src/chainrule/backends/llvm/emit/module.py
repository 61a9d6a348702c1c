"""The emission pass: a schedule to one module of IR, whose `main` takes a frame."""

from __future__ import annotations

from dataclasses import dataclass

from ....graph.stages import times_instructions
from ...base import TimedInstruction
from ..codegen.emitter import Context, Emitter, OutlinedIterations
from ..codegen.timing import Timing
from ..ir import builder
from ..layout.frame import STATUS
from ..schedule.schedule import Schedule
from ..target.host import host


@dataclass(frozen=True)
class ModuleText:
    """A module of IR, and what running it must know.

    Attributes
    ----------
    text : str
    declared : frozenset of str
        Names that it may refer to outside.
    n_words : int
        Words of the frame, without those of timed instructions.
    iteration_words : tuple of int
        Words that hold the addresses of the functions iteration0, iteration1, ...
    timed : tuple of TimedInstruction
        Instructions whose time is measured, in two words each after `n_words`.
    """

    text: str
    declared: frozenset[str]
    n_words: int
    iteration_words: tuple[int, ...]
    timed: tuple[TimedInstruction, ...]


def emit(schedule: Schedule, outlined: bool = False) -> ModuleText:
    """Write a schedule as IR.

    With `outlined`, an iteration of a loop that takes a while is a function of its own, whose
    address stands in a word of the frame, so that another thread can replace it.
    """
    module = builder.Module()
    f = module.function("main", [("ptr", "frame")], "i32")
    checks = {node: k for k, node in enumerate(schedule.bounds_checks, 1)}
    iterations = OutlinedIterations(schedule.n_words)
    emitter = Emitter(f, Context(schedule.arena, checks), iterations if outlined else None)
    if times_instructions():
        emitter.timing = Timing(emitter.addresses, schedule.n_words)
    status = emitter.addresses.word(STATUS)
    f.emit(f"store i64 0, ptr {status}, align 8")
    emitter.run(schedule.instructions)
    f.jump("exit")
    f.label("exit")
    number = f.name(f"load i64, ptr {status}, align 8")
    f.emit(f"ret i32 {f.name(f'trunc i64 {number} to i32')}")
    return ModuleText(
        module.text(host().triple),
        frozenset([*module.declarations, *(() if host().fma else ("fma", "fmaf"))]),
        schedule.n_words + iterations.count,
        iterations.words,
        tuple(emitter.timing.instructions) if emitter.timing is not None else (),
    )
