"""Schedules: their numbers, on plain and on traced steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import optim
from chainrule.transforms import grad, jit, scan

STEPS = range(12)


def _one_cycle(k: int) -> float:
    """0.4 to 2.0 in 2.5 of 10 steps, from there to 0.02, each by half a cosine."""
    if k < 2.5:
        return 0.4 + 1.6 * (1 - np.cos(np.pi * k / 2.5)) / 2
    return 0.02 + 1.98 * (1 + np.cos(np.pi * (min(k, 10) - 2.5) / 7.5)) / 2


CASES: list[tuple[optim.Schedule, list[float]]] = [
    (optim.constant(0.3), [0.3] * 12),
    (optim.step_decay(0.8, decay_steps=4, decay_rate=0.5), [0.8] * 4 + [0.4] * 4 + [0.2] * 4),
    (
        optim.cosine_decay(2.0, decay_steps=8, end_value=0.5),
        [0.5 + 1.5 * (1 + np.cos(np.pi * min(k, 8) / 8)) / 2 for k in STEPS],
    ),
    (
        optim.polynomial_decay(2.0, decay_steps=8, power=3.0, end_value=0.5),
        [0.5 + 1.5 * (1 - min(k, 8) / 8) ** 3 for k in STEPS],
    ),
    (optim.inverse_scaling(0.6), [0.6 / np.sqrt(k + 1) for k in STEPS]),
    (optim.inverse_scaling(0.6, power=1), [0.6 / (k + 1) for k in STEPS]),
    (
        optim.one_cycle(2.0, 10, pct_start=0.25, start_factor=0.2, end_factor=0.01),
        [_one_cycle(k) for k in STEPS],
    ),
    (optim.warmup(4, 0.2), [0.05, 0.1, 0.15] + [0.2] * 9),
    (
        optim.warmup(3, optim.step_decay(0.9, decay_steps=2, decay_rate=0.1)),
        [0.3, 0.6, 0.9, 0.9, 0.9, 0.09, 0.09, 0.009, 0.009, 0.0009, 0.0009, 0.00009],
    ),
]


@pytest.mark.parametrize(("schedule", "expected"), CASES)
def test_numbers(schedule: optim.Schedule, expected: list[float]) -> None:
    """On Python numbers, int32 scalars, arrays of steps, under jit and in a scan."""
    close = np.testing.assert_allclose
    close([schedule(k) for k in STEPS], expected, rtol=1e-13)
    close([schedule(np.int32(k)) for k in STEPS], expected, rtol=1e-13)
    compiled = jit(lambda k: schedule(k))
    close([compiled(np.int32(k)) for k in STEPS], expected, rtol=1e-13)

    def turn(k: Any, _: Any) -> Any:
        return k + 1, schedule(k)

    last, rates = scan(turn, np.int32(0), None, length=12)
    assert last == 12 and last.dtype == np.int32
    close(rates, expected, rtol=1e-13)


def test_long_runs() -> None:
    """A million steps: the cosine stays at its end, the staircase reaches 0 without an error."""
    assert float(optim.cosine_decay(1.0, 10, end_value=0.01)(np.int32(10**6))) == 0.01
    assert float(optim.step_decay(1.0, 10)(np.int32(10**6))) == 0.0


def test_defaults() -> None:
    """A straight line to 0; half a cosine to 0; tenths; a root."""
    assert [1.0, 0.75, 0.5, 0.25, 0.0, 0.0] == [optim.polynomial_decay(1.0, 4)(k) for k in range(6)]
    found = [float(optim.cosine_decay(1.0, 4)(k)) for k in (0, 2, 4, 6)]
    np.testing.assert_allclose(found, [1.0, 0.5, 0.0, 0.0], atol=1e-16)
    assert [1.0, 1.0, 0.1] == [optim.step_decay(1.0, 2)(k) for k in range(3)]
    assert [1.0, 0.5, 0.25] == [optim.inverse_scaling(1.0)(k) for k in (0, 3, 15)]


def test_one_cycle_of_pytorch() -> None:
    """torch.optim.lr_scheduler.OneCycleLR's defaults: a 25th, 30 % up, a 10 000th of that."""
    schedule = optim.one_cycle(0.5, 1000)
    rates = [float(schedule(k)) for k in range(1001)]
    np.testing.assert_allclose(rates[0], 0.5 / 25, rtol=1e-15)
    np.testing.assert_allclose(rates[1000], 0.5 / 25 / 1e4, rtol=1e-9)
    assert int(np.argmax(rates)) == 300 and rates[300] == 0.5
    assert np.all(np.diff(rates[:301]) > 0) and np.all(np.diff(rates[300:]) < 0)


def test_rates_are_differentiable() -> None:
    """By the largest rate: the schedule of rate 1."""
    for make in (
        lambda rate: optim.one_cycle(rate, 10),
        lambda rate: optim.polynomial_decay(rate, 10, 2.0),
        lambda rate: optim.inverse_scaling(rate),
    ):
        for k in (0, 2, 9):
            slope = grad(lambda rate, k=k, make=make: make(rate)(k))(0.3)
            np.testing.assert_allclose(slope, make(1.0)(k), rtol=1e-13)


def test_errors() -> None:
    """What is no rate, factor or number of steps."""
    with pytest.raises(ValueError, match=r"test_schedules\.py:\d+: value=-0\.1: give 0 or more"):
        optim.constant(-0.1)
    with pytest.raises(ValueError, match="init_value=nan"):
        optim.cosine_decay(float("nan"), 10)
    with pytest.raises(ValueError, match="decay_rate=-1"):
        optim.step_decay(0.1, 10, decay_rate=-1)
    with pytest.raises(ValueError, match="decay_steps=0: give a whole number of 1 or more"):
        optim.step_decay(0.1, 0)
    with pytest.raises(ValueError, match=r"warmup_steps=2\.5: give a whole number"):
        optim.warmup(2.5, 0.1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="schedule='fast': give a number"):
        optim.warmup(3, "fast")
    with pytest.raises(ValueError, match=r"pct_start=1: give a number between 0 and 1"):
        optim.one_cycle(0.1, 10, pct_start=1)
    with pytest.raises(ValueError, match=r"end_factor=-1: give 0 or more"):
        optim.one_cycle(0.1, 10, end_factor=-1)
    with pytest.raises(ValueError, match=r"power=-2: give 0 or more"):
        optim.polynomial_decay(0.1, 10, power=-2)
    with pytest.raises(ValueError, match=r"power=-2: give 0 or more"):
        optim.inverse_scaling(0.1, power=-2)
