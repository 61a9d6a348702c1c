"""`chainrule.debug.time`: the lines of a function by their time."""

import inspect
import re
import traceback

import numpy as np
import pytest

import chainrule as cr
from chainrule import debug
from chainrule.debug import LineTime, LineTimes
from chainrule.errors import UnsupportedError

pytestmark = pytest.mark.skipif(cr.config.backend != "llvm", reason="it is about native code")
RNG = np.random.default_rng(0)
W, X = RNG.normal(size=(16, 16)), RNG.normal(size=(64, 16))


def loss(w, x):
    h = x @ w
    z = np.exp(-np.tanh(h))
    return np.sum(z * z)


def first_line(f):
    return inspect.getsourcelines(f)[1]


def user_lines(times):
    return {line.line: line for line in times.lines if line.line}


def test_lines_of_a_function():
    """Each line that computes is there, with its text; shares add up to the whole call."""
    times = debug.time(loss, seconds=0.02)(W, X)
    lines, start = user_lines(times), first_line(loss)
    assert set(lines) == {start + 1, start + 2, start + 3}
    assert lines[start + 1].source == "h = x @ w"
    assert lines[start + 1].filename == __file__
    assert lines[start + 1].where == f"test_line_times.py:{start + 1}"
    assert all(line.derivative_seconds == 0.0 and line.runs == 1 for line in lines.values())
    np.testing.assert_allclose(times.seconds, sum(line.seconds for line in times.lines))
    assert [x.seconds for x in times.lines] == sorted([x.seconds for x in times.lines])[::-1]
    assert times.calls >= 5 and times.name == "loss"
    assert {"trace", "assemble"} <= set(times.stages)
    np.testing.assert_allclose(loss(W, X), times.result, rtol=1e-12)


@pytest.mark.parametrize("compiled", [False, True])
def test_derivatives_count_as_their_lines(compiled):
    """A gradient has the lines of the function, and what of them is derivative."""
    f = cr.value_and_grad(loss)
    times = debug.time(cr.jit(f) if compiled else f, seconds=0.02)(W, X)
    lines, start = user_lines(times), first_line(loss)
    assert set(lines) == {start + 1, start + 2, start + 3}
    product = lines[start + 1]  # x @ w, and x.T @ g
    assert 0.0 < product.derivative_seconds < product.seconds
    np.testing.assert_allclose(cr.grad(loss)(W, X), times.result[1], rtol=1e-10)


def test_loops():
    """A line of a loop's body runs once an iteration."""

    def step(c, row):
        c = np.tanh(c + row)
        return c, np.sum(np.exp(c))

    times = debug.time(lambda x: cr.scan(step, np.zeros(16), x), seconds=0.02)(X)
    lines, start = user_lines(times), first_line(step)
    assert lines[start + 1].runs == lines[start + 2].runs == len(X)


def test_functions_of_other_kinds():
    """Branches on values, static arguments, keywords, and trees."""

    @cr.jit(static_argnums=1)
    def f(tree, power, scale=1.0):
        if tree["x"][0] > 0.0:
            return {"y": np.sin(tree["x"]) ** power * scale}
        return {"y": np.cos(tree["x"])}

    times = debug.time(f, seconds=0.01)({"x": np.ones(100)}, 3, scale=2.0)
    assert first_line(f.function) + 3 in user_lines(times)
    np.testing.assert_allclose(2.0 * np.sin(1.0) ** 3, times.result["y"])
    complex_ = debug.time(lambda x: np.abs(np.fft.fft(x)), seconds=0.01)(np.ones(64))
    assert user_lines(complex_)


def test_what_numpy_computes_has_its_line():
    """Calls from native code to NumPy are instructions as others are."""

    def f(x):
        q, _ = np.linalg.qr(x)
        return np.sum(q)

    lines = user_lines(debug.time(f, seconds=0.01)(np.eye(30)))
    assert lines[first_line(f) + 1].seconds > 0.0


def test_text_and_html():
    """A table, the slowest line first; HTML is escaped."""
    lines = (
        LineTime("/a/b.py", 3, "y = x < 3", 3e-3, 1e-3, 7),
        LineTime("", 0, "(the call itself)", 1e-3),
    )
    times = LineTimes("f", lines, 4e-3, 12, 2, {"trace": 0.5, "assemble": 0.25}, None)
    assert str(times).splitlines() == [
        "f: 4.00 ms, the fastest of 12 calls, 2 threads",
        " share     time  derivative  runs  line",
        "75.0 %  3.00 ms        33 %     7  b.py:3  y = x < 3",
        "25.0 %  1.00 ms                 1  (the call itself)",
        "traced and compiled in 750 ms: trace 500 ms, assemble 250 ms",
    ]
    assert repr(times) == str(times)
    page = times._repr_html_()
    assert "y = x &lt; 3" in page and "<3" not in page.replace(" ", "")
    assert re.search(r"<td[^>]*>75\.0 %</td>", page)


def test_refusals():
    """Effects would be repeated; a backend without native code has nothing to measure."""
    calls = []

    def effect(x):
        return cr.io_callback(calls.append, None, x)

    with pytest.raises(UnsupportedError, match="calls io_callback"):
        debug.time(effect)(1.0)
    assert calls == []
    with cr.configured(backend="numpy"), pytest.raises(UnsupportedError, match="native code"):
        debug.time(loss)(W, X)
    with pytest.raises(TypeError, match="give a function"):
        debug.time(3.0)
    with pytest.raises(ValueError, match="seconds=0"):
        debug.time(loss, seconds=0)


def test_errors_of_the_function():
    """What a function raises passes, without frames of ours."""

    def fails(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine") as info:
        debug.time(fails)(1.0)
    frames = traceback.extract_tb(info.value.__traceback__)
    assert ["test_errors_of_the_function", "fails"] == [frame.name for frame in frames]


def test_nothing_of_it_stays():
    """A function that was timed is called as before, without counters, also inside `nans`."""
    f = cr.jit(loss)
    before = f(W, X)
    with debug.nans():
        debug.time(f, seconds=0.01)(W, X)
    (traced,) = f.cache.values()
    assert traced.program.instruction_times() == []
    assert f(W, X) == before
