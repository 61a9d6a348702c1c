"""The native order of rows against NumPy's stable argsort."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.backends import BACKENDS
from chainrule.simplify import simplify

DTYPES = ["f8", "f4", "i8", "i4", "u8", "u4", "u1", "?"]


@pytest.mark.parametrize("n", [0, 1, 2, 5, 47, 48, 49, 300, 5000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_same_order_as_numpy(dtype: str, n: int) -> None:
    """Ties keep their order, nan comes last, -0 ties with 0; both sides of the change of method."""
    rng = np.random.default_rng(n)
    if dtype[0] == "u":
        x = rng.integers(0, 2**60 if dtype == "u8" else 200, (3, n)).astype(dtype)
    else:
        x = (rng.normal(size=(3, n)) * 4).astype(dtype)
    if dtype[0] == "f" and n > 4:
        x[:, ::5], x[:, 1::7], x[:, 2::7] = np.nan, -0.0, 0.0
        x[0, 3], x[1, 4] = -np.inf, np.inf
    if dtype in ("i8", "i4") and n > 4:
        x[0, 2], x[1, 3] = np.iinfo(dtype).min, np.iinfo(dtype).max
    f = cr.jit(lambda x: np.argsort(x, axis=1, kind="stable"))
    np.testing.assert_array_equal(f(x), np.argsort(x, axis=1, kind="stable"))


def test_a_shuffle_is_native() -> None:
    """A permutation needs nothing of NumPy."""
    graph = cr.make_graph(lambda key: cr.random.permutation(key, 100))(cr.random.key(0))
    program = BACKENDS["llvm"].compile(simplify(graph))
    assert not program.executable.numpy_calls
    np.testing.assert_array_equal(
        program([cr.random.key(5)])[0], cr.random.permutation(cr.random.key(5), 100)
    )
