"""grad, value_and_grad, vjp, jvp: call the function on fresh tracers, walk the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, TypeVarTuple, overload

import numpy as np

from ... import tree
from ...autodiff.forward import forward
from ...config import current
from ...errors import (
    DtypeError,
    GradientError,
    ShapeError,
    at_user_line,
)
from ...graph.node import Node
from ...graph.types import is_complex, is_float
from ...trace.capture import (
    as_array,
    to_user_arrays,
)
from ...trace.function_rules import as_int
from ...trace.operands import node_of
from ...trace.tracer import Tracer
from ...tracebacks import filter_traceback, filters_traceback
from .traced_call import TracedCall, zeros

A = TypeVar("A")
P = ParamSpec("P")
R = TypeVar("R")
Aux = TypeVar("Aux")
Primals = TypeVarTuple("Primals")


def differentiated_arguments(argnums: int | Sequence[int], count: int) -> list[int]:
    """Return the positions that `argnums` names, counted from the front."""
    if type(argnums) is int and 0 <= argnums < count:
        return [argnums]
    positions = [argnums] if isinstance(argnums, int) or not np.iterable(argnums) else list(argnums)
    for k in (as_int(k, "argnums") for k in positions):
        if not -count <= k < count:
            raise TypeError(
                at_user_line(f"argnums={k}, but there are {count} positional arguments")
            )
    chosen = [k % count for k in positions]
    if len(set(chosen)) != len(chosen):
        raise ValueError(at_user_line(f"argnums={argnums} names an argument twice"))
    return chosen


@overload
def value_and_grad(  # type: ignore[overload-overlap]
    f: Callable[Concatenate[A, P], R], argnums: Literal[0] = 0, has_aux: Literal[False] = False
) -> Callable[Concatenate[A, P], tuple[R, A]]: ...
@overload
def value_and_grad(  # type: ignore[overload-overlap]
    f: Callable[Concatenate[A, P], R], argnums: Literal[0] = 0, *, has_aux: Literal[True]
) -> Callable[Concatenate[A, P], tuple[R, A]]: ...
@overload
def value_and_grad(
    f: Callable[P, R], argnums: Sequence[int], has_aux: bool = False
) -> Callable[P, tuple[R, tuple[Any, ...]]]: ...
@overload
def value_and_grad(
    f: Callable[P, R], argnums: int | Sequence[int], has_aux: bool = False
) -> Callable[P, tuple[R, Any]]: ...
def value_and_grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Make a function that returns the value of `f` and its gradient.

    Parameters
    ----------
    f : callable
        Takes arrays, numbers or pytrees of them; returns a real scalar (shape ``()``), or
        ``(scalar, aux)`` if `has_aux`.
    argnums : int or sequence of int
        Which positional arguments to differentiate by. Default 0.
    has_aux : bool
        Whether `f` returns a second result that is not differentiated. Default False.

    Returns
    -------
    callable
        ``(value, gradient)``, or ``((value, aux), gradient)``. The gradient has the structure,
        shapes and dtypes of the argument, or is a tuple if `argnums` is a sequence.

    Raises
    ------
    DtypeError
        If an argument is of integers, truth values or text.
    GradientError
        If the result is not a scalar.

    Examples
    --------
    >>> import numpy as np
    >>> value, gradient = value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    >>> float(value), gradient.tolist()
    (5.0, [2.0, 4.0])
    """
    return _differentiated(f, argnums, has_aux, returns_value=True)


def _differentiated(
    f: Callable[..., Any], argnums: int | Sequence[int], has_aux: bool, returns_value: bool
) -> Callable[..., Any]:
    """Return the function of `value_and_grad`, or the same for a caller that drops the value."""

    @wraps(f)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        try:
            traced = TracedCall(
                f, args, differentiated_arguments(argnums, len(args)), kwargs, has_aux
            )
            if len(traced.outputs) != 1 or traced.outputs[0].shape != ():
                shapes = [node.shape for node in traced.outputs]
                raise GradientError(
                    at_user_line(
                        f"grad needs a function that returns one scalar; this one returned "
                        f"{shapes[0] if len(shapes) == 1 else shapes}: sum it, or use vjp"
                    )
                )
            output = traced.outputs[0]
            if not is_float(output.dtype):
                instead = ": take its real part or size, or use vjp" * is_complex(output.dtype)
                raise GradientError(
                    at_user_line(f"grad of a function that returns {output.dtype}{instead}")
                )
            gradients = traced.pullback([output.dtype.type(1)])
            gradient = gradients[0] if isinstance(argnums, int) else tuple(gradients)
            value = traced.result(returns_value)
            return ((value, traced.auxiliary()), gradient) if has_aux else (value, gradient)
        except Exception as error:
            filter_traceback(error)
            raise

    return differentiated


@overload
def grad(  # type: ignore[overload-overlap]
    f: Callable[Concatenate[A, P], Any], argnums: Literal[0] = 0, has_aux: Literal[False] = False
) -> Callable[Concatenate[A, P], A]: ...
@overload
def grad(
    f: Callable[Concatenate[A, P], tuple[Any, Aux]], argnums: Literal[0] = 0, *,
    has_aux: Literal[True],
) -> Callable[Concatenate[A, P], tuple[A, Aux]]: ...  # fmt: skip
@overload
def grad(
    f: Callable[P, Any], argnums: Sequence[int], has_aux: Literal[False] = False
) -> Callable[P, tuple[Any, ...]]: ...
@overload
def grad(
    f: Callable[P, Any], argnums: int | Sequence[int], has_aux: bool = False
) -> Callable[P, Any]: ...
def grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Make a function that returns the gradient of `f`; see `value_and_grad`.

    Examples
    --------
    >>> import numpy as np
    >>> float(grad(np.sin)(0.0))
    1.0
    >>> float(grad(grad(np.sin))(1.0)) == -float(np.sin(1.0))
    True
    """
    both = _differentiated(f, argnums, has_aux, returns_value=False)

    @wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        try:
            value, result = both(*args, **kwargs)
            return (result, value[1]) if has_aux else result
        except Exception as error:
            filter_traceback(error)
            raise

    return gradient


@filters_traceback
def vjp(
    f: Callable[[*Primals], R], *primals: *Primals
) -> tuple[R, Callable[[Any], tuple[*Primals]]]:
    """Return the value of `f`, and the function from cotangents of it to cotangents of `primals`.

    Examples
    --------
    >>> import numpy as np
    >>> y, pullback = vjp(lambda x: x * np.array([2.0, 3.0]), np.array([1.0, 1.0]))
    >>> y.tolist(), pullback(np.array([1.0, 10.0]))[0].tolist()
    ([2.0, 3.0], [2.0, 30.0])
    """
    traced = TracedCall(f, primals, range(len(primals)), {}, copy_inputs=True)

    def pullback(cotangent: Any) -> tuple[*Primals]:
        try:
            cotangents = matching_leaves(cotangent, traced.out_treedef, traced.outputs, "cotangent")
            cotangents = traced.pullback([node_or_value(g, traced.eager) for g in cotangents])
            return tuple(cotangents)
        except Exception as error:
            filter_traceback(error)
            raise

    # the pullback reads the results' values again: the caller gets copies
    return tree.map(lambda y: y.copy() if type(y) is np.ndarray else y, traced.result()), pullback


@overload
def jvp(
    f: Callable[[*Primals], R], primals: tuple[*Primals], tangents: Sequence[Any]
) -> tuple[R, R]: ...


@overload
def jvp(f: Callable[..., R], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[R, R]: ...


@filters_traceback
def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return the value of `f` and its derivative along `tangents`, in forward mode.

    Examples
    --------
    >>> import numpy as np
    >>> y, t = jvp(lambda x: x**2, (np.array([1.0, 2.0]),), (np.array([1.0, 0.5]),))
    >>> y.tolist(), t.tolist()
    ([1.0, 4.0], [2.0, 2.0])
    """
    traced = TracedCall(f, primals, range(len(primals)), {}, reverse_mode=False)
    flat = []
    if len(tangents) != len(primals):
        raise TypeError(at_user_line(f"{len(primals)} primals but {len(tangents)} tangents"))
    start = 0
    for treedef, tangent in zip(traced.treedefs, tangents, strict=True):
        stop = start + treedef.num_leaves
        flat += matching_leaves(tangent, treedef, traced.inputs[start:stop], "tangent")
        start = stop
    node_or_array = [node_or_value(t, traced.eager) for t in flat]
    values = traced.eager and not any(isinstance(t, Node) for t in node_or_array)
    with np.errstate(all="ignore"):
        result = forward(traced.outputs, traced.inputs, node_or_array, values=values)
    if values and current().nans:
        traced.check_derivative(forward, node_or_array, result, "tangent")
    pairs = zip(traced.outputs, result, strict=True)
    filled = to_user_arrays([zeros(y) if t is None else t for y, t in pairs])
    return traced.result(), tree.unflatten(traced.out_treedef, filled)


def node_or_value(x: Any, values: bool) -> Any:
    if isinstance(x, Tracer):
        return x.node
    return x if values else node_of(x)


def matching_leaves(value: Any, treedef: Any, nodes: Sequence[Node], role: str) -> list[Any]:
    leaves, structure = tree.flatten(value)
    if structure != treedef:
        raise TypeError(at_user_line(f"the {role} has structure {structure}, needed {treedef}"))
    result = []
    for leaf, node in zip(leaves, nodes, strict=True):
        array = as_array(leaf, f"the {role}")
        if array.shape != node.shape:
            raise ShapeError(
                at_user_line(f"a {role} of shape {array.shape} for a value of {node.shape}")
            )
        if is_complex(array.dtype) and not is_complex(node.dtype):
            raise DtypeError(at_user_line(f"a complex {role} for a value of {node.dtype}"))
        array = array if array.dtype == node.dtype else array.astype(node.dtype)
        if type(array) is np.ndarray:
            array = array.view()  # no result is the caller's own array
        result.append(array)
    return result
