"""Callbacks from compiled code: once for each time they are reached, and in order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from callback_programs import FIRST, Machine, State, drawn_program

import chainrule as cr
from chainrule.config import configured

SEEDS = range(60)


def run_plain(program: Any) -> tuple[float, Machine]:
    machine = Machine(plain=True)
    a, b, n = machine.run(program, FIRST)
    return float(np.sum(a) + b + n), machine


def loss_of(program: Any, machine: Machine) -> Any:
    def loss(x: Any) -> Any:
        state: State = (FIRST[0] * x, FIRST[1] * x, FIRST[2])
        a, b, n = machine.run(program, state)
        return np.sum(a) + b + n

    return loss


def transformed(loss: Any) -> dict[str, Any]:
    """The ways to run a function, each as a function of x that gives its value first."""
    return {
        "eager": lambda x: (loss(x),),
        "jit": lambda x: (cr.jit(loss)(x),),
        "grad": cr.value_and_grad(loss),
        "jit of grad": cr.jit(cr.value_and_grad(loss)),
        "grad of jit": cr.value_and_grad(cr.jit(loss)),
        "jvp": lambda x: cr.jvp(loss, (x,), (1.0,)),
        "jit of jvp": cr.jit(lambda x: cr.jvp(loss, (x,), (1.0,))),
        "grad of scan": cr.value_and_grad(
            lambda x: cr.scan(lambda s, _: (s + loss(x), None), 0.0, length=1)[0]
        ),
    }


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
def test_drawn_programs(backend: str) -> None:
    """However a program is run, its calls are those of plain Python, and so are its numbers."""
    for seed in SEEDS:
        program = drawn_program(np.random.default_rng(seed))
        expected, plain = run_plain(program)
        slopes = []
        with configured(backend=backend):
            for way in transformed(None):
                machine = Machine(plain=False)
                value, *slope = transformed(loss_of(program, machine))[way](1.0)
                where = f"seed {seed}, {way}"
                assert machine.log == plain.log, where
                assert sorted(machine.unordered) == sorted(plain.unordered), where
                np.testing.assert_allclose(value, expected, rtol=1e-9, err_msg=where)
                slopes += slope
        np.testing.assert_allclose(slopes, slopes[0], rtol=1e-7, atol=1e-9, err_msg=f"seed {seed}")
