"""NumPy's constructors in a traced function: arrays of traced numbers, and buffers for them."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from types import CodeType
from typing import Any
from weakref import WeakSet, ref

import numpy as np

from ..errors import UnsupportedError, at_user_line, refusals
from ..primitives.structure import broadcast_to, identity
from .complex_readiness import takes_complex
from .copy_table import copied, filled
from .foreign import as_traced, copy_within
from .function_rules import as_int, implements
from .interception import intercepts, replaces
from .nested import array_of, is_traced, node_of_nested
from .operands import node_of
from .plain_numbers import OPERATORS, concrete_value
from .strides import is_c_order, strides_of
from .tracer import FUNCTIONS, HOOKS, ArrayTracer, Tracer
from .tracing import tracing
from .ufunc_rules import as_dtype
from .views import View

Constructor = Callable[..., Any]

# Arrays of what is traced

_COPY_MODES = {"ALWAYS": True, "IF_NEEDED": None, "NEVER": False}


def _copy_mode(copy: Any) -> bool | None:
    """Return what an entry of NumPy's enumeration stands for; wrappers of the array API use it."""
    return _COPY_MODES[copy.name] if isinstance(copy, Enum) else copy


@intercepts("numpy", "array")
def _array(object: Any, dtype: Any = None, *, copy: bool | None = True, order: str = "K",
           subok: bool = False, ndmin: int = 0, like: Any = None) -> Any:  # fmt: skip
    copy = _copy_mode(copy)
    if copy and as_traced(object) is not object:  # which NumPy asks for a copy
        object, copy = copy_within(object), None
    array = _as_array(object, dtype, order, copy=copy)
    if copy and array is object:
        array = copied(array, order)
    missing = as_int(ndmin, "ndmin") - array.ndim
    return array.reshape((1,) * missing + array.shape) if missing > 0 else array


@intercepts("numpy", "asarray", "asanyarray")
def _as_array(a: Any, dtype: Any = None, order: Any = None, *, device: Any = None,
              copy: bool | None = None, like: Any = None) -> ArrayTracer:  # fmt: skip
    copy = _copy_mode(copy)
    if order not in (None, "K", "C"):
        np.asarray((), order=order)  # raises what NumPy would
    a = as_traced(a)
    array = array_of(a, dtype)
    if copy is False and array is not a:
        raise ValueError(at_user_line("unable to avoid copy while creating an array as requested"))
    if copy and array is a:
        return copied(array, order or "K")
    return array if order in (None, "K", "A", "a", "k") else _contiguous(array, a, order)


def _contiguous(array: ArrayTracer, a: Any, order: str) -> ArrayTracer:
    """Return the array itself if it lies in this order, else a copy that does."""
    if array is not a or array.ndim == 0:
        return copied(array, order)
    strides = strides_of(array.node)
    if strides is None:  # a view or a copy? That matters to a write only
        return View(array, lambda node: node, None)
    shape = array.shape
    if order in ("F", "f"):
        shape, strides = shape[::-1], strides[::-1]
    return array if is_c_order(shape, strides) else copied(array, order)


FUNCTIONS[np.array] = _array
FUNCTIONS[np.asarray] = FUNCTIONS[np.asanyarray] = _as_array


@intercepts("numpy", "ascontiguousarray")
def _as_contiguous(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    array = _as_array(a, dtype, "C")
    return array if array.ndim else array.reshape(1)


@intercepts("numpy", "asfortranarray")
def _as_fortran(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    array = _as_array(a, dtype, "F")
    return array if array.ndim else array.reshape(1)


@intercepts("numpy", "asarray_chkfinite")
def _as_finite(a: Any, dtype: Any = None, order: Any = None) -> ArrayTracer:
    array: ArrayTracer = _as_array(a, dtype, order)
    value = array.node.value
    if value is not None and value.dtype.kind in "fc" and not np.isfinite(value).all():
        raise ValueError(at_user_line("array must not contain infs or NaNs"))
    return array


_REQUIREMENTS = {
    "C": "C", "C_CONTIGUOUS": "C", "CONTIGUOUS": "C", "F": "F", "F_CONTIGUOUS": "F",
    "FORTRAN": "F", "A": "A", "ALIGNED": "A", "W": "W", "WRITEABLE": "W", "O": "O",
    "OWNDATA": "O", "E": "E", "ENSUREARRAY": "E",
}  # fmt: skip


@intercepts("numpy", "require")
def _require(a: Any, dtype: Any = None, requirements: Any = None, *, like: Any = None) -> Any:
    wanted = {_REQUIREMENTS[x.upper()] for x in requirements or ()} - {"E"}
    if wanted >= {"C", "F"}:
        raise ValueError(at_user_line('Cannot specify both "C" and "F" order'))
    order = "F" if "F" in wanted else "C" if "C" in wanted else "A"
    array = _as_array(a, dtype, order)
    lacking = [flag for flag in wanted - {order} if not array.flags[flag]]
    return copied(array, order) if lacking else array


@replaces("numpy", "fromiter")
def _from_iterable(function: Constructor, iter: Any, dtype: Any, count: int = -1, *,
                   like: Any = None) -> Any:  # fmt: skip
    entries = list(iter)
    if not is_traced(entries):
        return function(entries, dtype, count, like=like)
    if count >= 0 and len(entries) < count:
        raise ValueError(at_user_line(f"iterator too short: {len(entries)} of {count} entries"))
    return array_of(entries[:count] if count >= 0 else entries, dtype)


# Ranges


def _unlisted(x: Any) -> Any:
    """Return what may be a list as an array; Python's numbers stay what they are."""
    return array_of(x) if isinstance(x, (list, tuple)) else x


@implements(np.linspace)
def _linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
              dtype: Any = None, axis: int = 0, *, device: Any = None) -> Any:  # fmt: skip
    first, last = _unlisted(start), _unlisted(stop)
    count = as_int(num, "num")
    if count < 0:
        raise ValueError(at_user_line(f"Number of samples, {count}, must be non-negative."))
    steps = count - 1 if endpoint else count
    span = (last - first) * 1.0  # of whole numbers too
    step = span / steps if steps > 0 else span * np.nan
    positions = np.arange(count, dtype=span.dtype).reshape((-1, *[1] * np.ndim(span)))
    result = first + positions * (step if steps > 0 else span)
    if endpoint and count > 1:  # the last one is met exactly
        ends = (last + 0.0 * span)[np.newaxis]
        result = FUNCTIONS[np.concatenate]((result[:-1], ends))
    if axis != 0:
        result = FUNCTIONS[np.moveaxis](result, 0, axis)
    if dtype is not None:
        wanted = np.dtype(dtype)
        result = (np.floor(result) if wanted.kind in "iu" else result).astype(wanted)
    return (result, step) if retstep else result


@implements(np.logspace)
def _logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0,
              dtype: Any = None, axis: int = 0) -> Any:  # fmt: skip
    if np.ndim(base):
        raise UnsupportedError(at_user_line("np.logspace with an array of bases: use base ** y"))
    exponents = _linspace(start, stop, num, endpoint, axis=axis)
    result = np.power(base, exponents)
    return result if dtype is None else result.astype(dtype)


@implements(np.geomspace)
def _geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None,
               axis: int = 0) -> Any:  # fmt: skip
    limits = (array_of(start), array_of(stop))
    if dtype is not None and np.dtype(dtype).kind in "iub":  # the last digit decides
        known = [concrete_value(x.node, "np.geomspace(dtype=int)") for x in limits]
        return array_of(np.geomspace(known[0], known[1], num, endpoint, dtype, axis))
    inside = np.result_type(*[x.dtype for x in limits], 0.0, np.zeros((), dtype))
    first, last = FUNCTIONS[np.broadcast_arrays](
        *[_without_zeros(x).astype(inside) for x in limits]
    )
    unit = np.sign(first)
    result = _logspace(np.log10(first / unit), np.log10(last / unit), num, endpoint) * unit
    parts = [first[np.newaxis], result[1:]]  # the limits are met exactly
    if endpoint and len(result) > 1:
        parts[1:] = [result[1:-1], last[np.newaxis]]
    if len(result):
        result = FUNCTIONS[np.concatenate](parts)
    result = FUNCTIONS[np.moveaxis](result, 0, axis) if axis != 0 else result
    return result if dtype is None else result.astype(dtype)


takes_complex(np.geomspace)


def _without_zeros(limit: Any) -> Any:
    """Return a limit of a geometric sequence: nan for a zero that is not known to be one."""
    zero = limit == 0
    if zero.node.value is None:
        return np.where(zero, np.nan, limit)
    if np.any(zero.node.value):
        raise ValueError(at_user_line("Geometric sequence cannot include zero"))
    return limit


@intercepts("numpy", "arange")
def _arange(*args: Any, dtype: Any = None, device: Any = None, like: Any = None,
            **bounds: Any) -> Any:  # fmt: skip
    limits = dict(
        zip(("start", "stop", "step") if len(args) > 1 else ("stop",), args, strict=False)
    )
    limits |= bounds
    start, stop, step = (limits.get("start", 0), limits["stop"], limits.get("step", 1))
    known = [
        concrete_value(x.node, "np.arange") if isinstance(x, Tracer) else x
        for x in (start, stop, step)
    ]
    count = len(np.arange(*known))
    values = start + np.arange(count) * step
    return values if dtype is None else values.astype(dtype)


# Buffers: arrays of plain numbers that may be written with traced ones later


def _becomes_buffer(array: Any) -> bool:
    """Return whether a traced function may write traced numbers into its new array.

    Whole numbers carry no derivative: they become traced only where their numbers are not known.
    """
    return array.dtype.kind in ("fciub" if tracing.first_serial >= 0 else "fc")


@replaces("numpy", "zeros", "ones", "empty", "zeros_like", "ones_like", "empty_like")
def _uniform(function: Constructor, *args: Any, **kwargs: Any) -> Any:
    array = function(*args, **kwargs)
    if issubclass(type(array), Tracer) or not _becomes_buffer(array):
        return array
    value = 1 if function.__name__.startswith("ones") else 0
    buffer = filled(array.dtype.type(value), array.shape)
    return _noted(buffer if array.flags.c_contiguous else copied(buffer, "F"))


def _noted(array: ArrayTracer) -> ArrayTracer:
    tracing.buffers.append(ref(array))
    return array


def as_buffer(array: Any) -> Any:
    """Return a new plain array as one of the trace, if traced numbers may be written into it.

    Code that is compiled anew may run outside of a trace, too: in other threads, or kept.
    """
    becomes = refusals.depth and _becomes_buffer(array)
    return _noted(ArrayTracer(node_of(array))) if becomes else array


def _if_written(array: Any, args: tuple[Any, ...], caller: CodeType | None) -> Any:
    """Return a new array as one of the trace if the function that asked for it writes arrays."""
    if caller is not None:
        if tracing.all_buffers:
            _handing_on.add(caller)
        if not (_writes(caller) or caller in _handing_on):
            return array
    arrays = [x for x in args if isinstance(x, np.ndarray)]
    return array if any(np.may_share_memory(array, x) for x in arrays) else as_buffer(array)


@lru_cache(maxsize=1024)
def _writes(code: CodeType) -> bool:
    """Return whether a function, or one within it, writes entries of something."""
    instructions = code.co_code
    for k in range(0, len(instructions), 2):
        name = dis.opname[instructions[k]]
        if name in _STORES or (name == "BINARY_OP" and instructions[k + 1] in _AUGMENTED):
            return True
    return any(_writes(x) for x in code.co_consts if isinstance(x, CodeType))


_handing_on: WeakSet[CodeType] = WeakSet()  # that of functions whose arrays others write into
_STORES = {"STORE_SUBSCR", "STORE_SLICE"}
_AUGMENTED = {k for k, symbol in enumerate(OPERATORS) if symbol.endswith("=")}


@replaces("numpy", "linspace", "logspace", "geomspace", "tri")
def _sequence_of(function: Constructor, *args: Any, **kwargs: Any) -> Any:
    result = function(*args, **kwargs)
    is_plain = type(result) is np.ndarray
    return _if_written(result, args, sys._getframe(3).f_code) if is_plain else result


@replaces("numpy", "eye", "identity", "copy")
def _with_entries(function: Constructor, *args: Any, **kwargs: Any) -> Any:
    if function.__name__ == "copy" and type(args[0]) in (list, tuple) and is_traced(args[0]):
        return FUNCTIONS[np.copy](array_of(args[0]), *args[1:], **kwargs)
    array = function(*args, **kwargs)
    if issubclass(type(array), Tracer) or not _becomes_buffer(array):
        return array
    return _noted(ArrayTracer(node_of(array)))


@replaces("numpy", "full", "full_like")
def _full_of(function: Constructor, shape: Any, fill_value: Any, dtype: Any = None,
          order: Any = None, **options: Any) -> Any:  # fmt: skip
    if not is_traced(fill_value):
        order = order or ("K" if function.__name__ == "full_like" else "C")
        array = function(shape, fill_value, dtype, order, **options)
        if issubclass(type(array), Tracer) or not _becomes_buffer(array):
            return array
        return _noted(ArrayTracer(node_of(array)))
    value = node_of_nested(fill_value)
    if function.__name__ == "full_like":
        return FUNCTIONS[np.full_like](shape, ArrayTracer(value), dtype, order or "K", **options)
    sizes = np.shape(np.empty(shape, np.bool_, **options))
    wide = broadcast_to(value if dtype is None else as_dtype(value, np.dtype(dtype)), shape=sizes)
    return ArrayTracer(identity(wide))


def as_one_array(x: Any) -> Any:
    """Return a list or tuple as an array, of the trace if an entry is traced."""
    return array_of(x) if is_traced(x) else np.array(x)


HOOKS["as_one_array"] = as_one_array
HOOKS["if_written"] = _if_written
