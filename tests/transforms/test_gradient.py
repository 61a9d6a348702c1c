"""grad, value_and_grad, vjp, jvp: trees, several arguments, closures, nesting, aliasing."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import GradientWarning


class Pair(NamedTuple):
    left: Any
    right: Any


# Trees


def test_gradient_has_the_structure_of_its_argument() -> None:
    """Dicts, lists, tuples, named tuples and None, any depth."""
    tree = {"w": [np.array([1.0, 2.0]), 3.0], "b": Pair(np.float32(4.0), (None, 5.0)), "none": None}

    def f(t: Any) -> Any:
        return np.sum(t["w"][0] ** 2) * t["w"][1] + t["b"].left * t["b"].right[1]

    g = cr.grad(f)(tree)
    assert g["w"][0].tolist() == [6.0, 12.0]
    assert g["w"][1] == 5.0
    assert isinstance(g["b"], Pair)
    assert (g["b"].left, g["b"].right, g["none"]) == (5.0, (None, 4.0), None)
    assert g["b"].left.dtype == np.float32


def test_gradient_of_a_registered_class() -> None:
    """A class that is registered as a tree is one."""

    @dataclass
    class Line:
        slope: Any
        start: Any

    cr.tree.register(Line, lambda x: ((x.slope, x.start), None), lambda _, c: Line(*c))
    g = cr.grad(lambda line: (line.slope * 3.0 + line.start) ** 2)(Line(1.0, 2.0))
    assert (g.slope, g.start) == (30.0, 10.0)


def test_results_may_be_trees() -> None:
    """vjp and jvp of a function that returns a dict of a tuple."""

    def f(x: Any) -> Any:
        return {"a": (x * 2.0, x**2), "n": 3.0}

    y, pullback = cr.vjp(f, np.array([1.0, 2.0]))
    assert y["a"][1].tolist() == [1.0, 4.0]
    ones = np.ones(2)
    assert pullback({"a": (ones, ones), "n": 0.0})[0].tolist() == [4.0, 6.0]
    _, t = cr.jvp(f, (np.array([1.0, 2.0]),), (ones,))
    assert t["a"][0].tolist() == [2.0, 2.0]
    assert (t["a"][1].tolist(), t["n"]) == ([2.0, 4.0], 0.0)


# Arguments


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [(0, 12.0), (1, 8.0), (-1, 8.0), ((0,), (12.0,)), ((0, 1), (12.0, 8.0)), ([1, 0], (8.0, 12.0))],
)
def test_argnums(argnums: Any, expected: Any) -> None:
    """One number gives the gradient, several give a tuple in their order."""
    f = lambda x, y: x * y * 4.0  # noqa: E731
    assert cr.grad(f, argnums)(2.0, 3.0) == expected


def test_keywords_and_defaults() -> None:
    """Keyword arguments pass through undifferentiated, of any kind."""

    def f(x: Any, *, power: int = 2, label: str = "") -> Any:
        return x**power + len(label)

    assert cr.grad(f)(3.0) == 6.0
    assert cr.grad(f)(3.0, power=3, label="abc") == 27.0
    assert cr.value_and_grad(f)(3.0, label="abc")[0] == 12.0


def test_has_aux() -> None:
    """The second result is handed on, as plain numbers."""

    def f(x: Any) -> Any:
        y = x**2
        return np.sum(y), {"squares": y, "text": "kept", "n": 3}

    (value, aux), g = cr.value_and_grad(f, has_aux=True)(np.array([1.0, 2.0]))
    assert (float(value), g.tolist()) == (5.0, [2.0, 4.0])
    assert type(aux["squares"]) is np.ndarray
    assert (aux["squares"].tolist(), aux["text"], aux["n"]) == ([1.0, 4.0], "kept", 3)
    g, aux = cr.grad(f, has_aux=True)(np.array([1.0, 2.0]))
    assert (g.tolist(), aux["n"]) == ([2.0, 4.0], 3)


def test_has_aux_inside_another_grad() -> None:
    """What an inner aux depends on is differentiated by the outer grad."""

    def outer(x: Any) -> Any:
        g, aux = cr.grad(lambda y: (x * y**2, x * y), has_aux=True)(3.0)
        return g * aux  # 6x * 3x

    assert cr.grad(outer)(2.0) == 72.0


def test_results_are_plain_numbers() -> None:
    """Arrays give ndarrays, numbers NumPy scalars: never a class of ours."""
    value, g = cr.value_and_grad(lambda x: np.sum(x**2))(np.ones((2, 3)))
    assert type(value) is np.float64
    assert type(g) is np.ndarray
    assert type(cr.grad(np.sin)(1.0)) is np.float64
    assert type(cr.grad(np.sin)(np.float32(1.0))) is np.float32
    assert type(cr.vjp(lambda x: x[0], np.ones(2))[0]) is np.float64


def test_name_and_docstring_are_kept() -> None:
    """A differentiated function shows the original's documentation."""

    def curve(x: Any) -> Any:
        """A curve."""
        return x

    assert (cr.grad(curve).__name__, cr.grad(curve).__doc__) == ("curve", "A curve.")


# Zeros


def test_unused_inputs_give_zeros() -> None:
    """Zeros of the argument's shape and dtype."""
    g = cr.grad(lambda t: t["used"] * 2.0)({"used": 1.0, "idle": np.ones((2, 3), np.float32)})
    assert g["used"] == 2.0
    assert (g["idle"].shape, g["idle"].dtype, g["idle"].any()) == ((2, 3), np.float32, False)


@pytest.mark.parametrize(
    "f", [lambda x: 3.0, lambda x: np.float64(3.0), lambda x: np.sum(np.sign(x)),
          lambda x: np.sum(np.floor(x)) + 0.0, lambda x: np.sum(x > 0) * 1.0,
          lambda x: cr.stop_gradient(np.sum(x))],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::chainrule.errors.GradientWarning")
def test_output_that_does_not_depend_on_the_input(f: Any) -> None:
    """Its gradient is zeros, its tangent zero."""
    x = np.array([1.0, -2.0])
    g = cr.grad(f)(x)
    assert (g.shape, g.tolist()) == ((2,), [0.0, 0.0])
    assert cr.jvp(f, (x,), (np.ones(2),))[1] == 0.0
    assert cr.grad(lambda x: np.sum(cr.grad(f)(x)))(x).tolist() == [0.0, 0.0]


def _transformed(f: Any) -> dict[str, Any]:
    x = np.array([1.0, -2.0])
    return {
        "grad": lambda: cr.grad(f)(x),
        "vjp": lambda: cr.vjp(f, x),
        "jvp": lambda: cr.jvp(f, (x,), (x,)),
        "jit": lambda: cr.jit(cr.grad(f))(x),
        "second": lambda: cr.grad(lambda y: y[0] * cr.grad(f)(y)[0])(x),
    }


@pytest.mark.parametrize("way", ["grad", "vjp", "jvp", "jit"])
def test_a_result_that_no_argument_reaches_warns_once(way: str) -> None:
    """At the user's line; flat operations on the way are no reason, nor is an inner gradient."""
    for f in (lambda x: 3.0, lambda x: np.float64(3.0), lambda x: np.sum(np.zeros_like(x))):
        with pytest.warns(GradientWarning, match="does not depend") as caught:
            _transformed(f)[way]()
        assert [w.filename for w in caught] == [__file__]
    for f in (lambda x: np.sum(np.sign(x)), lambda x: cr.stop_gradient(np.sum(x)), np.sum):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            _transformed(f)[way]()
            _transformed(f)["second"]()


def test_empty_arrays() -> None:
    """No entries, no slopes."""
    assert cr.grad(lambda x: np.sum(x**2))(np.ones((0, 3))).shape == (0, 3)
    assert cr.grad(lambda t: 1.0)([]) == []


# Nesting and closures: the tests that perturbation confusion fails


def plain(x: Any) -> Any:
    """The number itself, after making sure that it is no tracer (`==` of one would be one)."""
    assert isinstance(x, (np.ndarray, np.generic))
    return x.tolist()


def test_inner_gradient_does_not_see_the_outer_variable() -> None:
    """d/dx [x * d/dy (x + y)] at 1 is 1, not 2 (Siskind and Pearlmutter, 2005)."""
    assert plain(cr.grad(lambda x: x * cr.grad(lambda y: x + y)(1.0))(1.0)) == 1.0
    forward = lambda f, x: cr.jvp(f, (x,), (1.0,))[1]  # noqa: E731
    assert plain(forward(lambda x: x * forward(lambda y: x + y, 1.0), 1.0)) == 1.0
    assert plain(cr.grad(lambda x: x * forward(lambda y: x + y, 1.0))(1.0)) == 1.0
    assert plain(forward(lambda x: x * cr.grad(lambda y: x + y)(1.0), 1.0)) == 1.0


def test_inner_gradient_at_the_outer_variable() -> None:
    """d/dx [d/dy (x y**2) at y = x] = d/dx 2 x**2 = 4x."""
    assert plain(cr.grad(lambda x: cr.grad(lambda y: x * y**2)(x))(3.0)) == 12.0
    assert plain(cr.grad(lambda x: cr.grad(lambda y: y**3)(x))(2.0)) == 12.0
    assert plain(cr.grad(lambda x: cr.grad(lambda y: x**3)(x) + x)(2.0)) == 1.0


def test_what_the_inner_function_returns_belongs_to_the_outer_one() -> None:
    """A value or an aux that depends on the outer variable only keeps its derivative."""
    g = cr.grad(lambda x: cr.value_and_grad(lambda y: x * 2.0)(1.0)[0] * x)(3.0)
    assert plain(g) == 12.0
    g = cr.grad(lambda x: cr.grad(lambda y: (y, x**2), has_aux=True)(1.0)[1])(3.0)
    assert plain(g) == 6.0
    assert plain(cr.grad(lambda x: cr.vjp(lambda y: x**3, 1.0)[0])(2.0)) == 12.0
    assert plain(cr.grad(lambda x: cr.jvp(lambda y: x**3, (1.0,), (1.0,))[0])(2.0)) == 12.0


def test_a_finished_argument_is_a_number() -> None:
    """Results at the top level are plain, also after inner transformations of other leaves."""
    kept = []
    plain(cr.grad(lambda x: kept.append(x) or x**2)(3.0))
    assert plain(cr.grad(lambda y: y * kept[0])(2.0)) == 3.0
    assert plain(cr.jit(lambda y: y * cr.grad(lambda z: z**2 * y)(5.0))(2.0)) == 40.0


def test_three_levels_of_closures() -> None:
    """d/dx d/dy d/dz (x**2 y**3 z**4) at (2, 1, 1) = 2x 3y**2 4z**3 = 48."""

    def f(x: Any) -> Any:
        return cr.grad(lambda y: cr.grad(lambda z: x**2 * y**3 * z**4)(1.0))(1.0)

    assert plain(cr.grad(f)(2.0)) == 48.0
    assert plain(cr.jit(cr.grad(f))(2.0)) == 48.0


def test_curried_gradient_escapes_its_inner_function() -> None:
    """A pullback used inside an outer gradient carries the outer derivative."""

    def f(x: Any) -> Any:
        y, pullback = cr.vjp(lambda v: v**2 * x, x)
        return y * pullback(x)[0]  # x**3 * 2 x**3

    assert plain(cr.grad(f)(1.5)) == pytest.approx(12 * 1.5**5, rel=1e-14)


def test_derivative_operator_applied_to_itself() -> None:
    """D f = x -> d/do f(x + o) at o = 0, and D (D sin) = -sin (Manzyuk et al., 2019)."""

    def derivative(f: Any) -> Any:
        return lambda x: cr.grad(lambda offset: f(x + offset))(0.0)

    for n, expected in [(1, np.cos(0.3)), (2, -np.sin(0.3)), (3, -np.cos(0.3))]:
        f: Any = np.sin
        for _ in range(n):
            f = derivative(f)
        assert plain(f(0.3)) == pytest.approx(expected, rel=1e-14)


def test_tangent_and_cotangent_may_be_traced() -> None:
    """jvp is linear in its tangent, the pullback in its cotangent: both differentiate."""
    x = np.array([1.0, 2.0])
    g = cr.grad(lambda t: np.sum(cr.jvp(lambda v: v**3, (x,), (t,))[1]))(np.ones(2))
    assert g.tolist() == [3.0, 12.0]
    _, pullback = cr.vjp(lambda v: v**3, x)
    assert plain(cr.grad(lambda c: np.sum(pullback(c)[0] * x))(np.ones(2))) == [3.0, 24.0]


def test_gradient_inside_jit_and_the_other_way() -> None:
    """The order of transformations does not matter."""
    f = lambda x: np.sum(np.tanh(x) * x)  # noqa: E731
    x = np.array([0.3, -0.7])
    expected = cr.grad(f)(x)
    np.testing.assert_allclose(cr.jit(cr.grad(f))(x), expected, rtol=1e-15)
    np.testing.assert_allclose(cr.grad(cr.jit(f))(x), expected, rtol=1e-15)
    hessian_x = cr.grad(lambda x: cr.grad(f)(x) @ x)(x)
    np.testing.assert_allclose(
        cr.jit(cr.grad(lambda x: cr.jit(cr.grad(cr.jit(f)))(x) @ x))(x), hessian_x, rtol=1e-14
    )


def test_closure_over_an_outer_tracer_under_jit() -> None:
    """A jitted inner function may read the outer function's variable."""

    def f(x: Any) -> Any:
        return cr.jit(lambda y: y * x)(2.0) * x

    assert plain(cr.grad(f)(3.0)) == 12.0


def test_control_flow_follows_the_values() -> None:
    """Branches, loops and recursion on concrete numbers."""

    def f(x: Any, n: int) -> Any:
        if n == 0:
            return x
        return f(x * x if x > 1 else x / 2, n - 1)

    assert plain(cr.grad(f)(1.5, 3)) == pytest.approx(8 * 1.5**7)
    assert plain(cr.grad(f)(0.5, 3)) == 0.125


# Aliasing


def arrays_of(result: Any) -> list[Any]:
    return [x for x in cr.tree.leaves(result) if isinstance(x, np.ndarray)]


ALIASES: list[Any] = [
    lambda x: x,
    lambda x: x * 1.0,
    lambda x: x.T,
    lambda x: x[::-1],
    lambda x: x.reshape(2, 2),
    lambda x: x.copy(),
    lambda x: +x,
    lambda x: x.astype(float),
    lambda x: (x, x),
    lambda x: np.broadcast_to(x[0], (2, 2)),
    lambda x: np.ones((2, 2)),
    lambda x: cr.stop_gradient(x),
    lambda x: np.clip(x, None, None),
]


@pytest.mark.parametrize("f", ALIASES)
@pytest.mark.parametrize("way", ["vjp", "jvp", "jit", "grad"])
@pytest.mark.filterwarnings("ignore::chainrule.errors.GradientWarning")
def test_results_never_share_memory(f: Any, way: str) -> None:
    """Not with the arguments, not with each other, and all are writable."""
    x, other = np.arange(4.0).reshape(2, 2), np.ones((2, 2))
    if way == "vjp":
        y, pullback = cr.vjp(f, x)
        ones = cr.tree.map(np.ones_like, y)
        given, results = [x, *arrays_of(ones)], [*arrays_of(y), *pullback(ones)]
    elif way == "jvp":
        given, results = [x, other], arrays_of(cr.jvp(f, (x,), (other,)))
    elif way == "jit":
        jitted = cr.jit(f)
        given, results = [x], [*arrays_of(jitted(x)), *arrays_of(jitted(x))]
    else:
        total = lambda x: sum(np.sum(y * other) for y in cr.tree.leaves(f(x)))  # noqa: E731
        given, results = [x, other], [*arrays_of(cr.grad(total)(x))]
    assert results
    for k, result in enumerate(results):
        assert result.flags.writeable
        for array in [*given, *results[:k]]:
            assert not np.shares_memory(result, array)


def test_gradients_of_a_sum_do_not_share() -> None:
    """Both inputs of + receive the same cotangent, each as an array of its own."""
    ga, gb = cr.grad(lambda a, b: np.sum((a + b) * 2.0), (0, 1))(np.ones(3), np.ones(3))
    ga[0] = 7.0
    assert gb.tolist() == [2.0, 2.0, 2.0]
    _, pullback = cr.vjp(lambda a, b: a + b, np.ones(3), np.ones(3))
    ga, gb = pullback(np.ones(3))
    ga[0] = 7.0
    assert gb.tolist() == [1.0, 1.0, 1.0]


def test_a_result_may_be_changed_without_harm() -> None:
    """jit keeps its constants to itself."""
    table = np.array([1.0, 2.0])
    f = cr.jit(lambda x: (table, x * table))
    first, _ = f(1.0)
    first[:] = 0.0
    assert f(1.0)[0].tolist() == [1.0, 2.0]
    assert table.tolist() == [1.0, 2.0]


# Mutation by the user


def test_arrays_changed_after_the_trace() -> None:
    """A pullback belongs to the numbers of its own call."""
    x, w = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    _, pullback = cr.vjp(lambda x: x**2 * w, x)
    x[:] = 100.0
    w[:] = 100.0
    assert pullback(np.ones(2))[0].tolist() == [6.0, 16.0]


def test_arrays_changed_during_the_trace() -> None:
    """A buffer that the function fills again and again."""
    buffer = np.zeros(2)

    def f(x: Any) -> Any:
        total = 0.0
        for k in range(3):
            buffer[:] = k + 1.0
            total = total + np.sum(buffer * x**2)
        return total

    x = np.array([1.0, 2.0])
    assert cr.grad(f)(x).tolist() == [12.0, 24.0]


def test_cotangent_changed_after_the_pullback() -> None:
    """What the pullback returned keeps its numbers."""
    _, pullback = cr.vjp(lambda x: x * 1.0, np.ones(2))
    c = np.ones(2)
    (g,) = pullback(c)
    c[:] = 9.0
    assert g.tolist() == [1.0, 1.0]


def test_pullback_may_be_called_again() -> None:
    """Nothing is used up."""
    _, pullback = cr.vjp(lambda x: np.tanh(x) * x, np.array([0.5, 1.0]))
    first, second = pullback(np.ones(2))[0], pullback(np.ones(2))[0]
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(pullback(2 * np.ones(2))[0], 2 * first, rtol=1e-15)


def test_warnings_stay_those_of_the_function() -> None:
    """The backward pass warns of nothing that the forward pass did not."""
    g = cr.grad(lambda x: np.sum(np.sqrt(x)))(np.array([0.0, 4.0]))
    assert g.tolist() == [np.inf, 0.25]
