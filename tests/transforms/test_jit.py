"""jit: one trace for each kind of argument, the same numbers, no shared memory."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.config import configured
from chainrule.errors import AbstractValueError, DtypeError


def counted(f, **options):
    calls = []

    def g(*args, **kwargs):
        calls.append(1)
        return f(*args, **kwargs)

    return cr.jit(g, **options), calls


def test_traces_once_for_each_kind():
    f, calls = counted(lambda x: np.sin(x) * 2)
    for x in (np.ones(3), np.zeros(3), 2 * np.ones(3)):
        np.testing.assert_array_max_ulp(f(x), np.sin(x) * 2, 3)
    assert len(calls) == 1
    f(np.ones(4))
    assert len(calls) == 2
    assert f(np.ones(4, np.float32)).dtype == np.float32
    assert len(calls) == 3
    f([np.float64(1.0)][0])
    f(1.0)  # a Python number promotes otherwise than a float64
    assert len(calls) == 5
    assert (np.ones(2, np.float32) * f(1.0)).dtype == np.float64


def test_python_numbers_keep_float32():
    f = cr.jit(lambda x, a: x * a)
    assert f(np.ones(2, np.float32), 2.0).dtype == np.float32
    assert f(np.ones(2, np.float32), np.float64(2.0)).dtype == np.float64


def test_static_arguments_by_number_and_name():
    def f(x, n, *, flag=False):
        return x.reshape(n, -1) if flag else x * n

    for options in ({"static_argnums": 1, "static_argnames": "flag"},
                    {"static_argnames": ("n", "flag")}):  # fmt: skip
        g = cr.jit(f, **options)
        assert g(np.ones(6), 2, flag=True).shape == (2, 3)
        assert g(np.ones(6), 3, flag=True).shape == (3, 2)
        assert g(np.ones(6), n=3, flag=True).shape == (3, 2)
        assert g(np.ones(6), 3).shape == (6,)


def test_static_values_of_different_type_differ():
    g, calls = counted(lambda x, n: x * n, static_argnums=1)
    assert g(np.int64(3), 1).dtype == np.int64
    assert g(np.int64(3), 1.0).dtype == np.float64
    assert len(calls) == 2


def test_results_share_no_memory():
    x = np.arange(6.0)
    constant = np.ones(2)
    same, view, again, fixed = cr.jit(lambda x: (x, x.reshape(2, 3), x, constant))(x)
    for result in (same, view, again, fixed):
        result += 10.0
    np.testing.assert_array_equal(x, np.arange(6.0))
    np.testing.assert_array_equal(constant, np.ones(2))
    np.testing.assert_array_equal(again, np.arange(6.0) + 10)
    assert cr.jit(lambda x: constant)(x).tolist() == [1.0, 1.0]


def test_constants_are_those_of_the_trace():
    constant = np.ones(2)
    f = cr.jit(lambda x: x * constant)
    f(np.ones(2))
    constant[:] = 5.0
    np.testing.assert_array_equal(f(np.ones(2)), [1.0, 1.0])


def test_nests_with_every_transformation():
    f = cr.jit(lambda x: np.sum(np.sin(x) ** 2))
    x = np.array([0.3, 1.1])
    expected = np.sin(2 * x)
    np.testing.assert_allclose(cr.grad(f)(x), expected, rtol=1e-14)
    np.testing.assert_allclose(cr.jit(cr.grad(cr.jit(f)))(x), expected, rtol=1e-14)
    twice = cr.jit(cr.grad(lambda x: np.sum(cr.grad(f)(x))))
    np.testing.assert_allclose(twice(x), 2 * np.cos(2 * x), rtol=1e-14)
    np.testing.assert_allclose(cr.jvp(f, (x,), (np.ones(2),))[1], expected.sum(), rtol=1e-14)


def test_inside_it_outer_tracers_are_not_remembered():
    results = [cr.grad(lambda w: cr.jit(lambda x: x * w)(3.0))(w) for w in (1.0, 2.0)]
    assert results == [3.0, 3.0]

    @cr.jit
    def inner(x):
        return x * holder[0]

    holder = [None]

    def outer(w):
        holder[0] = w
        return inner(2.0) * w

    assert [float(cr.grad(outer)(w)) for w in (1.0, 5.0)] == [4.0, 20.0]


def test_methods():
    class Model:
        @cr.jit
        def double(self, x):
            return x * 2

    with pytest.raises(DtypeError, match="Model"):
        Model().double(1.0)


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (lambda x: x if x > 0 else -x, (1.0,)),
        (lambda x: np.ones(3)[int(x)], (1,)),
        (lambda x: x[x > 0], (np.ones(2),)),
    ],
)
def test_numbers_asked_for_name_the_line(f, args):
    with pytest.raises(AbstractValueError, match=r"test_jit\.py:\d+: .*jit"):
        cr.jit(f, strict=True)(*args)


def test_bad_arguments():
    with pytest.raises(DtypeError, match="str"):
        cr.jit(lambda x: x)("text")
    with pytest.raises(TypeError, match="hash"):
        cr.jit(lambda x, n: x, static_argnums=1)(1.0, [1])
    with pytest.raises(TypeError, match="'m'"):
        cr.jit(lambda x, n: x, static_argnames="m")


def test_make_graph_prints():
    def loss(w, x):
        return np.sum(np.maximum(x @ w, 0.0))

    graph = cr.make_graph(loss)(np.ones((3, 2)), np.ones((4, 3)))
    assert str(graph) == (
        "graph(%0: f64[3,2], %1: f64[4,3]):\n"
        "  %2: f64[4,2] = matmul %1, %0\n"
        "  %3: f64[] = constant 0.0\n"
        "  %4: f64[4,2] = maximum %2, %3\n"
        "  %5: f64[] = sum %4 axes=(0,1)\n"
        "  return %5"
    )


def test_debug_says_why(capsys):
    f = cr.jit(lambda x: x + 1)
    with cr.configured(debug=1, backend="llvm"):
        f(1.0)
        f(np.ones(2))
        f(np.ones(2))
    lines = capsys.readouterr().err.splitlines()
    traced = [line for line in lines if "tracing" in line]
    assert len(traced) == 2
    assert "first call" in traced[0]
    assert "new shapes" in traced[1]
    assert sum("compiled" in line or "cached" in line for line in lines) == 2


def test_compile_gives_a_function_for_one_kind_of_argument() -> None:
    """The same numbers as the plain function; anything else is refused, by name and type."""
    w = np.random.default_rng(0).normal(size=(3, 2))
    predict = cr.jit(lambda x, scale: np.tanh(x @ w) * scale).compile(np.zeros((4, 3)), 1.0)
    x = np.random.default_rng(1).normal(size=(4, 3))
    np.testing.assert_allclose(predict(x, 2.0), np.tanh(x @ w) * 2.0, rtol=1e-14)
    np.testing.assert_array_equal(predict(np.asfortranarray(x), 2.0), predict(x, 2.0))
    with pytest.raises(cr.errors.ShapeError, match=r"argument 0 is f64\[3\].*for f64\[4,3\]"):
        predict(x[0], 2.0)
    with pytest.raises(cr.errors.DtypeError, match=r"argument 0 is f32\[4,3\].*for f64\[4,3\]"):
        predict(x.astype(np.float32), 2.0)
    with pytest.raises(cr.errors.ShapeError, match="compiled for arguments"):
        predict(x)


def test_compile_of_trees_and_bare_arrays() -> None:
    """A tree in and out; one array in and out, again and again; two results that are one array."""
    both = cr.jit(lambda p, x: {"y": p["w"] * x, "w": p["w"]}).compile({"w": np.ones(2)}, 1.0)
    assert both({"w": np.array([1.0, 2.0])}, 3.0)["y"].tolist() == [3.0, 6.0]
    twice = cr.jit(lambda x: x + x).compile(np.zeros(3))
    results = [twice(np.full(3, float(k))) for k in range(5)]
    assert [r.tolist() for r in results] == [[2.0 * k] * 3 for k in range(5)]
    total = cr.jit(np.sum).compile(np.zeros(3))
    assert isinstance(total(np.ones(3)), np.float64)
    a, b = cr.jit(lambda x: (x, x)).compile(np.zeros(2))(np.ones(2))
    a[0] = 5.0
    assert b.tolist() == [1.0, 1.0]
    with pytest.raises(TypeError, match="no static arguments"):
        cr.jit(lambda x, n: x * n, static_argnums=1).compile(1.0, 2)


def test_compile_tells_the_memory_of_a_call() -> None:
    """A chain of products needs at least one of its matrices, and not all of them."""

    def chain(x):
        for _ in range(20):
            x = np.tanh(x @ x)
        return x

    with configured(backend="llvm"):
        compiled = cr.jit(chain).compile(np.zeros((64, 64)))
    assert 64 * 64 * 8 <= compiled.memory_bytes < 4 * 64 * 64 * 8 + 100_000


def test_jit_is_a_decorator_with_arguments_too() -> None:
    """`@jit(static_argnums=1)` is `jit(f, static_argnums=1)`."""

    @cr.jit(static_argnums=1)
    def power(x: float, exponent: int) -> float:
        return x**exponent

    assert 8.0 == power(2.0, 3)
    assert 16.0 == power(2.0, 4)
    assert 2 == len(power.cache)
