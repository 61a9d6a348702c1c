"""matmul, dot, tensordot, einsum and kin against NumPy, with their slopes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agreement import agrees, seeded
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import ShapeError
from chainrule.transforms.differentiating.gradient import grad

PAIRS = [
    ((3,), (3,)), ((2, 3), (3,)), ((2,), (2, 3)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((5, 1, 2, 3), (4, 3, 2)), ((3,), (5, 3, 2)),
    ((5, 2, 3), (3,)), ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((2, 3), (3, 0)), ((0,), (0,)),
]  # fmt: skip


@pytest.mark.parametrize("shapes", PAIRS, ids=str)
def test_matmul(shapes: Any) -> None:
    """@ and np.matmul of vectors, matrices and stacks, broadcast, and empty ones."""
    x, y = seeded(*shapes[0]), seeded(*shapes[1], seed=1)
    agrees(np.matmul, x, y)
    agrees(lambda a, b: a @ b, x, y)
    agrees(lambda a: a @ y, x)
    agrees(lambda b: x @ b, y)


@pytest.mark.parametrize(
    "shapes", [*PAIRS[:5], ((), (3,)), ((2, 3), ()), ((5, 2, 3), (3,)), ((2, 3), (4, 3, 2)),
               ((5, 2, 3), (4, 3, 2))], ids=str,
)  # fmt: skip
def test_dot(shapes: Any) -> None:
    """np.dot, which differs from matmul for numbers and stacks."""
    x, y = seeded(*shapes[0]), seeded(*shapes[1], seed=1)
    agrees(np.dot, x, y)
    agrees(lambda a, b: a.dot(b) if np.ndim(a) else np.dot(a, b), x, y)


@pytest.mark.parametrize(
    "shapes",
    [((3,), (3,)), ((2, 3), (4, 3)), ((), (2,)), ((2, 3), (3,)), ((2, 2, 3), (4, 3))],
    ids=str,
)
def test_inner_outer_vdot(shapes: Any) -> None:
    """The products named after what they do."""
    x, y = seeded(*shapes[0]), seeded(*shapes[1], seed=1)
    agrees(np.inner, x, y)
    agrees(np.outer, x, y)
    agrees(np.vdot, x, x)


@pytest.mark.parametrize(
    ("shapes", "axes"),
    [
        (((2, 3), (3, 4)), 1), (((2, 3), (2, 3)), 2), (((2,), (3,)), 0),
        (((2, 3, 4), (4, 3, 5)), ([1, 2], [1, 0])), (((2, 3, 4), (5, 3)), (1, 1)),
        (((2, 3, 4), (5, 3)), ((-2,), (-1,))), (((2, 0), (0, 3)), 1),
    ],
    ids=str,
)  # fmt: skip
def test_tensordot(shapes: Any, axes: Any) -> None:
    """Axes as a number, as lists, negative."""
    agrees(lambda a, b: np.tensordot(a, b, axes), seeded(*shapes[0]), seeded(*shapes[1], seed=1))


EINSUMS = [
    ("ij,jk->ik", [(2, 3), (3, 4)]), ("ij,jk", [(2, 3), (3, 4)]), ("ij->ji", [(2, 3)]),
    ("ij->", [(2, 3)]), ("ii->i", [(3, 3)]), ("ii", [(3, 3)]), ("i,i->", [(3,), (3,)]),
    ("i,j->ij", [(2,), (3,)]), ("bij,bjk->bik", [(4, 2, 3), (4, 3, 2)]),
    ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]), ("...ij,...jk->...ik", [(5, 2, 3), (3, 4)]),
    ("...i->...", [(2, 3)]), ("b...->...b", [(2, 3, 4)]), ("ij,ij->ij", [(2, 3), (2, 3)]),
    ("i,ij,j->", [(2,), (2, 3), (3,)]), ("bhqd,bhkd->bhqk", [(2, 3, 4, 2), (2, 3, 5, 2)]),
    ("ijk->k", [(2, 3, 4)]), ("iij->ij", [(2, 2, 3)]), ("iij,jk->ik", [(2, 2, 3), (3, 2)]),
    ("ij,kl->", [(2, 3), (4, 2)]), ("ji", [(2, 3)]), ("ab,cb->ca", [(2, 3), (4, 3)]),
    ("...,...->...", [(2, 3), (3,)]), ("i...,i...->...", [(2, 3), (2, 3)]),
    ("ij,->ij", [(2, 3), ()]), ("iii->i", [(2, 2, 2)]),
    ("ij,ij->i", [(0, 3), (0, 3)]), ("ij,jk->ik", [(2, 0), (0, 3)]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shapes"), EINSUMS, ids=str)
def test_einsum(text: str, shapes: Any) -> None:
    """Products, sums, diagonals, ellipses, implicit outputs, three operands."""
    arrays = [seeded(*shape, seed=k) for k, shape in enumerate(shapes)]
    agrees(lambda *xs: np.einsum(text, *xs), *arrays)
    agrees(lambda x: np.einsum(text, x, *arrays[1:]), arrays[0])


@given(data=st.data())
def test_drawn_einsum(data: Any) -> None:
    """Two or three operands of drawn labels, any subset of them in the result."""
    size = {label: data.draw(st.integers(1, 3), label) for label in "abcd"}
    words = st.text("abcd", min_size=0, max_size=3)
    terms = data.draw(st.lists(words, min_size=1, max_size=3))
    used = sorted(set("".join(terms)))
    kept = [label for label in used if data.draw(st.booleans())]
    result = "".join(data.draw(st.permutations(kept)))
    arrays = [seeded(*[size[c] for c in term], seed=k) for k, term in enumerate(terms)]
    agrees(lambda *xs: np.einsum(",".join(terms) + "->" + result, *xs), *arrays)


@given(data=st.data())
def test_drawn_tensordot(data: Any) -> None:
    """Any axes of any arrays, as long as they fit."""
    sizes = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    inner = data.draw(st.integers(0, len(sizes)))
    free = data.draw(st.lists(st.integers(1, 3), max_size=2))
    left = data.draw(st.permutations(range(len(sizes))))[:inner]
    y_shape = [*(sizes[k] for k in left), *free]
    axes = (list(left), list(range(inner)))
    agrees(lambda a, b: np.tensordot(a, b, axes), seeded(*sizes), seeded(*y_shape, seed=1))


@pytest.mark.parametrize("dtypes", [("float32", "float32"), ("float32", "float64"),
                                    ("int64", "int64"), ("int32", "float32")])  # fmt: skip
def test_product_dtypes(dtypes: tuple[str, str]) -> None:
    """Products promote as in NumPy."""
    x, y = np.eye(3, dtype=dtypes[0]) * 3, np.ones((3, 2), dtypes[1])
    for f in (np.matmul, np.dot, np.tensordot, lambda a, b: np.einsum("ij,jk->ik", a, b)):
        agrees(f if f is not np.tensordot else lambda a, b: np.tensordot(a, b, 1), x, y,
               smooth=False)  # fmt: skip


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: x @ np.ones((4, 2)), r"matmul: shapes \(2, 3\) and \(4, 2\) do not fit"),
        (lambda x: np.dot(x, np.ones(2)), "do not fit"),
        (lambda x: np.tensordot(x, np.ones((2, 2)), 1), "tensordot: shapes"),
        (lambda x: np.einsum("ij,jk->ik", x, np.ones((2, 2))), "einsum: axis 'j' is 3 and 2"),
        (lambda x: np.einsum("ijk->k", x), "'ijk' for shape"),
        (lambda x: np.einsum("ij,j->i", x), "names 2 operands"),
        (lambda x: x @ np.float64(2.0), "without axes"),
    ],
)
def test_shapes_that_do_not_fit(call: Any, message: str) -> None:
    """Both shapes and the user's line."""
    with pytest.raises(ShapeError, match=message) as caught:
        grad(lambda x: np.sum(call(x)))(np.ones((2, 3)))
    assert "test_products.py:" in str(caught.value)


def test_einsum_by_lists() -> None:
    """Axes may have numbers in place of letters, and `...`, with and without a result."""
    x, y = seeded(3, 4), seeded(4, 3)
    agrees(lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [2, 0]), x, y)
    agrees(lambda a, b: np.einsum(a, [3, 1], b, [1, 0]), x, y)
    agrees(lambda a, b: np.einsum(a, [..., 30], b, [30, ...]), x, y[:, 0])


def test_lists_beside_arrays() -> None:
    """A list of numbers is an array to every product, on either side."""
    x, m = seeded(2), seeded(2, 2)
    for f in (np.matmul, np.dot, np.inner, np.outer, np.vdot, lambda a, b: a @ b):
        agrees(lambda a, f=f: f([1, 2], a), x)
        agrees(lambda a, f=f: f(a, [1.5, 2]), x)
    agrees(lambda a: [[1, 2], [3, 4]] @ a, x)
    agrees(lambda a: (1, 2) @ a @ [3, 4], m)
    agrees(lambda a: np.tensordot([1, 2], a, 1), m)
    agrees(lambda a: np.einsum("i,ij", [1, 2], a), m)


def test_options_of_einsum() -> None:
    """`dtype=` by the rule of `casting=`; what NumPy does not know is an error here, too."""
    x = np.linspace(0.5, 1.5, 6).reshape(2, 3)
    narrow = lambda x: np.einsum("ij->i", x, dtype=np.float32, casting="same_kind")  # noqa: E731
    agrees(narrow, x, smooth=False)
    wide = lambda x: np.einsum("ij->i", x.astype(np.float32), dtype=float, order="F")  # noqa: E731
    agrees(wide, x, smooth=False)
    for options in ({"dtype": np.float32}, {"keepdims": True}, {"order": 3}):
        with pytest.raises(TypeError):
            grad(lambda x, o=options: np.einsum("ij->", x, **o))(x)
