"""Methods of ufuncs; options of ufuncs and reductions: where, initial, out, dtype, casting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agreement import agrees, seeded
from whole_calls import agrees_or_fails, same_as_numpy

import chainrule as cr
from chainrule.errors import UnsupportedError

X, V = seeded(3, 4), seeded(6)
POSITIVE = np.abs(X) + 0.5
SMALL = np.arange(12, dtype=np.int8).reshape(3, 4) - 4
MASK = np.array([[True, False, True, False], [True] * 4, [False] * 4])
BINARY = ("add", "subtract", "multiply", "divide", "maximum", "minimum", "fmax", "fmin",
          "logaddexp", "hypot", "floor_divide", "remainder", "fmod", "bitwise_and", "bitwise_xor",
          "logical_and", "logical_or", "logical_xor", "left_shift", "float_power")  # fmt: skip
STEPS = {"floor_divide", "remainder", "fmod"}


@pytest.mark.parametrize("name", BINARY)
def test_methods(name: str) -> None:
    """reduce, accumulate, reduceat and outer of each dtype, along each axis.

    Of float32 and of numbers for every second one; all segments of floats alone.
    """
    function = getattr(np, name)
    rarer = (POSITIVE.astype(np.float32), np.float64(2.0)) if BINARY.index(name) % 2 else ()
    segments = ([0, 2], [0, 1, 2], [2, 0, 0], [1], [0, 4], [-1], [], [[0]])
    for x in (POSITIVE, SMALL, X > 0, *rarer):
        rtol = 1e-13 if x.dtype == np.float64 else 1e-2  # small ones are added as float16
        options: dict[str, Any] = {"rtol": rtol, "smooth": name not in STEPS}
        for axis in (0, -1, 2, None, (0, 1)):
            agrees_or_fails(lambda a, k=axis: function.reduce(a, k), x, **options)
            agrees_or_fails(lambda a, k=axis: function.accumulate(a, k), x, **options)
        agrees_or_fails(lambda a: function.reduce(a, keepdims=True, initial=2), x, **options)
        agrees_or_fails(lambda a: function.reduce(a, where=MASK), x, smooth=False, rtol=rtol)
        agrees_or_fails(lambda a: function.outer(a, 2), x, **options)
        agrees_or_fails(lambda a: function.outer([1.0, 2.0], a), x, **options)
        for starts in segments if x is POSITIVE else segments[::2]:
            agrees_or_fails(lambda a, s=starts: function.reduceat(a, s), x, **options)


@pytest.mark.parametrize("name", [*BINARY, "power"])
def test_at(name: str) -> None:
    """Entries that an index names several times are changed as often."""
    function = getattr(np, name)

    def at(a: Any, index: Any, value: Any) -> Any:
        b = a.copy()
        function.at(b, index, value)
        return b

    indices: tuple[Any, ...] = ([0, 2], [0, 0, 1], 1, slice(None, None, 2), ([0, 1], [1, 1]), [9],
                                (0, slice(None)), ([0, 0], [1, 1]), ...)  # fmt: skip
    for x in (POSITIVE, SMALL, X > 0):
        for k, index in enumerate(indices):
            values = (2, x[1], x[1:2, 1:2])
            for value in values if x is POSITIVE else values[k % 3 : k % 3 + 1]:
                smooth = name not in STEPS | {"maximum", "minimum", "fmax", "fmin"}
                agrees_or_fails(lambda a, i=index, v=value: at(a, i, v), x, smooth=smooth)


def test_of_one_argument() -> None:
    """np.negative.at and kin."""
    for function in (np.negative, np.sqrt, np.exp):

        def f(a: Any, function: Any = function) -> Any:
            b = a * 1.0
            function.at(b, [0, 0, 2])
            return b

        agrees(f, V + 3)
    agrees_or_fails(np.negative.reduce, V)


def test_longer_ones_natively() -> None:
    """Second order, under jit: running maxima, segments, products at an index."""
    same_as_numpy(lambda a: np.maximum.accumulate(a**2), seeded(9))
    same_as_numpy(lambda a: np.add.reduceat(a**2, [0, 3, 1, 5]), seeded(9))
    same_as_numpy(lambda a: np.multiply.reduceat(a, np.arange(0, 6, 2)), V)
    same_as_numpy(lambda a: np.logaddexp.accumulate(a), V)
    same_as_numpy(lambda a: np.subtract.outer(a, a) ** 2, V)

    def f(a: Any) -> Any:
        b = np.ones_like(a)
        np.multiply.at(b, [0, 1, 0, 3], a[:4])
        np.subtract.at(b, [5, 5], a[0])
        return b * b

    same_as_numpy(f, V)


def test_an_index_that_is_not_known() -> None:
    """Sums take one under jit; for others it is refused, since repetitions count."""

    def f(function: Any) -> Any:
        def g(a: Any, i: Any) -> Any:
            b = a * 1.0
            function.at(b, i, a[: len(i)])
            return b

        return g

    i = np.array([0, 1, 0])
    for function in (np.add, np.subtract):
        np.testing.assert_allclose(cr.jit(f(function))(V, i), f(function)(V, i))
    with pytest.raises(TypeError, match=r"np\.maximum\.at"):
        cr.jit(f(np.maximum), strict=True)(V, i)
    np.testing.assert_allclose(cr.jit(f(np.maximum))(V, i), f(np.maximum)(V, i))
    np.testing.assert_allclose(cr.vjp(lambda a: f(np.maximum)(a, i), V)[0], f(np.maximum)(V, i))


REDUCTIONS = (np.sum, np.mean, np.var, np.std, np.max, np.min, np.prod, np.any, np.all)


@pytest.mark.parametrize("function", REDUCTIONS)
def test_where_and_initial(function: Any) -> None:
    """Masks that broadcast or do not, with and without a first value; integers by turns."""
    slopes_defined = function not in (np.mean, np.var, np.std)  # of no entries they are nan
    masks = (True, MASK, MASK[0], MASK[:, :1], False, [True, False, True, True],
             np.ones((2, 3, 4), bool), [1, 0, 1, 1], None, SMALL)  # fmt: skip
    named = ({}, {"axis": 0}, {"axis": 1, "keepdims": True}, {"initial": 1.5},
             {"axis": 0, "initial": -2.0}, {"axis": (0, 1), "initial": 0})  # fmt: skip
    for j, where in enumerate(masks):
        for k, options in enumerate(named):
            for x in (X, *[(), (X > 0,), (SMALL,)][(j + k) % 3]):
                agrees_or_fails(
                    lambda a, w=where, o=options: function(a, where=w, **o), x,
                    smooth=slopes_defined,
                )  # fmt: skip
    for x in (X, X > 0, SMALL, X[:0], SMALL[:, :0], np.float64(2.0), V):
        agrees_or_fails(lambda a: function(a, initial=1.5), x)
        agrees_or_fails(lambda a: function(a, axis=0, initial=7), x)
    same_as_numpy(lambda a: function(a, where=MASK[1]), X)


def test_traced_options() -> None:
    """A mask, a first value and a mean that are traced."""
    same_as_numpy(lambda a: np.sum(a, initial=a[0, 0] * 2, where=a > 0), X)
    same_as_numpy(lambda a: np.max(a, initial=a[0, 0] * 2, where=a < 0, axis=1), X, order=1)
    same_as_numpy(lambda a: np.var(a, axis=0, mean=np.mean(a, 0, keepdims=True)), X)
    same_as_numpy(
        lambda a: np.std(a, axis=0, mean=a[:1], ddof=1, where=np.array([[1], [1], [0]], bool)), X
    )


def test_dtypes() -> None:
    """Sums and products in the dtype that is asked for, which may wrap."""
    big = (np.arange(12).reshape(3, 4) * 37).astype(np.int8)
    for function in (np.sum, np.prod, np.cumsum, np.cumprod, np.mean, np.var, np.add.reduce,
                     np.maximum.reduce, np.add.accumulate, np.maximum.accumulate):  # fmt: skip
        for dtype in (np.int8, np.uint8, bool, int, np.float32, float):
            for x in (X, big, big > 3):
                for options in ({}, {"axis": 0}):
                    agrees_or_fails(
                        lambda a, f=function, d=dtype, o=options: f(a, dtype=d, **o), x,
                        smooth=False, rtol=1e-5,
                    )  # fmt: skip


OPTIONS: tuple[dict[str, Any], ...] = (
    {}, {"where": MASK}, {"where": "positive"}, {"where": [1, 0, 1, 1]}, {"where": V[:4]},
    {"casting": "no"}, {"casting": "unsafe"}, {"dtype": np.float32}, {"dtype": int},
    {"dtype": bool}, {"order": "F"}, {"order": "x"}, {"signature": "dd->d"},
    {"signature": "ff->f"}, {"sig": "f->f"}, {"subok": False}, {"axis": 0}, {"unknown": 1},
)  # fmt: skip


@pytest.mark.parametrize("name", ["add", "log", "power", "less", "floor", "isnan", "logical_and"])
def test_options_of_ufuncs(name: str) -> None:
    """Each with arrays of several dtypes and shapes for the result."""
    function = getattr(np, name)
    more = (0.5,) if function.nin == 2 else ()
    targets: tuple[Any, ...] = (None, (float, (3, 4)), (np.float32, (3, 4)), (int, (3, 4)),
                                (bool, (3, 4)), (float, (2, 3, 4)), (float, (4,)))  # fmt: skip
    for k, options in enumerate(OPTIONS):
        for target in targets if k < 3 else targets[k % 2 :: 2]:

            def f(a: Any, options: Any = options, target: Any = target) -> Any:
                named = dict(options)
                if target is not None:
                    named["out"] = np.zeros_like(a, target[0], shape=target[1])
                if isinstance(named.get("where"), str):
                    named["where"] = a > 0.9
                return function(a, *more, **named), named.get("out")

            agrees_or_fails(f, POSITIVE, smooth=False, rtol=1e-6)


def test_where_keeps_infinite_slopes_out() -> None:
    """What is not computed has no derivative."""

    def f(a: Any) -> Any:
        return np.sum(np.log(a, where=a > 0, out=np.zeros_like(a)))

    assert cr.grad(f)(np.array([-1.0, 0.0, 2.0])).tolist() == [0.0, 0.0, 0.5]
    np.testing.assert_array_equal(cr.jit(cr.grad(f))(np.array([-1.0, 0.0, 2.0])), [0.0, 0.0, 0.5])


def test_two_results() -> None:
    """A tuple of arrays, some of which may be None; nothing is written if one does not fit."""

    def f(a: Any) -> Any:
        rest, whole = a * 0.0, a * 0.0
        np.divmod(a, 0.5, out=(whole, rest))
        np.modf(a, rest)
        return np.modf(a, out=(None, whole)), rest, whole

    agrees(f, X, smooth=False)

    def g(a: Any) -> Any:
        b = a * 1.0
        try:
            np.modf(a, b, np.zeros_like(a, shape=(5,)))
        except ValueError:
            b = b * 2.0
        return b

    agrees(g, X)


def test_axes_of_products() -> None:
    """axes=, axis= and keepdims= of matmul and vecdot; ``a @= b``."""
    same_as_numpy(
        lambda a: np.matmul(a, a, axes=[(1, 0), (0, 1), (0, 1)]), seeded(3, 4, 2), order=1
    )
    same_as_numpy(lambda a: np.vecdot(a, a, axis=0, keepdims=True), X, order=1)
    for options in ({"axes": [0, 0]}, {"axes": [0, 0, ()]}, {"axes": [0]}, {"axis": 5},
                    {"axes": [(0, 1), 0]}):  # fmt: skip
        agrees_or_fails(lambda a, o=options: np.vecdot(a, a, **o), X)
    agrees_or_fails(lambda a: np.matmul(a, a, axis=0), X)
    agrees_or_fails(lambda a: np.matmul(a, a.T, keepdims=True), X)

    def f(a: Any) -> Any:
        a = a * 1.0
        a @= np.eye(4) * 2.0
        a[0] @= np.ones((4, 4))
        return a

    agrees(f, X)


@pytest.mark.parametrize("name", ["power", "arctan2"])
def test_what_numpy_reduces_wrongly_is_refused(name: str) -> None:
    """With AVX512 NumPy 2.4 leaves out entries: np.power.reduce([2, 2, 2, 3]) is 8."""
    for f in (getattr(np, name).reduce, lambda a: getattr(np, name).reduceat(a, [0])):
        with pytest.raises(UnsupportedError, match="AVX512"):
            cr.grad(lambda a, f=f: np.sum(f(a)))(V)
    agrees(getattr(np, name).accumulate, np.abs(V) + 0.5)
