"""Casts between all dtypes, compiled: the numbers that NumPy gives on this platform."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.config import configured

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float16", "float32", "float64"]
DTYPES = ["bool", *INTEGERS, *FLOATS]


def numbers(dtype: str) -> Any:
    """Those at which casts change their way: edges of all integers, halves, infinities, nan."""
    edges = [sign * 2.0**k + d for k in (7, 8, 15, 16, 31, 32, 63, 64)
             for sign in (1, -1) for d in (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0)]  # fmt: skip
    rng = np.random.default_rng(0)
    small = [0.0, -0.0, 0.5, -0.5, -0.99, 1.0, -1.0, -1.5, -128.7, 254.3]
    drawn = rng.normal(size=40) * 10.0 ** rng.uniform(-2, 25, 40)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dtype in FLOATS:
            given = [*edges, *small, *drawn, np.inf, -np.inf, np.nan, 1e300, -1e300]
            return np.array(given).astype(dtype)
        limits = [] if dtype == "bool" else [np.iinfo(dtype).min, np.iinfo(dtype).max]
        whole = np.array([*edges, *small]).astype(np.int64).astype(dtype)
        return np.concatenate([np.array(limits, dtype), whole])


def cast(x: Any, dtype: str) -> Any:
    """NumPy's own, without its warnings."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return x.astype(dtype)


def settled(x: Any, dtype: str) -> Any:
    """Where NumPy casts a number alone as it casts it in an array: all but some beyond uint32."""
    alone = np.array([cast(v, dtype) for v in x])
    agree = alone == cast(np.repeat(x, 16), dtype)[::16]
    if dtype == "uint32":
        wide = x.astype(np.float64)
        assert agree[(wide > -(2.0**31)) & (wide < 2.0**32)].all()
        return agree
    assert (agree | (alone != alone)).all()
    return np.ones(len(x), bool)


@pytest.mark.parametrize("vector", [0, 4])
def test_casts_are_those_of_numpy(vector: int) -> None:
    """From each dtype to each, also of negative, too large and undefined numbers."""
    for source in FLOATS if vector else DTYPES:
        x = numbers(source)
        with configured(vector=vector):
            found = cr.jit(lambda x: [x.astype(t) for t in DTYPES])(x)
        for target, whole in zip(DTYPES, found, strict=True):
            expected, sure = cast(x, target), settled(x, target)
            np.testing.assert_array_equal(whole[sure], expected[sure], f"{source} to {target}")


def test_single_numbers_are_cast_as_arrays_are() -> None:
    """What a function of one number gives."""
    for source in FLOATS:
        x = numbers(source)
        f = cr.jit(lambda v: [v.astype(t) for t in INTEGERS])
        found = [f(v) for v in x]
        for k, target in enumerate(INTEGERS):
            expected, sure = cast(x, target), settled(x, target)
            whole = np.array([results[k] for results in found])
            np.testing.assert_array_equal(whole[sure], expected[sure], f"{source} to {target}")


def test_casts_without_jit_are_those_of_numpy() -> None:
    """A differentiated function computes them with NumPy itself."""
    x = numbers("float64")
    for target in INTEGERS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = cr.jvp(lambda x, t=target: x.astype(t), (x,), (x,))[0]
        np.testing.assert_array_equal(found, cast(x, target), err_msg=target)
