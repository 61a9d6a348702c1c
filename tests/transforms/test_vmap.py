"""vmap against a loop over the examples, alone and with the other transformations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize

import chainrule as cr
from chainrule import nn
from chainrule.errors import (
    AbstractValueError,
    DtypeError,
    GradientError,
    ShapeError,
    UnsupportedError,
)


def normal(*shape: int) -> Any:
    """Random numbers, the same for each shape."""
    return np.random.default_rng(shape).normal(size=shape)


XS = normal(4, 3)
W = normal(3, 2)


def looped(f: Callable[..., Any], *columns: Any) -> Any:
    """What NumPy and a loop give for arguments that are mapped along axis 0."""
    results = [f(*row) for row in zip(*columns, strict=True)]
    return cr.tree.map(lambda *ys: np.stack(ys), results[0], *results[1:])


def assert_same(expected: Any, actual: Any, rtol: float = 1e-12) -> None:
    assert cr.tree.structure(expected) == cr.tree.structure(actual)
    for y, z in zip(cr.tree.leaves(expected), cr.tree.leaves(actual), strict=True):
        assert np.shape(y) == np.shape(z)
        assert np.asarray(y).dtype == np.asarray(z).dtype
        np.testing.assert_allclose(z, y, rtol=rtol, atol=1e-13)


def assert_maps(f: Callable[..., Any], *columns: Any) -> None:
    """With and without `jit`, a batch is what a loop gives."""
    expected = looped(f, *columns)
    assert_same(expected, cr.vmap(f)(*columns))
    assert_same(expected, cr.jit(cr.vmap(f))(*columns))


# Axes


def test_axes_of_arguments_and_results() -> None:
    """Any axis counts the examples, at the argument and in the result; None shares one."""
    x = normal(3, 5, 4)
    expected = np.stack([np.tanh(x[:, k]) @ np.ones(4) for k in range(5)], axis=1)
    for axis, out in ((1, 1), (-2, -1), (1, np.int64(1))):
        f = cr.vmap(lambda x, v: np.tanh(x) @ v, in_axes=(axis, None), out_axes=out)
        assert_same(expected, f(x, np.ones(4)))
    assert_same(np.moveaxis(x, 2, 0), cr.vmap(lambda x: x, in_axes=2)(x))


def test_trees_of_axes() -> None:
    """A number stands for all that is below it in an argument or a result, and so does None."""
    arguments = {"w": [XS, 2.0], "b": np.arange(4.0)}
    f = cr.vmap(
        lambda p, k: {"y": p["w"][0] * p["w"][1] + p["b"], "k": (k, k + 1.0)},
        in_axes=({"w": [0, None], "b": 0}, None),
        out_axes={"y": 1, "k": (None, 0)},
    )
    result = f(arguments, 3.0)
    assert_same((XS * 2.0 + np.arange(4.0)[:, None]).T, result["y"])
    assert result["k"][0] == 3.0
    assert_same(np.full(4, 4.0), result["k"][1])


def test_arguments_by_name_are_mapped_along_axis_0() -> None:
    """As in JAX, whatever `in_axes` says."""
    f = cr.vmap(lambda x, *, scale: x * scale, in_axes=1)
    assert_same(XS * np.arange(3.0), f(XS, scale=np.arange(3.0)).T)


def test_results_that_do_not_depend_on_the_batch() -> None:
    """They are repeated along `out_axes`; None gives them once."""
    shared, repeated, plain = cr.vmap(lambda x: (W, W, 7), out_axes=(None, 2, 0))(XS)
    assert_same(W, shared)
    assert_same(np.repeat(W[:, :, None], 4, axis=2), repeated)
    assert_same(np.full(4, 7), plain)


def test_no_examples_and_one() -> None:
    """Batches of 0 and 1 keep their axis."""
    assert cr.vmap(lambda x: np.sum(x) * W)(np.zeros((0, 5))).shape == (0, 3, 2)
    assert cr.vmap(lambda x: np.sum(x) * W)(np.zeros((1, 5))).shape == (1, 3, 2)
    assert cr.vmap(_collatz)(np.zeros(0, int)).shape == (0,)


def test_integers_and_truth_values() -> None:
    """Integer arguments and results, whose dtypes are those of the loop."""
    assert_maps(lambda n, x: (n // 2, x > 0, np.argsort(x), x[n]), np.array([0, 2, 1, 2]), XS)


def test_results_are_new_arrays() -> None:
    """The identity returns copies, which the caller may write into; arguments stay writable."""
    x = XS.copy()
    y, z = cr.vmap(lambda x: (x, x))(x)
    y[0, 0] = 99.0
    assert x[0, 0] == z[0, 0] == XS[0, 0]
    cr.vmap(lambda x, w: x @ w, in_axes=(0, None))(x, w := W.copy())
    x[0], w[0] = 0.0, 0.0


# What functions do


def test_functions_that_write() -> None:
    """Into arrays of their own, into their example, and into what all share: into copies of it."""

    def f(x: Any, w: Any) -> Any:
        y = np.zeros(3)
        y[1] = x[0]
        x[2] = 5.0
        w[0] = x[:2]
        return y + x, w * 1.0

    def on_copies(x: Any) -> Any:
        return f(x.copy(), W.copy())

    x, w = XS.copy(), W.copy()
    assert_same(looped(on_copies, XS), cr.vmap(f, in_axes=(0, None))(x, w))
    assert_same(XS, x)
    assert_same(W, w)


def test_branches_on_values() -> None:
    """Each example takes its own way."""

    def f(x: Any) -> Any:
        if x[0] > 0 and x[1] > 0:
            return np.sum(x)
        return x[2] if x[0] < 0 else x[1] ** 2

    assert_maps(f, XS)
    assert_same(looped(cr.grad(f), XS), cr.vmap(cr.grad(f))(XS))
    one_constant_side = cr.vmap(cr.grad(lambda x: x**2 if x > 0 else 1.0))
    assert one_constant_side(np.array([3.0, -3.0])).tolist() == [6.0, 0.0]


def test_numbers_that_all_share_are_plain() -> None:
    """They may be shapes, counts and flags."""

    def f(x: Any, n: int, name: str) -> Any:
        return np.ones(n) * x if name == "many" and n > 1 else x

    result = cr.vmap(f, in_axes=(0, None, None))(np.arange(3.0), 2, "many")
    assert_same(np.arange(3.0)[:, None] * np.ones(2), result)


def test_linear_algebra() -> None:
    """A solution, with the matrix and with the right side mapped, and with both."""
    a = normal(4, 3, 3) + 3.0 * np.eye(3)

    def solve(a: Any, b: Any) -> Any:
        return np.linalg.solve(a, b), np.linalg.det(a) * b

    assert_maps(solve, a, XS)
    for axes, columns in (((0, None), (a, XS[0])), ((None, 0), (a[0], XS))):
        each = [solve(*[c if k is None else c[n] for k, c in zip(axes, columns, strict=True)])
                for n in range(4)]  # fmt: skip
        expected = tuple(np.stack(y) for y in zip(*each, strict=True))
        assert_same(expected, cr.vmap(solve, in_axes=axes)(*columns))


def test_random_keys() -> None:
    """Each key draws what it draws alone."""
    keys = np.stack([cr.random.key(k) for k in range(4)])

    def draws(key: Any) -> Any:
        first, second = cr.random.split(key)
        numbers = cr.random.normal(first, (3,)), cr.random.uniform(second), cr.random.bits(first)
        order = cr.random.permutation(second, 6)
        return *numbers, order, cr.random.categorical(cr.random.fold_in(key, 7), np.zeros(5))

    assert_same(looped(draws, keys), cr.vmap(draws)(keys))
    assert_same(looped(draws, keys), cr.jit(cr.vmap(draws))(keys))


# Loops and branches


def _collatz(n: Any) -> Any:
    def step(state: Any) -> Any:
        n, count = state
        return cr.cond(n % 2 == 0, lambda n: n // 2, lambda n: 3 * n + 1, n), count + 1

    return cr.while_loop(lambda state: state[0] > 1, step, (n, 0))[1]


def test_while_loops_of_unlike_lengths() -> None:
    """All iterate until the last is done, and those that are done stand still."""
    ns = np.array([1, 7, 27, 2])
    assert cr.vmap(_collatz)(ns).tolist() == [0, 16, 111, 1]
    assert cr.jit(cr.vmap(_collatz))(ns).tolist() == [0, 16, 111, 1]


def test_while_loops_with_indices() -> None:
    """An example that is done does not look beyond the end of its array."""

    def length(row: Any) -> Any:
        def more(k: Any) -> Any:
            return k < row.shape[0]

        def step(k: Any) -> Any:
            return cr.cond(row[k] > 0, lambda k: k + 1, lambda k: k + 100, k)

        return cr.while_loop(more, step, 0)

    rows = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]])
    assert cr.vmap(length)(rows).tolist() == [3, 101, 100]
    assert cr.jit(cr.vmap(length))(rows).tolist() == [3, 101, 100]


def test_while_loops_of_one_length() -> None:
    """A condition that all share stays one, and counters stay numbers."""

    def power(x: Any) -> Any:
        return cr.while_loop(lambda s: s[0] < 5, lambda s: (s[0] + 1, s[1] * x), (0, 1.0))

    assert_maps(power, np.array([1.0, 2.0, -0.5]))
    text = str(cr.make_graph(cr.vmap(power))(np.ones(3)))
    assert "while_loop" in text
    assert "where" not in text


def test_forward_mode_of_a_while_loop() -> None:
    """Square roots by Newton's method, with their derivatives."""

    def root(a: Any) -> Any:
        def step(s: Any) -> Any:
            return s[1], 0.5 * (s[1] + a / s[1])

        return cr.while_loop(lambda s: abs(s[0] - s[1]) > 1e-12, step, (0.0 * a, a))[1]

    a = np.array([2.0, 100.0, 1e4])
    _, slopes = cr.jvp(cr.vmap(root), (a,), (np.ones(3),))
    np.testing.assert_allclose(slopes, 0.5 / np.sqrt(a), rtol=1e-9)
    assert_same(slopes, cr.vmap(lambda a: cr.jvp(root, (a,), (1.0,))[1])(a), rtol=1e-9)


def test_branches_with_a_shared_and_with_a_mapped_predicate() -> None:
    """One branch runs if all take the same, else both, and errors of the other do not count."""

    def f(p: Any, k: Any, x: Any) -> Any:
        return cr.cond(p, lambda k, x: (x[k], 1.0), lambda k, x: (x[0] * 2.0, x[1]), k, x)

    p, k = np.array([True, False, True, False]), np.array([1, 99, 2, -77])
    assert_maps(f, p, k, XS)
    shared = cr.vmap(f, in_axes=(None, None, 0))
    assert_same(looped(lambda x: f(True, 2, x), XS), shared(True, 2, XS))
    assert "where" not in str(cr.make_graph(shared)(True, 2, XS))
    none_takes_it = cr.vmap(f)(np.zeros(4, bool), np.full(4, 99), XS)
    assert_same(looped(lambda x: f(False, 0, x), XS), none_takes_it)


def test_derivatives_of_branches() -> None:
    """What an example does not take has no derivative, be its slope infinite there."""

    def f(x: Any) -> Any:
        return cr.cond(x > 0, lambda x: np.sqrt(x), lambda x: x * 0.5, x)

    x = np.array([4.0, 0.0, -1.0])
    expected = np.array([0.25, 0.5, 0.5])
    assert_same(expected, cr.vmap(cr.grad(f))(x))
    assert_same(expected, cr.grad(lambda x: np.sum(cr.vmap(f)(x)))(x))


def _filtered(decay: Any, xs: Any) -> Any:
    def step(state: Any, x: Any) -> Any:
        k, y = state
        y = decay * y + x * k
        return (k + 1, y), y

    (_, last), ys = cr.scan(step, (0, np.zeros(())), xs)
    return last, ys


def test_scans() -> None:
    """Carries, columns and constants that are mapped, or not; a counter stays one number."""
    decay, xs = np.array([0.5, 0.9, 0.1]), normal(3, 6)
    assert_maps(_filtered, decay, xs)
    assert_same(
        looped(lambda a: _filtered(a, xs[0]), decay),
        cr.vmap(_filtered, in_axes=(0, None))(decay, xs[0]),
    )
    assert_same(
        looped(lambda x: _filtered(0.5, x), xs), cr.vmap(_filtered, in_axes=(None, 0))(0.5, xs)
    )
    assert "%0: i64[]," in str(cr.make_graph(cr.vmap(_filtered))(decay, xs)).split("body")[1]


def test_derivatives_of_scans() -> None:
    """Gradients of each example, the gradient of a sum over examples, and second order."""
    decay, xs = np.array([0.5, 0.9, 0.1]), normal(3, 6)

    def loss(a: Any, x: Any) -> Any:
        return np.sum(_filtered(a, x)[1] ** 2)

    each = looped(cr.grad(loss, (0, 1)), decay, xs)
    assert_same(each, cr.vmap(cr.grad(loss, (0, 1)))(decay, xs))
    assert_same(each, cr.jit(cr.vmap(cr.grad(loss, (0, 1))))(decay, xs))
    assert_same(each, cr.grad(lambda a, x: np.sum(cr.vmap(loss)(a, x)), (0, 1))(decay, xs))
    second = looped(cr.hessian(loss), decay, xs)
    assert_same(second, cr.vmap(cr.hessian(loss))(decay, xs))
    curved = cr.grad(cr.grad(lambda a: np.sum(cr.vmap(lambda x: loss(a, x))(xs))))(0.5)
    expected = sum(cr.hessian(loss)(0.5, x) for x in xs)
    np.testing.assert_allclose(curved, expected, rtol=1e-12)


# With other transformations


def network(w: Any, x: Any) -> Any:
    return np.sum(np.tanh(x @ w) ** 2) + np.max(x)


def test_gradients_of_each_example() -> None:
    """And of all: jit, grad and vmap in every order."""
    each = looped(lambda x: cr.grad(network)(W, x), XS)
    per_example = cr.vmap(cr.grad(network), in_axes=(None, 0))
    assert_same(each, per_example(W, XS))
    assert_same(each, cr.jit(per_example)(W, XS))
    assert_same(each, cr.vmap(cr.jit(cr.grad(network)), in_axes=(None, 0))(W, XS))

    def total(w: Any) -> Any:
        return np.sum(cr.vmap(network, in_axes=(None, 0))(w, XS))

    assert_same(each.sum(0), cr.grad(total)(W))
    assert_same(each.sum(0), cr.jit(cr.grad(total))(W))
    cr.check_grads(total, (W,), order=2)


def test_nested() -> None:
    """A batch of batches, and a table of all pairs."""
    x = normal(2, 4, 3)
    expected = np.stack([looped(lambda x: network(W, x), rows) for rows in x])
    assert_same(expected, cr.vmap(cr.vmap(lambda x: network(W, x)))(x))
    pairs = cr.vmap(cr.vmap(np.dot, in_axes=(None, 0)), in_axes=(0, None))
    assert_same(XS @ XS.T, pairs(XS, XS))
    assert_same(XS @ XS.T, cr.jit(pairs)(XS, XS))


def test_an_inner_function_reads_what_is_outside() -> None:
    """Numbers of an outer batch, of an outer gradient and of an outer jit."""

    def outer(v: Any) -> Any:
        return np.sum(cr.vmap(lambda x: np.tanh(x * v) * np.sum(v))(XS))

    assert_same(looped(outer, XS), cr.vmap(outer)(XS))
    assert_same(looped(cr.grad(outer), XS), cr.jit(cr.vmap(cr.grad(outer)))(XS))


def test_methods_and_partial_functions() -> None:
    """Whatever can be called; the name stays."""

    class Scale:
        def __init__(self) -> None:
            self.factor = np.array(3.0)

        def __call__(self, x: Any) -> Any:
            return self.factor * x

        def method(self, x: Any) -> Any:
            return self(x) + 1.0

    assert_same(3.0 * XS, cr.vmap(Scale().__call__)(XS))
    assert_same(3.0 * XS + 1.0, cr.vmap(Scale().method)(XS))
    assert cr.vmap(network).__name__ == "network"


# Callbacks and algorithms


def test_pure_callbacks_are_called_once_an_example() -> None:
    """With arrays of one example, in the order of the examples."""
    seen: list[Any] = []

    def host(x: Any, w: Any) -> Any:
        seen.append((x.shape, w.shape))
        return np.sum(x) * w

    def f(x: Any) -> Any:
        return cr.pure_callback(host, W, x, W) + 1.0

    assert_same(looped(lambda x: np.sum(x) * W + 1.0, XS), cr.vmap(f)(XS))
    assert seen == [((3,), (3, 2))] * 4
    assert_same(looped(lambda x: np.sum(x) * W + 1.0, XS), cr.jit(cr.vmap(f))(XS))
    with pytest.raises(GradientError, match="has no derivative"):
        cr.grad(lambda x: np.sum(cr.vmap(f)(x)))(XS)


def test_io_callbacks_keep_the_order_of_examples() -> None:
    """One call an example, also under jit; several in a row would come in another order."""
    log: list[float] = []

    def f(x: Any) -> Any:
        cr.io_callback(lambda v: log.append(float(v)), None, x)
        return x * 2.0

    for transformed in (cr.vmap(f), cr.jit(cr.vmap(f))):
        log.clear()
        assert transformed(np.arange(3.0)).tolist() == [0.0, 2.0, 4.0]
        assert log == [0.0, 1.0, 2.0]
    with pytest.raises(UnsupportedError, match="several io_callbacks in order"):
        cr.vmap(lambda x: f(f(x)))(np.arange(3.0))
    with pytest.raises(UnsupportedError, match="vmap of a scan with an io_callback"):
        cr.vmap(lambda x: cr.scan(lambda s, _: (f(s), None), x, length=2)[0])(np.arange(3.0))

    def unordered(x: Any) -> None:
        cr.io_callback(lambda v: log.append(float(v)), None, x, ordered=False)
        cr.io_callback(lambda v: log.append(float(v)), None, -x, ordered=False)

    log.clear()
    cr.vmap(unordered)(np.arange(1.0, 3.0))
    assert sorted(log) == [-2.0, -1.0, 1.0, 2.0]


def test_algorithms_of_scipy() -> None:
    """A root and an integral for each example, with derivatives."""

    def root(a: Any) -> Any:
        return scipy.optimize.brentq(lambda x: x * x - a, 0.0, 10.0)

    def integral(a: Any) -> Any:
        return scipy.integrate.quad(lambda t: np.exp(-a * t), 0.0, 1.0)[0]

    a = np.array([2.0, 9.0, 20.0])
    np.testing.assert_allclose(cr.vmap(root)(a), np.sqrt(a), rtol=1e-9)
    np.testing.assert_allclose(cr.vmap(cr.grad(root))(a), 0.5 / np.sqrt(a), rtol=1e-9)
    np.testing.assert_allclose(cr.vmap(integral)(a), -np.expm1(-a) / a, rtol=1e-9)


# Refusals


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: cr.vmap(3), TypeError, "give a function"),
        (lambda: cr.vmap(np.sin)(1.0), ShapeError, "argument 0 along axis 0.*without axes"),
        (lambda: cr.vmap(lambda x, k: x)(XS, k=3), ShapeError, "argument 'k'.*functools.partial"),
        (lambda: cr.vmap(np.sin, in_axes=2)(XS), ShapeError, "axis 2 of argument 0"),
        (lambda: cr.vmap(np.sin, in_axes=(0, 0))(XS), TypeError, "2 entries for 1 positional"),
        (lambda: cr.vmap(np.sin, in_axes="0")(XS), TypeError, "in_axes is str"),
        (lambda: cr.vmap(np.sin, in_axes=0.5)(XS), TypeError, "in_axes is float"),
        (lambda: cr.vmap(np.sin, in_axes=None)(XS), ShapeError, "None for all arguments"),
        (lambda: cr.vmap(np.add)(XS, XS.T), ShapeError, r"4 \(axis 0 of argument 0\) and 3"),
        (lambda: cr.vmap(lambda d: d["a"], in_axes=({"b": 0},))({"a": XS}), TypeError, "in_axes"),
        (lambda: cr.vmap(np.sin, out_axes=2)(XS), ShapeError, "axis 2 of a result"),
        (lambda: cr.vmap(np.sin, out_axes=None)(XS), ShapeError, "out_axes is None"),
        (lambda: cr.vmap(np.sin, out_axes=(0, 0))(XS), TypeError, "out_axes is"),
        (lambda: cr.vmap(lambda x: x)("abcd"), DtypeError, "argument 0"),
        (lambda: cr.vmap(lambda x: np.zeros(int(x[0])))(XS), AbstractValueError, "number"),
        (lambda: cr.vmap(lambda x: x @ W.T)(XS), ValueError, "shapes"),
        (lambda: cr.vmap(lambda x, y: _write(x) + y)(XS, XS), UnsupportedError, "shares memory"),
        (lambda: cr.grad(cr.vmap(np.sin))(XS), GradientError, "one scalar"),
        (lambda: cr.vmap(cr.grad(np.sum))(np.arange(3)), DtypeError, "dtype int64"),
    ],
)  # fmt: skip
def test_refusals(call: Callable[[], Any], error: type[Exception], match: str) -> None:
    """Each wrong call says which argument it is, what was wrong with it, and what to do."""
    with pytest.raises(error, match=match):
        call()


def _write(x: Any) -> Any:
    x[0] = 1.0
    return x


def test_errors_name_the_leaf() -> None:
    """An argument in a tree by its path, one by name by its name."""
    with pytest.raises(ShapeError, match=r"4 \(axis 0 of argument 0\['a'\]\[1\]\) and 3 .*'w'"):
        cr.vmap(lambda p, w: w)({"a": (None, XS)}, w=W)


def test_of_numbers_out_of_bounds() -> None:
    """An index that is out of bounds for one example is an error, as in a loop."""
    with pytest.raises(IndexError):
        cr.vmap(lambda x, k: x[k])(XS, np.array([0, 1, 7, 2]))


def test_ensembles() -> None:
    """Models with stacked parameters, from stacked keys, are many models."""
    keys = cr.random.split(cr.random.key(0), 3)

    def made_of(key: Any) -> Any:
        return nn.MLP(4, (5,), 2, key=key)

    models = [made_of(key) for key in keys]
    together = cr.vmap(made_of)(keys)
    x = normal(6, 4).astype(np.float32)
    expected = np.stack([model(x) for model in models])
    apply = cr.vmap(lambda model, x: model(x), in_axes=(0, None))
    assert_same(expected, apply(together, x), rtol=1e-5)
    assert_same(expected, cr.jit(apply)(together, x), rtol=1e-5)


LAYERS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "convolution": (lambda key: nn.Conv2d(3, 4, 3, key=key), (2, 1, 8, 8, 3)),
    "encoder": (lambda key: nn.TransformerEncoderLayer(8, 2, 16, key=key), (3, 2, 5, 8)),
    "recurrent": (lambda key: nn.LSTM(8, 5, key=key), (3, 2, 4, 8)),
    "normalization": (lambda key: nn.LayerNorm(8), (3, 2, 8)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(LAYERS))
def test_layers(name: str) -> None:
    """Results and gradients of layers for each example."""
    make, shape = LAYERS[name]
    layer, x = make(cr.random.key(3)), normal(*shape).astype(np.float32)

    def size(layer: Any, x: Any) -> Any:
        return sum(np.sum(y**2) for y in cr.tree.leaves(layer(x)))

    assert_same(looped(layer, x), cr.vmap(layer)(x), rtol=1e-4)
    each = [cr.tree.leaves(cr.grad(size)(layer, row)) for row in x]
    together = cr.jit(cr.vmap(cr.grad(size), in_axes=(None, 0)))(layer, x)
    for gradients, stacked in zip(zip(*each, strict=True), cr.tree.leaves(together), strict=True):
        np.testing.assert_allclose(stacked, np.stack(gradients), rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_against_jax() -> None:
    """Attention over a batch, its gradient for each example, and a cumulative product's."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    xp = jax.numpy

    def attention(np: Any, w: Any, x: Any) -> Any:
        q, k, v = x @ w["q"], x @ w["k"], x @ w["v"]
        scores = np.exp(q @ k.T)
        return np.sum((scores / scores.sum(axis=1, keepdims=True)) @ v) + np.sum(np.cumprod(x, 0))

    w = {name: normal(3, 3) * 0.3 for name in "qkv"}
    x = normal(6, 5, 3)
    theirs = jax.vmap(jax.value_and_grad(lambda w, x: attention(xp, w, x)), in_axes=(None, 0))
    expected = cr.tree.map(np.asarray, theirs(w, x))
    ours = cr.vmap(cr.value_and_grad(lambda w, x: attention(np, w, x)), in_axes=(None, 0))
    assert_same(expected, ours(w, x), rtol=1e-10)
    assert_same(expected, cr.jit(ours)(w, x), rtol=1e-10)
