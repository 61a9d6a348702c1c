"""Random programs with loops, which must give the same bits as unrolled."""

from __future__ import annotations

import numpy as np
import pytest
from loop_programs import LoopProgram, compiled, found, unrolled

import chainrule as cr
from chainrule.graph.evaluate import evaluate


def smooth(program):
    return lambda *args: program(*args)[0]


@pytest.mark.parametrize("seed", range(30))
def test_random_programs_have_the_same_bits(seed):
    program = LoopProgram(seed)
    found(program, *program.arguments())


@pytest.mark.parametrize("seed", [*range(40, 46), 23, 47])
def test_unrolled_gradients_have_the_same_bits(seed):
    """A gradient that was unrolled is a program with loops like any other."""
    program = LoopProgram(seed)
    found(cr.grad(smooth(program), (0, 1, 2)), *program.arguments())


@pytest.mark.parametrize("seed", range(50, 58))
def test_gradients_of_loops_are_those_of_unrolled_programs(seed):
    program = LoopProgram(seed)
    args = program.arguments()
    gradient = cr.grad(smooth(program), (0, 1, 2))
    expected = evaluate(unrolled(gradient, *args), args)
    with cr.configured(check=1):
        actual = evaluate(cr.make_graph(gradient)(*args), args)
    for x, y in zip(expected, actual, strict=True):
        np.testing.assert_allclose(y, x, rtol=1e-10, atol=1e-12)


def assert_native_alike(seed):
    program = LoopProgram(seed)
    args = program.arguments()
    both = cr.value_and_grad(smooth(program), (0, 1, 2))
    for x, y in zip(compiled(program, args, reroll=0), compiled(program, args), strict=True):
        np.testing.assert_array_equal(y, x)
    value, gradients = compiled(both, args, reroll=0)
    loop_value, loop_gradients = compiled(both, args)
    assert value == loop_value
    for x, y in zip(gradients, loop_gradients, strict=True):
        np.testing.assert_allclose(y, x, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(70, 74))
def test_native_code_alike(seed):
    assert_native_alike(seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 1050, 25))
def test_more_random_programs_have_the_same_bits(start):
    for seed in range(start, start + 25):
        program = LoopProgram(seed)
        found(program, *program.arguments())
