"""Forms of functions under vmap: what a loop gives, or a refusal; never another number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from forms import Form
from registry import all_forms

import chainrule as cr
from chainrule.errors import ChainruleError

EACH = 25  # of so many forms one is taken
SEEDS = (0, 1, 2)

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def mapped(form: Form) -> tuple[Callable[..., Any], list[list[Any]]] | None:
    """A function of the floating arguments of a form, and a row of them for each example."""
    rows = [form.draw(seed) for seed in SEEDS]
    moving = [k for k, x in enumerate(rows[0]) if _is_float(x)]
    shapes = {tuple(np.shape(row[k]) for k in moving) for row in rows}
    if not moving or len(shapes) > 1:
        return None

    def call(*xs: Any) -> Any:
        arguments = list(rows[0])
        for k, x in zip(moving, xs, strict=True):
            arguments[k] = x
        return form.call(*arguments)

    return call, [[row[k] for k in moving] for row in rows]


def _is_float(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic, float)) and np.asarray(x).dtype.kind in "fc"


def leaves(x: Any) -> list[Any]:
    return [np.asarray(y) for y in cr.tree.leaves(x)]


def agrees(function: Callable[..., Any], rows: list[list[Any]], rtol: float) -> bool:
    """Whether a batch is what a loop gives; False where either is refused."""
    columns = [np.stack(column) for column in zip(*rows, strict=True)]
    try:
        loop = [leaves(function(*row)) for row in rows]
        results = leaves(cr.vmap(function)(*columns))
    except ChainruleError:
        return False
    if any(y.dtype.kind not in "fciub" for y in loop[0]):
        return False
    expected = [np.stack(ys) for ys in zip(*loop, strict=True)]
    for y, z in zip(expected, results, strict=True):
        assert y.shape == z.shape
        scale = float(np.max(np.abs(y[np.isfinite(y)]), initial=1.0))
        np.testing.assert_allclose(z, y, rtol=rtol, atol=rtol * scale)
    return True


def total(function: Callable[..., Any]) -> Callable[..., Any]:
    """The sum of all floating results, to be differentiated."""

    def loss(*xs: Any) -> Any:
        parts = [np.sum(np.real(y)) for y in cr.tree.leaves(function(*xs))
                 if getattr(y, "dtype", np.dtype(type(y))).kind in "fc"]  # fmt: skip
        return sum(parts)

    return loss


@pytest.mark.parametrize("first", range(0, EACH, 5))
def test_values_and_gradients(first: int) -> None:
    """Three examples with numbers of their own; most forms are mapped, and so are gradients."""
    values = gradients = count = 0
    for form in all_forms()[first :: 5 * EACH]:
        case = mapped(form)
        if case is None:
            continue
        function, rows = case
        count += 1
        try:
            values += agrees(function, rows, 1e-8)
            by_all = cr.grad(total(function), tuple(range(len(rows[0]))))
            gradients += agrees(by_all, rows, 1e-6)
        except AssertionError as error:
            error.add_note(form.key)
            raise
    assert values >= 0.8 * count > 0
    assert gradients >= 0.6 * count
