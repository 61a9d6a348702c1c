"""while_loop and cond: what numbers decide under jit, as one node in the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, TypeVarTuple

import numpy as np

from .. import tree
from ..control.cond import run_cond
from ..control.while_loop import run_while
from ..errors import DtypeError, ShapeError, at_user_line
from ..graph.graph import Graph
from ..graph.node import Node, input_node
from ..graph.types import Type
from ..trace.capture import as_array, capture, check_no_alias, to_user_arrays, type_of
from ..trace.operands import is_weak
from .loops import as_dtype, example_without_layout, node_or_array

C = TypeVar("C")
R = TypeVar("R")
Operands = TypeVarTuple("Operands")


def while_loop(cond_fun: Callable[[C], Any], body_fun: Callable[[C], C], init_val: C) -> C:
    """Run ``while cond_fun(val): val = body_fun(val)`` as one node in the graph.

    Without `jit` an ordinary ``while`` does the same and can be differentiated in both modes.

    Parameters
    ----------
    cond_fun : callable
        ``cond_fun(val)`` is one truth value.
    body_fun : callable
        ``body_fun(val) -> val``; it keeps its structure, shapes and dtypes.
    init_val : pytree
        The first value.

    Returns
    -------
    pytree
        The value for which the condition no longer holds.

    Raises
    ------
    ShapeError, DtypeError
        If the value changes its structure, shape or dtype, or the condition is not one truth
        value.
    GradientError
        In reverse mode: use `jvp`, or `scan` with a bound.

    Examples
    --------
    >>> float(while_loop(lambda x: x < 100.0, lambda x: x * 2.0, 1.0))
    128.0
    """
    carry, carry_def = tree.flatten(init_val)
    args_def = tree.structure((init_val,))
    types = [type_of(x) for x in carry]
    examples = [*map(example_without_layout, carry)]
    body, out_def, read, written, _ = capture(
        body_fun, types, args_def, [is_weak(x) for x in carry], examples
    )
    if written:
        check_no_alias([carry[k] for k in written], carry)
    after = _after(body, out_def, carry, carry_def)
    if list(after) != types:
        carry = [as_dtype(x, t.dtype) for x, t in zip(carry, after, strict=True)]
        body, out_def, read, *_ = capture(body_fun, after, args_def, examples=examples)
        _after(body, out_def, carry, carry_def)
    cond, _, asked, *_ = capture(cond_fun, after, args_def, examples=examples)
    _check_predicate("while_loop", [node.type for node in cond.outputs])
    results = run_while([*map(node_or_array, carry), *asked, *read], cond=cond, body=body)
    return tree.unflatten(carry_def, to_user_arrays(results))  # type: ignore[no-any-return]


def cond(
    pred: Any,
    true_fun: Callable[[*Operands], R],
    false_fun: Callable[[*Operands], R],
    *operands: *Operands,
) -> R:
    """Run ``true_fun(*operands) if pred else false_fun(*operands)`` as one node in the graph.

    Only the branch that is taken is computed; `numpy.where` computes both. Without `jit` an
    ordinary ``if`` does the same.

    Parameters
    ----------
    pred : bool or array of shape ()
    true_fun, false_fun : callable
        Both return the same structure, shapes and dtypes.
    *operands : pytree
        What the chosen one is given.

    Returns
    -------
    pytree
        What it returns.

    Raises
    ------
    ShapeError, DtypeError
        If the branches differ in what they return, or `pred` is not one number.

    Examples
    --------
    >>> float(cond(True, lambda x: x * 2.0, lambda x: x / 2.0, 3.0))
    6.0
    """
    leaves, args_def = tree.flatten(operands)
    types = [type_of(x) for x in leaves]
    weak = [is_weak(x) for x in leaves]
    predicate = as_array(pred, "the predicate")
    _check_predicate("cond", [type_of(predicate)])
    examples = [*map(example_without_layout, leaves)]
    true, true_def, true_reads, wrote_in_true, _ = capture(
        true_fun, types, args_def, weak, examples
    )
    false, false_def, false_reads, wrote_in_false, _ = capture(
        false_fun, types, args_def, weak, examples
    )
    if wrote_in_true or wrote_in_false:
        check_no_alias([leaves[k] for k in {*wrote_in_true, *wrote_in_false}], leaves)
    if true_def != false_def:
        raise ShapeError(
            at_user_line(f"cond: one branch returns {true_def} and the other {false_def}")
        )
    outside = tuple(dict.fromkeys((*true_reads, *false_reads)))
    branches = [_over(true, true_reads, outside), _over(false, false_reads, outside)]
    operand_nodes = [node_or_array(predicate), *map(node_or_array, leaves), *outside]
    results = run_cond(operand_nodes, true=branches[0], false=branches[1])
    return tree.unflatten(true_def, to_user_arrays(results))  # type: ignore[no-any-return]


def _over(branch: Graph, reads: Sequence[Node], outside: Sequence[Node]) -> Graph:
    """Return the branch over its operands and all that either branch reads from outside."""
    count = len(branch.inputs) - len(reads)
    inside = dict(zip(reads, branch.inputs[count:], strict=True))
    rest = [inside.get(node) or input_node(node.type) for node in outside]
    return Graph((*branch.inputs[:count], *rest), branch.outputs)


def _after(body: Graph, out_def: Any, carry: Sequence[Any], carry_def: Any) -> Sequence[Type]:
    """Return the value's types after one iteration, checked against those before it."""
    if out_def != carry_def:
        raise ShapeError(
            at_user_line(f"while_loop: the value was {carry_def} and became {out_def}")
        )
    for x, new in zip(carry, body.output_types, strict=True):
        old = type_of(x)
        if new.shape != old.shape or (new.dtype != old.dtype and not is_weak(x)):
            raise DtypeError(
                at_user_line(
                    f"while_loop: a value of {old} became {new}; cast it, or begin with it"
                )
            )
    return body.output_types


def _check_predicate(transformation: str, types: Sequence[Type]) -> None:
    if len(types) != 1 or types[0].shape != () or types[0].dtype != np.bool_:
        listed = ", ".join(map(str, types))
        raise DtypeError(
            at_user_line(f"{transformation}: the condition is {listed}; give one truth value")
        )
