"""The scheduling pass: what runs together, on which threads, and where buffers lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from ....config import config
from ....graph.node import Node
from ...threads import get_num_threads
from ..instructions.base import Instruction, Instructions, total_nanoseconds, walk
from ..instructions.for_loop import ForLoop
from ..instructions.host_call import HostCall
from ..instructions.row_tiles import RowTiles
from ..instructions.sharing import smallest_shared
from ..layout.frame import AUTOTUNE_WORDS
from ..layout.view import Arena
from ..plan.plan import Plan
from .lifetimes import Lifetimes, place
from .row_tiling import tile_rows

_LONG = 20_000.0  # nanoseconds for which other Python threads may as well wait


@dataclass(frozen=True)
class Schedule:
    """A plan that is ready to be written down as code.

    Attributes
    ----------
    instructions, n_words, constants, host_calls, bounds_checks
        As in the plan.
    arena : Arena
    parallel : bool
        Whether threads share some instruction.
    long : bool
        Whether other Python threads should run meanwhile.
    threads : int
        For how many threads it was made; 0 if it is the same for any number.
    guarded : bool
        Whether buffers share no memory, so that the bytes after each can be watched.
    """

    instructions: Instructions
    n_words: int
    constants: Mapping[Node, int]
    host_calls: tuple[HostCall, ...]
    bounds_checks: tuple[Node, ...]
    arena: Arena
    parallel: bool
    long: bool
    threads: int
    guarded: bool


def schedule(plan: Plan) -> Schedule:
    """Tile rows, cut work for threads, and place buffers."""
    code = _tiled(plan.instructions, autotuned=False)
    code, n_words = _with_autotuning(code, plan.n_words)
    lifetimes = Lifetimes()
    lifetimes.run(code)
    guarded = config.check >= 2
    return Schedule(
        code, n_words, plan.constants, plan.host_calls, plan.bounds_checks,
        arena=place(lifetimes, overlap=not guarded),
        parallel=any(step.n_tiles > 1 for step in walk(code)),
        long=total_nanoseconds(code) > _LONG,
        threads=get_num_threads() if _depends_on_threads(code) else 0,
        guarded=guarded,
    )  # fmt: skip


def _tiled(code: Sequence[Instruction], autotuned: bool) -> Instructions:
    """Tile a list of instructions, and the bodies in it.

    `autotuned`: an enclosing loop autotunes sharing of small work. Code next to such a loop uses
    the loop's decision.
    """
    autotuned = autotuned or _has_loop(code)
    inner = [
        step.with_bodies([_tiled(body, autotuned) for body in step.bodies()])
        if step.bodies()
        else step
        for step in code
    ]
    return tuple(tile_rows(inner, smallest_shared(autotuned)))


def _has_loop(code: Iterable[Instruction]) -> bool:
    return any(isinstance(step, ForLoop) for step in walk(code))


def _with_autotuning(code: Instructions, n_words: int) -> tuple[Instructions, int]:
    """Give words of the frame to the innermost loops with small work, which they autotune."""
    result: list[Instruction] = []
    for step in code:
        if isinstance(step, RowTiles) or not step.bodies():
            result.append(step)
            continue
        bodies, before = [], n_words
        for body in step.bodies():
            body, n_words = _with_autotuning(body, n_words)
            bodies.append(body)
        step = step.with_bodies(bodies)
        innermost = n_words == before
        if isinstance(step, ForLoop) and innermost and _has_small_work(step):
            step = replace(step, autotune_word=n_words)
            n_words += AUTOTUNE_WORDS
        result.append(step)
    return tuple(result), n_words


def _has_small_work(loop: ForLoop) -> bool:
    return any(step.adaptive for step in walk(loop.body))


def _depends_on_threads(code: Instructions, autotuned: bool = False) -> bool:
    """Whether another number of threads would lead to another schedule."""
    autotuned = autotuned or _has_loop(code)
    divisible = [step for step in code if step.divisible]
    if any(isinstance(step, RowTiles) for step in divisible):
        return True
    if total_nanoseconds(divisible) >= smallest_shared(autotuned):
        return True
    others = [step for step in code if not step.divisible]
    return any(_depends_on_threads(tuple(chain(*s.bodies())), autotuned) for s in others)
