"""Modules of IR: what surrounds the instructions."""

from __future__ import annotations

from typing import Any

import numpy as np
from stages import scheduled

import chainrule as cr
from chainrule.backends.llvm.emit.module import emit
from chainrule.config import configured

X = np.ones((300, 40))


def loop(x: Any) -> Any:
    return cr.fori_loop(0, 9, lambda _, x: np.tanh(x) * 0.5, x)


def test_an_iteration_is_outlined_if_that_is_asked_for() -> None:
    """A function, whose address stands in a word behind all others."""
    with configured(num_threads=1):
        schedule = scheduled(loop, X)
    plain, outlined = emit(schedule), emit(schedule, outlined=True)
    assert plain.iteration_words == () and plain.n_words == schedule.n_words
    assert outlined.iteration_words == (schedule.n_words,)
    assert outlined.n_words == schedule.n_words + 1
    assert "@iteration0(" not in plain.text and "define  void @iteration0(" in outlined.text


def test_emission_leaves_the_schedule_as_it_was() -> None:
    """The same text twice."""
    with configured(num_threads=2):
        schedule = scheduled(loop, X)
        assert emit(schedule, outlined=True) == emit(schedule, outlined=True)


def test_timed_instructions_are_named() -> None:
    """One name for each instruction that is no loop."""
    with configured(num_threads=1, debug=2):
        timed = emit(scheduled(loop, X)).timed
    assert [x.summary.split()[0] for x in timed] == ["elementwise", "elementwise"]
    for instruction in timed:
        np.testing.assert_allclose(1.0, sum(share for _, share in instruction.nodes))
    with configured(num_threads=1, debug=0):
        assert emit(scheduled(loop, X)).timed == ()
