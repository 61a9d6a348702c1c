"""vmap: a function of one example becomes a function of a batch of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NamedTuple, ParamSpec

import numpy as np

from ... import tree
from ...autodiff.batching import batch
from ...config import current
from ...errors import ShapeError, UnsupportedError, at_user_line
from ...graph.graph import Graph
from ...graph.node import Node, constant
from ...graph.types import Type
from ...primitives.callback import callback
from ...primitives.declare import spread
from ...primitives.structure import axis_from_front, axis_to_front
from ...trace.aliasing import check_no_alias
from ...trace.capture import (
    Captured,
    as_array,
    capture,
    new_leaf,
    to_user_arrays,
)
from ...trace.tracer import ArrayTracer, Tracer
from ...trace.tracing import first_token, follow_token, last_token
from ...tracebacks import filters_traceback
from ..looping.loops import node_or_array
from ..nan_checks.nonfinite import check_operation
from .axes import axes_of_leaves, normal_axis, size_of_batch

P = ParamSpec("P")


def vmap(f: Callable[P, Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[P, Any]:
    """Make a function that applies `f` to each example of a batch, all at once.

    ``vmap(f)(xs)`` is ``np.stack([f(x) for x in xs])``, as one program over whole arrays: `f` is
    traced once, for one example, and each operation of it becomes one of the batch. As `jax.vmap`.

    Parameters
    ----------
    f : callable
        Takes and returns pytrees of arrays and numbers. It is traced on one example without
        numbers: of a branch on a value (``if x > 0``) both sides become a `cond`, and are computed
        for all examples. What it writes into its arguments it writes into copies.
    in_axes : int, None, or tuple
        Which axis of each argument counts the examples; None says that all examples share the
        argument. One number for all positional arguments, or a tuple with an entry for each, which
        may be a tree like the argument with numbers (and None) in place of branches or leaves.
        Arguments by name are mapped along axis 0. Default 0.
    out_axes : int, None, or tree
        Where the results have that axis; None for a result that is the same for all examples, and
        must be. Default 0.

    Returns
    -------
    callable
        Its results have one more axis than those of `f`. Outside of `jit` it computes with NumPy;
        ``jit(vmap(f))`` compiles it.

    Raises
    ------
    ShapeError
        If arguments differ in the number of examples, have no such axis, or a result that differs
        has None in `out_axes`.
    TypeError
        If `in_axes` or `out_axes` are no such trees.
    AbstractValueError
        If `f` needs the numbers of an example, for instance as a shape, or the sides of a branch
        return different kinds of results.
    UnsupportedError
        If several calls of `io_callback` would come in another order than in a loop.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.transforms import grad
    >>> xs = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> vmap(np.dot, in_axes=(0, None))(xs, np.array([1.0, 10.0])).tolist()
    [21.0, 43.0, 65.0]

    Gradients of each example's loss:

    >>> def loss(w, x, y):
    ...     return (np.dot(w, x) - y) ** 2
    >>> w, ys = np.array([0.5, 0.5]), np.array([1.0, 3.5, 5.0])
    >>> vmap(grad(loss), in_axes=(None, 0, 0))(w, xs, ys).tolist()
    [[1.0, 2.0], [0.0, 0.0], [5.0, 6.0]]
    """
    if not callable(f):
        raise TypeError(at_user_line(f"vmap of {type(f).__name__} {f!r:.40}: give a function"))

    @wraps(f)
    @filters_traceback
    def of_batch(*args: Any, **kwargs: Any) -> Any:
        leaves, treedef = tree.flatten((args, kwargs))
        axes = axes_of_leaves(in_axes, args, kwargs)
        names = tree.paths((args, kwargs))
        size, axes = size_of_batch(leaves, axes, names)
        call = _MappedCall(f, leaves, treedef, axes)
        captured = call.captured()
        outputs = _batch_of(captured, call.columns(), size)
        results = _with_out_axes(outputs, captured.out_treedef, out_axes, size)
        return tree.unflatten(captured.out_treedef, to_user_arrays(results))

    return of_batch


class _MappedCall:
    """A call with a batch: which leaves of its arguments are mapped, and along which axes."""

    def __init__(
        self, f: Callable[..., Any], leaves: list[Any], treedef: Any, axes: list[int | None]
    ) -> None:
        self.f, self.leaves, self.treedef, self.axes = f, leaves, treedef, axes
        self.mapped = [k for k, axis in enumerate(axes) if axis is not None]
        self.shared: list[tuple[int, Node, Tracer]] = []

    def columns(self) -> list[Any]:
        """Return the mapped leaves, nodes or arrays, with the axis of the examples first."""
        return [
            axis_to_front(node_or_array(self.leaves[k]), self.axes[k] or 0) for k in self.mapped
        ]

    def captured(self) -> Captured:
        """Return the graph of the function of one example."""
        types, examples = [], []
        for k in self.mapped:
            x, axis = as_array(self.leaves[k]), self.axes[k] or 0
            types.append(Type((*x.shape[:axis], *x.shape[axis + 1 :]), x.dtype))
            plain = type(x) is np.ndarray and x.shape[axis] > 0
            examples.append(x[(slice(None),) * axis + (0,)] if plain else None)
        treedef = tree.structure(tuple([0.0] * len(self.mapped)))

        def of_example(*tracers: Any) -> Any:
            return self._of_example(tracers)

        of_example.__wrapped__ = self.f  # type: ignore[attr-defined]
        # Examples may take unlike ways through the function: its branches become graphs, and a
        # trace that follows the numbers of one of them (`captured.guards`) would not do.
        captured = capture(of_example, types, treedef, examples=examples, joins=True)
        written = [self.mapped[k] for k in captured.written]
        written += [k for k, node, tracer in self.shared if tracer.node is not node]
        if written:
            check_no_alias([self.leaves[k] for k in written], self.leaves)
        return captured

    def _of_example(self, examples: Sequence[Any]) -> Any:
        """Call the function with tracers of one example."""
        leaves = list(self.leaves)
        for k, example in zip(self.mapped, examples, strict=True):
            leaves[k] = example
        self.shared = []
        for k, axis in enumerate(self.axes):
            if axis is None and (pair := _shared_leaf(leaves[k])) is not None:
                leaves[k] = pair[1]
                self.shared.append((k, *pair))
        args, kwargs = tree.unflatten(self.treedef, leaves)
        return self.f(*args, **kwargs)


def _shared_leaf(x: Any) -> tuple[Node, Tracer] | None:
    """Return a tracer for an array that all examples share, which the function may write into."""
    if isinstance(x, Tracer):
        return new_leaf(x)
    if type(x) is np.ndarray:
        node = constant(x.view())
        return node, ArrayTracer(node)
    return None


class _Outputs(NamedTuple):
    """Results of a batch: nodes or arrays, and which have a leading axis of examples."""

    values: list[Any]
    batched: list[bool]


def _batch_of(captured: Captured, columns: list[Any], size: int) -> _Outputs:
    """Return what the function of one example gives for all of them."""
    graph = captured.graph
    if captured.has_effects:
        _check_order_of_effects(graph)
    operands = [*columns, *captured.outside]
    if captured.reads_token:
        operands.append(last_token() if captured.has_effects else first_token())
    batched = [True] * len(columns) + [False] * (len(operands) - len(columns))
    with np.errstate(all="ignore"):
        results = batch(graph, operands, batched, size)
    if captured.has_effects:
        *results, token = results
        follow_token(token.value)
    elif current().nans:

        def repeated(xs: list[Any]) -> list[Any]:
            return [y.value for y in batch(graph, xs, batched, size)]

        check_operation("vmap", repeated, operands, [y.value for y in results])
    return _Outputs([y.value for y in results], [y.batched for y in results])


def _check_order_of_effects(graph: Graph) -> None:
    """Raise if a callback with effects comes after another one.

    A loop would make all calls of one example before those of the next.
    """
    for node in graph.nodes:
        has_effects = node.primitive is callback and not node.params["call"].pure
        if has_effects and node.inputs[0] not in graph.inputs:
            raise UnsupportedError(
                at_user_line(
                    "vmap of a function with several io_callbacks in order: each would be called "
                    "for all examples before the next one, and not example by example. Join them "
                    "in one, say ordered=False, or loop over the examples with scan"
                )
            )


def _with_out_axes(outputs: _Outputs, treedef: Any, out_axes: Any, size: int) -> list[Any]:
    """Return the results with the axis of examples where it is wanted."""
    axes = tree.broadcast_prefix(out_axes, treedef, "out_axes")
    results = []
    for value, batched, axis in zip(outputs.values, outputs.batched, axes, strict=True):
        if axis is None:
            if batched:
                raise ShapeError(
                    at_user_line(
                        "out_axes is None for a result that differs between the examples: say at "
                        "which axis they lie, such as 0"
                    )
                )
            results.append(value)
            continue
        (y,) = spread(size, [batched], [value])
        results.append(axis_from_front(y, normal_axis(axis, len(y.shape), "out_axes", "a result")))
    return results
