"""pure_callback and io_callback: Python functions that compiled code calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import tree
from ...errors import DtypeError, UnsupportedError, at_user_line, user_frame
from ...graph.node import apply, items
from ...graph.types import Type, check_dtype
from ...primitives.callback import HostFunction, callback
from ...trace.capture import as_array, to_user_arrays
from ...trace.operands import node_of
from ...trace.tracer import Tracer
from ...trace.tracing import first_token, follow_token, join_token, last_token, tracing


@dataclass(frozen=True)
class ShapeDtypeStruct:
    """Shape and dtype of an array that there is not yet, as `jax.ShapeDtypeStruct`.

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype
        Or whatever `numpy.dtype` takes, such as ``np.float32`` or ``"int64"``.

    Examples
    --------
    >>> import numpy as np
    >>> ShapeDtypeStruct((2, 3), np.float32).shape
    (2, 3)
    """

    shape: tuple[int, ...]
    dtype: Any


def pure_callback(f: Callable[..., Any], result_shapes: Any, *args: Any) -> Any:
    """Call a Python function of plain arrays, also from compiled code.

    For what chainrule does not know, such as a function of SciPy. Native code waits meanwhile: a
    call costs about 8 µs beside the function's work. As `jax.pure_callback`.

    Parameters
    ----------
    f : callable
        ``f(*args)`` is given NumPy arrays, copies of its own, and returns what `result_shapes`
        says. It must depend on nothing else and change nothing: it may be called more or less
        often than the program says, and not at all if its results are not used. It is never
        called while a function is traced.
    result_shapes : tree of arrays or `ShapeDtypeStruct`
        What `f` returns: anything with a shape and a dtype at the leaves. None for nothing.
    *args : trees of arrays

    Returns
    -------
    tree of arrays
        What `f` returned. A Python number takes the declared dtype.

    Raises
    ------
    ShapeError, DtypeError
        When `f` returns something else than declared. What `f` raises, a `KeyboardInterrupt`
        included, ends the compiled function at once and arrives as it is.
    GradientError
        If a derivative by an argument is asked for: where it is meant to be zero, call with
        ``stop_gradient(x)``.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import special
    >>> from chainrule.transforms import jit
    >>> @jit
    ... def twice_zeta(x):
    ...     return 2.0 * pure_callback(special.zeta, x, x)
    >>> twice_zeta(np.array([2.0, 4.0])).round(6).tolist()
    [3.289868, 2.164646]
    """
    return _call_back(f, result_shapes, args, pure=True)


def io_callback(f: Callable[..., Any], result_shapes: Any, *args: Any, ordered: bool = True) -> Any:
    """Call a Python function with effects, also from compiled code: once each time it is reached.

    For what happens outside of the graph: a step of an environment, a line of a log, a batch from
    a file. In loops (`scan`, `fori_loop`, `while_loop`) it is called in each iteration, in a
    branch of `cond` if that is taken, and never while a function is traced. It is called also if
    its results are not used, never twice for one use, and no derivative calls it again. As
    `jax.experimental.io_callback`.

    Parameters
    ----------
    f : callable
        ``f(*args)`` is given NumPy arrays, copies of its own, and returns what `result_shapes`
        says.
    result_shapes : tree of arrays or `ShapeDtypeStruct`
        What `f` returns: anything with a shape and a dtype at the leaves. None for nothing.
    *args : trees of arrays
    ordered : bool
        Whether ordered callbacks are called in the program's order. Default True. With False
        compiled code may call it before or after those beside it in the same function or body.

    Returns
    -------
    tree of arrays
        What `f` returned. A Python number takes the declared dtype.

    Raises
    ------
    ShapeError, DtypeError
        When `f` returns something else than declared. What `f` raises, a `KeyboardInterrupt`
        included, ends the compiled function at once and arrives as it is. A bound step has lost its
        state then.
    GradientError
        If a derivative by an argument is asked for that flows through the results: where it is
        meant to be zero, call with ``stop_gradient(x)``.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.transforms import jit, scan
    >>> log = []
    >>> @jit
    ... def total(xs):
    ...     def body(s, x):
    ...         io_callback(log.append, None, s + x)
    ...         return s + x, None
    ...     return scan(body, 0.0, xs)[0]
    >>> float(total(np.array([1.0, 2.0, 3.0]))), [float(s) for s in log]
    (6.0, [1.0, 3.0, 6.0])
    """
    return _call_back(f, result_shapes, args, pure=False, ordered=ordered)


def _call_back(
    f: Callable[..., Any], result_shapes: Any, args: Any, pure: bool, ordered: bool = True
) -> Any:
    leaves, arguments = tree.flatten(args)
    arrays = [as_array(x) for x in leaves]
    shapes, results = tree.flatten(result_shapes)
    types = tuple(_declared_type(x) for x in shapes)
    call = HostFunction(f, arguments, results, types, pure, user_line())
    if tracing.tokens is None and not any(isinstance(x, Tracer) for x in arrays):
        return tree.unflatten(results, to_user_arrays(call(arrays)))
    takes_any = pure or not ordered
    token = node_of(first_token() if takes_any else last_token())
    node = apply(callback, (token, *map(node_of, arrays)), {"call": call})
    if tracing.tokens is None and node.value is None:
        raise UnsupportedError(
            at_user_line("a callback is given a number of a function whose trace is over")
        )
    new_token, *values = items(node)
    if not pure:
        (follow_token if ordered else join_token)(new_token)
    return tree.unflatten(results, to_user_arrays(values))


def _declared_type(x: Any) -> Type:
    """Return the type that a leaf of `result_shapes` says."""
    if issubclass(type(x), (bool, int, float)):  # a tracer of a number is one for isinstance alone
        x = np.asarray(x)
    if not hasattr(x, "shape") or not hasattr(x, "dtype"):
        raise DtypeError(
            at_user_line(
                f"result_shapes has {type(x).__name__} {x!r:.40}: give arrays of the results' "
                "shapes and dtypes, or ShapeDtypeStruct(shape, dtype)"
            )
        )
    dtype = np.dtype(x.dtype)
    check_dtype(dtype)
    return Type(tuple(int(n) for n in x.shape), dtype)


def user_line() -> str:
    frame = user_frame()
    return "<unknown line>" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
