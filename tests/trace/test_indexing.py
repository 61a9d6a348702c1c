"""Reading and writing parts of a traced array: every index that NumPy takes, views, in place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agreement import agrees, seeded, with_values, without_values
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule.errors import AbstractValueError, ShapeError
from chainrule.transforms.differentiating.gradient import grad, value_and_grad, vjp

X = seeded(3, 4, 5)
I2 = np.array([[0, 2], [1, 1]])
BASIC = [
    0, -1, np.int64(2), slice(1, 3), slice(None, None, -1), slice(2, None, -2), ..., None,
    (1, 2), (1, 2, 3), (-1, ..., -2), (slice(None), 1), (..., 0), (None, 0, None),
    (slice(0, 0),), (slice(None), slice(3, 0, -1), slice(None, None, 2)), (), (0, None, ..., None),
    (slice(-2, None), -1, slice(None, -1)), (slice(10, 20),),
]  # fmt: skip
ADVANCED = [
    [0, 2], np.array([2, 0, 2]), I2, ([0, 1], [2, 3]), (I2, I2), (slice(None), [0, 3, 3]),
    ([0, 1], slice(None), [2, 3]), (slice(1, None), I2, I2), (..., [0, 4]), (0, [1, 2]),
    ([1, 2], 0), ([[0], [1]], [0, 2]), (np.array(1), slice(None)), (None, [0, 1]),
    ([0, 1], None, [2, 3]), (0, slice(None), [1, 1]), (slice(None), 1, [0, 2]),
    np.array([], dtype=int), (-1, [-1, -2]), ([0, 1, 2], [0, 1, 2], [0, 1, 2]), [],
]  # fmt: skip
MASKS = [
    X[:, 0, 0] > 0, X > 0, X > 100, (slice(None), X[0, :, 0] > 0), (0, X[0] > 0),
    (X[:, :, 0] > 0, 1), (X[:, 0, 0] > 0, [0]),
]  # fmt: skip


@pytest.mark.parametrize("index", [*BASIC, *ADVANCED, *MASKS], ids=lambda i: str(i)[:40])
def test_read(index: Any) -> None:
    """x[index]: NumPy's value and shape, and the scatter as its derivative."""
    agrees(lambda a: a[index] * 1.0, X)


@pytest.mark.parametrize("index", [*BASIC, *ADVANCED, *MASKS], ids=lambda i: str(i)[:40])
def test_write_number(index: Any) -> None:
    """x[index] = number."""

    def f(a: Any) -> Any:
        a = a * 1.0
        a[index] = 3.0
        return a

    agrees(f, X)


@pytest.mark.parametrize("index", [*BASIC, *ADVANCED], ids=lambda i: str(i)[:40])
def test_write_array(index: Any) -> None:
    """x[index] = array: slopes to what was written and to what was left."""

    def f(a: Any, v: Any) -> Any:
        a = a * 1.0
        a[index] = v
        return a

    agrees(f, X, seeded(*X[index].shape, seed=1))


@pytest.mark.parametrize("index", [*BASIC, *ADVANCED, *MASKS], ids=lambda i: str(i)[:40])
def test_add_in_place(index: Any) -> None:
    """x[index] += y reads, adds and writes."""

    def f(a: Any) -> Any:
        a = a * 1.0
        a[index] += 2.0 * a[index]
        return a

    agrees(f, X)


@given(data=st.data())
def test_drawn_index(data: Any) -> None:
    """Any basic index of any array."""
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4))
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True))
    agrees(lambda a: a[index] * 2.0, seeded(*shape))


@given(data=st.data())
def test_drawn_integers(data: Any) -> None:
    """Any integer index of any array, repeated places included."""
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    index = data.draw(hnp.integer_array_indices(shape))
    agrees(lambda a: a[index] * 2.0, seeded(*shape))


def test_a_place_read_twice_receives_both_slopes() -> None:
    """The gradient of a gather is a scatter that adds."""
    weights = np.array([1.0, 10.0, 100.0])
    slope = grad(lambda a: a[np.array([0, 0, 2])] @ weights)(np.ones(3))
    assert slope.tolist() == [11.0, 0.0, 100.0]


def test_a_place_written_twice_keeps_the_last() -> None:
    """Only the value that stayed has a slope."""
    index = np.array([1, 1, 0])

    def f(v: Any) -> Any:
        out = np.zeros_like(v)
        out[index] = v
        return np.sum(out * np.array([1.0, 10.0, 100.0]))

    value, slope = value_and_grad(f)(np.array([5.0, 6.0, 7.0]))
    assert (float(value), slope.tolist()) == (67.0, [0.0, 10.0, 1.0])


def test_add_at_counts_repeated_places() -> None:
    """np.add.at adds each of them."""
    index = np.array([1, 1, 0])

    def f(v: Any) -> Any:
        out = np.zeros_like(v)
        np.add.at(out, index, v)
        return out

    agrees(f, np.array([5.0, 6.0, 7.0]))
    assert f(np.array([5.0, 6.0, 7.0])).tolist() == [7.0, 11.0, 0.0]


# Views


VIEWS: dict[str, Any] = {
    "row": lambda a: a[1],
    "column": lambda a: a[:, 1],
    "slice of slice": lambda a: a[1:][:, ::2],
    "backwards": lambda a: a[::-1],
    "new axis": lambda a: a[None, :, 0],
    "reshape": lambda a: a.reshape(-1),
    "ravel": lambda a: a.ravel()[3:7],
    "transpose": lambda a: a.T,
    "transposed row": lambda a: a.T[2],
    "swapaxes": lambda a: np.swapaxes(a, 0, 1)[1:],
    "moveaxis": lambda a: np.moveaxis(a, 0, 1),
    "expand": lambda a: np.expand_dims(a, 0)[0, 2],
    "squeeze": lambda a: a[:1].squeeze(0),
    "iteration": lambda a: next(iter(a)),
    "split": lambda a: np.split(a, 3)[1],
}


@pytest.mark.parametrize("name", VIEWS)
def test_view_writes_through(name: str) -> None:
    """Writing into a view changes what it views, and the other way round."""

    def f(a: Any) -> Any:
        base = a * 1.0
        view = VIEWS[name](base)
        view[...] = view * 2.0 + 1.0
        base[0] = base[0] * 3.0
        return base + 0.0, view + 0.0

    agrees(f, seeded(3, 4))


@pytest.mark.parametrize("name", VIEWS)
def test_view_in_place(name: str) -> None:
    """view *= y writes through too."""

    def f(a: Any) -> Any:
        base = a * 1.0
        view = VIEWS[name](base)
        view *= 3.0
        view -= 1.0
        view /= 2.0
        view **= 2
        return base

    agrees(f, seeded(3, 4))


def test_copies_do_not_write_through() -> None:
    """copy, flatten, astype and advanced indexing give arrays of their own."""
    for copied in (
        lambda a: a.copy(),
        lambda a: a.flatten(),
        lambda a: a.astype(float),
        lambda a: a[[0, 1, 2]],
        lambda a: np.copy(a),
        lambda a: +a,
        lambda a: a * 1.0,
    ):

        def f(a: Any, copied: Any = copied) -> Any:
            base = a * 1.0
            other = copied(base)
            other[...] = 0.0
            return base

        agrees(f, seeded(3, 4))


def test_alias_sees_the_write() -> None:
    """Two names of one array."""

    def f(a: Any) -> Any:
        base = a * 1.0
        other = base
        other += 1.0
        base[0] = 5.0
        return base * other

    agrees(f, seeded(4))


def test_views_of_the_argument_leave_the_caller_alone() -> None:
    """A function that writes into its argument changes the traced copy, not the caller's array."""
    x = np.array([1.0, 2.0, 3.0])

    def f(a: Any) -> Any:
        a[0] = a[1] * 2.0
        a[1:] *= 3.0
        return np.sum(a)

    value, slope = value_and_grad(f)(x)
    assert x.tolist() == [1.0, 2.0, 3.0]
    assert (float(value), slope.tolist()) == (19.0, [0.0, 5.0, 3.0])


# In place


def test_in_place_operators() -> None:
    """+=, -=, *=, /=, //=, %=, **= on traced arrays, and on plain ones with a traced right side."""

    def f(a: Any) -> Any:
        b = a * 1.0
        b += a
        b *= 2.0
        b -= 1.0
        b /= 3.0
        b **= 3
        b %= 7.0
        return b

    def g(a: Any) -> Any:
        w = np.ones(4)
        w += a
        w *= a
        w -= a * a
        w /= 2.0 + a
        return w

    agrees(f, seeded(4, low=0.5))
    agrees(g, seeded(4, low=0.5))


def test_plain_array_that_one_name_knows_takes_a_traced_update() -> None:
    """`w += traced` binds w to a traced value, as long as nobody else sees the array."""

    def f(a: Any) -> Any:
        w = np.ones(3)
        for _ in range(3):
            w += a
        return np.sum(w * w)

    assert grad(f)(np.array([1.0, 2.0, 3.0])).tolist() == [24.0, 42.0, 60.0]


def test_in_place_keeps_dtype() -> None:
    """float32 += float64 stays float32, int += float is an error, as in NumPy."""

    def f(a: Any) -> Any:
        a = a * np.float32(1)
        a += np.ones(2, np.float64)
        a[0] = np.float64(7.25)
        return a

    agrees(f, np.float32([1, 2]), smooth=False)
    with pytest.raises(TypeError, match="cannot write float64 into an array of int64"):
        with_values(_iadd_float, np.array([1, 2]))


def _iadd_float(a: Any) -> Any:
    a += 1.5
    return a


def test_in_place_cannot_grow() -> None:
    """x += y does not broadcast x."""

    def f(a: Any) -> Any:
        a = a * 1.0
        a += np.ones((2, 3))
        return np.sum(a)

    with pytest.raises(ValueError, match=r"shape \(2, 3\) does not fit into \(3,\)"):
        grad(f)(np.ones(3))


def test_number_is_immutable() -> None:
    """`x += 1` of a Python number binds a new one: the other name keeps the old."""

    def f(x: float) -> float:
        y = x
        x += 1.0
        x *= 2.0
        return x * y

    assert grad(f)(3.0) == 14.0


def test_accumulate_in_a_list() -> None:
    """Lists and dicts of traced values are plain Python."""

    def f(a: Any) -> Any:
        found = {"s": 0.0}
        parts = []
        for k in range(4):
            parts.append(a[k] * k)
            found["s"] += a[k]
        return np.stack(parts) * found["s"]

    agrees(f, seeded(4))


# Errors


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (5, "index 5 is out of bounds for axis 0 with size 3"),
        ((0, -5), "index -5 is out of bounds for axis 1 with size 4"),
        ((0, 0, 0), "too many indices: 3 for an array of 2"),
        (np.array([0.5]), "an index must be integers, slices or a mask, not float64"),
        ([0, 7], "out of bounds"),
    ],
)
def test_bad_index(index: Any, message: str) -> None:
    """The error that NumPy raises, with the user's line where we find it first."""
    with pytest.raises(IndexError, match=message):
        grad(lambda a: np.sum(a[index]))(np.ones((3, 4)))


def test_write_of_a_wrong_shape() -> None:
    """The shape that came and the shape that the index selects."""

    def f(a: Any) -> Any:
        a[0] = np.ones(3)
        return np.sum(a)

    with pytest.raises(ShapeError, match=r"shape \(3,\) where the index selects \(4,\)"):
        grad(f)(np.ones((3, 4)))

    def g(a: Any) -> Any:
        a[0, 0] = np.ones((2, 3))
        return np.sum(a)

    with pytest.raises(ShapeError, match="where the index selects"):
        grad(g)(np.ones((3, 4)))


def test_masks_without_values() -> None:
    """Without numbers a mask cannot be read, but it can be written."""
    with pytest.raises(AbstractValueError, match=r"np\.where"):
        without_values(lambda a: a[a > 0], np.ones(3))

    def f(a: Any) -> Any:
        a = a * 1.0
        a[a > 0] = 7.0
        a[a < -1.0] *= 2.0
        return a

    def g(a: Any) -> Any:
        a = a * 1.0
        a[a > 0] = 7.0
        return a

    def h(a: Any) -> Any:
        a = a * 1.0
        a[a[:, 0] > 0] = a[0] * 2.0
        return a

    agrees(f, seeded(5), abstract=False)
    agrees(g, seeded(5))
    agrees(h, seeded(5, 3))
    with pytest.raises(AbstractValueError, match=r"np\.where"):
        without_values(lambda a: (a * 1.0).__setitem__(a > 0, a), np.ones(3))


@pytest.mark.parametrize("shape", [(2,), (4,), (1,), (3, 2), (1, 4), (3, 1)])
def test_a_mask_must_match(shape: tuple[int, ...]) -> None:
    """A mask of other sizes than the axes that it stands for is an IndexError, as in NumPy."""
    x, mask = np.ones((3, 4)), np.zeros(shape, bool)
    with pytest.raises(IndexError):
        x[mask]
    for use in (lambda a: a[mask], lambda a: a.__setitem__(mask, 0.0)):
        for traced in (with_values, without_values):
            with pytest.raises(IndexError, match="mask of shape"):
                traced(use, x)


def test_traced_integers_index() -> None:
    """The index itself may be traced."""

    def f(a: Any, k: Any) -> Any:
        return a[k] * 2.0 + a[0, k[0]]

    agrees(f, seeded(3, 4), np.array([2, 0, 2]))


def test_traced_integers_index_a_plain_array() -> None:
    """With values or without them; np.asarray(plain, like=x) works too."""
    table = np.array([[1.0, 2.0], [3.0, 4.0]])

    def direct(a: Any) -> Any:
        return a * table[np.argmax(a)]

    def told(a: Any) -> Any:
        index = np.argmax(a)
        return a * np.asarray(table, like=a)[index]

    agrees(direct, np.array([0.5, 1.5]))
    agrees(told, np.array([0.5, 1.5]))


def test_gradient_of_a_view_used_before_and_after_a_write() -> None:
    """What was read before the write keeps its slope."""

    def f(a: Any) -> Any:
        b = a * 1.0
        before = b[0] * 1.0
        b[0] = a[1]
        return before * 10.0 + b[0] * b[1]

    y, pullback = vjp(f, np.array([2.0, 3.0]))
    assert float(y) == 29.0
    assert pullback(1.0)[0].tolist() == [10.0, 6.0]
