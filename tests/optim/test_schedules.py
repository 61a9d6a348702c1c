"""Schedules: their numbers, on plain and on traced steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import optim
from chainrule.transforms import jit, scan

STEPS = range(12)
CASES: list[tuple[optim.Schedule, list[float]]] = [
    (optim.constant(0.3), [0.3] * 12),
    (optim.step_decay(0.8, every=4, factor=0.5), [0.8] * 4 + [0.4] * 4 + [0.2] * 4),
    (
        optim.cosine_decay(2.0, steps=8, final=0.5),
        [0.5 + 1.5 * (1 + np.cos(np.pi * min(k, 8) / 8)) / 2 for k in STEPS],
    ),
    (optim.warmup(4, 0.2), [0.05, 0.1, 0.15] + [0.2] * 9),
    (
        optim.warmup(3, optim.step_decay(0.9, every=2, factor=0.1)),
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
    assert float(optim.cosine_decay(1.0, 10, final=0.01)(np.int32(10**6))) == 0.01
    assert float(optim.step_decay(1.0, 10)(np.int32(10**6))) == 0.0


def test_errors() -> None:
    """What is no rate, factor or number of steps."""
    with pytest.raises(ValueError, match=r"test_schedules\.py:\d+: rate=-0\.1: give 0 or more"):
        optim.constant(-0.1)
    with pytest.raises(ValueError, match="rate=nan"):
        optim.cosine_decay(float("nan"), 10)
    with pytest.raises(ValueError, match="factor=-1"):
        optim.step_decay(0.1, 10, factor=-1)
    with pytest.raises(ValueError, match="every=0: give a whole number of 1 or more"):
        optim.step_decay(0.1, 0)
    with pytest.raises(ValueError, match=r"steps=2\.5: give a whole number"):
        optim.warmup(2.5, 0.1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="rate='fast': give a number"):
        optim.warmup(3, "fast")
