"""NumPy's functions that order, find and compare entries; its sets, vectors, parts of numbers."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from agreement import seeded
from function_cases import Case, case_tests, check, eager, flat, smooth

import chainrule as cr
from chainrule.errors import AbstractValueError, ShapeError

X = seeded(3, 4)
Y = seeded(7, seed=1)
Z = seeded(2, 3, 4, seed=2)
TIES = np.round(seeded(4, 5, seed=3) * 2) / 2
ODD = np.array([0.0, -0.0, 1, -1, 0.5, -2.75, 3, 1e300, 5e-324, -1e-310, np.inf, -np.inf, np.nan])
PLAIN = np.array([1.3, -2.7, 0.2, 100.6])
A3, B3 = seeded(5, 3, seed=3), seeded(5, 3, seed=4)


def _orders() -> dict[str, Case]:
    cases: dict[str, Case] = {
        "lexsort of rows": flat(np.lexsort, TIES),
        "partition in place": smooth(_partitioned, X),
        "cumulative_sum": smooth(np.cumulative_sum, Y),
        "cumulative_sum of a number": smooth(np.cumulative_sum, np.array(2.0)),
        "cumulative_sum of int8": flat(lambda a: np.cumulative_sum(a, axis=1), np.int8([[1, 2]])),
        "array_equal": flat(np.array_equal, X, X),
        "array_equal, shapes": flat(lambda a: np.array_equal(a, a[:1]), X),
        "array_equal, nan": flat(lambda a: np.array_equal(a, a, equal_nan=True), ODD),
        "array_equiv": flat(lambda a: np.array_equiv(a[:1], a), np.ones((2, 2))),
        "isposinf": flat(lambda a: (np.isposinf(a), np.isneginf(a)), ODD),
    }
    for name in ("nonzero", "argwhere", "flatnonzero", "where"):
        cases[name] = eager(getattr(np, name), TIES, smooth=False)
    cases["nonzero, method"] = eager(lambda a: a.nonzero(), TIES, smooth=False)
    for axis in (0, -1):
        cases[f"partition {axis}"] = smooth(
            lambda a, axis=axis: np.sort(np.partition(a, 2, axis=axis)), X
        )
        cases[f"argpartition {axis}"] = flat(
            lambda a, axis=axis: np.sort(np.argpartition(a, 2, axis=axis)), X
        )
        cases[f"lexsort {axis}"] = flat(
            lambda a, b, axis=axis: np.lexsort((a, b), axis=axis), TIES, TIES[::-1].copy()
        )
        holes = TIES.copy()
        holes[1, 2] = holes[2, :3] = np.nan
        for name, x in product(["maximum", "minimum"], [X, TIES, holes, TIES.astype(int)]):
            f = lambda a, name=name, axis=axis: getattr(np, name).accumulate(a, axis=axis)  # noqa: E731
            cases[f"{name} {axis} {len(cases)}"] = smooth(f, x) if x is X else flat(f, x)
        for name, first in product(["cumulative_sum", "cumulative_prod"], [False, True]):
            cases[f"{name} {axis} {first}"] = smooth(
                lambda a, name=name, axis=axis, first=first: getattr(np, name)(
                    a, axis=axis, include_initial=first
                ),
                X,
            )
    return cases


def _partitioned(a: Any) -> Any:
    a = a.copy()
    a.partition(1)
    return a[:, 1]


def _sets() -> dict[str, Case]:
    cases: dict[str, Case] = {
        "unique": eager(np.unique, X),
        "union1d": eager(np.union1d, X, Y),
        "setdiff1d": eager(lambda a: np.setdiff1d(a, [1.0]), X),
        "setxor1d": eager(np.setxor1d, X, Y),
        "intersect1d, indices": eager(
            lambda a, b: np.intersect1d(a, b, return_indices=True), TIES, X, smooth=False
        ),
        "unique along an axis": eager(
            lambda a: np.unique(a, return_counts=True, axis=0),
            np.array([[1, 2, 1], [1, 2, 1], [0, 2, 0]]),
            smooth=False,
        ),
    }
    names = ("return_index", "return_inverse", "return_counts")
    options: list[dict[str, Any]] = [
        {}, *({name: True} for name in names), dict.fromkeys(names, True), {"equal_nan": False},
    ]  # fmt: skip
    arrays = [TIES, np.array([3, 1, 1, 2]), np.array([np.nan, 1, np.nan, -0.0, 0.0]), np.zeros(0),
              np.float32(TIES), np.array([True, False])]  # fmt: skip
    for k, a in enumerate(arrays):
        for each in options:
            cases[f"unique {each} {k}"] = eager(
                lambda a, each=each: np.unique(a, **each), a, smooth=False
            )
        for name in ("unique_values", "unique_counts", "unique_inverse", "unique_all"):
            cases[f"{name} {k}"] = eager(_unnamed(name), a, smooth=False)
        for name in ("union1d", "intersect1d", "setdiff1d", "setxor1d"):
            cases[f"{name} {k}"] = eager(getattr(np, name), a, np.array([1, 0, 7]), smooth=False)
        for invert in (False, True):
            f = lambda a, b, invert=invert: np.isin(a, b, invert=invert)  # noqa: E731
            cases[f"isin {invert} {k}"] = flat(f, a, np.array([1, 0, 7]))
            cases[f"isin, nan {invert} {k}"] = flat(f, a, np.array([1, np.nan]))
            cases[f"isin, nothing {invert} {k}"] = flat(f, a, np.zeros(0))
    return cases


def _unnamed(name: str) -> Any:
    def call(a: Any) -> Any:
        result = getattr(np, name)(a)
        return tuple(result) if isinstance(result, tuple) else result

    return call


def _numbers() -> dict[str, Case]:
    cases: dict[str, Case] = {
        "frexp": smooth(lambda a: np.frexp(a)[0], PLAIN),
        "modf": smooth(np.modf, PLAIN),
        "nextafter": smooth(lambda a: np.nextafter(a, 1.0), PLAIN),
        "ldexp": smooth(lambda a: np.ldexp(a, [1, -2, 3, 4]), PLAIN),
        "ldexp by one": smooth(lambda a: np.ldexp(a, 3), PLAIN),
        "ldexp of float32": flat(lambda a: np.ldexp(a, 3), np.float32(PLAIN)),
        "gcd": flat(np.gcd, np.array([12, -18, 0, 7, 2**40]), np.array([8, 27, 5, 0, 2**30])),
        "lcm": flat(np.lcm, np.int8([12, 18]), np.int16([8, 27])),
        "bitwise_count": flat(np.bitwise_count, np.array([12, -18, 0, 7, 2**40])),
    }
    powers = np.array([3, -1100, 5, 1023, -1074, 1100, -3, 7, 1074, 50, 1, 1, 1])
    for dtype in ("float64", "float32", "float16"):
        with np.errstate(all="ignore"):
            x = ODD.astype(dtype)
        for name in ("frexp", "modf", "spacing"):
            cases[f"{name} {dtype}"] = flat(getattr(np, name), x)
        cases[f"signs {dtype}"] = flat(
            lambda a: [np.signbit(part) for part in (*np.modf(a), np.frexp(a)[0])], x
        )
        cases[f"nextafter {dtype}"] = flat(np.nextafter, x, x[::-1].copy())
        cases[f"ldexp {dtype}"] = flat(lambda a: np.ldexp(a, powers), x)
    return cases


def _vectors() -> dict[str, Case]:
    v, w = seeded(4, seed=7), seeded(2, 4, seed=7)
    return {
        "vecdot": smooth(np.vecdot, Z, v),
        "vecdot, axis": smooth(lambda a, b: np.vecdot(a, b, axis=1), Z, Z**2),
        "vecdot of int8": flat(np.vecdot, np.int8([1, 2, 100]), np.int8([1, 2, 100])),
        "vecdot of truth values": flat(np.vecdot, X > 0, X > 1),
        "matvec": smooth(np.matvec, Z, v),
        "matvec, several": smooth(np.matvec, Z, w),
        "vecmat": smooth(np.vecmat, seeded(2, 3, seed=7), Z),
        "cross": smooth(np.cross, A3, B3),
        "cross, axis": smooth(lambda a, b: np.cross(a, b, axis=0), A3.T, B3.T),
        "cross, axes": smooth(lambda a, b: np.cross(a, b, 0, 1, axisc=0), A3.T, B3),
        "cross, one": smooth(lambda a: np.cross(a, [1, 2, 3]), A3[0]),
        "cross of float32": flat(np.cross, np.float32([1, 2, 3]), np.int32([3, 4, 5])),
        "kron": smooth(np.kron, X, seeded(2, 5)),
        "kron, axes": smooth(np.kron, Y, Z),
        "kron of a number": smooth(np.kron, Y, np.array(2.0)),
        "kron of int": flat(np.kron, np.eye(2, dtype=int), np.ones((2, 2), int)),
    }


CASES = {**_orders(), **_sets(), **_numbers(), **_vectors()}

test_case, test_second_order, test_compiled, test_every_case = case_tests(CASES, 4, 16)


@pytest.mark.parametrize("sizes", [(2, 2), (2, 3), (3, 2)], ids=str)
def test_cross_products_in_a_plane(sizes: tuple[int, int]) -> None:
    """With NumPy's warning that they are deprecated."""
    a, b = A3[:, : sizes[0]], B3[:, : sizes[1]]
    with pytest.warns(DeprecationWarning, match="2-dimensional vectors"):
        check(smooth(np.cross, a, b))


def test_of_equal_entries_the_first_has_the_derivative() -> None:
    """Of a set, and of a running maximum."""
    x = np.array([2.0, 1.0, 2.0, 1.0])
    assert cr.grad(lambda a: np.sum(np.unique(a)))(x).tolist() == [1.0, 1.0, 0.0, 0.0]
    assert cr.grad(lambda a: np.sum(np.maximum.accumulate(a)))(x).tolist() == [4.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "call", [np.unique, np.nonzero, np.argwhere, np.flatnonzero, lambda a: np.union1d(a, a)]
)
def test_what_has_a_size_that_follows_from_numbers(call: Any) -> None:
    """Under jit it is refused."""
    with pytest.raises(AbstractValueError, match="under jit"):
        cr.jit(lambda a: call(a), strict=True)(Y)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: np.partition(x, 9), ValueError),
        (lambda x: np.partition(x, 1, kind="quicksort"), ValueError),
        (lambda x: np.lexsort((x, x[1:])), ValueError),
        (lambda x: np.cumulative_sum(x[None]), ValueError),
        (lambda x: np.nonzero(x[0]), ValueError),
        (lambda x: np.isin(x, x, kind="table"), ValueError),
        (lambda x: np.isin(x, x, kind="hash"), ValueError),
        (lambda x: np.isnat(x), TypeError),
        (lambda x: np.gcd(x, 2), TypeError),
        (lambda x: np.cross(x, x), ValueError),
        (lambda x: np.matvec(x, x), ValueError),
        (lambda x: np.unique(x, axis=1), np.exceptions.AxisError),
    ],
)
def test_errors_are_those_of_numpy(call: Any, error: Any) -> None:
    """The same type, of a plain array and of a traced one."""
    x = np.array([0.5, 1.5, 2.5, 3.5])
    with pytest.raises(error):
        call(x)
    with pytest.raises(error):
        cr.vjp(call, x)


def test_vectors_that_do_not_fit() -> None:
    """Named by the function."""
    with pytest.raises(ShapeError, match="vecdot"):
        cr.grad(lambda x: np.vecdot(x, x[1:]))(Y)
