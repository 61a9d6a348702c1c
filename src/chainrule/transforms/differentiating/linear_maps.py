"""The derivative of a call as a linear map, applied to many tangents or cotangents at once."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ...autodiff.batching import batch, spread_results
from ...autodiff.forward import forward
from ...autodiff.reverse import reverse
from ...autodiff.sparsity import colouring, patterns, scipy_sparse
from ...autodiff.unit_vectors import first_products
from ...errors import DtypeError, GradientError, at_user_line
from ...graph.graph import Graph
from ...graph.node import Node, constant, input_node, next_serial
from ...graph.types import is_complex, is_inexact
from ...primitives.indexing import gather, scatter
from ...primitives.structure import broadcast_to, reshape, transpose
from ...trace.capture import close_graph
from .traced_call import TracedCall

_MANY, _MANY_IF_EAGER = 256, 100_000  # entries of matrices in which it pays to look for zeros
FEW_COLOURS = 0.25  # of the number of columns


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


class LinearMap:
    """The derivative of a call by one array: a graph whose first input is a tangent or cotangent.

    Attributes
    ----------
    seed : Node
        That input.
    present : list of bool
        Which results depend on it; the others are zero.
    """

    def __init__(
        self, traced: TracedCall, first_serial: int, seed: Node, results: Sequence[Any]
    ) -> None:
        self.seed, self.eager = seed, traced.eager
        self.present = [y is not None for y in results]
        wanted = [y for y in results if y is not None]
        self.graph, outside = close_graph(first_serial, [seed], wanted)
        self.operands: list[Any] = [n.value for n in outside] if self.eager else list(outside)

    @property
    def size(self) -> int:
        """How many numbers it is applied to."""
        return prod(self.seed.shape)

    def at(self, vectors: Any) -> list[Any]:
        """Return the results for each vector of a batch, along a leading axis; None where zero."""
        return self._with_zeros(self._at(vectors, self.graph, []))

    def _at(self, vectors: Any, graph: Graph, more: list[Any]) -> list[Any]:
        if not self.eager:
            vectors = constant(vectors)
        size = vectors.shape[0]
        batched = [True, *[False] * len(self.operands), *[True] * len(more)]
        return spread_results(batch(graph, [vectors, *self.operands, *more], batched, size), size)

    def _with_zeros(self, values: Sequence[Any]) -> list[Any]:
        present = iter(values)
        return [next(present) if p else None for p in self.present]

    def matrices(self, last: bool) -> list[Any]:
        """Return the results at all unit vectors, which are the last axes or the first ones; None
        where zero.
        """
        shapes = [y.shape for y in self.graph.outputs]
        compressed = self._compressed(last) if self._may_be_sparse() else None
        if compressed is None:
            unit = np.eye(self.size, dtype=self.seed.dtype).reshape(self.size, *self.seed.shape)
            graph, products = first_products(self.graph, self.operands)
            rows = self._at(unit, graph, products)
            compressed = [_axis_to_end(y) if last else y for y in rows]
        source = self.seed.shape
        return self._with_zeros(
            [
                reshape(y, shape=(*shape, *source) if last else (*source, *shape))
                for y, shape in zip(compressed, shapes, strict=True)
            ]
        )

    def _may_be_sparse(self) -> bool:
        """Return whether to look for zeros, which costs milliseconds: under jit once."""
        entries = self.size * sum(prod(y.shape) for y in self.graph.outputs)
        return bool(entries >= (_MANY_IF_EAGER if self.eager else _MANY))

    def _compressed(self, last: bool) -> list[Any] | None:
        """Return the matrices by products with the sums of unit vectors of one colour."""
        known = patterns(self.graph)
        if not known:
            return None
        colours = colouring(scipy_sparse.vstack(known, format="csr"))
        count = int(colours.max(initial=0)) + 1
        if count > FEW_COLOURS * self.size:
            return None
        seeds = np.zeros((count, self.size), self.seed.dtype)
        seeds[colours, np.arange(self.size)] = 1
        products = self._at(seeds.reshape(count, *self.seed.shape), self.graph, [])
        matrices = []
        for y, pattern in zip(products, known, strict=True):
            entries = pattern.tocoo()
            rows, columns = entries.row.astype(np.intp), entries.col.astype(np.intp)
            flat = reshape(y, shape=(count, pattern.shape[0]))
            data = gather(flat, colours[columns], rows, pattern=(0, 1))
            shape = pattern.shape if last else pattern.shape[::-1]
            index = (rows, columns) if last else (columns, rows)
            zeros = broadcast_to(np.zeros((), y.dtype), shape=shape)
            matrices.append(scatter(zeros, data, *index, pattern=(0, 1)))
        return matrices


def _axis_to_end(t: Any) -> Any:
    n = len(t.shape)
    return transpose(t, axes=(*range(1, n), 0)) if n > 1 else t


def pushed(traced: TracedCall, source: Node) -> LinearMap:
    """Return the map from tangents of one input to those of the outputs."""
    first_serial = next_serial()
    seed = input_node(source.type)
    return LinearMap(traced, first_serial, seed, forward(traced.outputs, [source], [seed]))


def pulled(traced: TracedCall, output: Node) -> LinearMap:
    """Return the map from cotangents of one output to those of the inputs."""
    first_serial = next_serial()
    seed = input_node(output.type)
    results = reverse([output], traced.inputs, [seed], forms=traced.forms)
    return LinearMap(traced, first_serial, seed, results)
