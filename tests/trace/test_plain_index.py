"""`plain[traced]`: right where the numbers are known, else refused with what to write instead."""

from __future__ import annotations

import types
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import AbstractValueError

TABLE = np.arange(12.0).reshape(4, 3) ** 2
CUBE = np.arange(24.0).reshape(2, 3, 4)
ROWS = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
AT, IX = np.int64(1), np.array([0, 2, 1])


class Holder:
    """An object that a function reads its table from."""

    table = TABLE


# Each as (text of what is to be written, function of a number and an array)
FORMS: dict[str, Callable[[Any, Any], Any]] = {
    "np.asarray(TABLE, like=i)[i]": lambda i, ix: TABLE[i],
    "np.asarray(TABLE, like=ix)[ix]": lambda i, ix: TABLE[ix],
    "np.asarray(np.diag(TABLE[0]), like=ix)[ix]": lambda i, ix: np.diag(TABLE[0])[ix],
    "np.asarray(TABLE, like=i)[i, ix]": lambda i, ix: TABLE[i, ix],
    "np.asarray(TABLE, like=ix)[ix, 1:]": lambda i, ix: TABLE[ix, 1:],
    "np.asarray(TABLE, like=i)[:, i]": lambda i, ix: TABLE[:, i],
    "np.asarray(CUBE, like=i)[..., i]": lambda i, ix: CUBE[..., i],
    "np.asarray(CUBE, like=ix)[1, ix, None, IX]": lambda i, ix: CUBE[1, ix, None, IX],
    "np.asarray(CUBE, like=i)[IX[:2] % 2, i]": lambda i, ix: CUBE[IX[:2] % 2, i],
    "np.asarray(TABLE, like=i)[i + 1]": lambda i, ix: TABLE[i + 1],
    "np.asarray(TABLE, like=ix)[np.argmax(ix)]": lambda i, ix: TABLE[np.argmax(ix)],
    "np.asarray(TABLE[1:], like=ix)[-ix]": lambda i, ix: TABLE[1:][-ix],
    "np.asarray(Holder.table, like=i)[i]": lambda i, ix: Holder.table[i],
    "np.asarray(ROWS, like=i)[i]": lambda i, ix: ROWS[i],
}


def looped(f: Any) -> Any:
    return lambda i, ix: cr.scan(lambda s, _: (s, f(*s)), (i, ix), length=1)[1][0]


def without_source(f: Any) -> Any:
    """The same function as one that was written where nobody can read it."""
    code = f.__code__.replace(co_filename="<nowhere>")
    return types.FunctionType(code, f.__globals__)


@pytest.mark.parametrize("instead", FORMS)
def test_indices_that_are_not_known(instead: str) -> None:
    """Under jit and in loops the function is rewritten; its own code is as before afterwards."""
    f = FORMS[instead]
    code = f.__code__
    for way in (cr.jit, looped):
        run = way(f)
        for at, ix in ((AT, IX), (np.int64(2), IX[::-1].copy())):
            np.testing.assert_array_equal(run(at, ix), f(at, ix))
    assert f.__code__ is code
    assert type(f(1, IX)) in (np.ndarray, list)


@pytest.mark.parametrize("instead", FORMS)
def test_the_message_says_what_works(instead: str) -> None:
    """Where the source is not there: its text gives NumPy's numbers; in loops by turns."""
    f = FORMS[instead]
    ways = (partial(cr.jit, strict=True), looped)[: 1 + [*FORMS].index(instead) % 2]
    replacement = eval(f"lambda i, ix: {instead}", globals())
    for way in ways:
        with pytest.raises(AbstractValueError, match="needs the numbers of an array"):
            way(without_source(f))(AT, IX)
        np.testing.assert_array_equal(way(replacement)(AT, IX), f(AT, IX))
    np.testing.assert_array_equal(cr.jit(without_source(f))(AT, IX), f(AT, IX))
    np.testing.assert_array_equal(cr.jit(replacement)(np.int64(2), IX[::-1]), f(2, IX[::-1]))


class Chain:
    """Methods, closures and properties that index tables of their object."""

    def __init__(self, table: Any) -> None:
        self.table = table
        self.calls = 0

    def row(self, i: Any) -> Any:
        def of(table: Any) -> Any:
            return table[i]

        return of(self.table)

    @property
    def picker(self) -> Any:
        return lambda i, scale=2.0: self.table[i] * scale

    def __call__(self, i: Any, x: Any) -> Any:
        self.calls += 1
        rows = [self.table[k] for k in (i, i + 1)]
        return self.row(i) @ x + self.picker(i, scale=3.0) @ x + rows[0] @ rows[1]


def test_functions_within_functions() -> None:
    """Each that indexes is rewritten in its time: methods, nested functions, comprehensions."""
    chain = Chain(TABLE)
    x = np.array([0.5, -1.0, 2.0])
    gradient = cr.jit(cr.grad(chain, argnums=1))
    for at in range(3):
        expected = chain(at, x)
        assert cr.jit(chain)(np.int64(at), x) == pytest.approx(expected, rel=1e-14)
        np.testing.assert_allclose(gradient(np.int64(at), x), 4.0 * TABLE[at], rtol=1e-14)
    again = Chain(TABLE[::-1].copy())
    assert cr.jit(again)(np.int64(1), x) == pytest.approx(again(1, x), rel=1e-14)


@pytest.mark.parametrize("instead", FORMS)
def test_known_numbers_are_read(instead: str) -> None:
    """Without jit, also of what follows from the argument: integers carry no derivative."""
    f = FORMS[instead]

    def loss(x: Any) -> Any:
        i, ix = np.argmax(x > 0.5), np.argsort(x)
        return np.sum(np.asarray(f(i, ix)) * np.sum(x**2))

    x = np.array([0.25, 1.0, 0.5])
    value, gradient = cr.value_and_grad(loss)(x)
    total = np.sum(f(np.argmax(x > 0.5), np.argsort(x)))
    np.testing.assert_allclose(value, total * np.sum(x**2), rtol=1e-14)
    np.testing.assert_allclose(gradient, 2.0 * total * x, rtol=1e-14)


def test_chains() -> None:
    """`table[a][b]`: the first index is seen, and so are the others."""
    f = cr.jit(lambda i, ix: TABLE[ix][i][ix])
    np.testing.assert_array_equal(f(AT, IX), TABLE[IX][AT][IX])


def test_np_take() -> None:
    """NumPy asks the table alone, which is no array of the trace."""

    @cr.jit
    def f(i: Any, ix: Any) -> Any:
        return np.take(TABLE, ix, axis=0), np.take(TABLE, i, axis=1)

    rows, column = f(AT, IX)
    np.testing.assert_array_equal(rows, TABLE[IX])
    np.testing.assert_array_equal(column, TABLE[:, AT])


def test_slices_and_masks() -> None:
    """Of unknown size: a slice of a known number of entries; a mask in a sum."""
    with pytest.raises(AbstractValueError, match=r"TABLE\[i:\] asks.*i\)\[start \+ np.arange"):
        cr.jit(lambda i: TABLE[i:], strict=True)(AT)
    two = cr.jit(lambda start: TABLE[start + np.arange(2)])
    np.testing.assert_array_equal(two(AT), TABLE[1:3])
    assert cr.jit(lambda ix: np.sum(IX[ix > 1]))(IX) == 2


def test_writes() -> None:
    """Into a buffer of the trace; a plain array is to become one first."""

    def f(i: Any) -> Any:
        out = np.zeros(3)
        out[i] = 1.0
        return out

    assert cr.jit(f)(AT).tolist() == [0.0, 1.0, 0.0]

    def plain(i: Any) -> Any:
        TABLE[i] = 1.0
        return TABLE

    with pytest.raises(AbstractValueError, match=r"TABLE = np.array\(TABLE, like=i\), once"):
        cr.jit(plain, strict=True)(AT)

    def written(i: Any) -> Any:
        out = np.array([0.0, 0.0, 0.0])
        out = np.array(out, like=i)
        out[i] = 1.0
        return out

    assert cr.jit(written)(AT).tolist() == [0.0, 1.0, 0.0]


def test_no_source() -> None:
    """Of code that was made from text, which no file has."""
    f = eval("lambda table, i: table[i]")
    with pytest.raises(AbstractValueError, match="needs the numbers of an array"):
        cr.jit(lambda i: f(TABLE, i), strict=True)(AT)


def test_what_is_no_index() -> None:
    """Other requests for numbers say what they said."""
    with pytest.raises(AbstractValueError, match=r"int\(\) needs the numbers"):
        cr.jit(lambda i: TABLE[int(i)], strict=True)(AT)
    with pytest.raises(AbstractValueError, match=r"an index needs the numbers"):
        cr.jit(lambda i: list(range(i)), strict=True)(AT)
    with pytest.raises(AbstractValueError, match=r"np.asarray\(\), or a function of NumPy"):
        cr.jit(lambda i: np.random.RandomState(0).normal(i, size=2), strict=True)(AT)
