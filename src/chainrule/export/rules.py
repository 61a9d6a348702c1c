"""The table: for each primitive what it is in ONNX."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..graph.types import is_float
from .emit import BOOL, I64, Emitter, Rule, Value, literal
from .loops import item, scan
from .observe import Dim, Span, Step

FIRST, LAST = int(np.iinfo(np.int64).min), int(np.iinfo(np.int64).max)  # beyond both ends


# Elementwise


def _same_dtype(operation: str, **attributes: Any) -> Rule:
    """Computed in the dtype of the result."""

    def rule(e: Emitter, step: Step, *xs: Value) -> str:
        return e.compute(operation, step, xs, step.dtype, **attributes)

    return rule


def _comparison(operation: str) -> Rule:
    """Computed in the common dtype of both."""

    def rule(e: Emitter, step: Step, x: Value, y: Value) -> str:
        dtype = np.result_type(x.dtype, y.dtype)
        if is_float(dtype) and not (is_float(x.dtype) or is_float(y.dtype)):
            raise step.refusal(f"{x.dtype} and {y.dtype} have no common integer dtype")
        return e.compute(operation, step, (x, y), dtype, result=BOOL)

    return rule


def _float_only(operation: str, **attributes: Any) -> Rule:
    """Rounding and the like; an integer stays."""

    def rule(e: Emitter, step: Step, x: Value) -> str:
        if not is_float(step.dtype):
            return e.cast(x.name, x.dtype, step.dtype)
        return e.compute(operation, step, (x,), step.dtype, **attributes)

    return rule


def _bitwise(of_bool: str, of_integers: str) -> Rule:
    def rule(e: Emitter, step: Step, *xs: Value) -> str:
        names = [e.cast(x.name, x.dtype, step.dtype) for x in xs]
        return e.node(of_bool if step.dtype == BOOL else of_integers, *names)

    return rule


def _of_one(operation: str) -> Rule:
    def rule(e: Emitter, step: Step, x: Value) -> str:
        return e.node(operation, x.name)

    return rule


def _power(e: Emitter, step: Step, x: Value, y: Value) -> str:
    if not is_float(step.dtype):
        raise step.refusal("of integers, only fixed exponents from 0 to 64 can be: cast to float64")
    return e.compute("Pow", step, (x, y), step.dtype)


def _where(e: Emitter, step: Step, chosen: Value, x: Value, y: Value) -> str:
    condition = e.cast(chosen.name, chosen.dtype, BOOL)
    return e.compute("Where", step, (x, y), step.dtype, before=(condition,))


# Reductions


def _sum(e: Emitter, step: Step, x: Value) -> str:
    axes = step.params["axes"]
    if not axes:
        return e.cast(x.name, x.dtype, step.dtype)
    return e.compute("ReduceSum", step, (x,), step.dtype, after=(e.constant(axes),), keepdims=0)


def _prod(e: Emitter, step: Step, x: Value) -> str:
    axes = e.constant([step.params["axis"]])
    return e.compute("ReduceProd", step, (x,), step.dtype, after=(axes,), keepdims=0)


def _max(e: Emitter, step: Step, x: Value) -> str:
    axes = step.params["axes"]
    if not axes:
        return x.name
    along = (e.constant(axes),)
    made = e.compute("ReduceMax", step, (x,), step.dtype, after=along, keepdims=0)
    if not is_float(step.dtype):
        return made
    found, _ = _any_nan(e, x, axes, keepdims=0)
    return e.node("Where", found, e.constant(np.nan, step.dtype), made)


def _any_nan(e: Emitter, x: Value, axes: Any, keepdims: int) -> tuple[str, str]:
    """Whether there is a nan along axes, and which entries are: runtimes may skip it in maxima."""
    each = e.node("IsNaN", x.name)
    number = e.cast(each, BOOL, np.dtype(np.int32))
    found = e.node("ReduceMax", number, e.constant(axes), keepdims=keepdims)
    return e.cast(found, np.dtype(np.int32), BOOL), each


def _argmax(e: Emitter, step: Step, x: Value) -> str:
    axis = step.params["axis"]
    if is_float(x.dtype):
        found, each = _any_nan(e, x, (axis,), keepdims=1)
        x = x._replace(name=e.node("Where", found, e.cast(each, BOOL, x.dtype), x.name))
    return e.compute("ArgMax", step, (x,), x.dtype, result=I64, axis=axis, keepdims=0)


def _cumsum(e: Emitter, step: Step, x: Value) -> str:
    return e.compute("CumSum", step, (x,), step.dtype, after=(e.constant(step.params["axis"]),))


def _argsort(e: Emitter, step: Step, x: Value) -> str:
    """Stable; then once more by being nan, for runtimes put a nan anywhere."""
    axis = step.params["axis"]
    dtype = e.working("TopK", x.dtype, step)
    name = e.cast(x.name, x.dtype, dtype)
    if not is_float(dtype):
        return _order(e, step, name, axis)
    nan = e.node("IsNaN", name)
    name = e.node("Where", nan, e.constant(np.inf, dtype), name)
    order = _order(e, step, name, axis)
    flags = e.cast(nan, BOOL, I64)
    last = _order(e, step, e.node("GatherElements", flags, order, axis=axis), axis)
    return e.node("GatherElements", order, last, axis=axis)


def _order(e: Emitter, step: Step, name: str, axis: int) -> str:
    size = e.sizes([step.shape[axis]], step)
    _, order = e.parts.node("TopK", name, size, outputs=2, axis=axis, largest=0, sorted=1)
    return str(order)


# Structure


def _cast(e: Emitter, step: Step, x: Value) -> str:
    return e.cast(x.name, x.dtype, step.dtype)


def _reshape(e: Emitter, step: Step, x: Value) -> str:
    return e.reshape(x.name, step.shape, step)


def _transpose(e: Emitter, step: Step, x: Value) -> str:
    return e.node("Transpose", x.name, perm=step.params["axes"])


def _broadcast_to(e: Emitter, step: Step, x: Value) -> str:
    return e.expand(x.name, step.shape, step, own=x.shape)


def _concatenate(e: Emitter, step: Step, *xs: Value) -> str:
    names = [e.cast(x.name, x.dtype, step.dtype) for x in xs]
    return e.node("Concat", *names, axis=step.params["axis"])


def _slice(e: Emitter, step: Step, x: Value) -> str:
    return _sliced(e, step, x.name, step.params["index"])


def _sliced(e: Emitter, step: Step, name: str, spans: Any) -> str:
    """Slices on those axes that are not taken whole."""
    axes = [k for k, span in enumerate(spans) if isinstance(span, Span) and not span.whole]
    if not axes:
        return name
    cut = [spans[k] for k in axes]
    starts = e.constant([_bound(e, span.start, span, step) for span in cut])
    stops = [_bound(e, span.stop, span, step) for span in cut]
    steps = e.constant([span.step for span in cut])
    return e.node("Slice", name, starts, e.constant(stops), e.constant(axes), steps)


def _bound(e: Emitter, at: Dim, span: Span, step: Step) -> int:
    """A bound as ONNX counts it: what moves with the row count is counted from the end."""
    if isinstance(at, int):
        return at if at >= 0 else FIRST
    if at == span.size:
        return LAST
    (times, plus), (all_times, all_plus) = e.line(at, step), e.line(span.size, step)
    if times != all_times or plus > all_plus:
        raise step.refusal("where it starts or stops depends on the number of rows")
    return plus - all_plus


def _pad(e: Emitter, step: Step, x: Value) -> str:
    """Zeros before and after; `lower` has left steps of 1 only."""
    spans = step.params["index"]
    before = [e.line(span.start, step) for span in spans]
    after = []
    for span in spans:
        (times, plus), (all_times, all_plus) = e.line(span.stop, step), e.line(span.size, step)
        after.append((all_times - times, all_plus - plus))
    if not spans:
        return x.name
    return e.compute("Pad", step, (x,), step.dtype, after=(e.vector(before + after),))


# Products and indexing


def _matmul(e: Emitter, step: Step, x: Value, y: Value) -> str:
    return e.compute("MatMul", step, (x, y), step.dtype)


def _conv(e: Emitter, step: Step, x: Value, w: Value) -> str:
    """ONNX has channels first, and groups of them in place of leading axes."""
    lead = _broadcast([x.shape[:-4], w.shape[:-4]])
    if not all(isinstance(size, int) for size in lead):
        raise step.refusal("leading axes of a convolution that depend on the number of rows")
    groups = prod(lead)  # type: ignore[arg-type]
    rows, high, wide, columns = x.shape[-4:]
    n = len(lead)
    images = e.expand(x.name, (*lead, *x.shape[-4:]), step, own=x.shape) if n else x.name
    images = e.node("Transpose", images, perm=[n, *range(n), n + 3, n + 1, n + 2])
    kernels = e.expand(w.name, (*lead, *w.shape[-4:]), step, own=w.shape) if n else w.name
    kernels = e.node("Transpose", kernels, perm=[*range(n), n + 3, n + 2, n, n + 1])
    if n:
        images = e.reshape(images, (rows, groups * columns, high, wide), step)  # type: ignore[operator]
        kernel_h, kernel_w, _, outputs = w.shape[-4:]
        flat = (groups * outputs, columns, kernel_h, kernel_w)  # type: ignore[operator]
        kernels = e.reshape(kernels, flat, step)
    given = {"strides": step.params["strides"], "dilations": step.params["dilation"]}
    made = e.node("Conv", images, kernels, group=groups, **given)
    if n:
        *_, high, wide, outputs = step.shape
        made = e.reshape(made, (rows, *lead, outputs, high, wide), step)
    return e.node("Transpose", made, perm=[*range(1, n + 1), 0, n + 2, n + 3, n + 1])


def _gather(e: Emitter, step: Step, x: Value, *arrays: Value) -> str:
    """One index by Gather; several by GatherND, which wants the indexed axes first."""
    pattern = step.params["pattern"]
    name = _sliced(e, step, x.name, pattern)
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
        full = index if shape == common else e.expand(index, common, step, own=shape)
        columns.append(e.node("Unsqueeze", full, e.constant([-1])))
    name = e.node("GatherND", name, e.node("Concat", *columns, axis=-1))
    together = taken[-1] - taken[0] == len(taken) - 1
    if not together or taken[0] == 0:
        return name  # NumPy, too, puts the indices' axes first if they were apart
    n, front = len(common), taken[0]
    rest = range(n + front, n + len(others))
    return e.node("Transpose", name, perm=[*range(n, n + front), *range(n), *rest])


def _broadcast(shapes: list[tuple[Dim, ...]]) -> tuple[Dim, ...]:
    """The common shape of some that fit."""
    n = max(map(len, shapes))
    padded = [(1,) * (n - len(shape)) + shape for shape in shapes]
    return tuple(next((d for d in dims if d != 1), 1) for dims in zip(*padded, strict=True))


def _as_it_is(e: Emitter, step: Step, x: Value) -> str:
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
    "is_nan": _of_one("IsNaN"),
    "not": _of_one("Not"),
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
    "identity": _as_it_is,
    "stop_gradient": _as_it_is,
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
