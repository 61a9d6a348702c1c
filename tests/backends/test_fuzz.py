"""350 random graphs on both backends, and some thousand gradients of another kind."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
from fuzz_gradients import wrong
from fuzz_graphs import differences, graph_of, shared
from unoptimised import unoptimised

from chainrule.backends import BACKENDS
from chainrule.backends.base import Program
from chainrule.config import configured
from chainrule.graph.graph import Graph

BATCH = 25


@pytest.mark.parametrize(
    "start",
    [
        *(0, 75, 100, 175),  # of each way one, with watched buffers and without
        *(pytest.param(k, marks=pytest.mark.slow) for k in range(200, 450, BATCH)),
    ],
)
def test_the_native_backend_agrees_with_the_reference(start: int) -> None:
    """Same shapes, dtypes, integers and nans; floats to rounding.

    Half with watched buffers; a quarter with all work shared by threads, however little it is, and
    another with what loops share if it pays. The code of every other 200 is not
    optimised.
    """
    way = start // BATCH // 2 % 4
    with (
        configured(check=1 + start // BATCH % 2),
        shared(adaptive=way == 3) if way % 2 else nullcontext(),
        unoptimised() if start % 400 >= 200 else nullcontext(),
    ):
        failures = {s: differences(s) for s in range(start, start + BATCH)}
    assert not {s: wrong for s, wrong in failures.items() if wrong}


@pytest.mark.parametrize("start", range(0, 200, 100))
def test_gradients_with_constant_cotangents_compile(start: int) -> None:
    """Buffers written into, moves and a sum: no internal error; a part of them is run as well."""
    failures = {s: said for s in range(start, start + 100) if (said := wrong(s, run=s % 16 == 0))}
    assert not failures, "\n".join(f"seed {s}: {said}" for s, said in failures.items())


@pytest.mark.slow
@pytest.mark.parametrize("start", range(100_000, 101_000, 500))
def test_many_gradients_with_constant_cotangents(start: int) -> None:
    """The same, 1,000 more, half of those that run shared by threads."""
    with shared() if start // 500 % 2 else nullcontext():
        failures = {s: said for s in range(start, start + 500) if (said := wrong(s, s % 8 == 0))}
    assert not failures, "\n".join(f"seed {s}: {said}" for s, said in failures.items())


class Broken:
    """The reference, but for one number in a thousand."""

    name = "broken"

    def compile(self, graph: Graph) -> Program:
        """A program whose floating results are a little too large."""
        right = BACKENDS["numpy"].compile(graph)

        def run(arguments):
            results = [np.array(r) for r in right(arguments)]
            return [r * r.dtype.type(1.001) if r.dtype.kind == "f" else r for r in results]

        return run


def test_a_wrong_backend_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison finds an error of 1e-3 in nearly every graph with float64 results."""
    monkeypatch.setitem(BACKENDS, "broken", Broken())
    seeds = [s for s in range(100) if any(
        n.dtype == np.float64 and n.shape and 0 not in n.shape for n in graph_of(s)[0].outputs
    )]  # fmt: skip
    found = [s for s in seeds if differences(s, "broken")]
    assert len(found) > 0.4 * len(seeds)
