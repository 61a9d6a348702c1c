"""A primitive of a graph as nodes of an ONNX model: the frame that all rules share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..graph.types import Array
from .model_builder import ModelBuilder, element_type
from .symbolic_shapes import Dim, SymbolicGraph, SymbolicNode, SymbolicSize

I64, U64, BOOL = np.dtype(np.int64), np.dtype(np.uint64), np.dtype(bool)
# What onnxruntime computes in; narrower integers and truth values go through int64 and back.
NATIVE = frozenset(map(np.dtype, ("float16", "float32", "float64", "int32", "int64")))
ALSO_NATIVE = {
    "Equal": frozenset(map(np.dtype, ("bool", "uint64"))),
    **dict.fromkeys(
        ("Less", "LessOrEqual", "Max", "Min", "Mod", "Div", "BitShift"), frozenset([U64])
    ),
}
# Whose low 64 bits are right also if uint64 is taken for int64
WRAPS = frozenset(["Add", "Sub", "Mul", "Neg", "Where", "MatMul", "ReduceSum", "ReduceProd",
                   "CumSum", "Pad"])  # fmt: skip


class OnnxValue(NamedTuple):
    """A value of the model, and what is known of it."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[Dim, ...]


Rule = Callable[..., str]
"""``rule(emitter, step, *values)`` adds nodes and returns the name of the result."""


class Emitter:
    """Adds the nodes of a symbolic graph to a model.

    Parameters
    ----------
    parts : Parts
    observed : Observed
    inputs : sequence of str
        Names of the values that are its inputs.
    """

    def __init__(self, builder: ModelBuilder, graph: SymbolicGraph, inputs: Sequence[str]) -> None:
        self.builder = builder
        self.graph = graph
        batched = [n for n, b in zip(inputs, graph.batched, strict=True) if b]
        self._source = batched[0] if batched else ""
        self._rows = ""
        self.rules: Mapping[str, Rule] = {}
        self.results: dict[str, tuple[str, ...]] = {}  # of steps of several, by the first
        self.values = [
            OnnxValue(name, node.dtype, node.shape)
            for name, node in zip(inputs, graph.nodes, strict=False)
        ]

    def run(self, rules: Mapping[str, Rule], rows: str = "") -> list[OnnxValue]:
        """Add all steps; returns the outputs. `rows` is the row count if it is there already."""
        self.rules, self._rows = rules, rows
        for node in self.graph.nodes[self.graph.n_inputs :]:
            inputs = [self.values[k] for k in node.inputs]
            name = rules[node.name](self, node, *inputs)
            self.values.append(OnnxValue(name, node.dtype, node.shape))
        return [self.values[k] for k in self.graph.outputs]

    def node(self, operation: str, *inputs: str, **attributes: Any) -> str:
        """Add one node of one result."""
        return str(self.builder.node(operation, *inputs, **attributes))

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        """Add an initializer."""
        return self.builder.constant(np.asarray(value, dtype))

    def cast(self, name: str, before: np.dtype[Any], after: np.dtype[Any]) -> str:
        """Convert a value to another dtype."""
        return name if before == after else self.node("Cast", name, to=element_type(after))

    def working(self, operation: str, dtype: np.dtype[Any], node: SymbolicNode) -> np.dtype[Any]:
        """Return the dtype in which the runtime can compute an operation for this one."""
        element_type(dtype)  # raises for what ONNX cannot hold
        if dtype in NATIVE or dtype in ALSO_NATIVE.get(operation, ()):
            return dtype
        if dtype == U64 and operation not in WRAPS:
            raise node.refusal("runtimes do not compute it in uint64: cast to int64 before")
        return I64

    def compute(
        self, operation: str, node: SymbolicNode, values: Iterable[OnnxValue], dtype: np.dtype[Any],
        result_dtype: np.dtype[Any] | None = None, before: Sequence[str] = (),
        after: Sequence[str] = (), **attributes: Any,
    ) -> str:  # fmt: skip
        """Add an operation on values cast to `dtype`, and cast its result to the node's.

        `result_dtype` is the dtype that the operation yields, if that is not the one it computes
        in; `before` and `after` are inputs to be passed as they are.
        """
        working = self.working(operation, dtype, node)
        names = [self.cast(self.cast(v.name, v.dtype, dtype), dtype, working) for v in values]
        result_name = self.node(operation, *before, *names, *after, **attributes)
        return self.cast(result_name, result_dtype or working, node.dtype)

    # Sizes

    def line(self, size: Dim, node: SymbolicNode) -> tuple[int, int]:
        """Return ``(times, plus)`` of a size ``times * rows + plus``."""
        coefficients = (0, size) if isinstance(size, int) else size.line
        if coefficients is None:
            raise node.refusal("one of its sizes is no multiple of the row count plus a number")
        return coefficients

    def sizes(self, dims: Sequence[Dim], node: SymbolicNode) -> str:
        """Return an int64 vector of sizes, computed from the row count where they depend on it."""
        if all(isinstance(dim, int) for dim in dims):
            return self.constant(dims)
        return self.vector([self.line(dim, node) for dim in dims])

    def rows(self) -> str:
        """Return the row count, an int64 vector of one; empty if nothing depends on it."""
        if not self._rows and self._source:
            self._rows = self.node("Shape", self._source, start=0, end=1)
        return self._rows

    def vector(self, lines: Sequence[tuple[int, int]]) -> str:
        """Return an int64 vector of ``times * rows + plus``."""
        times, plus = np.array(lines, np.int64).reshape(-1, 2).T
        if not times.any():
            return self.constant(plus)
        vector = self.rows()
        if len(lines) > 1 or times[0] != 1:
            vector = self.node("Mul", vector, self.constant(times))
        return self.node("Add", vector, self.constant(plus)) if plus.any() else vector

    def reshape(self, name: str, dims: Sequence[Dim], node: SymbolicNode) -> str:
        """Reshape to a shape of which one size may be left for the runtime to compute."""
        free = [k for k, dim in enumerate(dims) if isinstance(dim, SymbolicSize)]
        if len(free) == 1 and all(dims):
            shape = self.constant([-1 if k in free else dim for k, dim in enumerate(dims)])
            return self.node("Reshape", name, shape)
        return self.node("Reshape", name, self.sizes(dims, node), allowzero=1)

    def expand(
        self, name: str, dims: Sequence[Dim], node: SymbolicNode, shape: Sequence[Dim] = ()
    ) -> str:
        """Broadcast to a shape; `shape` is the value's own, whose sizes need not be repeated."""
        shape = (*[1] * (len(dims) - len(shape)), *shape)
        targets = [1 if mine == dim else dim for mine, dim in zip(shape, dims, strict=True)]
        return self.node("Expand", name, self.sizes(targets, node))


def literal(e: Emitter, node: SymbolicNode) -> str:
    """Emit a constant: an initializer, or an expression of the row count."""
    first = node.values[0]
    moving = [isinstance(dim, SymbolicSize) for dim in node.shape]
    if not any(moving) and first.size > 1 and not any(first.strides):
        moving = [True] * first.ndim
    cores = [_core(value, moving) for value in node.values]
    if all(core is not None and _same(core, cores[0]) for core in cores):
        name = e.builder.constant(cores[0])
        return e.expand(name, node.shape, node, shape=cores[0].shape) if any(moving) else name
    if first.size == 1 and all(float(value.flat[0]).is_integer() for value in node.values):
        count = SymbolicSize(tuple(int(value.flat[0]) for value in node.values))
        number = e.cast(e.sizes([count], node), I64, node.dtype)
        return e.node("Reshape", number, e.constant(node.shape))
    if all(_counts(value) for value in node.values):
        total = next(dim for dim in node.shape if dim != 1)
        stop = e.node("Squeeze", e.sizes([total], node), e.constant([0]))
        steps = e.node("Range", e.constant(0), stop, e.constant(1))
        return e.reshape(e.cast(steps, I64, node.dtype), node.shape, node)
    raise node.refusal("its numbers depend on the number of rows")


def _core(value: Array, moving: Sequence[bool]) -> Any:
    """Return the first entry along the moving axes, if it repeats along them; else None."""
    core = value[tuple(slice(0, 1) if moves else slice(None) for moves in moving)]
    repeats = np.array_equal(
        np.broadcast_to(core, value.shape), value, equal_nan=value.dtype.kind == "f"
    )
    return core if repeats or not any(moving) else None


def _same(x: Array, y: Array) -> bool:
    return x.shape == y.shape and x.tobytes() == y.tobytes()


def _counts(value: Array) -> bool:
    """Return whether the value is 0, 1, 2 ... along one axis."""
    return value.size == max(value.shape, default=0) and np.array_equal(
        value.ravel(), np.arange(value.size)
    )
