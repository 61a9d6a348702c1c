"""The table: for each primitive what it is in ONNX."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..graph.types import is_float
from .emitter import BOOL, I64, Emitter, OnnxValue, Rule, literal
from .loops import item, scan
from .symbolic_shapes import Dim, Span, SymbolicNode

FIRST, LAST = int(np.iinfo(np.int64).min), int(np.iinfo(np.int64).max)  # beyond both ends


# Elementwise


def _same_dtype(operation: str, **attributes: Any) -> Rule:
    """Compute in the dtype of the result."""

    def rule(e: Emitter, node: SymbolicNode, *xs: OnnxValue) -> str:
        return e.compute(operation, node, xs, node.dtype, **attributes)

    return rule


def _comparison(operation: str) -> Rule:
    """Compute in the common dtype of both operands."""

    def rule(e: Emitter, node: SymbolicNode, x: OnnxValue, y: OnnxValue) -> str:
        dtype = np.result_type(x.dtype, y.dtype)
        if is_float(dtype) and not (is_float(x.dtype) or is_float(y.dtype)):
            raise node.refusal(f"{x.dtype} and {y.dtype} have no common integer dtype")
        return e.compute(operation, node, (x, y), dtype, result_dtype=BOOL)

    return rule


def _float_only(operation: str, **attributes: Any) -> Rule:
    """Compute for floats only, as rounding; integers stay as they are."""

    def rule(e: Emitter, node: SymbolicNode, x: OnnxValue) -> str:
        if not is_float(node.dtype):
            return e.cast(x.name, x.dtype, node.dtype)
        return e.compute(operation, node, (x,), node.dtype, **attributes)

    return rule


def _bitwise(of_bool: str, of_integers: str) -> Rule:
    def rule(e: Emitter, node: SymbolicNode, *xs: OnnxValue) -> str:
        names = [e.cast(x.name, x.dtype, node.dtype) for x in xs]
        return e.node(of_bool if node.dtype == BOOL else of_integers, *names)

    return rule


def _unary(operation: str) -> Rule:
    def rule(e: Emitter, node: SymbolicNode, x: OnnxValue) -> str:
        return e.node(operation, x.name)

    return rule


def _power(e: Emitter, node: SymbolicNode, x: OnnxValue, y: OnnxValue) -> str:
    if not is_float(node.dtype):
        raise node.refusal("of integers, only fixed exponents from 0 to 64 can be: cast to float64")
    return e.compute("Pow", node, (x, y), node.dtype)


def _where(e: Emitter, node: SymbolicNode, chosen: OnnxValue, x: OnnxValue, y: OnnxValue) -> str:
    condition = e.cast(chosen.name, chosen.dtype, BOOL)
    return e.compute("Where", node, (x, y), node.dtype, before=(condition,))


# Reductions


def _sum(e: Emitter, node: SymbolicNode, x: OnnxValue) -> str:
    axes = node.params["axes"]
    if not axes:
        return e.cast(x.name, x.dtype, node.dtype)
    return e.compute("ReduceSum", node, (x,), node.dtype, after=(e.constant(axes),), keepdims=0)


def _prod(e: Emitter, node: SymbolicNode, x: OnnxValue) -> str:
    axes = e.constant([node.params["axis"]])
    return e.compute("ReduceProd", node, (x,), node.dtype, after=(axes,), keepdims=0)


def _max(e: Emitter, node: SymbolicNode, x: OnnxValue) -> str:
    axes = node.params["axes"]
    if not axes:
        return x.name
    along = (e.constant(axes),)
    maximum = e.compute("ReduceMax", node, (x,), node.dtype, after=along, keepdims=0)
    if not is_float(node.dtype):
        return maximum
    has_nan, _ = _any_nan(e, x, axes, keepdims=0)
    return e.node("Where", has_nan, e.constant(np.nan, node.dtype), maximum)


def _any_nan(e: Emitter, x: OnnxValue, axes: Any, keepdims: int) -> tuple[str, str]:
    """Return whether there is a nan along axes, and where: runtimes may skip nan in maxima."""
    is_nan = e.node("IsNaN", x.name)
    number = e.cast(is_nan, BOOL, np.dtype(np.int32))
    has_nan = e.node("ReduceMax", number, e.constant(axes), keepdims=keepdims)
    return e.cast(has_nan, np.dtype(np.int32), BOOL), is_nan


def _argmax(e: Emitter, node: SymbolicNode, x: OnnxValue) -> str:
    axis = node.params["axis"]
    if is_float(x.dtype):
        has_nan, is_nan = _any_nan(e, x, (axis,), keepdims=1)
        x = x._replace(name=e.node("Where", has_nan, e.cast(is_nan, BOOL, x.dtype), x.name))
    return e.compute("ArgMax", node, (x,), x.dtype, result_dtype=I64, axis=axis, keepdims=0)


def _cumsum(e: Emitter, node: SymbolicNode, x: OnnxValue) -> str:
    return e.compute("CumSum", node, (x,), node.dtype, after=(e.constant(node.params["axis"]),))


def _argsort(e: Emitter, node: SymbolicNode, x: OnnxValue) -> str:
    """Sort stably, then again by being nan, for runtimes put a nan anywhere."""
    axis = node.params["axis"]
    dtype = e.working("TopK", x.dtype, node)
    name = e.cast(x.name, x.dtype, dtype)
    if not is_float(dtype):
        return _order(e, node, name, axis)
    nan = e.node("IsNaN", name)
    name = e.node("Where", nan, e.constant(np.inf, dtype), name)
    order = _order(e, node, name, axis)
    flags = e.cast(nan, BOOL, I64)
    last = _order(e, node, e.node("GatherElements", flags, order, axis=axis), axis)
    return e.node("GatherElements", order, last, axis=axis)


def _order(e: Emitter, node: SymbolicNode, name: str, axis: int) -> str:
    size = e.sizes([node.shape[axis]], node)
    _, order = e.builder.node("TopK", name, size, outputs=2, axis=axis, largest=0, sorted=1)
    return str(order)


# Structure


def _cast(e: Emitter, node: SymbolicNode, x: OnnxValue) -> str:
    return e.cast(x.name, x.dtype, node.dtype)


def _reshape(e: Emitter, node: SymbolicNode, x: OnnxValue) -> str:
    return e.reshape(x.name, node.shape, node)


def _transpose(e: Emitter, node: SymbolicNode, x: OnnxValue) -> str:
    return e.node("Transpose", x.name, perm=node.params["axes"])


def _broadcast_to(e: Emitter, node: SymbolicNode, x: OnnxValue) -> str:
    return e.expand(x.name, node.shape, node, shape=x.shape)


def _concatenate(e: Emitter, node: SymbolicNode, *xs: OnnxValue) -> str:
    names = [e.cast(x.name, x.dtype, node.dtype) for x in xs]
    return e.node("Concat", *names, axis=node.params["axis"])


def _slice(e: Emitter, node: SymbolicNode, x: OnnxValue) -> str:
    return _sliced(e, node, x.name, node.params["index"])


def _sliced(e: Emitter, node: SymbolicNode, name: str, spans: Any) -> str:
    """Slice those axes that are not taken whole."""
    axes = [k for k, span in enumerate(spans) if isinstance(span, Span) and not span.whole]
    if not axes:
        return name
    cut = [spans[k] for k in axes]
    starts = e.constant([_slice_bound(e, span.start, span, node) for span in cut])
    stops = [_slice_bound(e, span.stop, span, node) for span in cut]
    steps = e.constant([span.step for span in cut])
    return e.node("Slice", name, starts, e.constant(stops), e.constant(axes), steps)


def _slice_bound(e: Emitter, bound: Dim, span: Span, node: SymbolicNode) -> int:
    """Return a bound as ONNX counts it: from the end if it depends on the row count."""
    if isinstance(bound, int):
        return bound if bound >= 0 else FIRST
    if bound == span.size:
        return LAST
    (times, plus), (all_times, all_plus) = e.line(bound, node), e.line(span.size, node)
    if times != all_times or plus > all_plus:
        raise node.refusal("where it starts or stops depends on the number of rows")
    return plus - all_plus


def _pad(e: Emitter, node: SymbolicNode, x: OnnxValue) -> str:
    """Pad with zeros before and after; `lower` has left steps of 1 only."""
    spans = node.params["index"]
    before = [e.line(span.start, node) for span in spans]
    after = []
    for span in spans:
        (times, plus), (all_times, all_plus) = e.line(span.stop, node), e.line(span.size, node)
        after.append((all_times - times, all_plus - plus))
    if not spans:
        return x.name
    return e.compute("Pad", node, (x,), node.dtype, after=(e.vector(before + after),))


# Products and indexing


def _matmul(e: Emitter, node: SymbolicNode, x: OnnxValue, y: OnnxValue) -> str:
    return e.compute("MatMul", node, (x, y), node.dtype)


def _conv(e: Emitter, node: SymbolicNode, x: OnnxValue, w: OnnxValue) -> str:
    """Emit Conv, which has channels first, and groups in place of leading axes."""
    lead = _broadcast([x.shape[:-4], w.shape[:-4]])
    if not all(isinstance(size, int) for size in lead):
        raise node.refusal("leading axes of a convolution that depend on the number of rows")
    groups = prod(lead)  # type: ignore[arg-type]
    rows, high, wide, columns = x.shape[-4:]
    n = len(lead)
    images = e.expand(x.name, (*lead, *x.shape[-4:]), node, shape=x.shape) if n else x.name
    images = e.node("Transpose", images, perm=[n, *range(n), n + 3, n + 1, n + 2])
    kernels = e.expand(w.name, (*lead, *w.shape[-4:]), node, shape=w.shape) if n else w.name
    kernels = e.node("Transpose", kernels, perm=[*range(n), n + 3, n + 2, n, n + 1])
    if n:
        images = e.reshape(images, (rows, groups * columns, high, wide), node)  # type: ignore[operator]
        kernel_h, kernel_w, _, outputs = w.shape[-4:]
        flat = (groups * outputs, columns, kernel_h, kernel_w)  # type: ignore[operator]
        kernels = e.reshape(kernels, flat, node)
    attributes = {"strides": node.params["strides"], "dilations": node.params["dilation"]}
    result = e.node("Conv", images, kernels, group=groups, **attributes)
    if n:
        *_, high, wide, outputs = node.shape
        result = e.reshape(result, (rows, *lead, outputs, high, wide), node)
    return e.node("Transpose", result, perm=[*range(1, n + 1), 0, n + 2, n + 3, n + 1])


def _gather(e: Emitter, node: SymbolicNode, x: OnnxValue, *arrays: OnnxValue) -> str:
    """Emit Gather for one index, else GatherND, which wants the indexed axes first."""
    pattern = node.params["pattern"]
    name = _sliced(e, node, x.name, pattern)
    taken = [k for k, part in enumerate(pattern) if isinstance(part, int)]
    if not taken:
        return name
    indices = [e.cast(arrays[pattern[k]].name, arrays[pattern[k]].dtype, I64) for k in taken]
    if len(taken) == 1:
        return e.node("Gather", name, indices[0], axis=taken[0])
    others = [k for k in range(len(pattern)) if k not in taken]
    name = e.node("Transpose", name, perm=[*taken, *others])
    shapes = [arrays[pattern[k]].shape for k in taken]
    common = _broadcast(shapes)
    columns = []
    for index, shape in zip(indices, shapes, strict=True):
        full = index if shape == common else e.expand(index, common, node, shape=shape)
        columns.append(e.node("Unsqueeze", full, e.constant([-1])))
    name = e.node("GatherND", name, e.node("Concat", *columns, axis=-1))
    together = taken[-1] - taken[0] == len(taken) - 1
    if not together or taken[0] == 0:
        return name  # NumPy, too, puts the indices' axes first if they were apart
    n, front = len(common), taken[0]
    rest = range(n + front, n + len(others))
    return e.node("Transpose", name, perm=[*range(n, n + front), *range(n), *rest])


def _broadcast(shapes: list[tuple[Dim, ...]]) -> tuple[Dim, ...]:
    """Return the common shape of some that broadcast."""
    n = max(map(len, shapes))
    padded = [(1,) * (n - len(shape)) + shape for shape in shapes]
    return tuple(next((d for d in dims if d != 1), 1) for dims in zip(*padded, strict=True))


def _pass_through(e: Emitter, node: SymbolicNode, x: OnnxValue) -> str:
    return x.name


RULES: dict[str, Rule] = {
    "scan": scan,
    "item": item,
    "constant": literal,
    "add": _same_dtype("Add"),
    "sub": _same_dtype("Sub"),
    "mul": _same_dtype("Mul"),
    "div": _same_dtype("Div"),
    "neg": _same_dtype("Neg"),
    "power": _power,
    "abs": _same_dtype("Abs"),
    "sign": _same_dtype("Sign"),
    "floor": _float_only("Floor"),
    "rint": _float_only("Round"),
    "exp": _same_dtype("Exp"),
    "log": _same_dtype("Log"),
    "sqrt": _same_dtype("Sqrt"),
    "logistic": _same_dtype("Sigmoid"),
    "sin": _same_dtype("Sin"),
    "cos": _same_dtype("Cos"),
    "cosh": _same_dtype("Cosh"),
    "tanh": _same_dtype("Tanh"),
    "arcsinh": _same_dtype("Asinh"),
    "atan": _same_dtype("Atan"),
    "erf": _same_dtype("Erf"),
    "maximum": _same_dtype("Max"),
    "minimum": _same_dtype("Min"),
    "fmod": _same_dtype("Mod", fmod=1),
    "modulo": _same_dtype("Mod", fmod=0),
    "quotient": _same_dtype("Div"),
    "bit_shift": _same_dtype("BitShift", direction="RIGHT"),
    "equal": _comparison("Equal"),
    "less": _comparison("Less"),
    "less_equal": _comparison("LessOrEqual"),
    "is_nan": _unary("IsNaN"),
    "not": _unary("Not"),
    "either": _bitwise("Or", "BitwiseOr"),
    "bitwise_and": _bitwise("And", "BitwiseAnd"),
    "bitwise_xor": _bitwise("Xor", "BitwiseXor"),
    "where": _where,
    "sum": _sum,
    "max": _max,
    "prod": _prod,
    "cumsum": _cumsum,
    "argmax": _argmax,
    "argsort": _argsort,
    "cast": _cast,
    "identity": _pass_through,
    "stop_gradient": _pass_through,
    "reshape": _reshape,
    "transpose": _transpose,
    "broadcast_to": _broadcast_to,
    "slice": _slice,
    "pad": _pad,
    "concatenate": _concatenate,
    "matmul": _matmul,
    "conv": _conv,
    "gather": _gather,
}
