"""`out=`, `where=`, `casting=`, `order=`, `dtype=`: what may be said to each of NumPy's ufuncs.

A result goes into an array of the trace. A plain array cannot hold it: only ``plain += traced``
binds its name anew (see `in_place`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line, user_frame
from ..graph.node import Node
from ..primitives import elementwise as ew
from ..primitives.structure import cast
from .core_axes import call_along
from .function_rules import Rule, mask_of
from .in_place import SEEN_ELSEWHERE, is_in_place, seen_elsewhere
from .operands import is_weak, node_of
from .plain_numbers import note_asking_code
from .strides import c_order, set_strides
from .tracer import HOOKS, ArrayTracer, Tracer, repeated, traced
from .views import memory_owner


def write_out(out: tuple[Any, ...], inputs: tuple[Any, ...], result: Any, references: int) -> Any:
    """Store a result for ``out=``; `inputs` is (None,) for what does not repeat its result."""
    return _stored(out[0], inputs, result, references, "same_kind")


def _stored(target: Any, inputs: Any, result: Any, references: int, casting: Any) -> Any:
    if isinstance(target, ArrayTracer):
        node = result.node
        if (
            node.dtype.kind in "iu"
            and len(inputs) == 1
            and inputs[0] is None
            and node.dtype != target.dtype
        ):
            raise TypeError(at_user_line(f"out= of dtype {target.dtype} for {node.dtype}"))
        if (
            inputs and inputs[0] is not None and node.shape != target.shape
        ):  # a ufunc repeats its result
            node = repeated(node, target.shape)
        if not np.can_cast(node.dtype, target.dtype, casting):
            raise TypeError(at_user_line(_cast_refused(node.dtype, target.dtype, casting)))
        if casting == "unsafe" and node.dtype != target.dtype:
            node = cast(node, dtype=target.dtype)
        target.rebind(node)
        return target
    if isinstance(target, Tracer):
        raise TypeError(at_user_line("out= is a number: it takes an array"))
    if not inputs or target is not inputs[0] or not is_in_place(user_frame()):
        raise _plain_target(
            "out= names a plain array, which cannot hold a traced result: use the value that "
            "the function returns, or make it a traced array with np.zeros_like(x)"
        )
    if not target.flags.writeable:
        raise ValueError(at_user_line("an array that is written in place is read-only"))
    if not np.can_cast(result.dtype, target.dtype, "same_kind"):
        raise TypeError(at_user_line(f"cannot write {result.dtype} into {target.dtype} in place"))
    if result.shape != target.shape:
        raise ValueError(
            at_user_line(f"a result of shape {result.shape} does not fit into {target.shape}")
        )
    if seen_elsewhere(target, references):
        raise _plain_target(SEEN_ELSEWHERE)
    node = result.node if result.dtype == target.dtype else cast(result.node, dtype=target.dtype)
    return ArrayTracer(node)


def _plain_target(message: str) -> UnsupportedError:
    error = UnsupportedError(at_user_line(message))
    note_asking_code(error)
    error.at_write = True
    return error


def _cast_refused(dtype: Any, wanted: Any, casting: Any) -> str:
    return f"cannot cast {dtype} to {wanted} by the rule {casting!r}"


def call_with_options(
    rule: Rule, ufunc: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any],
    references: int,
) -> Any:  # fmt: skip
    """Call the rule of a ufunc, or of one of its methods, with keyword arguments."""
    out = options.pop("out", None)
    if method == "at":
        return rule(*inputs, **options)
    if method not in ("__call__", "outer"):
        result = rule(*inputs, **_of_reduction(ufunc, options))
        if out is not None and method == "accumulate" and result.shape != np.shape(out[0]):
            raise UnsupportedError(
                at_user_line(f"out= of shape {np.shape(out[0])} for a result of {result.shape}")
            )
        return result if out is None else _stored(out[0], (), result, 0, "same_kind")
    where, order = options.pop("where", True), options.pop("order", "K")
    casting = options.pop("casting", "same_kind")
    np.empty(0).copy(order)  # raises what NumPy would
    options.pop("subok", None)
    if ufunc.signature is not None:
        core_rule = rule
        rule = lambda *xs, **named: call_along(core_rule, ufunc, xs, named)  # noqa: E731
    inputs, options = _loop_chosen(ufunc, inputs, options, casting)
    if where is True:
        results = rule(*inputs, **options)
    else:
        if out is None:
            raise UnsupportedError(
                at_user_line(
                    f"np.{ufunc.__name__}(where=...) without out=: what is not computed is not "
                    "known in NumPy either; give out=np.zeros_like(x), or use np.where"
                )
            )
        with np.errstate(all="ignore"):  # where it is not asked for, NumPy does not compute
            results = rule(*inputs, **options)
    several = isinstance(results, tuple)
    if out is not None and several:
        _check_targets(out, results, casting)
    targets = (None,) * len(results) if out is None and several else out
    written = tuple(
        _result(target, inputs, each, references, casting, where, order)
        for target, each in zip(targets or (None,), results if several else (results,), strict=True)
    )
    return written if several else written[0]


def _check_targets(targets: tuple[Any, ...], results: tuple[Any, ...], casting: Any) -> None:
    """Raise before the first of several results is written, if one of them does not fit."""
    arrays = [x for x in targets if isinstance(x, ArrayTracer)]
    owners = [memory_owner(x) for x in arrays]
    if len({id(owner) for owner in owners}) < len(owners):
        raise UnsupportedError(at_user_line("out= names the same array for two results"))
    if len({x.shape for x in arrays}) > 1:  # one loop fills all of them
        raise ValueError(at_user_line("the arrays of out= have several shapes"))
    for target, result in zip(targets, results, strict=True):
        if not isinstance(target, ArrayTracer):
            continue
        if repeated(result.node, target.shape).shape != target.shape:
            raise ValueError(
                at_user_line(f"a result of shape {result.shape} does not fit into {target.shape}")
            )
        if not np.can_cast(result.dtype, target.dtype, casting):
            raise TypeError(at_user_line(_cast_refused(result.dtype, target.dtype, casting)))


def _result(
    target: Any, inputs: Any, result: Any, references: int, casting: Any, where: Any, order: Any
) -> Any:
    """Return a result as it is, laid out as `order` says, or written into the target."""
    if target is None:
        return _laid_out_as(result, order)
    if where is not True and isinstance(target, ArrayTracer):
        mask = mask_of(where)
        shape = np.broadcast_shapes(mask.shape, result.shape)
        if shape != target.shape and repeated(mask, target.shape).shape != target.shape:
            raise ValueError(at_user_line(f"where= of shape {mask.shape} for {target.shape}"))
        if not np.can_cast(result.dtype, target.dtype, casting):
            raise TypeError(at_user_line(_cast_refused(result.dtype, target.dtype, casting)))
        new = result.node
        new = new if new.dtype == target.dtype else cast(new, dtype=target.dtype)
        result = traced(ew.where(mask, new, target.node))
    return _stored(target, inputs, result, references, casting)


def _laid_out_as(result: Any, order: Any) -> Any:
    if order == "K" or order is None or result.ndim < 2:
        return result
    if order.upper() in "CF":
        shape = result.shape
        strides = c_order(shape) if order.upper() == "C" else c_order(shape[::-1])[::-1]
        set_strides(result.node, strides)
    elif order.upper() == "A":
        set_strides(result.node, None)
    return result


def _loop_chosen(
    ufunc: Any, inputs: tuple[Any, ...], options: dict[str, Any], casting: Any
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Check dtype=, signature= and casting= as NumPy does, and cast what they ask to be cast."""
    signature = options.pop("signature", options.pop("sig", None))
    dtype = options.get("dtype")
    if dtype is None:
        options.pop("dtype", None)
    if signature is None and dtype is None and casting == "same_kind":
        return inputs, options
    if signature is None and dtype is not None:
        signature = (None,) * ufunc.nin + (np.dtype(dtype),) * ufunc.nout
    kinds = [_promoted_as(x) for x in inputs]
    chosen = {} if signature is None else {"signature": signature}
    try:
        resolved = ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout), casting=casting, **chosen)
    except TypeError as error:
        raise TypeError(at_user_line(f"np.{ufunc.__name__}: {error}")) from None
    if signature is not None:
        options.pop("dtype", None)
        inputs = tuple(
            traced(_as(node_of(x, wanted), wanted))
            for x, wanted in zip(inputs, resolved[: ufunc.nin], strict=True)
        )
    return inputs, options


def _as(node: Node, dtype: np.dtype[Any]) -> Node:
    return node if node.dtype == dtype else cast(node, dtype=dtype)


_PYTHON_KINDS: dict[str, Any] = {"f": float, "i": int, "u": int, "c": complex}


def _promoted_as(x: Any) -> Any:
    """Return the dtype of an operand, or the type of a Python number, which takes another's."""
    dtype = np.asarray(x).dtype if not hasattr(x, "dtype") else x.dtype
    if is_weak(x) and dtype.kind != "b":
        return _PYTHON_KINDS[dtype.kind]
    return dtype


_OF_REDUCTIONS = {"axis", "dtype", "initial", "keepdims", "where"}


def _of_reduction(ufunc: Any, options: dict[str, Any]) -> dict[str, Any]:
    unknown = options.keys() - _OF_REDUCTIONS
    if unknown:
        raise TypeError(
            at_user_line(f"np.{ufunc.__name__}.reduce takes no {', '.join(sorted(unknown))}")
        )
    dtype = options.get("dtype")
    if dtype is not None and np.dtype(dtype).char not in {
        kind.split("->")[1][0] for kind in ufunc.types
    }:
        raise TypeError(at_user_line(f"np.{ufunc.__name__} has no loop of dtype={dtype}"))
    return options


HOOKS["write_out"] = write_out
HOOKS["ufunc_options"] = call_with_options
