"""Dtypes of primitives are NumPy's: float32 stays float32, integers promote as there."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from primitive_rows import ELEMENTWISE, ROWS

from chainrule.autodiff.reverse import reverse
from chainrule.errors import DtypeError
from chainrule.graph.node import constant, input_node
from chainrule.graph.types import Type
from chainrule.primitives import REGISTRY

DTYPES = ["bool", "int8", "int32", "int64", "uint8", "uint32", "float16", "float32", "float64"]
BASIC = [name for name in ELEMENTWISE if name not in ("logistic", "where")]


def known(dtype: str, shape: tuple[int, ...] = (2,)) -> Any:
    return np.ones(shape, dtype)


@pytest.mark.parametrize("name", BASIC)
def test_elementwise_promotion(name: str) -> None:
    """The inferred dtype is the one that NumPy's result has; where NumPy refuses, we refuse."""
    arity = REGISTRY[name].spec["arity"]
    for dtypes in product(DTYPES, repeat=arity):
        arrays = [known(dtype) for dtype in dtypes]
        nodes = [input_node(Type(a.shape, a.dtype)) for a in arrays]
        try:
            expected = ROWS[name].reference(*arrays).dtype
        except TypeError:
            with pytest.raises(DtypeError, match=name):
                REGISTRY[name](*nodes)
            continue
        assert REGISTRY[name](*nodes).dtype == expected, dtypes


PARAMS: dict[str, dict[str, Any]] = {
    "cast": {"dtype": np.dtype("float32")},
    "reshape": {"shape": (2, 1)},
    "transpose": {"axes": (0,)},
    "broadcast_to": {"shape": (3, 2)},
    "sum": {"axes": (0,)},
    "slice": {"index": (slice(0, 1, 1),)},
    "pad": {"shape": (4,), "index": (slice(1, 3, 1),)},
    "concatenate": {"axis": 0},
    "max": {"axes": (0,)},
    "prod": {"axis": 0},
    "cumsum": {"axis": 0},
    "cumprod": {"axis": 0},
    "argmax": {"axis": 0},
    "argsort": {"axis": 0},
}


@pytest.mark.parametrize("name", ["stop_gradient", "identity", *PARAMS])
@pytest.mark.parametrize("dtype", DTYPES)
def test_structure_keeps_or_promotes_as_numpy(name: str, dtype: str) -> None:
    """Inferred type and computed type are one, for every dtype."""
    x = known(dtype)
    node = REGISTRY[name](input_node(Type(x.shape, x.dtype)), **PARAMS.get(name, {}))
    value = np.asarray(ROWS[name].reference(x, **PARAMS.get(name, {})))
    # `place` fills float64 zeros in the reference; the primitive keeps x's dtype
    assert node.type == Type(value.shape, x.dtype if name == "pad" else value.dtype)


@pytest.mark.parametrize("name", [n for n in ELEMENTWISE if "f" in REGISTRY[n].spec["kinds"]])
def test_float32_gradients_stay_float32(name: str) -> None:
    """No constant of a rule lifts a cotangent to float64."""
    arity = REGISTRY[name].spec["arity"]
    values = [np.full(2, 0.5 + 0.25 * k, np.float32) for k in range(arity)]
    for numbers in (False, True):
        nodes = [input_node(Type(v.shape, v.dtype), v) for v in values]
        y = REGISTRY[name](*nodes)
        ones: Any = np.ones(2, np.float32)
        for g in reverse([y], nodes, [ones if numbers else constant(ones)], values=numbers):
            assert g is None or g.dtype == np.float32


def test_gradient_of_mixed_precision_has_the_inputs_dtype() -> None:
    """float32 times float64 is float64, and the cotangent of the float32 side float32."""
    x = input_node(Type((2,), np.dtype("float32")), np.float32([1, 2]))
    y = input_node(Type((2,), np.dtype("float64")), np.float64([3, 4]))
    z = REGISTRY["mul"](x, y)
    gx, gy = reverse([z], [x, y], [np.ones(2)], values=True)
    assert (z.dtype, gx.dtype, gy.dtype) == ("float64", "float32", "float64")
    np.testing.assert_array_equal(gx, [3, 4])


def test_integers_receive_no_cotangent() -> None:
    """float + int: only the float side has a derivative."""
    x = input_node(Type((2,), np.dtype(float)), np.array([1.0, 2.0]))
    k = input_node(Type((2,), np.dtype(int)), np.array([3, 4]))
    y = REGISTRY["power"](x, k)
    gx, gk = reverse([y], [x, k], [np.ones(2)], values=True)
    assert gk is None
    np.testing.assert_array_equal(gx, [3.0, 32.0])
