"""What NumPy refuses has no value here either: each function, on arrays of all numbers of axes.

A generator: every function and method that is supported, called with arrays of 0 to 4 axes, sizes
0 to 3 and further arguments of several kinds. Where NumPy raises, so does the library; where both
give a value it is the same one, of the same shape and dtype.
"""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.trace.tracer import FUNCTIONS, METHODS, UFUNCS

SHAPES = [(), (1,), (3,), (0,), (2, 3), (3, 3), (1, 3), (2, 1, 3), (1, 3, 3), (2, 2, 2, 1)]
MORE: list[Any] = [
    *[()] * 8, (0,), (1,), (-1,), (2,), (-3,), (3,), (None,), (0, 1), (1, 0), (2, 1), (0, 0),
    ((0, 1),), ((1, 1),), ([0, 1],), ([[0], [1]],), ((3, -1),), ((-1,), 0), (1, -1), (0.5,),
    ([True, False, True],), ("x",), (2.5, 0), ([0, 1], 0), ([0, 5], 0), ([1, 2], 1), ((), ), (4,),
]  # fmt: skip
NAMED: list[dict[str, Any]] = [
    *[{}] * 12, {"axis": 0}, {"axis": 1}, {"axis": -1}, {"axis": 2}, {"axis": None},
    {"axis": (0, 1)}, {"axis": (0, 0)}, {"axis": ()}, {"axis": 0.5},
    {"keepdims": True}, {"keepdims": 1}, {"keepdims": 0},
    {"dtype": np.float32}, {"k": 1}, {"order": "F"}, {"order": "x"}, {"mode": "wrap"},
    {"ddof": 1}, {"where": True}, {"initial": 1.0}, {"unknown": 1},
]  # fmt: skip
# Of their own, or nothing that has a value to compare
LEFT_OUT = {np.empty, np.empty_like, np.copyto, np.put, np.place, np.putmask}


def calls(seed: int, count: int) -> list[tuple[str, Callable[[Any], Any]]]:
    """As text and as functions of one array."""
    draw = random.Random(seed)
    functions = sorted(
        (f for f in FUNCTIONS if f not in LEFT_OUT), key=lambda f: (f.__module__, f.__name__)
    )
    functions += [getattr(np, name) for name in sorted(UFUNCS) if hasattr(np, name)]
    made = []
    for _ in range(count):
        shape, second = draw.choice(SHAPES), draw.choice(SHAPES)
        more, named = draw.choice(MORE), draw.choice(NAMED)
        way = draw.randrange(8)
        other = np.cos(np.arange(np.prod(second, dtype=int)).reshape(second))
        if way == 0 and shape:  # NumPy's own numbers lack some methods
            name = draw.choice(sorted(METHODS))
            f = lambda x, n=name, m=more, k=named, **out: getattr(x, n)(*m, **k, **out)  # noqa: E731
            text = f"x.{name}"
        else:
            function = draw.choice(functions)
            text = f"{getattr(function, '__module__', 'numpy')}.{function.__name__}"
            if way == 1:
                more = (other,)
            elif way == 2:
                more = (other, *more)
            sequence = way == 3
            f = lambda x, g=function, m=more, k=named, s=sequence, **out: (  # noqa: E731
                g([x, x], *m, **k, **out) if s else g(x, *m, **k, **out)
            )
            text += " of [x, x]" if sequence else ""
        if draw.random() < 0.2:
            f, text = _into(f, draw.choice([np.float64, np.float32])), f"{text} into an array"
        made.append((f"{text}, x of shape {shape}, {more!r}, {named!r}", _of(f, shape)))
    return made


def _into(f: Callable[..., Any], dtype: Any) -> Callable[[Any], Any]:
    """The same with ``out=``, an array of the result's shape."""

    def g(x: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = f(np.zeros(np.shape(x)))
        out = np.zeros_like(x, dtype, shape=np.shape(made))
        f(x, out=out)
        return out

    return g


def _of(f: Callable[[Any], Any], shape: tuple[int, ...]) -> Callable[..., Any]:
    x = np.sin(1.0 + np.arange(np.prod(shape, dtype=int)).reshape(shape))

    def call(traced: bool) -> Any:
        if not traced:
            return f(x.copy())
        found: list[Any] = []

        def inside(x: Any) -> Any:
            made = f(x)
            leaves = cr.tree.leaves(made)
            found.append(made)
            return leaves

        return cr.vjp(inside, x.copy())[0]

    return call


def differences(seed: int, count: int) -> tuple[list[str], set[str]]:
    """Calls that give a value where NumPy has none, or another one; and which the library takes."""
    wrong, taken = [], set()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for text, call in calls(seed, count):
            try:
                expected = call(False)
            except Exception as error:
                expected = error
            try:
                found = call(True)
            except Exception:
                continue  # the library refuses
            taken.add(text.split(", x of")[0])
            if isinstance(expected, Exception):
                wrong.append(f"{text}: NumPy raises {expected!r}, not so here: {found}"[:400])
                continue
            leaves = cr.tree.leaves(expected)
            same = len(leaves) == len(found) and all(
                np.shape(a) == np.shape(b)
                and np.asarray(a).dtype == np.asarray(b).dtype
                and np.allclose(a, b, atol=1e-6, equal_nan=True)
                for a, b in zip(leaves, found, strict=True)
            )
            if not same:
                wrong.append(f"{text}: {found}, not {expected}"[:400])
    return wrong, taken


# Calls that NumPy refuses for reasons of its own, though what is meant is plain; orders that it
# leaves open
HARMLESS = re.compile(
    r"partition.*'axis': None|"
    r"numpy\.pad into|dot into an array|(broadcast_to|reshape).*True|average, x of shape \(0,\)|"
    r"only takes `out` or `dtype`|numpy\.(poly|roots), x of shape \(\)|"
    r"(argsort|split|diff) of \[x, x\]|pad of \[x, x\] into"
)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Any, monkeypatch: Any) -> None:
    """Where methods write that take a file's name."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("part", range(3))
def test_what_numpy_refuses_has_no_value(part: int) -> None:
    """4,500 calls, of which NumPy takes about a third: of most functions, also into arrays."""
    wrong, taken = differences(part, 1500)
    wrong = [text for text in wrong if not HARMLESS.search(text)]
    assert not wrong, "\n".join(wrong[:5])
    assert len(taken) > 100
    for words in ("x.", "numpy.", "of [x, x]", "into an array"):
        assert any(words in text for text in taken)
