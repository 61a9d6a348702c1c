"""Instructions and buffers of plans: what is copied, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from stages import simplified

import chainrule as cr
from chainrule.backends.llvm.fuse.fusion import fuse
from chainrule.backends.llvm.instructions.base import walk
from chainrule.backends.llvm.instructions.elementwise import Elementwise
from chainrule.backends.llvm.instructions.for_loop import ForLoop
from chainrule.backends.llvm.instructions.host_call import HostCall
from chainrule.backends.llvm.instructions.matmul import Matmul
from chainrule.backends.llvm.instructions.reduce import Reduce
from chainrule.backends.llvm.layout.frame import FIRST_ARGUMENT
from chainrule.backends.llvm.plan.plan import Plan, plan

X = np.ones((64, 48), np.float32)


def planned(f: Callable[..., Any], *arguments: Any) -> Plan:
    return plan(fuse(simplified(f, *arguments)))


def test_results_are_written_where_they_are_returned() -> None:
    """Words for the input and the result, and no copy."""
    made = planned(lambda x: x + 1, X)
    (step,) = made.instructions
    assert isinstance(step, Elementwise)
    assert [view.buffer.word for view in step.results()] == [FIRST_ARGUMENT + 1]
    assert made.n_words == FIRST_ARGUMENT + 2


def body(f: Callable[..., Any], *start: Any) -> tuple[Any, ...]:
    """The body of a loop over a state."""
    made = planned(lambda *s: cr.fori_loop(0, 5, lambda _, s: f(*s), s), *start)
    (loop,) = [step for step in made.instructions if isinstance(step, ForLoop)]
    assert loop.trip_count == 5
    return loop.body


def test_a_carry_is_updated_in_place() -> None:
    """If nothing reads its old value after the new one is written."""
    assert len(body(lambda a: (a * 2,), X)) == 1


def test_a_carry_that_is_read_later_is_copied() -> None:
    """Two carries that change places; one that is read at other positions."""
    assert len(body(lambda a, b: (b, a), X, X)) > 2
    assert len(body(lambda a: (np.flip(a, 0) * 2,), X)) == 2


def test_large_sums_are_made_by_rows_first() -> None:
    """Over both axes: rows, then the sum of rows. A small one at once."""
    sums = [step for step in planned(np.sum, X).instructions if isinstance(step, Reduce)]
    assert [(step.domain, step.axes) for step in sums] == [((64, 48), (1,)), ((64,), (0,))]
    assert len(planned(np.sum, X[:8]).instructions) == 1


def test_products_with_one_matrix_are_one_product() -> None:
    """Leading axes become rows; with a batch of matrices they stay."""
    batch = np.ones((5, 7, 48), np.float32)
    for right, shape in (
        (np.ones((48, 3), np.float32), (35, 3)),
        (batch.swapaxes(1, 2), (5, 7, 7)),
    ):
        (step,) = planned(lambda a, b: a @ b, batch, right).instructions
        assert isinstance(step, Matmul) and step.view.shape == shape


def test_what_has_no_native_code_is_called() -> None:
    """NumPy computes float16, by its number among the calls."""
    made = planned(lambda x: np.exp(x * x), np.ones(3, np.float16))
    calls = [step for step in walk(made.instructions) if isinstance(step, HostCall)]
    assert [call.number for call in calls] == [0, 1] and list(made.host_calls) == calls


def test_lookups_are_numbered_for_errors() -> None:
    """Each node that checks its indices, once."""
    made = planned(lambda x, i: x[i] + x[:, i].T, np.ones((4, 4)), np.zeros(4, np.int64))
    assert [node.primitive.name for node in made.bounds_checks] == ["gather", "gather"]
