"""Random programs with loops: carries, lags, slices, tables, lists, buffers, nested loops, turns
that differ. Each is a function of ``(x, a, w)``, written as a Python loop over NumPy code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.graph.evaluate import evaluate
from chainrule.simplify.loops import find_loops

Step = Callable[[dict[str, Any], int], None]


class LoopProgram:
    """A random program; `operations` names what its loops do, for messages of failing tests."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = np.random.default_rng(seed)
        self.length = int(rng.integers(8, 40))
        self.columns = int(rng.integers(2, 11))
        self.table = rng.normal(size=self.length)
        self.permutation = rng.permutation(self.length)
        self.weights = rng.normal(size=self.columns)
        self.order = rng.choice(["forward", "forward", "backward", "break", "zip"])
        self.operations = list(rng.choice(list(STEPS), size=rng.integers(2, 6)))
        self.ending = rng.choice(["sum", "list", "loop", "both"])

    def arguments(self) -> tuple[Any, ...]:
        """Return x, of entries to read one by one, a table `a` and a number `w`."""
        x = self.rng.normal(size=3 * self.length)
        return x, self.rng.normal(size=(self.length, self.columns)), np.float64(0.3)

    def __call__(self, x: Any, a: Any, w: Any) -> Any:
        n = self.length
        state = {
            "x": x, "a": a, "w": w, "s": w * 0.5, "v": w, "h": a[0], "list": [], "flags": [],
            "y": np.zeros(n), "z": np.zeros((n, self.columns)), "program": self,
            "total": 0.0, "older": w, "oldest": w * 2.0,
        }  # fmt: skip
        steps = range(n)
        if self.order == "backward":
            steps = range(n - 1, -1, -1)
        for count, k in enumerate(steps):
            if self.order == "break" and count == n - 3:
                break
            for name in self.operations:
                STEPS[name](state, k)
        return self._results(state)

    def _results(self, state: dict[str, Any]) -> tuple[Any, ...]:
        total = state["total"]
        if state["list"] and self.ending in ("list", "both"):
            total = total + np.sum(np.stack(state["list"]) ** 2)
        if state["list"] and self.ending in ("loop", "both"):
            for item in state["list"]:
                total = total + item * np.tanh(state["w"] * total)
        flags = [np.array(state["flags"])] if state["flags"] else []
        smooth = total + np.sum(state["y"]) + np.sum(state["z"] * state["z"]) + state["s"]
        return smooth + np.sum(state["h"]) + state["v"], state["y"], state["z"], *flags


def _carry(t: dict[str, Any], k: int) -> None:
    t["s"] = np.tanh(t["s"] * 0.7 + t["x"][k])


def _table(t: dict[str, Any], k: int) -> None:
    t["v"] = np.sin(t["x"][k] * t["program"].table[k] + t["s"])


def _number(t: dict[str, Any], k: int) -> None:
    t["s"] = t["s"] + 0.01 * k * t["w"]


def _sum(t: dict[str, Any], k: int) -> None:
    t["total"] += t["v"] * t["v"]


def _append(t: dict[str, Any], k: int) -> None:
    t["list"].append(t["v"] * t["s"])


def _lag(t: dict[str, Any], k: int) -> None:
    new = 0.4 * t["older"] - 0.3 * t["oldest"] + t["x"][k]
    t["older"], t["oldest"] = new, t["older"]
    t["v"] = new


def _stride(t: dict[str, Any], k: int) -> None:
    t["s"] = t["s"] * t["x"][2 * k + 1]


def _reversed(t: dict[str, Any], k: int) -> None:
    t["s"] = t["s"] + t["x"][t["program"].length - 1 - k] * t["x"][k]


def _irregular(t: dict[str, Any], k: int) -> None:
    t["v"] = t["v"] + t["x"][t["program"].permutation[k]]


def _window(t: dict[str, Any], k: int) -> None:
    t["v"] = np.sum(t["x"][k : k + 3] * np.array([0.5, 0.25, 0.125])) + t["s"]


def _row(t: dict[str, Any], k: int) -> None:
    t["h"] = np.tanh(t["h"] * t["w"] + t["a"][k])


def _inner(t: dict[str, Any], k: int) -> None:
    q = 0.0
    for j in range(t["program"].columns):
        q = q * t["w"] + t["a"][k, j] * t["h"][j]
    t["v"] = q


def _inner_list(t: dict[str, Any], k: int) -> None:
    entries = [np.exp(-(t["a"][k, j] ** 2)) * t["s"] for j in range(t["program"].columns)]
    t["h"] = np.array(entries)


def _first(t: dict[str, Any], k: int) -> None:
    t["s"] = t["s"] * 2.0 if k == 0 else t["s"] + 0.5


def _last(t: dict[str, Any], k: int) -> None:
    if k == t["program"].length - 1:
        t["s"] = np.exp(-t["s"])


def _middle(t: dict[str, Any], k: int) -> None:
    if k == t["program"].length // 2:
        t["s"] = t["s"] - t["w"]


def _write(t: dict[str, Any], k: int) -> None:
    t["y"][k] = t["v"] + t["s"]


def _recurrence(t: dict[str, Any], k: int) -> None:
    t["y"][k] = 0.5 * t["y"][k - 1] - 0.25 * t["y"][k - 2] + t["x"][k]


def _accumulate(t: dict[str, Any], k: int) -> None:
    t["y"][k] += t["s"]


def _write_anywhere(t: dict[str, Any], k: int) -> None:
    t["y"][t["program"].permutation[k]] = t["s"] * t["x"][k]


def _write_again(t: dict[str, Any], k: int) -> None:
    t["y"][k % 3] = t["s"] + t["y"][(k + 1) % 3]


def _write_row(t: dict[str, Any], k: int) -> None:
    t["z"][k] = t["h"] * t["s"]


def _write_column(t: dict[str, Any], k: int) -> None:
    t["z"][k, 1] = t["s"]


def _write_grid(t: dict[str, Any], k: int) -> None:
    for j in range(t["program"].columns):
        t["z"][k, j] = t["a"][k, j] * t["w"] + 0.5 * t["z"][k, j - 1]


def _flag(t: dict[str, Any], k: int) -> None:
    t["flags"].append(t["s"] > 0.1)


def _read_far(t: dict[str, Any], k: int) -> None:
    t["v"] = t["y"][k // 2] + t["x"][k]


def _matrix(t: dict[str, Any], k: int) -> None:
    weights = np.outer(t["program"].weights, t["program"].weights)
    t["h"] = np.tanh(weights @ t["h"] + t["a"][k])


STEPS: dict[str, Step] = {
    step.__name__.strip("_"): step
    for step in (
        _carry, _table, _number, _sum, _append, _lag, _stride, _reversed, _irregular, _window,
        _row, _inner, _inner_list, _first, _last, _middle, _write, _recurrence, _accumulate,
        _write_anywhere, _write_again, _write_row, _write_column, _write_grid, _flag, _read_far,
        _matrix,
    )
}  # fmt: skip


def unrolled(function, *args):
    with cr.configured(reroll=0):
        return cr.make_graph(function)(*args)


def found(function, *args):
    """The graph with loops, which must give the same bits as the one without."""
    graph = unrolled(function, *args)
    with cr.configured(check=1):
        loops = find_loops(graph)
    assert_same_bits(graph, loops, args)
    return loops


def assert_same_bits(graph, loops, args):
    for x, y in zip(evaluate(graph, args), evaluate(loops, args), strict=True):
        assert (x.dtype, x.shape) == (y.dtype, y.shape)
        assert x.tobytes() == y.tobytes()


def compiled(function, args, **flags):
    with cr.configured(**flags):
        return cr.jit(function)(*args)
