"""Random programs that branch on numbers: each taken at several inputs, with `jit` and without.

A program is the text of a function of a number and an array. It has `if`, `elif`, `while`, `for`,
`break`, `continue`, early returns, functions in functions, exceptions raised and caught, masks and
shapes that depend on numbers. It returns a number and the trail of its decisions.

To run many of them: ``python tests/transforms/branch_programs.py 10000 [seed]``.
"""

from __future__ import annotations

import bisect
import builtins
import itertools
import linecache
import math
import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.config import configured
from chainrule.errors import ChainruleError

Rng = np.random.Generator
NAMES = {"s": ("s0", "s1", "s2"), "a": ("a0", "a1"), "n": ("n0", "n1")}
# {s} and {r} are numbers, {a} and {b} arrays of any length, {n} an integer, {c} a constant,
# {C} and {D} conditions, {S} a number computed; ⟨l|<|r⟩ is a comparison of numbers
CONDITIONS = (
    "⟨{s}|<|{r}⟩", "⟨{s}|>|{c}⟩", "⟨{s}|>=|{c}⟩", "⟨{S}|<=|{r}⟩", "⟨abs({s})|<|{c}⟩",
    "⟨{c}|<|{s}⟩ and ⟨{s}|<|{r}⟩", "({C} and {D})", "({C} or {D})", "not ({C})", "{n} % 2 == 0",
    "{n} > 2", "{n}", "len({a}) > 2", "{a}.size", "np.any(⟨{a}|>|{s}⟩)", "np.all(⟨{a}|<|{s}⟩)",
    "any(⟨t|>|{s}⟩ for t in {a})", "all(⟨t|<|{c}⟩ for t in {a})", "⟨{a}|>|{s}⟩.any()",
    "{n} in (0, 2, 4)", "⟨(w := {s} * 0.5 + {r})|>|{c}⟩", "math.isfinite({s})", "{s} == {s}",
    "{s} != {s}", "len({a}) and ⟨{a}[0]|>|{s}⟩", "bool({n} % 3)", "{s} in ({c}, {r})",
    "np.isfinite({a}).all()", "⟨np.sum({a})|>|{s}⟩", "isinstance({s}, float)", "{a} is {b}",
    "⟨np.append({a}, {s}).max()|>|{c}⟩", "not np.isnan({s})", "{c} < {c} + 1.0",
)  # fmt: skip
NUMBERS = (
    "{s}", "{c}", "{s} * {c}", "{s} + {r} * {c}", "np.tanh({s})", "abs({s})", "-{s}", "{n} * 0.25",
    "np.sum({a}) * 0.25", "np.append({a}, {s})[0]", "np.append({a}, {s})[-1]", "max({s}, {r})",
    "min({s}, {c})", "({s} if {C} else {r})", "np.where(⟨{s}|>|{r}⟩, {s}, {c}).item()",
    "np.mean(np.append({a}, {s}))", "math.sin({s})", "math.atan({s})", "sorted([{s}, {r}, {c}])[1]",
    "sum((t for t in {a} if ⟨t|>|{s}⟩), {r} * 0.5)", "next((t for t in {a} if ⟨t|>|{s}⟩), {r})",
    "max({a}, default={s})", "np.max(np.append({a}, {s}))", "{s} ** 2 * 0.25", "inner({s}, {r})",
    "np.sqrt(abs({s}) + 0.1)", "math.floor({s}) * 0.5", "{s} / (1.0 + abs({r}))", "halved({s})",
    "["
    "{s}, {r}, {c}][{n} % 3]", "{{0: {s}, 1: {r}}}.get(int({n}) % 3, {c})", "np.copysign({s}, {r})",
    "np.append({a}, {s})[int({n}) % 2 - 1]", "sum([{s}] * (int({n}) % 4)) * 0.25", "float({s})",
    "math.hypot({s}, {r}) * 0.5", "max([{s}, {r}], key=lambda t: t * t)", "np.float64({s})",
    "np.interp({s}, [-1.0, 0.0, 1.0], [0.0, {c}, 0.5])", "raising({s})", "np.clip({s}, -0.5, 0.5)",
)  # fmt: skip
ARRAYS = (
    "{a} * {s}", "{a} + {c}", "np.tanh({a})", "{a}[⟨{a}|>|{s}⟩]", "{a}[⟨{a}|<=|{c}⟩]", "{a}[::-1]",
    "np.where(⟨{a}|>|{s}⟩, {a}, {r})", "np.append({a}, {s})[:4]", "np.append({b}, {a})[:5]",
    "np.sort({a})", "np.cumsum({a}) * 0.5", "np.array([{s}, {r}, {c}])", "np.maximum({a}, {s})",
    "np.unique(np.append({a}, {a}))", "{a}[np.argsort({a})]", "{a}[np.nonzero(⟨{a}|>|{s}⟩)[0]]",
    "np.compress(⟨{a}|>|{s}⟩, {a})", "np.extract(⟨{a}|<|{s}⟩, {a})", "{a}", "np.copy({b})",
    "{a}[np.flatnonzero(⟨{a}|<|{s}⟩)]", "np.array(sorted({a}, key=lambda t: -t))",
    "np.array([t for t in {a} if ⟨t|>|{s}⟩] + [{r}])", "np.zeros(int({n}) % 3) + {s}",
    "np.full(int({n}) % 4, {s})", "np.arange(int({n}) % 4) * {s}", "{a}[:int({n}) % 4]",
    "np.linspace(0.0, {s}, 2 + int({n}) % 3)", "np.trim_zeros(np.where(⟨{a}|>|{s}⟩, {a}, 0.0))",
    "{a}[~⟨{a}|>|{s}⟩ & ⟨{a}|<|{r}⟩]", "np.repeat({a}, 1 + int({n}) % 2)[:4]", "np.abs({a})",
    "np.argwhere(⟨{a}|>|{s}⟩).ravel() * 0.25", "np.outer({a}, {a})[⟨np.outer({a}, {a})|>|{s}⟩][:4]",
    "np.unique(np.append({a}, {s}), return_inverse=True)[1] * 0.25",
)  # fmt: skip
INTEGERS = (
    "int({s} * 2) % 5", "len({a})", "({n} + 1) % 7", "int(np.sum(⟨{a}|>|{s}⟩))", "int({C})",
    "np.count_nonzero(⟨{a}|>|{s}⟩)", "int(np.argmax(np.append({a}, {s})))", "({n} * 3 + 1) % 5",
    "sum(1 for t in {a} if ⟨t|>|{s}⟩)", "len(trail) % 4", "bisect.bisect([-1.0, 0.0, 1.0], {s})",
    "math.ceil(abs({s})) % 4", "round({s}) % 3", "len({{int(t) for t in {a}}})",
    "len(f'{{int({n})}}')", "int(np.searchsorted([-0.5, 0.5], {s}))", "{n}", "2",
)  # fmt: skip
LINES = (
    "{s} = {S}", "{s} = {S}", "{s} = np.tanh({S} + {r})", "{a} = {A}", "{a} = {A}", "{n} = {N}",
    "{s} += {r} * 0.5", "{s} *= {c}", "{a}[⟨{a}|>|{s}⟩] = {r}", "{a}[⟨{a}|>|{s}⟩] *= 0.5",
    "{a}[⟨{a}|<|{s}⟩] += {r}", "{a} *= 0.75", "{s}, {r} = {r}, {s}", "trail.append({N})",
    "{s} = {S} if {C} else {c}", "np.putmask({a}, ⟨{a}|>|{s}⟩, {r})", "{a}[: int({n}) % 3] = {s}",
)  # fmt: skip
# What stands around other lines: `...` is where those go, each time drawn anew
BLOCKS = (
    "if {C}:\n    trail.append({k})\n    ...",
    "if {C}:\n    ...\nelse:\n    trail.append({k})\n    ...",
    "if {C}:\n    ...\nelif {D}:\n    trail.append({k})\n    ...\nelse:\n    ...",
    "for {i} in range(3):\n    if {C}:\n        trail.append({k})\n        break\n"
    "    ...\nelse:\n    ...",
    "for t in {a}:\n    if {C}:\n        continue\n    ...\n    {s} = {s} * 0.5 + t",
    "for {i} in range(int({n}) % 4):\n    ...\n    {s} = np.tanh({s} + {i})",
    "{i} = 0\nwhile {C} and {i} < 4:\n    {i} += 1\n    {s} = {s} * 0.75 - 0.125\n"
    "    ...\ntrail.append({i})",
    "{i} = 0\nwhile ⟨abs({s})|>|{c}⟩ and {i} < 6:\n    {s} = {s} * 0.5\n    {i} += 1\n"
    "else:\n    ...",
    "{i} = 0\nwhile True:\n    {i} += 1\n    if {i} > 3 or {C}:\n        break\n    ...\n"
    "trail.append({i})",
    "if {C}:\n    trail.append({k})\n    return closing(trail, {s}, {r}, {a})",
    "if {C}:\n    raise ValueError(f'{k}: {{{s}:.3f}}')",
    "try:\n    if {C}:\n        raise KeyError({k})\n    ...\nexcept KeyError:\n"
    "    trail.append({k})\n    ...",
    "try:\n    {s} = [{s}, {r}][int({n}) % 4]\nexcept IndexError:\n    trail.append({k})\n"
    "    {s} = {c}",
    "try:\n    ...\n    if {C}:\n        raise ValueError({k})\n"
    "except (ValueError, KeyError) as error:\n"
    "    trail.append(len(str(error)))\nelse:\n    ...\nfinally:\n    {s} = {s} * 0.875",
    "def local(t):\n    nonlocal_{k} = t * {c}\n    if {C}:\n        return nonlocal_{k}\n"
    "    return {r} - t\n{s} = local({s})",
    "for {i}, j in enumerate(np.argsort({a})):\n    {s} = {s} * 0.5 + {a}[j] * ({i} + 1) * 0.125",
    "match int({n}) % 3:\n    case 0:\n        ...\n    case 1:\n        trail.append({k})\n"
    "    case _:\n        ...",
    "parts = [t for t in {a} if ⟨t|>|{s}⟩]\nif parts:\n    {s} = sum(parts) * 0.25\n    ...",
    "for t in sorted({a}):\n    if ⟨t|>|{s}⟩:\n        trail.append({k})\n"
    "        {s} = {s} + t * 0.5",
)  # fmt: skip
HEAD = """
def inner(t, u):
    if ⟨t|>|0.25⟩:
        return t * 0.5
    elif ⟨u|<|0.0⟩:
        return u * t
    return t + 0.125


def halved(t):
    return t if ⟨abs(t)|<|0.5⟩ else halved(t * 0.5) + 0.0625


def raising(t):
    try:
        if ⟨t|<|0.0⟩:
            raise ArithmeticError(t)
        return t * 0.75
    except ArithmeticError:
        return t * t


def program(x, v):
    s0, s1, s2, n0, n1, a0, a1, trail = x, 0.5, x * 0.25 - 0.1, 1, 2, v, v[:2] * 0.5, []
"""
_serial = itertools.count()


def closing(trail: list[Any], *values: Any) -> Any:
    """A number that depends on all values, and the trail."""
    total = 0.0
    for k, value in enumerate(values):
        total = total + np.sum(np.tanh(value)) * (0.5 + 0.25 * k)
    return total, [int(step) for step in trail]


class Margins:
    """How near the comparisons of one run came to coming out otherwise."""

    least = np.inf

    def note(self, x: Any, y: Any) -> None:
        """Note a comparison."""
        x, y = np.asarray(x, float), np.asarray(y, float)
        if x.size and y.size:
            with np.errstate(all="ignore"):
                gap = np.min(np.abs(x - y) / (np.abs(x) + np.abs(y) + 1e-3))
            self.least = min(self.least, float(gap))

    def gaps(self, *xs: Any, **kwargs: Any) -> None:
        """Note the distances of numbers that are put in order."""
        numbers = xs[0] if len(xs) == 1 else xs
        key = kwargs.get("key", abs)
        flat = np.sort([key(t) if key is not abs else t for t in np.ravel(numbers)])
        self.note(flat[1:], flat[:-1])

    def names(self) -> dict[str, Any]:
        """The names of a program, with functions that note how near they are."""

        def compare(x: Any, symbol: str, y: Any) -> Any:
            self.note(x, y)
            return eval(f"x {symbol} y", {"x": x, "y": y})

        def ordering(function: Callable[..., Any]) -> Callable[..., Any]:
            def noted(*xs: Any, **kwargs: Any) -> Any:
                xs = tuple(list(x) if isinstance(x, Iterator) else x for x in xs)
                self.gaps(*xs, **kwargs)
                return function(*xs, **kwargs)

            return noted

        def whole(function: Callable[..., Any]) -> Callable[..., Any]:
            def noted(x: Any) -> Any:
                if isinstance(x, float):
                    self.note(x * 2.0, builtins.round(x * 2.0))
                return function(x)

            return noted

        def searched(numbers: Any, x: Any) -> Any:
            self.note(np.array(numbers), x)
            return bisect.bisect(numbers, x)

        def formatted(x: Any) -> Any:
            self.note(x, 0.0)
            return abs(x)

        kinds = {"abs": formatted, "max": ordering(max), "min": ordering(min), "int": whole(int),
                 "sorted": ordering(sorted), "round": whole(round)}  # fmt: skip
        numpy = Beside(np, {name: ordering(getattr(np, name)) for name in ORDERING})
        beside_math = Beside(math, {"floor": whole(math.floor), "ceil": whole(math.ceil)})
        return {**kinds, "np": numpy, "math": beside_math, "compare": compare,
                "bisect": Beside(bisect, {"bisect": searched}), "closing": closing}  # fmt: skip


ORDERING = (
    "sort",
    "argsort",
    "argmax",
    "max",
    "unique",
    "interp",
    "searchsorted",
    "maximum",
    "clip",
)


class Beside:
    """A module with some other functions."""

    def __init__(self, module: Any, other: dict[str, Any]) -> None:
        self._module, self._other = module, other

    def __getattr__(self, name: str) -> Any:
        other = self._other.get(name)
        if other is None:
            return getattr(self._module, name)
        if name in ("interp", "searchsorted", "maximum", "clip"):  # kinks, and arrays of others
            return getattr(self._module, name)
        return other


def _replaced(text: str, comparison: str) -> str:
    """Write comparisons in another way, inner ones first."""
    while "⟨" in text:
        text = re.sub(r"⟨([^⟨⟩|]*)\|([^⟨⟩|]*)\|([^⟨⟩|]*)⟩", comparison, text)
    return text


class Program:
    """One program: its text, and its inputs."""

    def __init__(self, rng: Rng) -> None:
        self.rng, self.filename = rng, f"<branch program {next(_serial)}>"
        body = self._lines(int(rng.integers(3, 8)), 0)
        names = ", ".join(name for names in NAMES.values() for name in names)
        body.append(f"return closing(trail, {names})")
        self.marked = HEAD + "\n".join("    " + line for line in body) + "\n"
        self.source = _replaced(self.marked, r"(\1 \2 \3)")
        linecache.cache[self.filename] = (
            len(self.source), None, self.source.splitlines(keepends=True), self.filename,
        )  # fmt: skip
        count = int(rng.integers(3, 6))
        self.inputs = [(float(rng.normal()), rng.normal(size=3)) for _ in range(count)]

    def function(self, margins: Margins | None = None) -> Callable[..., Any]:
        """The program, or one that notes how near it comes to other decisions."""
        names: dict[str, Any] = {"np": np, "math": math, "bisect": bisect, "closing": closing}
        source = self.source
        if margins is not None:
            names = margins.names()
            source = _replaced(self.marked, r'compare(\1, "\2", \3)')
        exec(compile(source, self.filename, "exec"), names)
        return names["program"]  # type: ignore[no-any-return]

    def _pick(self, options: tuple[str, ...]) -> str:
        return options[int(self.rng.integers(len(options)))]

    def _filled(self, text: str, depth: int = 0) -> str:
        """A form with names, numbers and further forms in place of what is in braces."""
        if depth > 2:
            text = text.replace("{C}", "{n} > 1").replace("{D}", "{n} < 3")
            text = text.replace("{S}", "{s}")
        s, r = self.rng.permutation(3)[:2]
        a = int(self.rng.integers(2))
        forms = {"C": CONDITIONS, "D": CONDITIONS, "S": NUMBERS, "A": ARRAYS, "N": INTEGERS}
        names = {
            "i": f"i{next(_serial)}", "s": f"s{s}", "r": f"s{r}", "a": f"a{a}", "b": f"a{1 - a}",
            "n": f"n{int(self.rng.integers(2))}", "k": int(self.rng.integers(100)),
            "c": self._pick(("0.25", "0.5", "-0.25", "1.0", "0.0", "0.75", "-1.0")),
        }  # fmt: skip
        nested = {
            key: self._filled(self._pick(form), depth + 1) if f"{{{key}}}" in text else ""
            for key, form in forms.items()
        }
        return text.format(**names, **nested)

    def _lines(self, count: int, depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(count):
            if depth > 1 or self.rng.random() < 0.4:
                lines.append(self._filled(self._pick(LINES)))
                continue
            for line in self._filled(self._pick(BLOCKS)).split("\n"):
                if line.strip() != "...":
                    lines.append(line)
                    continue
                indent = line[: len(line) - 3]
                inside = self._lines(int(self.rng.integers(1, 3)), depth + 1)
                lines += [indent + more for more in inside]
        return lines


class Difference(AssertionError):
    """A compiled program that differs from the plain one."""


def outcome(f: Callable[..., Any], x: float, v: Any) -> Any:
    """What a call gives, or the error that it raises."""
    try:
        with np.errstate(all="ignore"):
            return f(x, v.copy())
    except ChainruleError as error:
        raise Refused(f"{type(error).__name__}: {error}") from error
    except Exception as error:
        text = str(error) if type(error) in (ValueError, KeyError) else ""
        return type(error).__name__, text


class Refused(Exception):
    """A program that chainrule refuses, with its reason."""


def same(actual: Any, expected: Any, rtol: float = 1e-9) -> bool:
    """Whether two outcomes agree: the same trail or error, and numbers but for rounding."""
    xs, ys = cr.tree.leaves(actual), cr.tree.leaves(expected)
    if len(xs) != len(ys):
        return False
    for x, y in zip(xs, ys, strict=True):
        if isinstance(x, str) or isinstance(y, str):
            if x != y:
                return False
        elif np.shape(x) != np.shape(y) or not np.allclose(x, y, rtol, 1e-10, equal_nan=True):
            return False
    return True


def check(program: Program, native: bool = False, quick: bool = False) -> None:
    """Hold each call, with and without derivatives, against the plain one, several times."""
    inputs = program.inputs[:3] if quick else program.inputs
    f, margins = program.function(), Margins()
    noting = program.function(margins)
    gradient = cr.value_and_grad(f, argnums=(0, 1), has_aux=True)
    ways = (
        ("f", cr.jit(f), f, 2 if quick else 3),
        ("jit(grad)", cr.jit(gradient), gradient, 1 if quick else 2),
        ("grad(jit)", cr.value_and_grad(cr.jit(f), (0, 1), has_aux=True), gradient, not quick),
    )
    with warnings.catch_warnings(), configured(backend="llvm" if native else "numpy"):
        warnings.simplefilter("ignore")
        near = []
        for x, v in inputs:
            margins.least = np.inf
            outcome(noting, x, v)
            near.append(margins.least < 1e-9)
        for name, compiled, plain, rounds in ways:
            expected = [outcome(plain, x, v) for x, v in inputs]
            for turn in range(rounds):
                for k, (x, v) in enumerate(inputs):
                    result = outcome(compiled, x, v)
                    if not same(result, expected[k], 1e-7) and not near[k]:
                        raise Difference(
                            f"{name} at {x!r}, {v!r}, call {turn}: {result}, not {expected[k]}"
                        )


def programs(count: int, seed: int) -> Iterator[Program]:
    """Programs of some 5 to 30 lines."""
    for k in range(count):
        yield Program(np.random.default_rng((seed, k)))


def run(
    count: int, seed: int, every: int = 20, quick: bool = False
) -> tuple[list[str], Counter[str]]:
    """Check programs, one of `every` in native code; tell which differ, and what is refused."""
    differ: list[str] = []
    refused: Counter[str] = Counter()
    for k, program in enumerate(programs(count, seed)):
        try:
            check(program, k % every == 0, quick)
        except Refused as error:
            refused[re.sub("<branch program [0-9]+>:[0-9]+: ", "", str(error))[:150]] += 1
        except Exception as error:
            differ.append(f"--- {seed}, {k}: {type(error).__name__}: {error}\n{program.source}")
        linecache.cache.pop(program.filename, None)
    return differ, refused


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    differ, refused = run(count, seed)
    for text in differ[:5]:
        print(text)
    print(f"{count} programs, {len(differ)} differ, {sum(refused.values())} refused")
    for reason, n in refused.most_common(30):
        print(f"{n:6d}  {reason}")


if __name__ == "__main__":
    main()
