"""custom_vjp and custom_jvp: rules against what they are rules of, in all transformations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from central_differences import assert_close, gradient
from scipy import special

import chainrule as cr
from chainrule.errors import (
    DtypeError,
    GradientError,
    ShapeError,
    UnsupportedError,
)

X, V = np.array([0.3, -0.7]), np.array([1.5, 2.0])


def plain(x: Any, w: Any) -> Any:
    return np.sin(x) * np.sum(w["k"]) ** 2


@cr.custom_vjp
def by_vjp(x: Any, w: Any) -> Any:
    """A product."""
    return plain(x, w)


def forward(x: Any, w: Any) -> Any:
    return by_vjp(x, w), (np.sin(x), np.cos(x), w, "text")


def backward(residuals: Any, g: Any) -> Any:
    sin, cos, w, text = residuals
    total = np.sum(w["k"])
    zeros = np.zeros_like(w["k"]) if text == "text" else None
    return g * cos * total**2, {"k": zeros + np.sum(g * sin) * 2.0 * total}


by_vjp.defvjp(forward, backward)


@cr.custom_jvp
def by_jvp(x: Any, w: Any) -> Any:
    return plain(x, w)


@by_jvp.defjvp
def along(primals: Any, tangents: Any) -> Any:
    (x, w), (t_x, t_w) = primals, tangents
    total = np.sum(w["k"])
    moved = np.cos(x) * t_x * total**2 + np.sin(x) * 2.0 * total * np.sum(t_w["k"])
    return by_jvp(x, w), moved


RULED = [by_vjp, by_jvp]
WEIGHTS = {"k": np.array([0.5, 0.25, -0.1])}


def loss(f: Callable[..., Any], x: Any, w: Any = WEIGHTS) -> Any:
    return np.sum(f(x, w) ** 3 + f(f(x, w), w))


def looped(f: Callable[..., Any], x: Any) -> Any:
    """A loop whose body calls the function on its carry and its constants."""
    last, ys = cr.scan(
        lambda c, t: (f(c, WEIGHTS) * t + np.cos(c), c), x, np.array([1.0, 2.0, 0.5])
    )
    return np.sum(last**2) + np.sum(ys**3)


def branched(f: Callable[..., Any], x: Any) -> Any:
    y = cr.cond(np.sum(x) < 0.0, lambda x: f(x, WEIGHTS) * x, lambda x: x, x)
    return np.sum(y**2)


PROGRAMS = [loss, looped, branched]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("ruled", RULED)
def test_a_right_rule_changes_no_derivative(ruled: Any, program: Any) -> None:
    """Gradients, their gradients, and tangents of gradients, with and without jit."""
    expected = partial(program, plain)
    actual = partial(program, ruled)
    assert_close(actual(X), expected(X), 1e-14)
    for f in (actual, cr.jit(actual)):
        assert_close(cr.grad(f)(X), cr.grad(expected)(X), 1e-12)
        assert_close(cr.jit(cr.grad(f))(X), cr.grad(expected)(X), 1e-12)

    def directional(f: Callable[..., Any]) -> Any:
        return lambda x: np.sum(cr.grad(f)(x) * V)

    second = cr.grad(directional(expected))(X)
    assert_close(gradient(directional(actual), X), second, 1e-7)
    assert_close(cr.grad(directional(actual))(X), second, 1e-12)
    assert_close(cr.jit(cr.grad(directional(actual)))(X), second, 1e-12)
    assert_close(cr.jvp(cr.grad(actual), (X,), (V,))[1], second, 1e-12)
    assert_close(cr.jit(lambda x: cr.jvp(cr.grad(actual), (x,), (V,))[1])(X), second, 1e-12)


@pytest.mark.parametrize("ruled", RULED)
def test_the_third_derivative_is_that_of_the_rule(ruled: Any) -> None:
    def third(f: Callable[..., Any]) -> Any:
        g = cr.grad(lambda x: f(x, {"k": np.ones(1)}) ** 2)
        return cr.grad(cr.grad(g))

    assert_close(third(ruled)(0.4), third(plain)(0.4), 1e-12)
    assert_close(cr.jit(third(ruled))(0.4), third(plain)(0.4), 1e-12)


@pytest.mark.parametrize("ruled", RULED)
def test_trees_by_all_arguments(ruled: Any) -> None:
    expected = cr.grad(partial(loss, plain), (0, 1))(X, WEIGHTS)
    for g in (cr.grad(partial(loss, ruled), (0, 1)), cr.jit(cr.grad(partial(loss, ruled), (0, 1)))):
        actual = g(X, WEIGHTS)
        assert_close(actual[0], expected[0], 1e-12)
        assert_close(actual[1]["k"], expected[1]["k"], 1e-12)


@pytest.mark.parametrize("ruled", RULED)
def test_a_batch_and_sums_over_what_is_shared(ruled: Any) -> None:
    """Function and rule are those of the batch; a shared argument gets the sum."""
    xs = np.stack([X, 2.0 * X, -X])

    def mapped(f: Callable[..., Any]) -> Any:
        return lambda xs, w: np.sum(cr.vmap(f, (0, None))(xs, w) ** 3)

    expected = cr.grad(mapped(plain), (0, 1))(xs, WEIGHTS)
    for g in (cr.grad(mapped(ruled), (0, 1)), cr.jit(cr.grad(mapped(ruled), (0, 1)))):
        actual = g(xs, WEIGHTS)
        assert_close(actual[0], expected[0], 1e-12)
        assert_close(actual[1]["k"], expected[1]["k"], 1e-12)
    of_each = cr.vmap(cr.grad(partial(loss, ruled)))(xs)
    assert_close(of_each, np.stack([cr.grad(partial(loss, plain))(x) for x in xs]), 1e-12)
    nested = cr.vmap(cr.vmap(ruled, (0, None)), (0, None))(np.stack([xs, xs]), WEIGHTS)
    assert_close(nested, plain(np.stack([xs, xs]), WEIGHTS), 1e-14)
    assert_close(cr.hessian(partial(loss, ruled))(X), cr.hessian(partial(loss, plain))(X), 1e-12)


def test_forward_mode_by_a_rule() -> None:
    expected = cr.jvp(partial(loss, plain), (X,), (V,))
    assert_close(cr.jvp(partial(loss, by_jvp), (X,), (V,)), expected, 1e-12)
    assert_close(cr.jit(lambda x: cr.jvp(partial(loss, by_jvp), (x,), (V,)))(X), expected, 1e-12)
    assert_close(cr.jvp(partial(looped, by_jvp), (X,), (V,)),
                 cr.jvp(partial(looped, plain), (X,), (V,)), 1e-12)  # fmt: skip
    cr.check_grads(partial(loss, by_jvp), (X, WEIGHTS))
    cr.check_grads(partial(loss, by_vjp), (X, WEIGHTS), modes=["rev"], order=1)


def test_forward_mode_needs_another_rule() -> None:
    for f in (by_vjp, cr.jit(by_vjp), partial(looped, by_vjp)):
        args = (X,) if isinstance(f, partial) else (X, WEIGHTS)
        tangents = (V,) if isinstance(f, partial) else (V, WEIGHTS)
        with pytest.raises(GradientError, match="by_vjp has a rule for reverse mode, and none for"):
            cr.jvp(f, args, tangents)


def clipped() -> Any:
    """The identity, whose gradient is clipped."""

    @cr.custom_vjp
    def clip(low: float, high: float, x: Any) -> Any:
        return x

    def fwd(low: float, high: float, x: Any) -> Any:
        return x, None

    def bwd(low: float, high: float, _: None, g: Any) -> Any:
        return (np.clip(g, low, high),)

    limited = cr.custom_vjp(clip.function, nondiff_argnums=(0, 1))
    limited.defvjp(fwd, bwd)
    return limited


def test_a_rule_of_the_users_mind() -> None:
    """The rule's numbers are the derivative's, whatever the function computes."""
    clip = clipped()

    def f(x: Any) -> Any:
        return np.sum(clip(-1.0, 1.0, x) ** 3)

    expected = [0.27, 1.0, 0.75]
    x = np.array([0.3, -2.0, -0.5])
    assert_close(cr.grad(f)(x), expected, 1e-15)
    assert_close(cr.jit(cr.grad(f))(x), expected, 1e-15)
    assert_close(cr.vmap(cr.grad(f))(np.stack([x, x]))[1], expected, 1e-15)
    assert_close(cr.value_and_grad(f)(x)[0], np.sum(x**3), 1e-15)


def test_rules_run_on_plain_numbers_where_these_are_known() -> None:
    """Branches, SciPy, and Python's float, which a tracer refuses; each function runs once."""
    calls: list[str] = []

    @cr.custom_vjp
    def sine_integral(x: Any) -> Any:
        calls.append("f")
        return float(special.sici(x)[0]) if x > 0.0 else x

    def fwd(x: Any) -> Any:
        calls.append(f"fwd {type(x).__name__}")
        return sine_integral(x), float(x)

    def bwd(x: float, g: Any) -> Any:
        calls.append(f"bwd {type(x).__name__}")
        return (g * (np.sin(x) / x if x != 0.0 else 1.0),)

    sine_integral.defvjp(fwd, bwd)
    assert_close(cr.grad(lambda x: 2.0 * sine_integral(x))(1.5), 2.0 * np.sin(1.5) / 1.5, 1e-14)
    assert calls == ["fwd float", "f", "bwd float"]
    assert sine_integral(0.0) == 0.0


def test_branches_on_known_numbers_in_second_derivatives() -> None:
    @cr.custom_vjp
    def f(x: Any) -> Any:
        return x**3 if x > 0.0 else x**2

    f.defvjp(lambda x: (f(x), x), lambda x, g: (g * (3.0 * x * x if x > 0.0 else 2.0 * x),))
    assert cr.grad(cr.grad(f))(2.0) == 12.0
    assert cr.grad(cr.grad(f))(-2.0) == 2.0
    assert cr.jvp(cr.grad(f), (2.0,), (1.0,)) == (12.0, 12.0)


def test_integers_and_zeros() -> None:
    """An argument of integers has None; a result of integers has zeros for a cotangent."""
    seen: list[Any] = []

    @cr.custom_vjp
    def f(x: Any, n: Any, unused: Any) -> Any:
        return {"y": x * n, "n": n + 1}

    def bwd(n: Any, g: Any) -> Any:
        seen.append((g["n"].dtype.kind, g["y"].shape))
        return g["y"] * n * 10.0, None, None

    f.defvjp(lambda x, n, unused: (f(x, n, unused), n), bwd)
    for wrap in (lambda f: f, cr.jit):
        g = wrap(cr.grad(lambda x, u: np.sum(f(x, 3, u)["y"]), (0, 1)))
        by_x, by_u = g(X, np.ones(2))
        assert by_x.tolist() == [30.0, 30.0]
        assert by_u.tolist() == [0.0, 0.0]
    assert seen == [("i", (2,))] * 2

    @cr.custom_jvp
    def h(x: Any, n: Any) -> Any:
        return x * n

    h.defjvps(lambda t, y, x, n: 5.0 * t * n, None)
    assert cr.grad(h)(2.0, 3) == 15.0
    assert cr.jit(cr.grad(h))(2.0, 3) == 15.0
    assert cr.jvp(lambda x: h(x, 3), (2.0,), (1.0,)) == (6.0, 15.0)


def test_arguments_by_name_and_by_default() -> None:
    @partial(cr.custom_jvp, nondiff_argnums=(2,))
    def power(x: Any, scale: Any = 2.0, n: int = 3) -> Any:
        """A power."""
        return scale * x**n

    @power.defjvp
    def rule(n: int, primals: Any, tangents: Any) -> Any:
        (x, scale), (t_x, t_scale) = primals, tangents
        return power(x, scale, n), scale * n * x ** (n - 1) * t_x + x**n * t_scale

    assert (power.__name__, power.__doc__) == ("power", "A power.")
    assert power(3.0) == 54.0
    assert cr.grad(power)(3.0) == 54.0
    assert cr.grad(lambda x: power(x, n=2, scale=4.0))(3.0) == 24.0
    assert cr.jit(cr.grad(power, 1))(3.0, 2.0) == 27.0


def test_partial_derivatives_are_added() -> None:
    @cr.custom_jvp
    def angle(y: Any, x: Any) -> Any:
        return np.arctan2(y, x)

    angle.defjvps(
        lambda t, _, y, x: t * x / (x * x + y * y), lambda t, _, y, x: -t * y / (x * x + y * y)
    )
    z = np.array([1.0, 2.0])
    expected = cr.hessian(lambda z: np.arctan2(z[0], z[1]))(z)
    assert_close(cr.hessian(lambda z: angle(z[0], z[1]))(z), expected, 1e-14)


# Closures


def test_a_closure_over_what_is_traced() -> None:
    """Known to jit, it may be read; a derivative by it is refused, in each transformation."""

    def outer(w: Any, x: Any) -> Any:
        @cr.custom_vjp
        def f(x: Any) -> Any:
            return x * w

        f.defvjp(lambda x: (x * w, None), lambda _, g: (10.0 * g * w,))
        return f(x)

    assert cr.jit(outer)(3.0, 2.0) == 6.0
    assert cr.jit(cr.grad(outer, 1))(3.0, 2.0) == 30.0
    assert cr.jit(lambda w: cr.grad(lambda x: outer(w, x))(2.0))(3.0) == 30.0
    for wrap in (lambda f: f, cr.jit):
        with pytest.raises((GradientError, UnsupportedError), match="clos"):
            wrap(cr.grad(outer))(3.0, 2.0)
        with pytest.raises((GradientError, UnsupportedError), match="clos"):
            wrap(cr.grad(lambda w: outer(w, w)))(3.0)
    stopped = cr.grad(lambda w: outer(cr.stop_gradient(w), w))
    assert stopped(3.0) == 30.0

    def by_tangent(w: Any, x: Any) -> Any:
        @cr.custom_jvp
        def f(x: Any) -> Any:
            return x

        f.defjvp(lambda primals, tangents: (primals[0], tangents[0] * w))
        return f(x)

    assert cr.grad(by_tangent, 1)(2.0, 3.0) == 2.0
    with pytest.raises(UnsupportedError, match="no argument of it"):
        cr.grad(cr.grad(by_tangent, 1))(2.0, 3.0)


# Wrong rules


def ruled(fwd: Callable[..., Any], bwd: Callable[..., Any]) -> Any:
    @cr.custom_vjp
    def double(x: Any, n: Any) -> Any:
        return 2.0 * x

    double.defvjp(fwd, bwd)
    return lambda x: np.sum(double(x, 3))


def right_forward(x: Any, n: Any) -> Any:
    return 2.0 * x, x


def right_backward(x: Any, g: Any) -> Any:
    return 2.0 * g, None


WRONG_VJP = [
    (lambda x, n: 2.0 * x, right_backward, ShapeError, "must return a pair, "),
    (lambda x, n: ((2.0 * x,), x), right_backward, ShapeError, "forward function of .*returned"),
    (lambda x, n: (np.sum(x), x), right_backward, ShapeError, r"as f64\[\], where f64\[2\]"),
    (lambda x, n: (x.astype(np.float32), x), right_backward, DtypeError, r"as f32\[2\], where"),
    (right_forward, lambda x, g: 2.0 * g, ShapeError, "must return a tuple of 2"),
    (right_forward, lambda x, g: (2.0 * g,), ShapeError, "must return a tuple of 2"),
    (right_forward, lambda x, g: (np.sum(g), None), ShapeError, r"cotangent 0 as f64\[\], where"),
    (right_forward, lambda x, g: ({"a": g}, None), DtypeError, "dict"),
    (right_forward, lambda x, g: (g * 1j, None), DtypeError, r"cotangent 0 as c128\[2\], where"),
    (
        right_forward,
        lambda x, g: (g, np.sum(g)),
        DtypeError,
        "which has no derivative: return None",
    ),
]


@pytest.mark.parametrize("wrap", [cr.grad, lambda f: cr.jit(cr.grad(f))])
@pytest.mark.parametrize(("fwd", "bwd", "error", "message"), WRONG_VJP)
def test_wrong_results_of_a_rule_name_it(
    fwd: Any, bwd: Any, error: Any, message: str, wrap: Any
) -> None:
    """With the types that were expected: those of `f`, where that has run."""
    f = ruled(fwd, bwd)
    if wrap is cr.grad and fwd is not right_forward and "pair" not in message:
        return
    with pytest.raises(error, match=message):
        wrap(f)(X)


WRONG_JVP = [
    (lambda p, t: t[0], ShapeError, "must return a pair"),
    (lambda p, t: (p[0], (t[0],)), ShapeError, "its tangent. returned"),
    (lambda p, t: (p[0], np.sum(t[0])), ShapeError, r"as f64\[\], where f64\[2\]"),
    (lambda p, t: (p[0], t[0] ** 2), GradientError, "not linear in the tangents"),
]


@pytest.mark.parametrize("wrap", [lambda f: f, cr.jit])
@pytest.mark.parametrize(("rule", "error", "message"), WRONG_JVP)
def test_wrong_results_of_a_tangent_rule(rule: Any, error: Any, message: str, wrap: Any) -> None:
    @cr.custom_jvp
    def same(x: Any) -> Any:
        return x

    same.defjvp(rule)
    with pytest.raises(error, match=message):
        wrap(cr.grad(lambda x: np.sum(same(x))))(X)


def test_wrong_calls() -> None:
    """Each says what is missing, or what to do."""
    bare = cr.custom_vjp(np.sin)
    with pytest.raises(TypeError, match="sin has no rule yet: call sin.defvjp"):
        bare(1.0)
    with pytest.raises(TypeError, match="no rule yet"):
        cr.custom_jvp(lambda x: x)(1.0)
    with pytest.raises(TypeError, match="defvjp: bwd is int"):
        bare.defvjp(np.sin, 3)  # type: ignore[arg-type]
    with pytest.raises(DtypeError, match="an argument of by_vjp is a str|text"):
        by_vjp("text", WEIGHTS)
    with pytest.raises(TypeError, match="missing a required argument"):
        by_vjp(X)  # type: ignore[call-arg]
    with pytest.raises(UnsupportedError, match="names an argument that is traced"):
        cr.grad(lambda x: np.sum(clipped()(x[0], 1.0, x)))(X)

    def named(x: Any, *, k: Any = 1.0) -> Any:
        return x * k

    by_name = cr.custom_vjp(named)
    by_name.defvjp(lambda x: (x, None), lambda _, g: (g,))
    with pytest.raises(TypeError, match=r"\['k'\] can be given by name only"):
        by_name(1.0, k=2.0)


def test_effects_and_writes_are_refused() -> None:
    @cr.custom_vjp
    def writes(x: Any) -> Any:
        x[0] = 1.0
        return x

    writes.defvjp(lambda x: (writes(x), None), lambda _, g: (g,))
    with pytest.raises(UnsupportedError, match="writes into its argument"):
        cr.jit(writes)(X)
    with pytest.raises(ValueError, match="read-only"):
        cr.grad(lambda x: np.sum(writes(x)))(X)

    log: list[Any] = []

    @cr.custom_vjp
    def logs(x: Any) -> Any:
        cr.io_callback(log.append, None, np.sum(x))
        return x

    logs.defvjp(lambda x: (logs(x), None), lambda _, g: (g,))
    assert cr.jit(logs)(X).tolist() == X.tolist()
    assert log == [np.sum(X)]
    with pytest.raises(UnsupportedError, match="io_callback"):
        cr.jit(cr.grad(lambda x: np.sum(logs(x))))(X)


def test_a_rule_may_call_python_under_jit() -> None:
    """What pure_callback computes in both functions of a rule has the rule's derivative."""

    def on_host(f: Any, x: Any) -> Any:
        return cr.pure_callback(f, x, x)

    @cr.custom_vjp
    def zeta(x: Any) -> Any:
        return on_host(special.zeta, x)

    def slope(x: Any) -> Any:
        return (special.zeta(x + 1e-5) - special.zeta(x - 1e-5)) / 2e-5

    zeta.defvjp(lambda x: (zeta(x), x), lambda x, g: (g * on_host(slope, x),))
    x = np.array([2.0, 3.0])
    expected = slope(x) * 2.0 * special.zeta(x)
    for f in (lambda x: np.sum(zeta(x) ** 2), cr.jit(lambda x: np.sum(zeta(x) ** 2))):
        assert_close(cr.grad(f)(x), expected, 1e-12)
        assert_close(cr.jit(cr.grad(f))(x), expected, 1e-12)
    looped = cr.grad(lambda x: cr.scan(lambda c, _: (zeta(c + 1.0), None), x, length=2)[0])
    inner = special.zeta(3.0) + 1.0
    assert_close(cr.jit(looped)(2.0), slope(inner) * slope(3.0), 1e-10)


def test_the_graph_shows_the_call_and_the_program_its_body() -> None:
    graph = cr.make_graph(lambda x: by_vjp(x, WEIGHTS))(X)
    assert "custom_call" in str(graph)
    assert "call=by_vjp" in str(graph)
    from chainrule.simplify import simplify

    assert "custom_call" not in str(simplify(graph))
