"""Jacobians and Hessians against formulas, central differences and each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import chainrule as cr
from chainrule.autodiff.sparsity import colouring, patterns
from chainrule.errors import DtypeError, GradientError, ShapeError, UnsupportedError
from chainrule.graph.graph import Graph
from chainrule.graph.node import constant, input_node
from chainrule.graph.types import Type
from chainrule.primitives.convolution import conv
from chainrule.primitives.indexing import gather, scatter, scatter_add
from chainrule.primitives.products import matmul
from chainrule.primitives.structure import concatenate, pad, reshape, slice_, sum_, transpose


def normal(*shape: int) -> Any:
    """Random numbers, the same for each shape."""
    return np.random.default_rng(shape).normal(size=shape)


X = normal(5)
W = normal(5, 4)
BOTH = pytest.mark.parametrize("jacobian", [cr.jacfwd, cr.jacrev, cr.jacobian])


def layer(x: Any) -> Any:
    return np.tanh(x @ W)


def slopes_of_layer(x: Any) -> Any:
    """d tanh(x W)_j / d x_i, by hand."""
    return (1.0 - np.tanh(x @ W) ** 2)[:, None] * W.T


def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def rosenbrock_hessian(x: Any) -> Any:
    """By hand."""
    diagonal = np.zeros(len(x))
    diagonal[:-1] = 1200.0 * x[:-1] ** 2 - 400.0 * x[1:] + 2.0
    diagonal[1:] += 200.0
    return np.diag(diagonal) + np.diag(-400.0 * x[:-1], 1) + np.diag(-400.0 * x[:-1], -1)


@BOTH
def test_a_layer(jacobian: Any) -> None:
    """The slopes by hand; eagerly, compiled, and for each row of a batch."""
    expected = slopes_of_layer(X)
    np.testing.assert_allclose(jacobian(layer)(X), expected, rtol=1e-12)
    np.testing.assert_allclose(cr.jit(jacobian(layer))(X), expected, rtol=1e-12)
    rows = np.stack([X, -X, 2 * X])
    each = np.stack([slopes_of_layer(x) for x in rows])
    np.testing.assert_allclose(cr.vmap(jacobian(layer))(rows), each, rtol=1e-12)
    np.testing.assert_allclose(cr.jit(cr.vmap(jacobian(layer)))(rows), each, rtol=1e-12)


@BOTH
def test_trees_and_argnums(jacobian: Any) -> None:
    """A tree of results holds trees of arguments, shapes one after the other."""

    def f(p: Any, x: Any, _unused: str) -> Any:
        return {"y": p["a"] * x[0], "s": np.sum(p["b"] * x)}

    p, x = {"a": np.arange(6.0).reshape(2, 3), "b": 3.0}, np.array([2.0, 5.0])
    by_p = jacobian(f)(p, x, "text")
    assert by_p["y"]["a"].shape == (2, 3, 2, 3)
    np.testing.assert_array_equal(by_p["y"]["a"].reshape(6, 6), 2.0 * np.eye(6))
    np.testing.assert_array_equal(by_p["y"]["b"], np.zeros((2, 3)))
    assert by_p["s"]["b"] == 7.0
    by_p, by_x = jacobian(f, argnums=(0, -2))(p, x, "text")["y"]
    np.testing.assert_array_equal(by_x, np.stack([p["a"], 0 * p["a"]], axis=-1))
    (only,) = jacobian(f, argnums=[1])(p, x, "text")["s"]
    np.testing.assert_array_equal(only, [3.0, 3.0])


@BOTH
def test_auxiliary_results_and_branches_on_values(jacobian: Any) -> None:
    """Numbers are known without jit, and the second result comes back plain."""

    def f(x: Any) -> Any:
        return (x**2 if x[0] > 0 else -x), {"norm": float(np.sum(x)), "x": x}

    slopes, aux = jacobian(f, has_aux=True)(np.array([1.0, 3.0]))
    np.testing.assert_array_equal(slopes, np.diag([2.0, 6.0]))
    assert aux["norm"] == 4.0
    assert type(aux["x"]) is np.ndarray
    slopes, _ = jacobian(f, has_aux=True)(np.array([-1.0, 3.0]))
    np.testing.assert_array_equal(slopes, -np.eye(2))


@BOTH
def test_dtypes_and_empty_arrays(jacobian: Any) -> None:
    """float32 stays; no entries give none; a result that does not depend is zero."""
    assert jacobian(lambda x: x * 2)(np.ones(2, np.float32)).dtype == np.float32
    assert jacobian(lambda x: x[:0])(np.ones(2)).shape == (0, 2)
    assert jacobian(lambda x: np.sum(x) * np.ones(3))(np.ones(0)).shape == (3, 0)
    np.testing.assert_array_equal(jacobian(lambda x: (x, W[0]))(np.ones(2))[1], np.zeros((4, 2)))
    assert jacobian(np.sin)(0.0) == 1.0


@BOTH
def test_of_a_scan(jacobian: Any) -> None:
    """y_k = a y_(k-1) + x_k has the slopes a^(k-j) for j <= k."""

    def f(x: Any) -> Any:
        def step(y: Any, v: Any) -> Any:
            return 0.5 * y + v, 0.5 * y + v

        return cr.scan(step, 0.0, x)[1]

    n = np.arange(5)
    expected = np.tril(0.5 ** (n[:, None] - n))
    np.testing.assert_allclose(jacobian(f)(X), expected, rtol=1e-12)
    np.testing.assert_allclose(cr.jit(jacobian(f))(X), expected, rtol=1e-12)


def test_jacobian_chooses() -> None:
    """By rows where there are fewer results, by columns else, and where a loop has no reverse."""

    def loop(x: Any) -> Any:
        return cr.while_loop(lambda y: np.sum(y) < 10.0, lambda y: 2.0 * y, x)[:1]

    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(cr.jacobian(loop)(x), [[4.0, 0.0]])
    wide = str(cr.make_graph(cr.jacobian(lambda x: layer(x) * 1.0))(X))
    tall = str(cr.make_graph(cr.jacobian(lambda x: W @ np.tanh(x)))(X[:4]))
    assert "f64[4,1,5]" in wide  # a matrix for each result
    assert "f64[4,5,1]" in tall  # one for each argument
    z = cr.jacobian(lambda x: np.exp(1j * x))(x)
    np.testing.assert_allclose(z, np.diag(1j * np.exp(1j * x)), rtol=1e-12)


def test_orders() -> None:
    """A Jacobian of a Jacobian, a gradient of one, and central differences."""
    second = cr.jacfwd(cr.jacrev(layer))(X)
    assert second.shape == (4, 5, 5)
    step = 1e-5
    for k in range(5):
        e = step * np.eye(5)[k]
        central = (slopes_of_layer(X + e) - slopes_of_layer(X - e)) / (2 * step)
        np.testing.assert_allclose(second[:, :, k], central, rtol=1e-6, atol=1e-8)

    def size(x: Any) -> Any:
        return np.sum(cr.jacobian(layer)(x) ** 2)

    cr.check_grads(size, (X,), order=2)

    def curvature(x: Any) -> Any:
        return np.sum(np.sin(cr.hessian(rosenbrock)(x)))

    x = 0.1 * normal(20)
    assert "scatter" in str(cr.make_graph(cr.hessian(rosenbrock))(x))
    cr.check_grads(cr.jit(curvature), (x,))


# Hessians


def test_hessians() -> None:
    """Rosenbrock's, by hand; dense and compressed; eagerly and compiled; batched."""
    for n in (3, 40):
        x = normal(n)
        expected = rosenbrock_hessian(x)
        for f in (cr.hessian(rosenbrock), cr.jit(cr.hessian(rosenbrock))):
            np.testing.assert_allclose(f(x), expected, rtol=1e-11, atol=1e-11)
        rows = np.stack([x, 2 * x])
        each = np.stack([rosenbrock_hessian(x) for x in rows])
        np.testing.assert_allclose(cr.vmap(cr.hessian(rosenbrock))(rows), each, rtol=1e-11,
                                   atol=1e-11)  # fmt: skip


def test_hessians_of_trees() -> None:
    """Blocks of each pair of arguments; the transposes of each other."""

    def f(p: Any, x: Any) -> Any:
        return np.sum(np.tanh(x @ p["w"]) * p["b"])

    p = {"w": W[:3, :2], "b": W[0, :2]}
    blocks = cr.hessian(f, argnums=(0, 1))(p, X[:3])
    assert blocks[0]["w"][0]["b"].shape == (3, 2, 2)
    np.testing.assert_allclose(blocks[0]["w"][1], np.moveaxis(blocks[1][0]["w"], 0, -1), rtol=1e-12)
    value, aux = cr.hessian(lambda x: (x**3, x), has_aux=True)(2.0)
    assert (value, aux) == (12.0, 2.0)
    np.testing.assert_array_equal(cr.hessian(np.sum)(X), np.zeros((5, 5)))
    np.testing.assert_array_equal(cr.hvp(np.sum, X, X), np.zeros(5))


def test_products_with_a_hessian() -> None:
    """Of one argument, of several, of trees, and compiled."""
    v = normal(5)
    expected = rosenbrock_hessian(X) @ v
    np.testing.assert_allclose(cr.hvp(rosenbrock, X, v), expected, rtol=1e-12)
    compiled = cr.jit(lambda x, v: cr.hvp(rosenbrock, x, v))
    np.testing.assert_allclose(compiled(X, v), expected, rtol=1e-12)

    def f(p: Any, y: Any) -> Any:
        return p["a"] ** 2 * y

    by_p, by_y = cr.hvp(f, {"a": 3.0}, 2.0, ({"a": 1.0}, 10.0))
    assert by_p == {"a": 2 * 2.0 + 2 * 3.0 * 10.0}
    assert by_y == 6.0


# Sparse Jacobians


def differences(x: Any) -> Any:
    return x[1:] * 3.0 - np.sin(x[:-1])


BANDS = scipy.sparse.diags_array([1.0, 1.0], offsets=[0, 1], shape=(49, 50))


def test_sparse_jacobians() -> None:
    """The pattern that was said, with the numbers of the dense Jacobian; few passes."""
    x = normal(50)
    dense = cr.jacfwd(differences)(x)
    for sparsity in (BANDS, BANDS.toarray().astype(bool), scipy.sparse.csc_matrix(BANDS)):
        result = cr.jacobian(differences, sparsity=sparsity)(x)
        assert isinstance(result, scipy.sparse.csr_array)
        assert result.nnz == 98
        np.testing.assert_allclose(result.toarray(), dense, rtol=1e-12)
    hessian = cr.jacobian(cr.grad(rosenbrock), sparsity=_tridiagonal(50))(x)
    np.testing.assert_allclose(hessian.toarray(), rosenbrock_hessian(x), rtol=1e-11)
    wider = cr.jacobian(differences, sparsity=np.ones((49, 50), bool))(x)
    np.testing.assert_allclose(wider.toarray(), dense, rtol=1e-12)


def test_patterns_that_are_seen() -> None:
    """With "auto" the pattern is that of the graph, be it for 100,000 numbers."""
    x = normal(50)
    seen = cr.jacobian(differences, sparsity="auto")
    for argument in (x, 2.0 * x, x[:20], x):
        result = seen(argument)
        assert result.nnz == 2 * (len(argument) - 1)
        np.testing.assert_allclose(result.toarray(), cr.jacfwd(differences)(argument), rtol=1e-12)
    full = cr.jacobian(lambda x: W @ np.tanh(x), sparsity="auto")(x[:4])
    np.testing.assert_allclose(full.toarray(), W * (1.0 - np.tanh(x[:4]) ** 2), rtol=1e-12)
    x = np.ones(100_000)
    hessian = cr.jacobian(cr.grad(rosenbrock), sparsity="auto")(x)
    assert hessian.nnz == 299_998
    np.testing.assert_array_equal(hessian.diagonal()[[0, 1, -1]], [802.0, 1002.0, 200.0])
    assert cr.jacobian(cr.stop_gradient, sparsity="auto")(x).nnz == 0


def test_an_arrow_by_rows() -> None:
    """A column that is full costs one pass in reverse mode, and as many as rows in forward mode."""

    def f(x: Any) -> Any:
        return x[1:] * x[0]

    pattern = np.eye(30, 31, k=1, dtype=bool)
    pattern[:, 0] = True
    assert colouring(scipy.sparse.csr_array(pattern)).max() == 1
    assert colouring(scipy.sparse.csr_array(pattern.T)).max() == 29
    x = normal(31)
    expected = np.hstack([x[1:, None], x[0] * np.eye(30)])
    np.testing.assert_allclose(cr.jacobian(f, sparsity=pattern)(x).toarray(), expected, rtol=1e-12)
    by_rows = cr.jacobian(lambda x: np.array([np.sum(x), x[0] ** 2]), sparsity=np.array(
        [[True] * 31, [True] + [False] * 30]))(x)  # fmt: skip
    np.testing.assert_allclose(by_rows.toarray()[0], np.ones(31))


def test_shapes_and_auxiliary_results_of_sparse_jacobians() -> None:
    """Arrays of any shape count as flat; zero Jacobians and empty patterns are fine."""

    def f(x: Any) -> Any:
        return x.T * 2.0, "aux"

    x = normal(2, 3)
    pattern = np.zeros((6, 6), bool)
    pattern[np.arange(6), np.arange(6).reshape(2, 3).T.ravel()] = True
    result, aux = cr.jacobian(f, has_aux=True, sparsity=pattern)(x)
    assert aux == "aux"
    np.testing.assert_array_equal(result.toarray(), 2.0 * pattern)
    empty = cr.jacobian(lambda x: cr.stop_gradient(x), sparsity=np.zeros((3, 3), bool))
    assert empty(np.ones(3)).nnz == 0


def test_colours_are_those_of_greedy_colouring() -> None:
    """No row has two columns of one colour, for random patterns; degree + 1 colours at most."""
    for seed in range(5):
        pattern = scipy.sparse.random_array((30, 40), density=0.08, format="csr", rng=seed)
        colours = colouring(pattern)
        for k in range(30):
            row = colours[pattern.indices[pattern.indptr[k] : pattern.indptr[k + 1]]]
            assert len(set(row)) == len(row)
        together = (pattern.T @ pattern).astype(bool).sum(axis=0)
        assert colours.max() < np.max(together)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: cr.jacobian(differences, sparsity=BANDS * 1)(np.ones(3)), ShapeError, "49, 50"),
        (lambda: cr.jacobian(differences, sparsity=np.eye(49, 50, dtype=bool))(np.ones(50)),
         GradientError, "49 of 49 entries"),
        (lambda: cr.jacobian(differences, sparsity=np.eye(49, 50)), TypeError, "truth values"),
        (lambda: cr.jacobian(differences, sparsity=np.ones(3, bool)), ShapeError, "rows and col"),
        (lambda: cr.jit(cr.jacobian(differences, sparsity=BANDS))(np.ones(50)),
         UnsupportedError, "sparse Jacobian under jit"),
        (lambda: cr.jacobian(differences, argnums=(0,), sparsity=BANDS), TypeError, "single"),
        (lambda: cr.jacobian(lambda x: (x, x), sparsity=BANDS)(np.ones(50)), TypeError, "one arr"),
        (lambda: cr.jacobian(differences, sparsity="all"), TypeError, "sparsity='all'"),
        (lambda: cr.jacobian(np.sort, sparsity="auto")(np.ones(50)), UnsupportedError, "Give the"),
        (lambda: cr.jacfwd(np.sin)(np.arange(3)), DtypeError, "int64"),
        (lambda: cr.jacfwd(np.sin)(np.ones(2) * 1j), DtypeError, "complex128"),
        (lambda: cr.jacrev(lambda x: x * 1j)(np.ones(2)), GradientError, "complex128"),
        (lambda: cr.jacfwd(np.argsort)(np.ones(2)), GradientError, "returns int64"),
        (lambda: cr.jacrev(np.sin, argnums=1)(np.ones(2)), TypeError, "argnums=1"),
        (lambda: cr.jacrev(np.sin, has_aux=True)(np.ones(2)), GradientError, "has_aux"),
        (lambda: cr.hvp(np.sin, 1.0), TypeError, "then the direction"),
        (lambda: cr.hvp(np.multiply, 1.0, 2.0, 3.0), TypeError, "tuple of as many"),
        (lambda: cr.hvp(np.sum, np.ones(3), np.ones(2)), ShapeError, "shape"),
    ],
)  # fmt: skip
def test_refusals(call: Callable[[], Any], error: type[Exception], match: str) -> None:
    """Each says what came and what to do."""
    with pytest.raises(error, match=match):
        call()


def _tridiagonal(n: int) -> Any:
    return scipy.sparse.diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=(n, n))


# Zeros that the graph shows


def _structures() -> dict[str, tuple[Any, Callable[[Any], Any]]]:
    """Linear functions of nodes, by name, with the shape of their argument."""
    index = constant(np.array([5, 0, 0, 39]))
    positions = constant(np.array([7, 7, 30]))
    weights = normal(4, 3)
    return {
        "slice": ((40,), lambda x: slice_(x, index=(slice(38, 3, -3),))),
        "pad": ((40,), lambda x: pad(x, shape=(90,), index=(slice(2, 82, 2),))),
        "transpose": ((8, 5), lambda x: transpose(x, axes=(1, 0))),
        "sum": ((10, 4), lambda x: sum_(x, axes=(1,))),
        "broadcast": ((40, 1), lambda x: x * np.ones((40, 3)) + x),
        "concatenate": ((20, 2), lambda x: concatenate(x, np.ones((20, 1)), -x, axis=1)),
        "gather": ((40,), lambda x: gather(x, index, pattern=(0,))),
        "scatter_add": ((40,), lambda x: scatter_add(
            x, slice_(x, index=(slice(0, 3),)), positions, pattern=(0,))),
        "scatter": ((40,), lambda x: scatter(
            x, slice_(x, index=(slice(0, 3),)), positions, pattern=(0,))),
        "matmul": ((20, 4), lambda x: matmul(x, weights)),
        "right matmul": ((20, 3, 4), lambda x: matmul(weights, x)),
        "conv": ((2, 8, 9, 1), lambda x: conv(
            x, normal(3, 2, 1, 2), strides=(2, 1), dilation=(1, 2))),
        "reshape": ((8, 5), lambda x: reshape(x, shape=(2, 20)) * 2.0),
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(_structures()))
def test_patterns(name: str) -> None:
    """The pattern of each kind of node is where its Jacobian is not zero, which it makes cheap."""
    shape, function = _structures()[name]
    x = input_node(Type(shape, np.dtype(float)))
    (pattern,) = patterns(Graph((x,), (function(x),)))
    n = int(np.prod(shape))
    units = np.eye(n).reshape(n, *shape)
    columns = [np.ravel(function(constant(unit)).value) for unit in units]
    if name == "concatenate":
        columns = [c - np.ravel(function(constant(np.zeros(shape))).value) for c in columns]
    expected = np.stack(columns, axis=1) != 0
    np.testing.assert_array_equal(pattern.toarray(), expected)


def test_dense_and_unknown_maps_are_left_alone() -> None:
    """A product with a full matrix, a sum of all, and what has no rule."""
    x = input_node(Type((40,), np.dtype(float)))
    row = reshape(x, shape=(1, 40))
    assert patterns(Graph((x,), (matmul(row, np.ones((40, 40))),))) is None
    assert patterns(Graph((x,), (sum_(x, axes=(0,)),))) is None
    k = input_node(Type((3,), np.dtype(np.intp)))
    assert patterns(Graph((x, k), (gather(x, k, pattern=(0,)),))) is None


@BOTH
def test_compressed_jacobians(jacobian: Any) -> None:
    """Neighbours, blocks and gathered entries: as NumPy gives them, exact zeros elsewhere."""
    index = np.random.default_rng(1).integers(0, 60, 60)

    def f(x: Any) -> Any:
        blocks = np.reshape(np.tanh(x), (20, 3)) @ W[:3, :3]
        return np.ravel(blocks) * x[index] + np.roll(x, 1) / np.exp(x)

    x = normal(60)
    actual = cr.jit(jacobian(f))(x)
    expected = np.stack([cr.jvp(f, (x,), (e,))[1] for e in np.eye(60)], axis=1)
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-14)
    assert np.count_nonzero(actual) <= 60 * 6
    text = str(cr.make_graph(jacobian(f))(x))
    assert "f64[60,60] = scatter" in text


@BOTH
def test_first_products(jacobian: Any) -> None:
    """A layer at all unit vectors is its matrix, scaled: no product with an identity is left."""
    w, v = normal(6, 6), normal(6, 6, 1)[:, :, 0]

    def f(x: Any) -> Any:
        return np.sin(np.tanh(v @ np.exp(x)) @ w) + x

    x = normal(6)
    expected = np.stack([cr.jvp(f, (x,), (e,))[1] for e in np.eye(6)], axis=1)
    np.testing.assert_allclose(jacobian(f)(x), expected, rtol=1e-10)
    np.testing.assert_allclose(cr.jit(jacobian(f))(x), expected, rtol=1e-10)
    text = str(cr.make_graph(jacobian(f))(x))
    assert sum("matmul" in line and "[6,6]" in line for line in text.splitlines()) == 1


@pytest.mark.slow
def test_against_jax() -> None:
    """Jacobians and Hessians of a network by all of its parameters."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)

    def f(np: Any, p: Any, x: Any) -> Any:
        h = np.tanh(x @ p["a"])
        return {"y": h @ p["b"], "s": np.sum(np.cumprod(h, axis=1))}

    def loss(np: Any, p: Any, x: Any) -> Any:
        return np.sum(f(np, p, x)["y"] ** 2) + f(np, p, x)["s"]

    p, x = {"a": normal(6, 5), "b": normal(5, 4)}, normal(3, 6)
    for name in ("jacfwd", "jacrev", "hessian"):
        g = loss if name == "hessian" else f
        theirs = getattr(jax, name)(lambda p, x, g=g: g(jax.numpy, p, x), argnums=(0, 1))(p, x)
        ours = getattr(cr, name)(lambda p, x, g=g: g(np, p, x), argnums=(0, 1))
        for actual in (ours(p, x), cr.jit(ours)(p, x)):
            assert cr.tree.structure(actual) == cr.tree.structure(theirs)
            pairs = zip(cr.tree.leaves(theirs), cr.tree.leaves(actual), strict=True)
            for y, z in pairs:
                np.testing.assert_allclose(z, y, rtol=1e-9, atol=1e-11)
