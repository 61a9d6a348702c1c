"""Each primitive in ONNX, under onnxruntime, against itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from exported import assert_same, run
from hypothesis import given, settings
from hypothesis import strategies as st
from primitive_rows import ROWS

import chainrule as cr
from chainrule.errors import UnsupportedError
from chainrule.export import to_onnx
from chainrule.export.lower import COMPOSED, FORMULAS, INTEGERS, STRUCTURE
from chainrule.export.rules import RULES
from chainrule.graph.node import apply
from chainrule.primitives import REGISTRY
from chainrule.trace.tracer import traced

FLOATS = (np.float32, np.float64)
# The first two in part; custom_call is inlined before
UNSUPPORTED = {"scatter", "scatter_add", "scan", "while_loop", "cond", "callback", "custom_call"}
UNSUPPORTED_FAMILIES = {"linalg", "special", "fft", "complex"}


def test_every_primitive_is_accounted_for() -> None:
    """What is not in the table of rules is lowered to such, or listed as unsupported."""
    known = {*RULES, *FORMULAS, *INTEGERS, *STRUCTURE, *COMPOSED}
    unknown = {p.name for p in REGISTRY.values() if p.spec["family"] not in UNSUPPORTED_FAMILIES}
    assert unknown - known <= UNSUPPORTED


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", sorted(set(ROWS) - {"scatter", "scatter_add"}))
def test_primitives(name: str, dtype: Any) -> None:
    """Each primitive, over drawn shapes, gives NumPy's numbers."""
    row, primitive = ROWS[name], REGISTRY[name]

    @settings(max_examples=6)
    @given(st.data(), st.integers(0, 2**32 - 1))
    def agrees(data: Any, seed: int) -> None:
        arrays, params = row.draw(data, np.random.default_rng(seed))
        arrays = [x.astype(dtype) if x.dtype == float else x for x in arrays]

        def function(*xs: Any) -> Any:
            return traced(apply(primitive, tuple(x.node for x in xs), params))

        with np.errstate(all="ignore"):
            expected = primitive(*arrays, **params)
        assert_same(expected, run(to_onnx(function, *arrays, batch=False), *arrays)[0])

    agrees()


SPECIAL = np.array([np.nan, -np.inf, np.inf, -0.0, 0.0, 1e-300, 1e-30, -1e-9, 0.3, -0.5, 1.0, 2.5,
                    -3.5, 9.0, -30.0, 60.0, -90.0, 750.0, 1e30, -1e300])  # fmt: skip
BEYOND = {"erfc": 60.0, "sin": 100.0, "cos": 100.0}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", sorted(k for k, p in REGISTRY.items()
                                        if p.spec["family"] == "elementwise"))  # fmt: skip
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_special_points(name: str, dtype: Any) -> None:
    """nan, infinities, both zeros, and what overflows."""
    primitive = REGISTRY[name]
    if "f" not in primitive.spec["kinds"]:
        pytest.skip("of integers only")
    limit = BEYOND.get(name, np.inf)  # where a runtime's reduction by 2 pi may differ
    points = SPECIAL[~(np.abs(SPECIAL) > limit) | np.isinf(SPECIAL)].astype(dtype)
    arity = primitive.spec["arity"]
    grids = np.meshgrid(*[points] * min(arity, 2), indexing="ij")
    arrays = [g.ravel() for g in grids]
    arrays = [arrays[0] > 0, *arrays] if arity == 3 else arrays

    def function(*xs: Any) -> Any:
        return traced(apply(primitive, tuple(x.node for x in xs), {}))

    with np.errstate(all="ignore"):
        assert_same(primitive(*arrays), run(to_onnx(function, *arrays), *arrays)[0])


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32",
                                   "int64", "uint64", "float16"])  # fmt: skip
def test_other_dtypes(dtype: str) -> None:
    """Narrow dtypes are computed in wide ones, and come back."""
    x = np.array([[3, 0, 2], [1, 7, 1]]).astype(dtype)
    y = np.array([1, 2, 3]).astype(dtype)
    functions: list[Callable[[Any, Any], Any]] = [
        lambda x, y: x + y,
        lambda x, y: x * y,
        lambda x, y: np.where(x == y, x, y),
        lambda x, y: np.sum(x, axis=1),
        lambda x, y: np.cumsum(x, axis=1),
        lambda x, y: np.pad(x, 1),
        lambda x, y: np.concatenate([x, x[:, ::-1]], axis=1),
        lambda x, y: x[:, y.astype(int) - 1],
        lambda x, y: x / y,
        lambda x, y: (x < y) | (x >= 2 * y),
    ]
    if dtype != "bool":
        functions += [lambda x, y: x - y, lambda x, y: -x, lambda x, y: x // y]
        functions += [lambda x, y: x % y, lambda x, y: x**3, lambda x, y: np.maximum(x, y)]
    if dtype != "uint64":
        functions += [lambda x, y: np.max(x, axis=0), lambda x, y: np.argmax(x, axis=1)]
        functions += [lambda x, y: np.argsort(x, axis=1)]
    if np.dtype(dtype).kind in "iu":
        functions += [lambda x, y: x >> y, lambda x, y: x & y, lambda x, y: ~x ^ y]
    for function in functions:
        assert_same(cr.jit(function)(x, y), run(to_onnx(function, x, y), x, y)[0])


def test_uint64_without_a_kernel() -> None:
    """What no runtime computes is refused rather than computed in another dtype."""
    with pytest.raises(UnsupportedError, match="max cannot be exported.*uint64"):
        to_onnx(lambda x: np.max(x, axis=1), np.ones((2, 3), np.uint64))


def test_integers_by_zero() -> None:
    """0, as NumPy says, where the runtime alone would end the process."""
    x, y = np.array([5, -5, 7]), np.array([0, 3, -2])
    model = to_onnx(lambda x, y: (x // y, x % y), x, y)
    quotient, rest = run(model, x, y)
    assert [0, -2, -4] == quotient.tolist()
    assert [0, 1, -1] == rest.tolist()


def test_signed_shift() -> None:
    """A negative number shifts ones in; beyond the last bit nothing else is left."""
    x = np.array([-(2**40), -1, 2**40, 5])
    model = to_onnx(lambda x: (x >> 3, x >> 63), x)
    three, all_bits = run(model, x)
    assert [-(2**37), -1, 2**37, 0] == three.tolist()
    assert [-1, -1, 0, 0] == all_bits.tolist()


def test_nan_is_seen_by_maxima_and_sorts() -> None:
    """A nan is passed on by max, found by argmax, and sorted last."""
    x = np.array([[1.0, np.nan, np.inf, 2.0] * 9, [0.0, 1.0, 2.0, 3.0] * 9])
    model = to_onnx(
        lambda x: (x.max(axis=1), x.argmax(axis=1), x.argsort(axis=1, kind="stable")), x
    )
    largest, where, order = run(model, x)
    np.testing.assert_array_equal([np.nan, 3.0], largest)
    assert [1, 3] == where.tolist()
    np.testing.assert_array_equal(np.argsort(x, axis=1, kind="stable"), order)
