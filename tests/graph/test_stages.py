"""The seconds of stages: each without the stages inside of it, printed by CHAINRULE_DEBUG=1."""

from __future__ import annotations

import re
from time import perf_counter

import numpy as np
import pytest

import chainrule as cr
from chainrule.config import configured
from chainrule.graph.stages import collect_stages, stage, take_stages


def wait(seconds: float) -> None:
    end = perf_counter() + seconds
    while perf_counter() < end:
        pass


def test_inner_stages_are_not_counted_twice() -> None:
    """The outer one has what is left; both end also where an error passes."""
    with collect_stages() as seconds:
        start = perf_counter()
        with stage("outer"):
            wait(0.001)
            with pytest.raises(ZeroDivisionError), stage("inner"):
                wait(0.002)
                raise ZeroDivisionError
            with stage("inner"):
                wait(0.002)
        whole = perf_counter() - start
    assert list(seconds) == ["inner", "outer"]
    assert seconds["inner"] >= 0.004 and seconds["outer"] >= 0.001
    assert sum(seconds.values()) <= whole


def test_nothing_is_counted_unless_it_is_asked_for() -> None:
    """Neither what is outside of a block, nor for a later one."""
    with configured(debug=0):
        take_stages()
        with stage("unseen"):
            wait(0.001)
        assert take_stages() == ""
        with collect_stages() as seconds:
            pass
        assert seconds == {}


def test_a_compilation_tells_its_stages(capfd: pytest.CaptureFixture[str]) -> None:
    """One line for each, in milliseconds, in their order."""
    with configured(debug=1, cache=0, backend="llvm"):
        cr.jit(cr.grad(lambda x: np.sum(np.sin(x) * x)))(np.ones(5))
    (line,) = re.findall("chainrule: milliseconds: (.*)", capfd.readouterr().err)
    names = [re.fullmatch(r"([a-z_ ]+) [0-9]+\.[0-9]", part) for part in line.split(", ")]
    assert all(names)
    stages = [match[1] for match in names if match]
    assert stages.index("emit") < stages.index("assemble")
