"""From a schedule and its module to what running the code must know."""

from __future__ import annotations

from collections.abc import Collection

from ..emit.module import ModuleText
from ..runtime import is_symbol
from ..schedule.lifetimes import padded_size
from ..schedule.schedule import Schedule
from .executable import ArrayLocation, Executable, NumpyCall


def link(schedule: Schedule, module: ModuleText, library: Collection[str]) -> Executable:
    """Return how to run a module of a schedule. `library` are the names that it may call."""
    arena = schedule.arena
    calls = [
        NumpyCall(
            call.node,
            tuple(ArrayLocation.of(view, arena) for view in call.inputs),
            tuple(ArrayLocation.of(view, arena) for view in call.outputs),
            call.rare,
        )
        for call in schedule.host_calls
    ]
    after = [
        (offset + buffer.nbytes, offset + padded_size(buffer))
        for buffer, offset in arena.offsets.items()
    ]
    return Executable(
        module.n_words, arena.nbytes, tuple(schedule.constants.items()), tuple(calls),
        schedule.bounds_checks, _symbols(module.declared, library),
        schedule.parallel, schedule.long, schedule.threads, module.iteration_words, module.timed,
        tuple(after) if schedule.guarded else (),
    )  # fmt: skip


def _symbols(declared: Collection[str], library: Collection[str]) -> tuple[str, ...]:
    """Return what code calls of the library and of ufuncs."""
    return (
        *[name for name in library if name in declared],
        *sorted(filter(is_symbol, declared)),
    )
