"""The derivative of a call as a linear map, applied to many tangents or cotangents at once."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..autodiff.batching import batch, spread_results
from ..autodiff.forward import forward
from ..autodiff.reverse import reverse
from ..errors import DtypeError, GradientError, at_user_line
from ..graph.node import Node, constant, input_node, next_serial
from ..graph.types import is_complex, is_inexact
from ..trace.capture import close_graph
from .traced_call import TracedCall


def check_dtypes(traced: TracedCall, name: str) -> None:
    """Raise unless the arguments are real and the results have derivatives in this mode."""
    for node in traced.inputs:
        if is_complex(node.dtype):
            raise DtypeError(
                at_user_line(
                    f"{name} by an argument of {node.dtype}: take real and imaginary parts as "
                    "arguments, or use jvp or vjp"
                )
            )
    for node in traced.outputs:
        if not is_inexact(node.dtype):
            raise GradientError(at_user_line(f"{name} of a function that returns {node.dtype}"))
        if name == "jacrev" and is_complex(node.dtype):
            raise GradientError(
                at_user_line(
                    f"jacrev of a function that returns {node.dtype}: use jacfwd, or take its "
                    "real and imaginary parts"
                )
            )


def basis(node: Node) -> Any:
    """Return the unit vectors of a node's space, one after the other along a leading axis."""
    n = prod(node.shape)
    return np.eye(n, dtype=node.dtype).reshape(n, *node.shape)


def pushed(traced: TracedCall, source: Node, tangents: Any) -> list[Any]:
    """Return the outputs' tangents for a batch of those of one input; None where zero."""
    first_serial = next_serial()
    seed = input_node(source.type)
    results = forward(traced.outputs, [source], [seed])
    return _of_each(traced, first_serial, seed, results, tangents)


def pulled(traced: TracedCall, output: Node, cotangents: Any) -> list[Any]:
    """Return the inputs' cotangents for a batch of those of one output; None where zero."""
    first_serial = next_serial()
    seed = input_node(output.type)
    results = reverse([output], traced.inputs, [seed])
    return _of_each(traced, first_serial, seed, results, cotangents)


def _of_each(
    traced: TracedCall, first_serial: int, seed: Node, results: Sequence[Any], vectors: Any
) -> list[Any]:
    """Return the results of a linear map for each vector of a batch."""
    wanted = [y for y in results if y is not None]
    graph, outside = close_graph(first_serial, [seed], wanted)
    operands: list[Any] = [node.value for node in outside] if traced.eager else list(outside)
    if not traced.eager and not operands:
        vectors = constant(vectors)
    size = vectors.shape[0]
    flags = [True, *[False] * len(operands)]
    values = iter(spread_results(batch(graph, [vectors, *operands], flags, size), size))
    return [None if y is None else next(values) for y in results]
