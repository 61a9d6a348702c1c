"""A primitive of a graph as nodes of an ONNX model: the frame that all rules share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..graph.types import Array
from .observe import Dim, Observed, Size, Step
from .parts import Parts, element_type

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


class Value(NamedTuple):
    """A value of the model, and what is known of it."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[Dim, ...]


Rule = Callable[..., str]
"""``rule(emitter, step, *values)`` adds nodes and returns the name of the result."""


class Emitter:
    """Adds the steps of an observed function to a model.

    Parameters
    ----------
    parts : Parts
    observed : Observed
    inputs : sequence of str
        Names of the values that are its inputs.
    """

    def __init__(self, parts: Parts, observed: Observed, inputs: Sequence[str]) -> None:
        self.parts = parts
        self.observed = observed
        batched = [n for n, b in zip(inputs, observed.batched, strict=True) if b]
        self._source = batched[0] if batched else ""
        self._rows = ""
        self.rules: Mapping[str, Rule] = {}
        self.results: dict[str, tuple[str, ...]] = {}  # of steps of several, by the first
        self.values = [
            Value(name, step.dtype, step.shape)
            for name, step in zip(inputs, observed.steps, strict=False)
        ]

    def run(self, rules: Mapping[str, Rule], rows: str = "") -> list[Value]:
        """Add all steps; returns the outputs. `rows` is the row count if it is there already."""
        self.rules, self._rows = rules, rows
        for step in self.observed.steps[self.observed.n_inputs :]:
            inputs = [self.values[k] for k in step.inputs]
            name = rules[step.name](self, step, *inputs)
            self.values.append(Value(name, step.dtype, step.shape))
        return [self.values[k] for k in self.observed.outputs]

    def node(self, operation: str, *inputs: str, **attributes: Any) -> str:
        """One node of one result."""
        return str(self.parts.node(operation, *inputs, **attributes))

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        """An initializer."""
        return self.parts.constant(np.asarray(value, dtype))

    def cast(self, name: str, before: np.dtype[Any], after: np.dtype[Any]) -> str:
        """The value in another dtype."""
        return name if before == after else self.node("Cast", name, to=element_type(after))

    def working(self, operation: str, dtype: np.dtype[Any], step: Step) -> np.dtype[Any]:
        """The dtype in which the runtime can compute an operation for this one."""
        element_type(dtype)  # raises for what ONNX cannot hold
        if dtype in NATIVE or dtype in ALSO_NATIVE.get(operation, ()):
            return dtype
        if dtype == U64 and operation not in WRAPS:
            raise step.refusal("runtimes do not compute it in uint64: cast to int64 before")
        return I64

    def compute(
        self, operation: str, step: Step, values: Iterable[Value], dtype: np.dtype[Any],
        result: np.dtype[Any] | None = None, before: Sequence[str] = (), after: Sequence[str] = (),
        **attributes: Any,
    ) -> str:  # fmt: skip
        """An operation on values brought to `dtype`, its result brought to the step's.

        `result` is the operation's own dtype if that is not the one it computes in; `before` and
        `after` are inputs to be passed as they are.
        """
        working = self.working(operation, dtype, step)
        names = [self.cast(self.cast(v.name, v.dtype, dtype), dtype, working) for v in values]
        made = self.node(operation, *before, *names, *after, **attributes)
        return self.cast(made, result or working, step.dtype)

    # Sizes

    def line(self, size: Dim, step: Step) -> tuple[int, int]:
        """``(times, plus)`` of a size ``times * rows + plus``."""
        found = (0, size) if isinstance(size, int) else size.line
        if found is None:
            raise step.refusal("one of its sizes is no multiple of the row count plus a number")
        return found

    def sizes(self, dims: Sequence[Dim], step: Step) -> str:
        """An int64 vector of sizes, computed from the row count where they depend on it."""
        if all(isinstance(dim, int) for dim in dims):
            return self.constant(dims)
        return self.vector([self.line(dim, step) for dim in dims])

    def rows(self) -> str:
        """The row count, an int64 vector of one; empty if nothing depends on it."""
        if not self._rows and self._source:
            self._rows = self.node("Shape", self._source, start=0, end=1)
        return self._rows

    def vector(self, lines: Sequence[tuple[int, int]]) -> str:
        """An int64 vector of ``times * rows + plus``."""
        times, plus = np.array(lines, np.int64).reshape(-1, 2).T
        if not times.any():
            return self.constant(plus)
        made = self.rows()
        if len(lines) > 1 or times[0] != 1:
            made = self.node("Mul", made, self.constant(times))
        return self.node("Add", made, self.constant(plus)) if plus.any() else made

    def reshape(self, name: str, dims: Sequence[Dim], step: Step) -> str:
        """To a shape of which one size may be left for the runtime to find."""
        free = [k for k, dim in enumerate(dims) if isinstance(dim, Size)]
        if len(free) == 1 and all(dims):
            shape = self.constant([-1 if k in free else dim for k, dim in enumerate(dims)])
            return self.node("Reshape", name, shape)
        return self.node("Reshape", name, self.sizes(dims, step), allowzero=1)

    def expand(self, name: str, dims: Sequence[Dim], step: Step, own: Sequence[Dim] = ()) -> str:
        """Broadcast to a shape; `own` is the value's, whose sizes need not be said again."""
        own = (*[1] * (len(dims) - len(own)), *own)
        asked = [1 if mine == dim else dim for mine, dim in zip(own, dims, strict=True)]
        return self.node("Expand", name, self.sizes(asked, step))


def literal(e: Emitter, step: Step) -> str:
    """A constant: an initializer, or what the row count makes of one."""
    first = step.values[0]
    moving = [isinstance(dim, Size) for dim in step.shape]
    if not any(moving) and first.size > 1 and not any(first.strides):
        moving = [True] * first.ndim
    cores = [_core(value, moving) for value in step.values]
    if all(core is not None and _same(core, cores[0]) for core in cores):
        name = e.parts.constant(cores[0])
        return e.expand(name, step.shape, step, own=cores[0].shape) if any(moving) else name
    if first.size == 1 and all(float(value.flat[0]).is_integer() for value in step.values):
        count = Size(tuple(int(value.flat[0]) for value in step.values))
        number = e.cast(e.sizes([count], step), I64, step.dtype)
        return e.node("Reshape", number, e.constant(step.shape))
    if all(_counts(value) for value in step.values):
        total = next(dim for dim in step.shape if dim != 1)
        stop = e.node("Squeeze", e.sizes([total], step), e.constant([0]))
        steps = e.node("Range", e.constant(0), stop, e.constant(1))
        return e.reshape(e.cast(steps, I64, step.dtype), step.shape, step)
    raise step.refusal("its numbers depend on the number of rows")


def _core(value: Array, moving: Sequence[bool]) -> Any:
    """The first entry along the moving axes, if it repeats along them; else None."""
    core = value[tuple(slice(0, 1) if moves else slice(None) for moves in moving)]
    repeats = np.array_equal(
        np.broadcast_to(core, value.shape), value, equal_nan=value.dtype.kind == "f"
    )
    return core if repeats or not any(moving) else None


def _same(x: Array, y: Array) -> bool:
    return x.shape == y.shape and x.tobytes() == y.tobytes()


def _counts(value: Array) -> bool:
    """Whether it is 0, 1, 2 ... along one axis."""
    return value.size == max(value.shape, default=0) and np.array_equal(
        value.ravel(), np.arange(value.size)
    )
