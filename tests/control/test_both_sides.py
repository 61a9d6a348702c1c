"""Branches on values in the bodies of loops: what a Python loop gives, whichever side it takes."""

import linecache

import numpy as np
import pytest
from central_differences import assert_close

import chainrule as cr
from chainrule.errors import AbstractValueError

CONDITIONS = ("x > 0.0", "s > x", "s * x < 0.2 and x > -1.0", "abs(s) > 1.0 or x < 0.0",
              "not s < 0.5", "x", "max(s, x) > 0.3")  # fmt: skip
STEPS = ("s = s + x", "s = np.sin(s) * x", "y = y + s", "s = 0.5", "y = s * x", "s -= y * 0.1",
         "if s > 2.0: return s * 0.5, y")  # fmt: skip


def drawn_body(seed):
    """Draw the source of a body: nested branches, writes of two names, early returns."""
    draw = np.random.default_rng(seed)

    def block(depth, indent):
        lines = []
        for _ in range(draw.integers(1, 3)):
            if depth and draw.random() < 0.6:
                lines.append(f"{indent}if {draw.choice(CONDITIONS)}:")
                lines += block(depth - 1, indent + "    ")
                if draw.random() < 0.7:
                    lines.append(f"{indent}else:")
                    lines += block(depth - 1, indent + "    ")
            else:
                lines.append(indent + draw.choice(STEPS))
        return lines

    source = "\n".join(
        ["def body(s, x):", "    y = x * 0.25", *block(2, "    "), "    return s, y"]
    )
    name = f"<body {seed}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    space = {"np": np}
    exec(compile(source, name, "exec"), space)
    return space["body"]


def python_loop(body, s, xs):
    ys = []
    for x in xs:
        s, y = body(s, x)
        ys.append(y)
    return s, np.stack(ys)


@pytest.mark.parametrize("seed", [1, 3, 5, 6, 7, 8, 9, 10, 11, 12])
def test_drawn_bodies(seed):
    """Values and gradients are those of a loop in Python, by the reference and by native code."""
    body = drawn_body(seed)
    xs = np.random.default_rng(seed + 1000).normal(size=9)

    def total(loop):
        def of(s, xs):
            last, ys = loop(body, s, xs)
            return last + np.sum(ys * np.linspace(0.5, 1.5, 9))

        return cr.value_and_grad(of, argnums=(0, 1))

    value, slopes = total(python_loop)(0.3, xs)
    for run in (total(cr.scan), cr.jit(total(cr.scan), strict=True)):
        other_value, other_slopes = run(0.3, xs)
        assert_close(other_value, value, 1e-12)
        assert_close(other_slopes[0], slopes[0], 1e-11)
        assert_close(other_slopes[1], slopes[1], 1e-11)


def test_forward_mode_and_while_loops():
    def collatz(state):
        n, steps, x = state
        if n % 2 == 0:
            return n // 2, steps + 1, x * 1.5
        return 3 * n + 1, steps + 1, np.sin(x)

    def steps(n, x):
        return cr.while_loop(lambda state: state[0] > 1, collatz, (n, 0, x))[1:]

    def plain(n, x):
        state = n, 0, x
        while state[0] > 1:
            state = collatz(state)
        return state[1:]

    for n in (6, 7, 11):
        count, x = cr.jit(steps, strict=True, static_argnums=())(np.int64(n), 0.7)
        assert (int(count), float(x)) == pytest.approx(plain(n, 0.7), rel=1e-14)
        _, slope = cr.jvp(lambda x, n=n: steps(np.int64(n), x)[1], (0.7,), (1.0,))
        _, expected = cr.jvp(lambda x, n=n: plain(n, x)[1], (0.7,), (1.0,))
        assert_close(slope, expected, 1e-13)


def test_a_side_is_computed_alone():
    """Of what only one side reads, the other one computes nothing: its body is in the branch."""

    def body(s, x):
        costly = np.sin(s) ** 3
        return (s + costly if x > 0 else s, x)

    graph = str(cr.make_graph(lambda s, xs: cr.scan(body, s, xs))(0.1, np.ones(3)))
    before, _, branches = graph.partition("cond")
    assert "sin" not in before
    assert branches.count("sin") == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (lambda s, x: (s, x) if x > 0 else (s, np.stack([x, x])), "one side gives"),
        (lambda s, x: (s, x) if x > 0 else (s, (x, x)), "one side gives"),
        (lambda s, x: (s, 1 // (x > 9)) if x > 9 else (s, [][0]), "one side raises IndexError"),
        (lambda s, x: (s, x) if x > 0 else (s, x.astype(np.float32)), "f32"),
        (lambda s, x: (s, sum(1.0 for k in range(9) if x > k)), "64 ways"),
    ],
)
def test_refusals(body, words):
    with pytest.raises(AbstractValueError, match=words):
        cr.scan(body, 0.0, np.ones(4))


def test_effects_are_refused():
    def body(s, x):
        cr.io_callback(lambda v: None, None, x, ordered=True)
        return (s, x) if x > 0 else (s + 1.0, x)

    with pytest.raises(AbstractValueError, match="effects"):
        cr.jit(lambda xs: cr.scan(body, 0.0, xs))(np.ones(4))
