"""`plain[traced]`: right where the numbers are known, else refused with what to write instead."""

from __future__ import annotations

from collections.abc import Callable
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
    "np.asarray(np.eye(4), like=ix)[ix]": lambda i, ix: np.eye(4)[ix],
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


@pytest.mark.parametrize("instead", FORMS)
def test_the_message_says_what_works(instead: str) -> None:
    """Its text gives NumPy's numbers, under jit and in loops; the plain index is refused there."""
    f = FORMS[instead]
    expected = f(AT, IX)
    replacement = eval(f"lambda i, ix: {instead}", globals())
    for way in (cr.jit, looped):
        with pytest.raises(AbstractValueError) as caught:
            way(f)(AT, IX)
        message = str(caught.value)
        assert message.endswith(f"Write {instead}"), message
        assert "test_plain_index.py:" in message
        np.testing.assert_array_equal(way(replacement)(AT, IX), expected)
    np.testing.assert_array_equal(cr.jit(replacement)(np.int64(2), IX[::-1]), f(2, IX[::-1]))


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
    """`table[a][b]`: the first index is what is replaced."""
    f = cr.jit(lambda i, ix: np.asarray(TABLE, like=ix)[ix][i][ix])
    np.testing.assert_array_equal(f(AT, IX), TABLE[IX][AT][IX])
    with pytest.raises(AbstractValueError, match=r"TABLE\[ix\] asks .*like=ix\)\[ix\]$"):
        cr.jit(lambda i, ix: TABLE[ix][i])(AT, IX)


def test_np_take() -> None:
    """NumPy asks the table alone: it is to be traced."""
    with pytest.raises(AbstractValueError, match=r"write np.asarray\(plain, like=x\)"):
        cr.jit(lambda ix: np.take(TABLE, ix, axis=0))(IX)

    @cr.jit
    def f(i: Any, ix: Any) -> Any:
        table = np.asarray(TABLE, like=ix)
        return np.take(table, ix, axis=0), np.take(table, i, axis=1)

    rows, column = f(AT, IX)
    np.testing.assert_array_equal(rows, TABLE[IX])
    np.testing.assert_array_equal(column, TABLE[:, AT])


def test_slices_and_masks() -> None:
    """Of unknown size: a slice of a known number of entries, a choice."""
    with pytest.raises(AbstractValueError, match=r"TABLE\[i:\] asks.*i\)\[start \+ np.arange"):
        cr.jit(lambda i: TABLE[i:])(AT)
    two = cr.jit(lambda start: np.asarray(TABLE, like=start)[start + np.arange(2)])
    np.testing.assert_array_equal(two(AT), TABLE[1:3])
    with pytest.raises(AbstractValueError, match=r"np.where\(ix > 1, IX, other\)"):
        cr.jit(lambda ix: IX[ix > 1])(IX)


def test_writes() -> None:
    """Into a plain array: it is to be an array of the trace first."""

    def f(i: Any) -> Any:
        out = np.zeros(3)
        out[i] = 1.0
        return out

    with pytest.raises(AbstractValueError, match=r"out = np.array\(out, like=i\), once"):
        cr.jit(f)(AT)

    def written(i: Any) -> Any:
        out = np.zeros(3)
        out = np.array(out, like=i)
        out[i] = 1.0
        return out

    assert cr.jit(written)(AT).tolist() == [0.0, 1.0, 0.0]


def test_no_source() -> None:
    """Of code that was made from text, which no file has."""
    f = eval("lambda table, i: table[i]")
    with pytest.raises(AbstractValueError, match="needs the numbers of an array"):
        cr.jit(lambda i: f(TABLE, i))(AT)


def test_what_is_no_index() -> None:
    """Other requests for numbers say what they said."""
    with pytest.raises(AbstractValueError, match=r"int\(\) needs the numbers"):
        cr.jit(lambda i: TABLE[int(i)])(AT)
    with pytest.raises(AbstractValueError, match=r"an index needs the numbers"):
        cr.jit(lambda i: list(range(i)))(AT)
    with pytest.raises(AbstractValueError, match=r"np.asarray\(\), or a function of NumPy"):
        cr.jit(lambda i: np.array([i, 0]) + TABLE[0])(AT)
