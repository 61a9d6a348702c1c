"""Tiles of long rows: one row goes through all instructions before the next one does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from stages import scheduled

from chainrule import jit, nn, value_and_grad
from chainrule.backends.llvm.instructions.base import walk
from chainrule.backends.llvm.instructions.row_tiles import RowTiles
from chainrule.backends.llvm.target.host import host
from chainrule.config import configured

RNG = np.random.default_rng(0)


def normalised(x: Any, w: Any) -> Any:
    """Reductions of rows between loops over them, and numbers of a row by themselves."""
    y = nn.softmax(x) * w
    centred = y - np.mean(y, axis=-1, keepdims=True)
    return centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + 1e-5), np.max(y, -1)


def of_columns(x: Any, w: Any) -> Any:
    """Reductions of the columns of a row that is a matrix, read along its other axis as well."""
    x = x.reshape(len(x), -1, 33)
    mean = np.mean(np.tanh(x), axis=1, keepdims=True)
    z = (x - mean) * x[:, ::-1] + np.sum(x, axis=2, keepdims=True)
    return z, np.sum(z * z, axis=(1, 2)), np.prod(np.cos(z[:, :5]), axis=1), z.transpose(0, 2, 1)


def slope(x: Any, w: Any) -> Any:
    """Also a product, which has rows of its own."""
    loss = lambda x, w: np.sum(np.sin(nn.log_softmax(x * w) @ np.full((1023, 3), 1e-3, np.float32)))  # noqa: E731
    return value_and_grad(loss)(x, w)


@pytest.mark.parametrize(
    ("width", "program"), [(0, normalised), (0, of_columns), (0, slope), (4, of_columns)]
)
def test_single_rows_are_what_numpy_computes(width: int, program: Any) -> None:
    """For rows that are no whole number of vectors, on one thread and two, bit for bit."""
    if 4 * width > host().vector_bytes:
        pytest.skip("this CPU has no such vectors")
    x, w = RNG.normal(size=(330, 1023)).astype(np.float32), RNG.normal(size=1023).astype(np.float32)
    expected = np.concatenate([np.ravel(y) for y in flat(program(x.astype(float), w))])
    results = []
    for threads in (1, 2):
        with configured(vector=width, num_threads=threads):
            results.append([np.asarray(y) for y in flat(jit(program)(x, w))])
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
    actual = np.concatenate([np.ravel(y) for y in results[0]])
    np.testing.assert_allclose(expected, actual, rtol=2e-4, atol=2e-4)


def flat(results: Any) -> list[Any]:
    return [y for x in results for y in (flat(x) if isinstance(x, tuple) else [x])]


def test_which_steps_run_row_by_row() -> None:
    """Steps whose code may be written for a single row say how long it is; products do not."""
    x = np.zeros((512, 1000), np.float32)
    with configured(num_threads=2):
        code = walk(
            scheduled(lambda x: nn.softmax(x) @ np.ones((1000, 40), np.float32), x).instructions
        )
        tiles = [step for step in code if isinstance(step, RowTiles)]
    lengths = [step.numbers_per_row() for step in tiles[0].steps]
    assert lengths[:3] == [1000, 1000, 1000]
    assert 0 in lengths
