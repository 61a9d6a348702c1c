"""A linear map that SciPy applies, and its transpose: all that derivatives of either order need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...graph.types import Type
from ..algorithm import Algorithm, call_algorithm, run

Map = Callable[[Any], Any]


class LinearMap(Algorithm):
    """``apply(x)``, linear in x.

    Parameters
    ----------
    apply : callable
        Of a plain array, as the user asked for it.
    forward, transposed : callable
        The same map and its transpose, as derivatives apply them.
    source, result : Type
        Of what it takes and gives.
    """

    def __init__(
        self, name: str, apply: Map, forward: Map, transposed: Map, source: Type, result: Type
    ) -> None:
        self.name, self.apply, self.forward, self.transposed = name, apply, forward, transposed
        self.source, self.types = source, (result,)

    def evaluate(self, x: Any) -> tuple[Any]:
        """Apply it."""
        return (self.apply(x),)

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """Apply it to the tangent."""
        same = LinearMap(
            self.name, self.forward, self.forward, self.transposed, self.source, self.types[0]
        )
        return call_algorithm(same, tangents)

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """Apply the transpose to the cotangent."""
        transpose = LinearMap(
            self.name, self.transposed, self.transposed, self.forward, self.types[0], self.source
        )
        return call_algorithm(transpose, cotangents)


def apply_map(call: LinearMap, x: Any) -> Any:
    """Apply a linear map to a traced array."""
    return run(call, [x]).results[0]
