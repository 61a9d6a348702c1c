"""Callbacks from compiled code: once for each time they are reached, and in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from callback_programs import FIRST, Machine, State, drawn_program

import chainrule as cr
from chainrule import export
from chainrule.backends.llvm.program.native import NativeProgram
from chainrule.config import configured
from chainrule.errors import DtypeError, GradientError, ShapeError, StateLostError, UnsupportedError

ONE = np.float64(0.0)

SEEDS = range(9)


def run_plain(program: Any) -> tuple[float, Machine]:
    machine = Machine(plain=True)
    a, b, n = machine.run(program, FIRST)
    return float(np.sum(a) + b + n), machine


def loss_of(program: Any, machine: Machine) -> Any:
    def loss(x: Any) -> Any:
        state: State = (FIRST[0] * x, FIRST[1] * x, FIRST[2])
        a, b, n = machine.run(program, state)
        return np.sum(a) + b + n

    return loss


def transformed(loss: Any) -> dict[str, Any]:
    """The ways to run a function, each as a function of x that gives its value first."""

    def in_a_loop(x: Any) -> Any:
        return cr.scan(lambda s, _: (s + loss(x), None), 0.0, length=1)[0]

    return {
        "eager": lambda x: (loss(x),),
        "jit": lambda x: (cr.jit(loss)(x),),
        "grad": cr.value_and_grad(loss),
        "jit of grad": cr.jit(cr.value_and_grad(loss)),
        "grad of jit": cr.value_and_grad(cr.jit(loss)),
        "jvp": lambda x: cr.jvp(loss, (x,), (1.0,)),
        "jit of jvp": cr.jit(lambda x: cr.jvp(loss, (x,), (1.0,))),
        "grad of scan": cr.value_and_grad(in_a_loop),
    }


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
def test_drawn_programs(backend: str) -> None:
    """However a program is run, its calls are those of plain Python, and so are its numbers."""
    for seed in SEEDS:
        program = drawn_program(np.random.default_rng(seed))
        expected, plain = run_plain(program)
        slopes = []
        with configured(backend=backend):
            for way in transformed(None):
                machine = Machine(plain=False)
                value, *slope = transformed(loss_of(program, machine))[way](1.0)
                where = f"seed {seed}, {way}"
                assert machine.log == plain.log, where
                assert sorted(machine.unordered) == sorted(plain.unordered), where
                np.testing.assert_allclose(value, expected, rtol=1e-9, err_msg=where)
                slopes += slope
        np.testing.assert_allclose(slopes, slopes[0], rtol=1e-7, atol=1e-9, err_msg=f"seed {seed}")


# What a callback is given, and gives


def test_arguments_are_copies_that_stay(backend_name: str) -> None:
    """Trees of plain arrays, which no later iteration changes."""
    seen = []

    @cr.jit
    def f(x: Any) -> Any:
        def body(s: Any, k: Any) -> Any:
            cr.io_callback(lambda tree, n: seen.append((tree, n)), None, {"a": s, "b": [k]}, 2.5)
            return s * 2.0, None

        return cr.scan(body, x, np.arange(3, dtype=np.int32))[0]

    with configured(backend=backend_name):
        f(np.array([1.0, 2.0]))
    assert [tree["a"].tolist() for tree, _ in seen] == [[1.0, 2.0], [2.0, 4.0], [4.0, 8.0]]
    assert [tree["b"][0].tolist() for tree, _ in seen] == [0, 1, 2]
    assert {type(x) for tree, n in seen for x in (tree["a"], tree["b"][0], n)} == {np.ndarray}
    assert {(tree["b"][0].dtype.name, n.dtype.name) for tree, n in seen} == {("int32", "float64")}
    seen[0][0]["a"][:] = 7.0


def test_results_are_checked(backend_name: str) -> None:
    """Each error says what came, what was declared, and where."""
    cases: list[tuple[Any, Any, Any, str]] = [
        (lambda: np.zeros(3), np.zeros(2), ShapeError, r"shape \(3,\) as result 0.*f64\[2\]"),
        (lambda: np.zeros(2, np.float32), np.zeros(2), DtypeError, "dtype float32.*astype"),
        (lambda: 0.5, np.int64(0), DtypeError, "dtype float64.*declare float64"),
        (lambda: [1.0], np.zeros(1), ShapeError, "the same containers"),
        (lambda: "text", np.zeros(1), DtypeError, "returned str 'text'"),
        (lambda: None, np.zeros(1), ShapeError, "the same containers"),
    ]
    with configured(backend=backend_name):
        for f, shapes, error, message in cases:
            for way in (lambda g: g, cr.jit):
                with pytest.raises(error, match=rf"test_callbacks.py:\d+: the callback.*{message}"):
                    way(lambda f=f, shapes=shapes: cr.io_callback(f, shapes))()
        declared = cr.ShapeDtypeStruct((), np.float32)
        assert cr.jit(lambda: cr.pure_callback(lambda: 1, declared))().dtype == np.float32
    with pytest.raises(DtypeError, match="result_shapes has str 'f'"):
        cr.pure_callback(np.cos, "f", 1.0)
    with pytest.raises(DtypeError, match="give a number or an array"):
        cr.pure_callback(np.cos, ONE, "text")


def test_results_are_nobody_elses(backend_name: str) -> None:
    """A result that the callback keeps is copied."""
    kept = np.ones(2)

    def loop(x: Any) -> Any:
        return cr.scan(lambda s, _: (s + cr.io_callback(lambda: kept, kept), None), x, length=2)[0]

    with configured(backend=backend_name):
        for f in (lambda: cr.io_callback(lambda: kept, kept), lambda: cr.jit(loop)(np.zeros(2))):
            result = f()
            result += 5.0
    assert kept.tolist() == [1.0, 1.0]


@pytest.fixture(params=["llvm", "numpy"])
def backend_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# Pure ones


def test_a_pure_callback_is_called_where_it_is_needed() -> None:
    """Not while it is traced, not for results that nobody reads, and with each call's numbers."""
    calls = []

    def f(x: Any) -> Any:
        calls.append(x.tolist())
        return np.asarray(x) ** 2

    @cr.jit
    def twice(x: Any) -> Any:
        cr.pure_callback(f, x, x + 1.0)
        cr.scan(lambda s, _: (s, cr.pure_callback(f, x, s)), x, length=5)
        return 2.0 * cr.pure_callback(f, x, x)

    twice.graph(np.ones(1))
    assert calls == []
    assert twice(np.array([3.0])).tolist() == [18.0]
    assert twice(np.array([4.0])).tolist() == [32.0]
    assert calls == [[3.0], [4.0]]
    constant = cr.jit(lambda: cr.pure_callback(lambda: float(len(calls)), ONE))
    assert constant() == 2.0
    calls.append(0)
    assert constant() == 3.0


def test_callbacks_of_numbers_that_no_loop_changes() -> None:
    """In a loop or branch without other effects, and in the condition of a while_loop."""
    f = cr.jit(lambda x: cr.fori_loop(0, 3, lambda i, s: s + cr.pure_callback(np.cos, x, x), x))
    assert f(0.0) == 3.0
    g = cr.jit(lambda x: cr.cond(x > 0, lambda: cr.pure_callback(np.exp, x, x), lambda: x))
    assert (g(0.5), g(-0.5)) == (np.exp(0.5), -0.5)

    def small(s: Any) -> Any:
        return cr.pure_callback(lambda v: v < 5.0, np.bool_(0), s)

    h = cr.jit(lambda x: cr.while_loop(small, lambda s: s * 2.0, x))
    assert h(1.0) == 8.0
    for way in (f, g, h):
        assert way.function(1.5) == way(1.5)


# Derivatives


def test_no_derivative_is_an_error_where_one_is_asked_for() -> None:
    """Forwards and backwards, with the way out; none is asked for where nothing flows."""

    def direct(x: Any) -> Any:
        return x * cr.pure_callback(np.cos, x, x)

    def looped(x: Any) -> Any:
        return cr.scan(lambda s, _: (cr.io_callback(np.cos, s, s), None), x, length=2)[0]

    def branched(x: Any) -> Any:
        return cr.cond(x > 0, lambda s: cr.io_callback(np.cos, s, s), lambda s: s, x)

    for f in (direct, looped, branched):
        for way in (f, cr.jit(f)):
            with pytest.raises(GradientError, match=r"callback\(cos, .*stop_gradient"):
                cr.grad(way)(1.0)
            with pytest.raises(GradientError, match=r"callback\(cos, .*stop_gradient"):
                cr.jvp(way, (1.0,), (1.0,))
    with pytest.raises(GradientError, match="would be called again"):
        cr.jvp(lambda x: cr.while_loop(lambda s: s < 9.0, lambda s: (
            cr.io_callback(lambda: None, None), s * 2.0)[1], x), (1.0,), (1.0,))  # fmt: skip

    def chosen(x: Any) -> Any:  # by truth values, which carry none
        sign = cr.pure_callback(np.sign, x, x)
        return np.where(sign > 0, x**2, -x)

    assert cr.grad(chosen)(3.0) == 6.0
    assert cr.jit(cr.grad(chosen))(-3.0) == -1.0
    assert cr.jvp(chosen, (3.0,), (1.0,))[1] == 6.0


def test_numbers_of_callbacks_in_a_backward_pass() -> None:
    """d/dx of x**3 * r1 * r2 * r3 with r_k = 1 / k, given once each."""
    calls: list[int] = []

    def give() -> Any:
        calls.append(1)
        return 1.0 / len(calls)

    def f(x: Any) -> Any:
        def body(s: Any, _: Any) -> Any:
            def inner(v: Any) -> Any:
                return v * cr.io_callback(give, ONE)

            return cr.cond(s > 0, inner, lambda v: v, s) * x, None

        return cr.scan(body, 1.0, length=3)[0]

    for way in (cr.grad(f), cr.jit(cr.grad(f)), cr.grad(cr.jit(f))):
        calls.clear()
        assert way(2.0) == pytest.approx(3 * 4.0 / 6.0, rel=1e-14)
        assert len(calls) == 3
    calls.clear()
    assert cr.grad(cr.grad(f))(2.0) == pytest.approx(6 * 2.0 / 6.0, rel=1e-14)
    assert len(calls) == 3


# Errors, interrupts, states


class Stop(Exception):
    """What a callback raises."""


@cr.jit
def counting(state: Any, limit: Any) -> Any:
    def check(n: Any, most: Any) -> None:
        if n >= most:
            raise Stop(f"at {n}")

    def body(s: Any, _: Any) -> Any:
        cr.io_callback(check, None, s["n"], limit)
        return {"x": s["x"] + 1.0, "n": s["n"] + 1}, None

    new, _ = cr.scan(body, state, length=4)
    return new, np.sum(new["x"])


def test_an_error_arrives_as_it_is(backend_name: str) -> None:
    """The same object, with the callback's line in its traceback; the next call is as any."""
    raised = []

    def f(x: Any) -> Any:
        if x > 1:
            error = Stop("here")
            raised.append(error)
            raise error
        return x

    def function(x: Any) -> Any:
        def body(s: Any, _: Any) -> Any:
            return cr.io_callback(f, ONE, s) + 1.0, None

        return cr.scan(body, x, length=5)[0]

    with configured(backend=backend_name):
        for way in (
            function,
            cr.jit(function),
            cr.value_and_grad(lambda x: function(cr.stop_gradient(x)) + x),
        ):
            with pytest.raises(Stop) as caught:
                way(0.0)
            assert caught.value is raised[-1]
            lines = [entry.name for entry in caught.traceback]
            assert lines[-1] == "f"
            way(-9.0)
    assert len(raised) == 3


def test_a_bound_step_whose_callback_fails(backend_name: str) -> None:
    """The state is lost until it is set; a step that ends has changed it."""
    with configured(backend=backend_name):
        step = counting.bind({"x": np.zeros(3), "n": 0})
        assert step(100) == 12.0
        saved = step.state
        assert (saved["x"].tolist(), int(saved["n"])) == ([4.0] * 3, 4)
        with pytest.raises(Stop, match="at 6"):
            step(6)
        with pytest.raises(StateLostError, match="Stop: at 6"):
            step(100)
        step.state = saved
        assert step(100) == 24.0


def test_a_donating_function_with_callbacks(backend_name: str) -> None:
    with configured(backend=backend_name):
        f = cr.jit(lambda x, n: counting.function({"x": x, "n": n}, 99)[0], donate_argnums=0)
        x = np.zeros(3)
        assert f(x, 0)["x"] is x
        assert x.tolist() == [4.0] * 3


def test_a_bound_step_is_no_part_of_a_trace() -> None:
    """Also if all that it is given is known."""
    step = cr.jit(lambda s: (s + 1.0, s)).bind(1.0)
    with pytest.raises(UnsupportedError, match="part of another traced function"):
        cr.jit(lambda x: x + step())(1.0)
    assert (step(), step.state) == (1.0, 2.0)


def test_a_callback_may_call_compiled_code() -> None:
    """Also the function that called it; a bound step may not run inside itself."""

    def below(n: Any) -> Any:
        return f(n - 1) if n > 0 else np.int64(0)

    f = cr.jit(lambda n: n + cr.io_callback(below, np.int64(0), n))
    assert f(5) == 15
    step: Any = None
    step = cr.jit(lambda s: (s, cr.io_callback(lambda: step(), ONE))).bind(1.0)
    with pytest.raises(RuntimeError, match="runs already"):
        step()


def test_ctrl_c_in_a_callback(backend_name: str) -> None:
    @cr.jit
    def f(x: Any) -> Any:
        return cr.scan(lambda s, _: (s + cr.io_callback(interrupted, ONE), None), x, length=9)[0]

    def interrupted() -> Any:
        signal.raise_signal(signal.SIGINT)
        return 1.0

    with configured(backend=backend_name), pytest.raises(KeyboardInterrupt):
        f(0.0)


def test_an_index_out_of_bounds_before_a_callback(backend_name: str) -> None:
    """Nothing is called after it, and the error arrives; so it does before another NumPy call."""
    log: list[float] = []

    def f(x: Any, i: Any) -> Any:
        def body(s: Any, k: Any) -> Any:
            s = s + x[i + k]
            cr.io_callback(lambda v: log.append(float(v)), None, s)
            return s, None

        return cr.scan(body, 0.0, np.arange(4))[0]

    with configured(backend=backend_name):
        compiled, tiered = cr.jit(f), cr.jit(f, tiered=True)
        for way in (compiled, tiered):
            with pytest.raises(IndexError, match="out of bounds"):
                way(np.array([1.0, 2.0, 4.0]), np.int64(1))
            assert log == [2.0, 6.0]
            log.clear()
        half = cr.jit(lambda x, i: x.astype("f2") * x[i].astype("f2"))
        with pytest.raises(IndexError, match="out of bounds"):
            half(np.array([1.0, 2.0]), np.int64(5))


def test_an_error_that_ctypes_swallows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a handler raises before the first line of what native code calls, the call ends."""

    def swallowed(*_: object) -> int:
        raise Stop

    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    monkeypatch.setattr(NativeProgram, "_call_numpy", swallowed)
    with configured(backend="llvm"), pytest.raises(KeyboardInterrupt):
        cr.jit(lambda x: cr.io_callback(lambda v: v, ONE, x))(0.0)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="POSIX timers")
@pytest.mark.parametrize("subject", ["callbacks", "bound"])
def test_interrupts_at_any_moment(subject: str, backend_name: str) -> None:
    """See `interrupted.py`: 400 moments of calls with callbacks, and of bound steps."""
    program = [sys.executable, str(Path(__file__).parent / "interrupted.py"), subject, backend_name]
    done = subprocess.run(program, capture_output=True, text=True, timeout=600, env=os.environ)
    assert done.stdout == "right\n", done.stderr


# Threads, the disk, an environment


@pytest.mark.usefixtures("_as_before")
def test_one_call_from_one_thread_beside_shared_work() -> None:
    """Beside work of several threads it is called in the caller's, once an iteration."""
    threads = []

    def f(x: Any) -> Any:
        threads.append(threading.get_ident())
        return x[:1]

    @cr.jit
    def step(a: Any, w: Any) -> Any:
        def body(s: Any, _: Any) -> Any:
            h = np.tanh(s @ w)
            return h * cr.io_callback(f, np.zeros((1, 64)), h)[0], None

        return cr.scan(body, a, length=3)[0]

    cr.set_num_threads(2)
    rng = np.random.default_rng(0)
    a, w = rng.normal(size=(512, 64)), 0.1 * rng.normal(size=(64, 64))
    result = step(a, w)
    assert threads == [threading.get_ident()] * 3
    for _ in range(3):
        h = np.tanh(a @ w)
        a = h * h[0]
    np.testing.assert_allclose(result, a, rtol=1e-9, atol=1e-12)


def test_the_disk_holds_no_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Code of one callback serves another one of the same name: that one is called."""
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path))

    def calling(number: float) -> Any:
        def f(x: Any) -> Any:
            return x + number

        return cr.jit(lambda x: 2.0 * cr.io_callback(f, ONE, x))

    with configured(backend="llvm", cache=256, debug=1):
        assert calling(1.0)(1.0) == 4.0
        capsys.readouterr()
        assert calling(5.0)(1.0) == 12.0
        assert "loaded cached code" in capsys.readouterr().err


def test_cart_pole_in_a_scan() -> None:
    """An environment inside a compiled loop: the states and rewards of stepping by hand."""
    gymnasium = pytest.importorskip("gymnasium")
    weights = np.array([0.1, 0.5, 1.0, 1.0], np.float32)
    by_hand = gymnasium.make("CartPole-v1")
    states, rewards = [by_hand.reset(seed=3)[0]], []
    done = False
    while not done and len(rewards) < 150:
        state, reward, terminated, truncated, _ = by_hand.step(int(states[-1] @ weights > 0))
        states.append(state)
        rewards.append(reward)
        done = terminated or truncated

    env = gymnasium.make("CartPole-v1")
    struct = cr.ShapeDtypeStruct
    shapes = (struct((4,), np.float32), struct((), np.float64), struct((), bool))

    def reset() -> Any:
        return env.reset(seed=3)[0]

    def step(action: Any) -> Any:
        state, reward, terminated, truncated, _ = env.step(int(action))
        return state, reward, terminated or truncated

    @cr.jit
    def episode(w: Any) -> Any:
        def body(state: Any, _: Any) -> Any:
            action = np.where(state @ w > 0, 1, 0)
            new, reward, done = cr.io_callback(step, shapes, action)
            return new, (new, reward, done)

        return cr.scan(body, cr.io_callback(reset, shapes[0]), length=len(rewards))

    last, (after, given, ends) = episode(weights)
    np.testing.assert_array_equal(after, states[1:])
    np.testing.assert_array_equal(last, states[-1])
    assert given.tolist() == rewards
    assert (sum(rewards), ends[-1]) == (len(rewards), done)


def test_functions_that_are_compiled_for_one_kind_of_argument() -> None:
    log: list[float] = []

    @cr.jit
    def f(x: Any, n: Any) -> Any:
        cr.io_callback(lambda v: log.append(float(v)), None, x)
        return x * n

    compiled = f.compile(1.0, 2)
    assert (compiled(1.5, 2), f(2.5, 2)) == (3.0, 5.0)
    assert log == [1.5, 2.5]
    outer = cr.jit(lambda x: f(2.0, 3) + x)  # its arguments are known, and yet it is called later
    assert log == [1.5, 2.5]
    assert (outer(1.0), outer(2.0)) == (7.0, 8.0)
    assert log == [1.5, 2.5, 2.0, 2.0]


def test_callbacks_are_not_exported() -> None:
    """ONNX models hold no Python."""
    for callback in (cr.pure_callback, cr.io_callback):
        with pytest.raises(UnsupportedError, match="callback cannot be exported"):
            export.to_onnx(lambda x, call=callback: x + call(np.cos, x, x), np.zeros((2, 3)))
