"""A generator of programs with state: aliases, views, copies, numbers, buffers, writes everywhere.

Each program is a Python function of one array, written line by line: a line is tried with NumPy on
the program so far, and kept if it runs. What it returns weighs everything that is alive in the
end, so that a write which one name should have seen, or should not, changes the value. NumPy
itself says what is right; the slope along a direction comes of central differences.

Run it at length: ``python tests/trace/stateful_programs.py 20000``.
"""

from __future__ import annotations

import itertools
import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.config import configured
from chainrule.errors import Refusal

HEAD = """
class Holder:
    def __init__(self, value):
        self.value = value

def bump(v):
    v += 0.25

def scaled(v):
    v *= 1.125
    return v

def first_set(v, number):
    v[0] = number

def anew(v):
    v = v * 0.5
    v += 0.125
    return v

def swapped(v):
    v[0], v[-1] = v[-1], v[0]
    return v

def failing(v):
    v[0] = 0.375
    raise KeyError("after a write")
"""
INDICES = (
    "0", "-1", "1", "1:", ":-1", "::-1", "::2", "...", "None", "[0, 1]", "[1, 0, 1]", "(0, ...)",
    "(..., 0)", "(..., -1)", "(slice(None), 0)", "(slice(None), [0, 1])", "(0, 1)", "()",
    "np.array([True, False, True])", "np.int64(1)", "np.array(0)", "(1, slice(1, None))",
    "(..., None)", "(0, slice(None, None, -1))", "np.argmax(np.arange(3.0))",
)  # fmt: skip
MADE = (
    "{a}", "{a}[{i}]", "{a}[{i}]", "{a}.T", "{a}.reshape(-1)", "{a}.ravel()", "{a}.flatten()",
    "{a}.copy()", "np.copy({a})", "{a}.astype(float)", "{a}.astype(float, copy=False)",
    "np.astype({a}, float, copy=False)", "{a}.reshape(3, -1)", "{a}.reshape(-1, 3)",
    "np.swapaxes({a}, 0, -1)", "np.moveaxis({a}, 0, -1)", "{a}.T.reshape(-1)", "{a}.T.ravel()",
    "{a}[::2].reshape(-1)", "({a}.T * 1.5).ravel()", "({a}.T + {b}.T).reshape(-1)",
    "np.tanh({a}.T).reshape(-1)", "np.squeeze({a})", "np.squeeze({a}[None])",
    "np.expand_dims({a}, 0)", "np.atleast_1d({a})", "np.atleast_2d({a})", "np.ravel({a})",
    "np.broadcast_to({a}, (2,) + {a}.shape)", "np.diagonal({a})", "np.diag({a})",
    "np.einsum('ii->i', {a})", "np.einsum('ij->ji', {a})", "np.split({a}, 3)[1]",
    "np.tile({a}, 1)", "np.positive({a})", "{a} * 0.75", "{a} + {b}", "np.sin({a}) * {b}",
    "np.zeros_like({a})", "np.zeros_like({a}.T)", "np.ones_like({a}) * {s}",
    "np.full_like({a}, 0.5)", "np.full_like({a}, {s})", "np.flip({a})", "np.flip({a}, 0)",
    "np.where({a} > 0.1, {a}, {b})", "np.roll({a}, 1)", "np.concatenate([{a}, {b}])",
    "np.stack([{a}, {a}])", "np.cumsum({a})", "np.diff({a})", "np.diff({a}, n=0)",
    "np.nan_to_num({a}, copy=False)", "np.real({a})", "{a}.real",
    "np.asarray(np.ones(3), like={a})", "np.sort({a})", "np.transpose({a})",
    "np.repeat({a}, 1, 0)", "np.take({a}, [0, 1], 0)", "np.take({a}, 0)",
    "np.reshape({a}, {a}.shape)", "{a}.reshape({a}.shape[::-1])", "scaled({a})", "anew({a})",
    "swapped({a})", "({a} @ np.ones((3, 2))).ravel()", "{a}.T.copy().ravel()",
    "np.copy({a}.T).ravel()", "{a}[:, [1, 0]].ravel()", "{a}.T.astype(float).reshape(-1)",
    "np.triu({a})", "list({a})[0]", "np.outer({a}, {a})", "np.clip({a}, -1.5, 1.5)",
    "copy.copy({a})", "copy.deepcopy({a})", "np.sum({a}.T, 0)", "np.mean({a}, 0, keepdims=True)",
    "np.max({a}.swapaxes(0, 1), 0).reshape(-1)", "np.where(True, {a}, 0.0)",
    "np.array_split({a}, 2)[0]", "np.zeros(3)", "np.ones((3, 3))", "np.full(3, 0.5)",
    "np.arange(3.0)", "np.zeros((3, 2)).T", "({a}, {b})[0]", "[{a}, {b}][-1]",
    "np.hstack([{a}, {b}])", "np.reshape({s}, (1,))", "np.pad({a}, 1, mode='edge')",
    "np.pad({a}, 1, constant_values={s})", "np.pad({a}, (2, 1), 'reflect', reflect_type='odd')",
    "np.insert({a}, 1, {s})", "np.insert({a}, [0, 1], 0.5, 0)", "np.delete({a}, 0, 0)",
    "np.append({a}, {b})", "np.resize({a}, 4)", "np.rot90(np.atleast_2d({a}))",
    "{a}.reshape(-1, order='F')", "{a}.ravel('F')", "{a}.ravel('K')", "{a}.flatten('F')",
    "{a}.reshape({a}.shape[::-1], order='F')", "{a}.T.reshape(-1, order='A')", "{a}.T.ravel('K')",
    "np.rollaxis({a}, -1)", "np.broadcast_arrays({a}, {b})[0]", "np.unstack({a})[0]",
    "np.matrix_transpose(np.atleast_2d({a}))", "np.block([{a}, {b}])", "{a}.view()",
    "np.lib.stride_tricks.sliding_window_view({a}, 2, 0)", "{a}.flat[1:]", "{a}.flat.copy()",
    "np.meshgrid({a}, {b}, copy=False)[0]", "np.meshgrid({a}, {b}, copy=False, sparse=True)[1]",
    "np.compress([True, False, True], {a}, 0)", "{a}.compress([1, 0, 1], 0)", "{a}.flat[[1, 0]]",
    "np.extract([1, 0, 1], {a})", "np.apply_along_axis(np.cumsum, 0, {a})", "np.c_[{a}, {a}]",
    "np.vectorize(lambda v: v * 0.5)({a})", "np.vectorize(lambda v: v + {s})(np.ones(2))",
    "np.r_[{a}, {s}]", "np.hsplit({a}, 3)[1]", "np.maximum.accumulate({a})",
    "np.add({a}, {b}, where={a} > 0, out=np.zeros_like({a}))", "np.add.reduceat({a}, [0, 2])",
    "np.subtract.outer({a}.ravel()[:2], {b}.ravel()[:2])", "np.add({a}, 0.5, order='F').ravel()",
    "np.take({a}, [4, -1], 0, mode='wrap')", "np.diagflat({a}.ravel()[:2])",
    "np.apply_over_axes(np.sum, {a}, 0)", "list(np.nditer({a}))[0]", "np.sin({a}.flat)",
)  # fmt: skip
NUMBERS = (
    "{s}", "{a}[0]", "{a}[-1]", "{a}[1, 0]", "{a}[0, -1]", "np.sum({a})", "np.mean({a})",
    "np.max({a})", "{s} * 0.5", "{s} + {r}", "np.sin({s})", "0.0", "0.25", "np.float64(0.5)",
    "{a}.sum() * 0.25", "np.dot({a}.ravel(), {a}.ravel()) * 0.125", "+{s}", "-{s}", "abs({s})",
    "{s}.copy()", "np.squeeze({a}[0])", "{a}[0, ...]", "{a}[np.argmax(np.arange(2.0))]",
    "np.array(0.5)", "np.zeros(())", "{s}.reshape(())", "np.where(True, {s}, {r})",
    "{a}.ravel()[1]", "np.einsum('i,i->', {a}.ravel(), {a}.ravel()) * 0.125",
    "np.tensordot({a}, {a}, {a}.ndim) * 0.125", "np.clip({s}, -2.0, 2.0)", "np.nan_to_num({s})",
    "np.copy({s})", "copy.copy({s})", "np.linalg.norm({a})", "anew({s})", "np.prod({a}) * 0.5",
    "np.take({a}, 1)", "np.float64({n})", "next({a}.flat)", "{a}.flat[2]", "sum({a}.flat)",
    "np.max({a}, initial={s})", "np.sum({a}, where={a} > 0)", "np.sum({a}, initial={s})",
    "sum(v for _, v in np.ndenumerate({a}))", "np.add.reduce({a}.ravel())", "{a}.view()[0]",
    "np.std({a}, where=np.arange(3) < 2)", "np.min({a}, where={b} > 0, initial=0.5)",
)  # fmt: skip
WRITES = (
    "{a} += {b}", "{a} -= 0.5 * {b}", "{a} *= 0.75", "{a} /= 1.25", "{a} += {s}",
    "{a}[{i}] = {s}", "{a}[{i}] = {b}[{i}]", "{a}[{i}] += {s}", "{a}[{i}] *= 0.5",
    "{a}[{i}] -= {b}[{i}]", "{a}[...] = {b}", "{a}[:] = {a}[::-1]", "{a}[1:] += {a}[:-1]",
    "{a}[0], {a}[1] = {a}[1], {a}[0]", "{a}[0], {a}[-1] = {a}[-1] * 0.5, {a}[0]", "bump({a})",
    "bump({s})", "first_set({a}, {s})", "scaled({a})", "swapped({a})", "{a}.fill({s})",
    "np.copyto({a}, {b})", "np.add({a}, {b}, out={a})", "np.multiply({a}, 0.5, out={b})",
    "np.add.at({a}, [0, 0], 0.25)", "{a} **= 2", "{s} += {r}", "{s} *= 0.5", "{s} -= {a}[0]",
    "{s} += 1.0", "{a}.sort()", "np.fill_diagonal({a}, {s})", "{a}.T[...] *= 0.5",
    "{a}.ravel()[0] = {s}", "{a}.reshape(-1)[1] += {s}", "{a}.T.reshape(-1)[0] = {s}",
    "{a}.T.ravel()[-1] *= 0.5", "{a}.flatten()[0] = {s}", "{a}[0][...] = {s}", "{a}[0][0] += {s}",
    "{a}[1:][0] = {s}", "{a}[[0, 1]][0] = {s}", "np.squeeze({a})[0] = {s}", "{a}, {b} = {b}, {a}",
    "{a}[{i}], {s} = {s}, {a}[{i}]", "np.cumsum({a}, 0, out={a})", "{a}[{a} > 0.2] = {s}",
    "{a}[{a} > 0.2] *= 0.5", "np.einsum('ii->i', {a})[...] += 0.5", "np.diagonal({a})[0] = {s}",
    "np.broadcast_to({a}, (2,) + {a}.shape)[0] += 1.0", "{s}[...] = 0.5", "{s}[()] = 0.5",
    "{s}[0] = 0.5", "{a}.shape = (-1,)", "{a}[99] = 0.5", "{a} += np.ones(7)",
    "{a}[:2] = np.ones(5)", "{a} = {a} + 0.5", "{a} = {a}[{i}]", "del {a}", "failing({a})",
    "{a} @= np.eye(3)", "{a} //= 1.0", "{a} %= 2.0", "np.random.default_rng(0).shuffle({a})",
    "{a}.flat = {b}", "{a}.flat[1:] = {s}", "{a}.flat[[0, -1]] = {b}.ravel()[:2]",
    "{a}.T.flat[::2] = {s}", "{a}.flat[{a}.ravel() > 0] = {s}", "np.put({a}, [0, -1], {s})",
    "{a}.put([1, 0], {b}.ravel())", "np.putmask({a}, {a} > 0.1, {b})", "{a}.view()[0] = {s}",
    "np.place({a}, {a} > 0.1, {b})", "np.fill_diagonal({a}, {b})", "{a}.ravel('F')[0] = {s}",
    "np.fill_diagonal({a}, {s}, wrap=True)", "np.copyto({a}, {b}, where={a} > 0)",
    "np.put_along_axis({a}, np.argsort({a}, 0)[:1], {s}, 0)", "np.maximum.at({a}, [0, 0], {b}[1])",
    "np.multiply.at({a}, [0, 0, 1], 0.75)", "np.subtract.at({a}, [1, 1], {s})",
    "np.negative.at({a}, [0, 0, 2])", "np.add({a}, {b}, out={a}, where={b} > 0)",
    "np.sum({a}, 0, out={b})", "np.take({a}, [0, 0, 1], 0, out={b})", "np.modf({a}, {a}, {b})",
    "np.clip({a}, -0.5, 0.5, out={a})", "np.maximum.accumulate({a}, out={b})",
    "np.add.accumulate({a}, 0, out={a})", "np.divmod({a}, 0.5, out=({b}, {a}))",
    "{a}.ravel('K')[1] += {s}", "{a}.reshape(-1, order='F')[1] = {s}", "np.flip({a})[0] = {s}",
    "np.rollaxis({a}, -1)[0] = {s}", "np.rot90(np.atleast_2d({a}))[0] = {s}",
    "np.unstack({a})[1][...] = {s}", "np.hsplit({a}, 3)[0][...] = {s}",
    "np.meshgrid({a}, {b}, copy=False, sparse=True)[0][0] = {s}", "{a}.flatten('F')[0] = {s}",
    "np.broadcast_arrays({a}, {a})[0][0] = {s}", "{a}.T.reshape(-1, order='F')[0] = {s}",
)  # fmt: skip
BLOCKS = (
    "for row in {a}:\n    row += 0.125", "for row in {a}:\n    row[...] = row * 0.5",
    "for k in range(len({a})):\n    {a}[k] += 0.125 * k",
    "for k in range(1, len({a})):\n    {a}[k] = 0.5 * {a}[k - 1] + {a}[k]",
    "held = [{a}, {b}]\nheld[0] += 0.5\nheld[1] = held[1] * 0.5\n{t} = held[1]",
    "held = [{a}, {b}]\nfor item in held:\n    item *= 0.75",
    "named = {{'p': {a}, 'q': {b}}}\nfor key in named:\n    named[key] -= 0.25\n{t} = named['q']",
    "named = {{'p': {a}}}\nfor item in named.values():\n    item -= 0.25",
    "named = {{'p': {a}}}\nnamed['p'][0] = {s}\nnamed['p'] = named['p'] * 0.5\n{t} = named['p']",
    "box = Holder({a})\nbox.value += 0.5\n{t} = box.value",
    "box = Holder({a})\nbox.value[0] = {s}\nbox.value = box.value * 0.5\n{t} = box.value",
    "old = {s}\n{s} += 0.5\n{u} = old * {s}",
    "old = {a}[0]\n{a}[0] = 0.75\n{u} = np.sum(old) * {a}[1]",
    "run = 0.0\nparts = []\nfor k in range(3):\n    run += {a}[k]\n    parts.append(run)\n"
    "{u} = parts[0] * parts[1]",
    "total = np.zeros(3)\nfor k in range(3):\n    total += {a}\n{t} = total",
    "total = np.zeros(3)\nother = total\ntotal += {a}\n{t} = other",
    "total = np.zeros((3, 3))\nrow = total[1]\nrow += {a}\n{t} = total",
    "total = np.zeros((2, 3))\nfor row in total:\n    row += {a}\n{t} = total",
    "total = np.zeros(3).reshape(3)\ntotal += {a}\ntotal[0] = {s}\n{t} = total",
    "total = np.zeros(3)\nbump(total)\ntotal += {a}\n{t} = total",
    "total = np.zeros(3)\nheld = [total]\ntotal += {a}\n{t} = held[0]",
    "total = np.zeros(3)\nadded(total, {a})\n{t} = total",
    "box = Holder(np.zeros(3))\nbox.value += {a}\nbox.value += {a}\n{t} = box.value",
    "while np.sum({a}) > 0.5:\n    {a} *= 0.5\n    {a} -= 0.01",
    "for k in range(2):\n    for j in range(2 - k):\n"
    "        {a}[j], {a}[j + 1] = {a}[j + 1], {a}[j]",
    "{a}[0] = {s}\n{t} = {a}\n{a} = {a} * 1.0\n{a}[1] = 0.5",
    "part = {a}[1:]\n{a} += 1.0\npart[0] = {s}\n{t} = part",
    "flat = {a}.reshape(-1)\n{a}[0] = 0.25\n{t} = flat * 1.0\nflat[1] = 0.5",
    "flat = {a}.T.ravel()\n{a}[0] = 0.25\n{t} = flat * 1.0\nflat[1] = 0.5",
    "def inner():\n    {a}[0] = {s}\n    return {a}\n{t} = inner()",
    "grown = [{a}[k] for k in range(3)]\n{a}[0] = 0.5\n{u} = np.sum(grown[0]) * np.sum(grown[1])",
    "p, q = {a}[0], {a}[1]\np += 0.5\n{u} = np.sum(p * q)",
    "p, *rest = {a}\np *= 0.5\n{t} = rest[0] * 1.0\n{a}[1] = 0.5",
    "for v in np.nditer({a}, op_flags=['readwrite']):\n    v[...] = v * 0.5 + 0.1",
    "for k, v in np.ndenumerate({a}):\n    {a}[k] = v * 0.5",
    "entries = {a}.flat\nnext(entries)\n{a}[-1] = {s}\n{u} = next(entries)",
    "for v in {a}.flat:\n    {a}[0] = v",
    "it = np.nditer({a}, flags=['multi_index'])\nwhile not it.finished:\n"
    "    {a}[it.multi_index] = it[0] * 0.75\n    it.iternext()",
    "def change(r):\n    r[0] = 0.5\n    return r * 2.0\n"
    "{t} = np.apply_along_axis(change, 0, {a})",
    "for k in np.ndindex({a}.shape):\n    {a}[k] *= 0.9",
)  # fmt: skip
HEAD += """
def added(v, w):
    v += w
"""
BEGINNING = compile(HEAD, "<stateful program>", "exec")


class Program:
    """One program as it grows: its lines, and its names with what NumPy has in them."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.lines: list[str] = []
        self.drawn = rng.uniform(-1.0, 1.0, (3, 3, 3))
        self.kind = int(rng.integers(7))
        self.x = self.argument()
        self.count = itertools.count()
        self.weights = np.tile(rng.uniform(0.5, 1.5, 200).round(3), 2)

    def argument(self, change: Any = 0.0) -> Any:
        """A new array of 3 or of 3 x 3 that lies in memory in one of several ways."""
        drawn = self.drawn.copy()
        x = [
            drawn[0, 0].copy(), drawn[0].copy(), drawn[0].copy("F"), drawn[0, :, 0], drawn[:, 1],
            drawn[0, 0][::-1], drawn[0].T[::-1],
        ][self.kind]  # fmt: skip
        x += change
        return x

    def source(self, lines: list[str] | None = None) -> str:
        lines = self.lines if lines is None else lines
        body = "\n".join(lines).replace("\n", "\n    ")
        return (
            "def program(x):\n    a0, a1, s0, s1 = x, x * 0.5, x.ravel()[0], 0.25\n"
            f"    {body}\n    return closing(locals())\n"
        )

    def function(self, lines: list[str] | None = None) -> Callable[[Any], Any]:
        import copy

        names: dict[str, Any] = {"np": np, "copy": copy, "closing": self.closing}
        exec(BEGINNING, names)
        exec(compile(self.source(lines), "<stateful program>", "exec"), names)
        return names["program"]  # type: ignore[no-any-return]

    def closing(self, alive: dict[str, Any]) -> Any:
        """A weighted sum of all that is alive, of which each name keeps its own weights."""
        self.alive = {k: v for k, v in alive.items() if isinstance(v, (np.ndarray, float))}
        total = 0.0
        for k, name in enumerate(sorted(self.alive)):
            value = alive[name]
            n = int(np.size(value))
            start = -7 * k % 200
            weights = self.weights[start : start + 200]
            weights = (np.resize(weights, n) if n > 200 else weights[:n]).reshape(np.shape(value))
            total = total + np.sum(np.tanh(value) * weights)
        return total

    def grow(self) -> None:
        """Try one more line, and keep it if NumPy runs the program with it."""
        line = self._line()
        if self.rng.random() < 0.15:
            line = (
                "try:\n    "
                + line.replace("\n", "\n    ")
                + "\nexcept (ValueError, TypeError, IndexError, KeyError):\n    pass"
            )
        lines = [*self.lines, line]
        try:
            with np.errstate(all="ignore"):
                value = self.function(lines)(self.argument())
        except Exception:
            return
        finite = all(np.all(np.isfinite(v)) and np.size(v) < 60 for v in self.alive.values())
        if np.isfinite(value) and finite and len(self.alive) < 14:
            self.lines = lines

    def _line(self) -> str:
        rng = self.rng
        alive = getattr(
            self, "alive", {"x": self.x, "a0": self.x, "a1": self.x, "s0": 0.5, "s1": 0.5}
        )
        arrays = [k for k, v in alive.items() if np.ndim(v)] or ["x"]
        numbers = [k for k, v in alive.items() if not np.ndim(v)] or ["0.5"]
        pick = lambda options: options[rng.integers(len(options))]  # noqa: E731
        new = next(self.count) + 2
        names = {
            "a": pick(arrays), "b": pick(arrays), "s": pick(numbers), "r": pick(numbers),
            "i": pick(INDICES), "t": f"a{new}", "u": f"s{new}", "n": 0.5,
        }  # fmt: skip
        kind = rng.random()
        if kind < 0.3:
            return f"a{new} = " + pick(MADE).format(**names)
        if kind < 0.42:
            return f"s{new} = " + pick(NUMBERS).format(**names)
        return (pick(WRITES) if kind < 0.8 else pick(BLOCKS)).format(**names)


def programs(count: int, seed: int, first: int = 0) -> Iterator[Program]:
    """Programs of some 3 to 12 lines."""
    for k in range(first, first + count):
        program = Program(np.random.default_rng((seed, k)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(int(program.rng.integers(6, 24))):
                program.grow()
        yield program


class Difference(AssertionError):
    """A traced program that differs from NumPy's."""


def check(program: Program, native: bool) -> list[str]:
    """Hold the program's value and slope against NumPy's, in all modes; tell what was refused."""
    f, copy = program.function(), program.argument
    direction = program.rng.uniform(-1.0, 1.0, program.x.shape)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        value = f(copy())
        slopes = []
        for h in (1e-5, 2.5e-6):
            up, down = f(copy(h * direction)), f(copy(-h * direction))
            slopes.append((up - down) / (2 * h))
        smooth = abs(slopes[0] - slopes[1]) < 1e-6 * (1 + abs(slopes[0]))
        ways: dict[str, Callable[[], Any]] = {
            "eager": lambda: _paired(cr.value_and_grad(f)(copy()), direction),
            "forward": lambda: cr.jvp(f, (copy(),), (direction,)),
            "jit": lambda: _paired(cr.jit(cr.value_and_grad(f))(copy()), direction),
        }
        refused = []
        for way, run in ways.items():
            with configured(backend="llvm" if native else "numpy"):
                try:
                    found, slope = run()
                except Refusal as error:
                    assert re.match(r".*:\d+: ", str(error)), error
                    refused.append(f"{way}: {type(error).__name__}: {error}")
                    continue
            if not np.isclose(found, value, rtol=1e-12, atol=1e-12):
                raise Difference(f"{way}: value {found}, not {value}\n{program.source()}")
            if smooth and not np.isclose(slope, slopes[1], rtol=1e-5, atol=1e-6):
                raise Difference(f"{way}: slope {slope}, not {slopes[1]}\n{program.source()}")
    return refused


def _paired(result: Any, direction: Any) -> tuple[Any, Any]:
    value, gradient = result
    return value, np.sum(gradient * direction)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    reasons: Counter[str] = Counter()
    refused = different = 0
    for k, program in enumerate(programs(count, seed)):
        try:
            told = check(program, native=k % 20 == 0)
        except Difference as difference:
            different += 1
            if different < 6:
                print(f"--- program {k} of seed {seed}\n{difference}")
            continue
        except Exception as error:
            different += 1
            print(f"--- program {k} of seed {seed}: {type(error).__name__}: {error}")
            print(program.source())
            continue
        refused += bool(told)
        for text in told:
            reasons[re.sub("<stateful program>:[0-9]+: ", "", text)[:140]] += 1
    print(f"{count} programs, {different} differ, {refused} refused somewhere")
    for reason, n in reasons.most_common(40):
        print(f"{n:6d}  {reason}")


if __name__ == "__main__":
    main()
