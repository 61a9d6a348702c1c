"""The order in which `einsum` contracts: the cheapest, or the one that `optimize=` asks for."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import pytest
from agreement import agrees, seeded

from chainrule import grad, jit, make_graph

N = 20
CHAIN = seeded(N, N), seeded(N, N, seed=1), seeded(N, seed=2)
LEFT_FIRST = N**3 + N**2
RIGHT_FIRST = 2 * N**2


def multiplications(f: Callable[..., Any], *arrays: Any) -> int:
    """How many all products of a function's graph take."""
    count = 0
    for node in make_graph(f)(*arrays).nodes:
        if node.primitive.name == "matmul":
            count += prod(node.shape) * node.inputs[0].shape[-1]
        elif node.primitive.name == "mul":
            count += prod(node.shape)
    return count


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, RIGHT_FIRST),
        ({"optimize": True}, RIGHT_FIRST),
        ({"optimize": "greedy"}, RIGHT_FIRST),
        ({"optimize": "optimal"}, RIGHT_FIRST),
        ({"optimize": ("optimal", 10**6)}, RIGHT_FIRST),
        ({"optimize": False}, LEFT_FIRST),
        ({"optimize": None}, LEFT_FIRST),
        ({"optimize": ("greedy", 1)}, LEFT_FIRST),  # no intermediate result is as small
        ({"optimize": ["einsum_path", (0, 1), (0, 1)]}, LEFT_FIRST),
        ({"optimize": ["einsum_path", (1, 2), (0, 1)]}, RIGHT_FIRST),
        ({"optimize": ["einsum_path", (0, 1, 2)]}, LEFT_FIRST),
    ],
)
def test_orders_of_three_operands(options: dict[str, Any], expected: int) -> None:
    """A vector goes through both matrices by default; other orders if they are asked for."""

    def product(a: Any, b: Any, v: Any) -> Any:
        return np.einsum("ij,jk,k->i", a, b, v, **options)

    assert multiplications(product, *CHAIN) == expected
    np.testing.assert_allclose(CHAIN[0] @ (CHAIN[1] @ CHAIN[2]), jit(product)(*CHAIN), rtol=1e-12)


def test_a_path_that_sums_an_operand_first() -> None:
    """A step with one operand sums what nothing else has; its result comes last, as in NumPy."""
    path = ["einsum_path", (0,), (0, 1)]
    agrees(lambda x, y: np.einsum("ij,k->k", x, y, optimize=path), seeded(3, 4), seeded(5))
    agrees(lambda x: np.einsum("ij->j", x, optimize=True), seeded(3, 4))


def test_six_operands() -> None:
    """A chain of six matrices with a vector at its end takes six products with a vector."""
    terms = "ab,bc,cd,de,ef,f->a"
    arrays = [*(seeded(9, 9, seed=k) for k in range(5)), seeded(9)]
    product = lambda *xs: np.einsum(terms, *xs)  # noqa: E731
    assert multiplications(product, *arrays) == 5 * 81
    np.testing.assert_allclose(
        np.linalg.multi_dot(arrays), jit(product)(*arrays), rtol=1e-11, atol=1e-11
    )


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("ij,jk,k->i", [(3, 4), (4, 2), (2,)]),
        ("bi,bj->bij", [(2, 3), (2, 4)]),
        ("bi,bj->jbi", [(2, 3), (2, 4)]),
        ("ib,bi->b", [(3, 2), (2, 3)]),
        ("ij,ji->", [(3, 2), (2, 3)]),
        ("ij,kj->ik", [(3, 1), (2, 4)]),  # an axis of one entry is repeated
        ("bi,bi->b", [(1, 3), (2, 3)]),
        ("abc,ad,be,cf->def", [(2, 2, 2), (2, 3), (2, 3), (2, 3)]),
        ("a,b,c,d,a,b->cd", [(2,), (3,), (2,), (2,), (2,), (3,)]),
    ],
)
def test_values_and_derivatives(text: str, shapes: list[tuple[int, ...]]) -> None:
    """NumPy's values, plain and compiled, and both derivatives."""
    arrays = [seeded(*shape, seed=k) for k, shape in enumerate(shapes)]
    agrees(lambda *xs: np.einsum(text, *xs), *arrays)
    f = jit(lambda *xs: np.einsum(text, *xs))
    np.testing.assert_allclose(np.einsum(text, *arrays), f(*arrays), rtol=1e-12, atol=1e-13)


def test_the_gradient_is_as_cheap() -> None:
    """Of a product with a vector it has two products with a vector more, and outer products."""
    loss = lambda a, b, v: np.sum(np.einsum("ij,jk,k->i", a, b, v))  # noqa: E731
    assert multiplications(grad(loss, argnums=(0, 1, 2)), *CHAIN) <= 8 * N**2


def test_the_path_of_traced_operands() -> None:
    """It is NumPy's for their shapes, and `einsum` takes it."""
    expected = np.einsum_path("ij,jk,k", *CHAIN, optimize="optimal")

    def product(a: Any, b: Any, v: Any) -> Any:
        path = np.einsum_path("ij,jk,k", a, b, v, optimize="optimal")
        assert path == expected
        listed = np.einsum_path(a, [0, 1], b, [1, 2], optimize=False)[0]
        assert listed == ["einsum_path", (0, 1)]
        return np.einsum("ij,jk,k", a, b, v, optimize=path[0])

    assert multiplications(product, *CHAIN) == RIGHT_FIRST


@pytest.mark.parametrize(
    ("optimize", "error"),
    [
        ("nonsense", KeyError),
        (5, TypeError),
        ([(0, 1)], TypeError),
        (["einsum_path", (0, 1)], RuntimeError),
        (["einsum_path", (0, 5)], IndexError),
    ],
)
def test_paths_that_are_none(optimize: Any, error: type[Exception]) -> None:
    """They raise what NumPy raises."""

    def product(*xs: Any) -> Any:
        return np.einsum("ij,jk,k->i", *xs, optimize=optimize)

    for call in (product, jit(product)):
        with pytest.raises(error):
            call(*CHAIN)
