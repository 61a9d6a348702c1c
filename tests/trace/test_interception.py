"""What is exchanged while functions are traced: seen by all names, and put back in every case."""

from __future__ import annotations

import contextlib
import functools
import inspect
import math
import pickle
import sys
import threading
import types
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage
from numpy import asarray as to_array

import chainrule as cr
from chainrule.errors import GradientError
from chainrule.trace.interception import original
from chainrule.trace.nested import is_traced
from chainrule.trace.patches import patches

X = np.array([0.3, 1.2, 0.7])
sine = math.sin


def state() -> tuple[Any, ...]:
    return (
        np.zeros, np.array, math.sin, sine, to_array, scipy.linalg.solve.__code__,
        sys.modules["numpy"], sys.modules["math"], np.vectorize.__call__.__code__,
    )  # fmt: skip


def test_all_is_put_back() -> None:
    """After a trace that ends, fails, is interrupted, nested or stopped in a generator."""
    before = state()

    def ends(x: Any) -> Any:
        assert np.array is not before[1] and sine is not before[3]
        return cr.grad(lambda y: sine(y) * y)(x[0])

    def fails(x: Any) -> Any:
        raise KeyError("of the user's")

    def is_interrupted(x: Any) -> Any:
        raise KeyboardInterrupt

    for f, error in ((ends, None), (fails, KeyError), (is_interrupted, KeyboardInterrupt)):
        for way in (cr.grad, cr.jit, cr.make_graph):
            if error is None:
                way(f)(X)
            else:
                with pytest.raises(error):
                    way(f)(X)
            assert all(x is y for x, y in zip(state(), before, strict=True))
    assert patches.depth == 0


def test_other_threads_see_numpy() -> None:
    """While one thread traces, what another computes is plain, also with the replaced functions."""
    inside, go_on = threading.Event(), threading.Event()
    seen: list[Any] = []

    def waits(x: Any) -> Any:
        inside.set()
        assert go_on.wait(30)
        return np.sum(np.array([x[0], 2.0]))

    thread = threading.Thread(target=lambda: seen.append(cr.grad(waits)(X)))
    thread.start()
    assert inside.wait(30)
    buffer = np.zeros(3)
    buffer[1] = sine(1.0)
    assert type(buffer) is np.ndarray and type(to_array([1.0])) is np.ndarray
    assert type(scipy.linalg.solve(np.eye(2), np.ones(2))) is np.ndarray
    assert cr.grad(lambda x: np.sum(np.array([x[0], x[1]])))(X).tolist() == [1.0, 1.0, 0.0]
    assert type(np.zeros(2)) is np.ndarray
    go_on.set()
    thread.join()
    assert seen[0].tolist() == [1.0, 0.0, 0.0]
    assert pickle.loads(pickle.dumps(np.zeros)) is np.zeros


def test_many_threads() -> None:
    """Traces of many threads overlap in all ways; the last one puts all back."""
    before = state()
    results: list[Any] = []

    def work(k: int) -> None:
        for n in range(20):
            f = lambda x: np.sum(np.array([sine(x[0]), x[1] * k, n]))  # noqa: E731, B023
            results.append((k, cr.grad(f)(X)))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 120
    for k, gradient in results:
        np.testing.assert_allclose(gradient, [math.cos(X[0]), k, 0.0])
    assert all(x is y for x, y in zip(state(), before, strict=True))


def test_names_that_are_bound_meanwhile() -> None:
    """A module's name that a traced function binds anew stays as it bound it."""
    module = types.ModuleType("a_module_of_the_user")
    sys.modules[module.__name__] = module
    text = (
        "import numpy as np\nfrom math import sin, cos\n"
        "def f(x):\n    global sin, third\n    y = sin(x)\n    sin = cos\n    third = np.zeros\n"
        "    return y * np.array([x])[0]\n"
    )
    exec(text, vars(module))
    try:
        assert cr.grad(module.f)(0.5) == pytest.approx(0.5 * math.cos(0.5) + math.sin(0.5))
        assert module.sin is module.cos is math.cos
        assert module.np is np and module.third is np.zeros
    finally:
        del sys.modules[module.__name__]


def test_imports_in_functions(tmp_path: Any, monkeypatch: Any) -> None:
    """Names that are imported by a traced function know tracers; what it loads stays plain."""
    (tmp_path / "loaded_meanwhile.py").write_text(
        "import numpy as np\nfrom math import sin\nfrom numpy import array, zeros\n"
        "def f(x):\n    return np.sum(np.array([x, x]))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def f(x: Any) -> Any:
        from math import cos

        import loaded_meanwhile
        import numpy

        return cos(x) * numpy.array([x, 1.0])[0] + loaded_meanwhile.f(x)

    expected = math.cos(0.5) - 0.5 * math.sin(0.5) + 2.0
    assert cr.grad(f)(0.5) == pytest.approx(expected)
    loaded = sys.modules.pop("loaded_meanwhile")
    assert loaded.np is np and loaded.sin is math.sin and loaded.zeros is np.zeros
    assert cr.grad(loaded.f)(0.5) == 2.0


def test_functions_without_a_module() -> None:
    """Code of `exec` has a namespace of its own, which is not kept."""
    scope: dict[str, Any] = {"np": np, "sin": math.sin}
    exec("def f(x):\n    return sin(x) * np.array([x, 2.0])[1]", scope)
    assert cr.grad(scope["f"])(0.5) == pytest.approx(2.0 * math.cos(0.5))
    assert scope["np"] is np and scope["sin"] is math.sin
    assert all(alias[0] is not scope for alias in patches.aliases.values())


def test_known_numbers_take_the_original() -> None:
    """Where no argument carries a derivative SciPy's own function runs, of what has no rule too."""

    def f(x: Any) -> Any:
        matrix = np.zeros((2, 2))
        matrix[:] = [[2.0, 1.0], [1.0, 3.0]]
        solution = scipy.linalg.solve(matrix, np.ones(2), assume_a="pos", check_finite=False)
        assert type(solution) is np.ndarray
        return np.sum(x[:2] * solution)

    np.testing.assert_allclose(cr.grad(f)(X), [0.4, 0.2, 0.0], rtol=1e-12)


def test_signatures_outside() -> None:
    """What is not traced has the signatures, names and documents that it had."""
    assert "lower" in inspect.signature(scipy.linalg.solve_triangular).parameters
    cr.grad(lambda x: np.sum(scipy.linalg.solve_triangular(np.eye(3) * x, x)))(X)
    assert "lower" in inspect.signature(scipy.linalg.solve_triangular).parameters
    assert original("math", "sin") is math.sin


DERIVATIVES = {math.sin: np.cos, np.mean: np.median}


class Layer:
    """An object that holds functions."""

    def __init__(self, act: Any = math.tanh, how: Any = np.sum) -> None:
        self.act, self.how = act, how

    def __call__(self, v: Any) -> Any:
        return (np.tanh(v) if self.act == math.tanh else v) * (2.0 if self.how is np.sum else 1.0)


def test_functions_that_are_compared() -> None:
    """What stands for a function is equal to it; NumPy's functions of Python are the same."""

    def reduced(x: Any, f: Any = np.sum) -> Any:
        return {np.sum: x.sum, np.mean: x.mean}.get(f, x.max)()

    assert cr.grad(reduced)(X).tolist() == [1.0, 1.0, 1.0]
    assert cr.jit(reduced)(X) == pytest.approx(np.sum(X))
    assert cr.grad(Layer())(0.5) == pytest.approx(2.0 * (1.0 - np.tanh(0.5) ** 2))
    assert cr.grad(lambda v: DERIVATIVES[math.sin](v))(0.5) == pytest.approx(-math.sin(0.5))
    assert cr.grad(lambda v: v if np.array in {np.array: 1} else 0.0 * v)(0.5) == 1.0


def test_names_that_are_patched(monkeypatch: Any) -> None:
    """A function that somebody put into NumPy is the one that is called, traced or not."""
    f = lambda x: np.trapezoid(x) + math.floor(x[0])  # noqa: E731
    np.testing.assert_allclose(cr.grad(f)(X), [0.5, 1.0, 0.5])
    monkeypatch.setattr(np, "trapezoid", lambda v: v[0] * 100.0)
    assert cr.grad(f)(X).tolist() == [100.0, 0.0, 0.0]

    def sets(x: Any) -> Any:
        np.a_new_name = 3.0
        return np.sum(x) * np.a_new_name

    assert cr.grad(sets)(X).tolist() == [3.0, 3.0, 3.0]
    assert np.a_new_name == 3.0
    del np.a_new_name


act: Any = math.sin


def test_names_that_are_bound_anew_between_traces() -> None:
    """As in a notebook."""
    global act
    f = lambda v: act(v)  # noqa: E731
    assert cr.grad(f)(0.5) == pytest.approx(math.cos(0.5))
    act = math.exp
    assert cr.grad(f)(0.5) == pytest.approx(math.exp(0.5))
    act = lambda v: v**2  # noqa: E731
    assert cr.grad(f)(0.5) == 1.0
    act = math.sin


def test_a_thread_that_a_traced_function_starts() -> None:
    """What is refused in it is not passed over."""

    def f(x: Any) -> Any:
        results = [1.0]

        def work() -> None:
            with contextlib.suppress(TypeError):
                results[0] = math.exp(x[0])

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return results[0] * x[1]

    with pytest.raises(GradientError, match=r"test_interception\.py:\d+"):
        cr.grad(f)(X)
    assert cr.grad(lambda x: np.sum(x))(X).tolist() == [1.0, 1.0, 1.0]


class Filter:
    """An object that keeps a buffer from call to call."""

    def __init__(self) -> None:
        self.buffer: Any = None

    def __call__(self, x: Any) -> Any:
        if self.buffer is None:
            self.buffer = np.zeros(3)
        self.buffer[0] = x[0] ** 2
        self.buffer[1] *= 0.5
        self.buffer[1] += x[1]
        return (self.buffer * x).sum()


def test_buffers_that_are_kept() -> None:
    """They hold numbers of earlier calls, and no graphs; the numbers are those of plain calls."""
    kept, plain = Filter(), Filter()
    for _ in range(5):
        value, _ = cr.value_and_grad(kept)(X)
        assert value == pytest.approx(plain(X), rel=1e-14)
    cr.grad(lambda x: np.sum(x))(X)
    assert not kept.buffer.node.inputs


calls = [0]


@functools.cache
def legendre(n: int, z: Any) -> Any:
    calls[0] += 1
    if n < 2:
        return z if n else 1.0
    return ((2 * n - 1) * z * legendre(n - 1, z) - (n - 1) * legendre(n - 2, z)) / n


@functools.lru_cache(maxsize=8)
def table(n: int) -> Any:
    out = np.zeros(n)
    out[0] = 2.0
    return out


def test_caches() -> None:
    """A cached recursion on traced numbers is as short as on others, and has its methods."""
    slope = cr.grad(lambda z: legendre(40, z))(0.3)
    expected = np.polynomial.legendre.Legendre.basis(40).deriv()(0.3)
    assert slope == pytest.approx(expected, rel=1e-9)
    assert calls[0] < 100 and legendre.cache_info().currsize == 0

    def f(x: Any) -> Any:
        table.cache_clear()
        return (table(3) * x).sum()

    assert cr.grad(f)(X).tolist() == [2.0, 0.0, 0.0]
    assert type(table(3)) is np.ndarray and type(f(X)) is np.float64


def test_is_traced() -> None:
    """Tracers are looked for in nested containers, and in nothing else."""
    seen: list[Any] = []

    def f(x: Any) -> Any:
        cases = (x, [x], (1.0, [x]), {"a": {"b": x}}, [1.0] * 9 + [x[0]])
        seen.extend(map(is_traced, cases))
        seen.extend(map(is_traced, ([1.0, "a"], {"x": 1}, np.array([1.0]), "x", None, [[], ()])))
        return np.sum(x)

    cr.grad(f)(X)
    assert seen == [True] * 5 + [False] * 6


def test_a_function_of_plain_numbers_that_writes_into_a_buffer() -> None:
    """What it wrote is in the array of the trace, and what it gives is that array."""
    image = np.arange(20.0).reshape(4, 5) ** 2

    def f(x: Any) -> Any:
        out = np.zeros((4, 5))
        result = scipy.ndimage.gaussian_filter(image, 1, output=out)
        same = result is out or result is None
        return np.sum(out * x) * same

    expected = np.sum(scipy.ndimage.gaussian_filter(image, 1))
    assert cr.grad(f)(2.0) == pytest.approx(expected, rel=1e-14)
