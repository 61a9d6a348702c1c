"""The times of ``CHAINRULE_DEBUG=2``: minima over calls, printed after 1, 2, 4, 8, ... of them."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.backends.base import TimedInstruction
from chainrule.backends.llvm.debug.timing_report import TimingReport
from chainrule.config import configured


def test_the_least_of_each_instruction(capsys: pytest.CaptureFixture[str]) -> None:
    report = TimingReport([TimedInstruction("product", ()), TimedInstruction("sum", ())])
    assert report.times() == []
    for ticks, seconds in (((900, 100), 2e-6), ((300, 200), 1e-6), ((400, 50), 3e-6)):
        counters = np.array([7, ticks[0], 1, ticks[1]])
        with configured(debug=2):
            report.add(counters, seconds)
        assert not counters.any()
    product, total = report.times()  # the least ticks, by the clock of the fastest call
    assert (product.instruction.summary, product.runs, total.runs) == ("product", 7, 1)
    np.testing.assert_allclose([0.6e-6, 0.1e-6], [product.seconds, total.seconds])
    first, second = capsys.readouterr().err.split("chainrule: ")[1:]
    assert first.splitlines() == ["1 call, 2.0 us",
                                  "   90.0 %        1.8 us        7 x  product",
                                  "   10.0 %        0.2 us        1 x  sum"]  # fmt: skip
    assert second.splitlines() == ["the fastest of 2 calls, 1.0 us",
                                   "   75.0 %        0.6 us        7 x  product",
                                   "   25.0 %        0.2 us        1 x  sum"]  # fmt: skip


def test_calls_of_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    with configured(debug=2, num_threads=1):
        f = cr.jit(lambda x: np.cumsum(x) @ x)
        for _ in range(5):
            f(np.ones(3))
    printed = capsys.readouterr().err
    assert [line for line in printed.splitlines() if "call" in line and "tracing" not in line] == [
        line for line in printed.splitlines()
        if line.startswith(("chainrule: 1 call,", "chainrule: the fastest of 2 calls,",
                            "chainrule: the fastest of 4 calls,"))
    ]  # fmt: skip
    assert printed.count("cumsum") >= 3
