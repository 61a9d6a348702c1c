"""while_loop and cond: what numbers decide under jit, as one node in the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar, TypeVarTuple

import numpy as np

from ... import tree
from ...control.cond import giving_effects, run_cond
from ...control.while_loop import run_while
from ...errors import DtypeError, ShapeError, at_user_line
from ...graph.graph import Graph
from ...graph.node import Node, input_node
from ...graph.types import Type
from ...primitives.callback import TOKEN
from ...trace.aliasing import check_no_alias
from ...trace.capture import (
    Captured,
    as_array,
    capture,
    to_user_arrays,
    type_of,
)
from ...trace.operands import is_weak
from ...trace.tracing import first_token, follow_token, last_token
from ...tracebacks import filters_traceback
from ..nan_checks.nonfinite import checked_operation
from .loops import as_dtype, example_without_layout, node_or_array

C = TypeVar("C")
R = TypeVar("R")
Operands = TypeVarTuple("Operands")


@filters_traceback
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
    weak = [is_weak(x) for x in carry]
    body = capture(body_fun, types, args_def, weak, examples, joins=True)
    if body.written:
        check_no_alias([carry[k] for k in body.written], carry)
    after = _after(body, carry, carry_def)
    if list(after) != types:
        carry = [as_dtype(x, t.dtype) for x, t in zip(carry, after, strict=True)]
        body = capture(body_fun, after, args_def, examples=examples, joins=True)
        _after(body, carry, carry_def)
    cond = capture(cond_fun, after, args_def, examples=examples, joins=True)
    if cond.has_effects:
        start: C = tree.unflatten(carry_def, carry)
        return _with_carried_condition(cond_fun, body_fun, start)
    _check_predicate("while_loop", [node.type for node in cond.graph.outputs])
    results = _run_while(cond, body, [*map(node_or_array, carry)])
    return tree.unflatten(carry_def, to_user_arrays(results))  # type: ignore[no-any-return]


def _run_while(cond: Captured, body: Captured, carry: list[Any]) -> list[Any]:
    """Return the last carries; a token of callbacks in the body is one more, the last one."""
    asked = [*cond.outside, *[first_token()] * cond.reads_token]
    if not body.has_effects:
        read = [*body.outside, *[first_token()] * body.reads_token]
        loop = partial(run_while, cond=cond.graph, body=body.graph)
        return checked_operation("while_loop", loop, [*carry, *asked, *read])
    n = len(carry)
    *inputs, token = body.graph.inputs
    with_token = Graph((*inputs[:n], token, *inputs[n:]), body.graph.outputs)
    asking = cond.graph.inputs
    unread = input_node(token.type)
    cond_graph = Graph((*asking[:n], unread, *asking[n:]), cond.graph.outputs)
    operands = [*carry, last_token(), *asked, *body.outside]
    *results, last = run_while(operands, cond=cond_graph, body=with_token)
    follow_token(last)
    return results


def _with_carried_condition(
    cond_fun: Callable[[C], Any], body_fun: Callable[[C], C], init_val: C
) -> C:
    """Run a loop whose condition has effects: asked before it, and at the end of an iteration."""

    def step(state: tuple[C, Any]) -> tuple[C, Any]:
        value = body_fun(state[0])
        return value, cond_fun(value)

    last: C
    last, _ = while_loop(lambda state: state[1], step, (init_val, cond_fun(init_val)))
    return last


@filters_traceback
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
    branches = [
        capture(function, types, args_def, weak, examples, joins=True)
        for function in (true_fun, false_fun)
    ]
    written = {k for branch in branches for k in branch.written}
    if written:
        check_no_alias([leaves[k] for k in written], leaves)
    true_def, false_def = (branch.out_treedef for branch in branches)
    if true_def != false_def:
        raise ShapeError(
            at_user_line(f"cond: one branch returns {true_def} and the other {false_def}")
        )
    results = _run_cond(branches, [node_or_array(predicate), *map(node_or_array, leaves)])
    return tree.unflatten(true_def, to_user_arrays(results))  # type: ignore[no-any-return]


def _run_cond(branches: Sequence[Captured], operands: list[Any]) -> list[Any]:
    """Return the results; that of a branch with effects is a token, too, as that of the other."""
    outside = tuple(dict.fromkeys(node for branch in branches for node in branch.outside))
    reads_token = any(branch.reads_token for branch in branches)
    has_effects = any(branch.has_effects for branch in branches)
    true, false = (_over(branch, outside, reads_token, has_effects) for branch in branches)
    operands = [*operands, *outside]
    if not has_effects:
        operands += [first_token()] * reads_token
        return checked_operation("cond", partial(run_cond, true=true, false=false), operands)
    operands.append(last_token())
    n_results = len(true.outputs)
    if any(isinstance(x, Node) for x in operands):
        true, false = giving_effects(true, false)
    results = run_cond(operands, true=true, false=false)
    follow_token(results[n_results - 1])
    return list(results[: n_results - 1])


def _over(branch: Captured, outside: Sequence[Node], takes_token: bool, gives_token: bool) -> Graph:
    """Return the branch over its operands, all that either one reads from outside, and a token."""
    inputs, outputs = branch.graph.inputs, branch.graph.outputs
    token = inputs[-1] if branch.reads_token else input_node(TOKEN)
    count = len(inputs) - len(branch.outside) - branch.reads_token
    inside = dict(zip(branch.outside, inputs[count:], strict=False))
    rest = [inside.get(node) or input_node(node.type) for node in outside]
    if gives_token and not branch.has_effects:
        outputs = (*outputs, token)
    return Graph((*inputs[:count], *rest, *[token] * takes_token), outputs)


def _after(body: Captured, carry: Sequence[Any], carry_def: Any) -> Sequence[Type]:
    """Return the value's types after one iteration, checked against those before it."""
    if body.out_treedef != carry_def:
        raise ShapeError(
            at_user_line(f"while_loop: the value was {carry_def} and became {body.out_treedef}")
        )
    after = body.graph.output_types[: len(carry)]
    for x, new in zip(carry, after, strict=True):
        old = type_of(x)
        if new.shape != old.shape or (new.dtype != old.dtype and not is_weak(x)):
            raise DtypeError(
                at_user_line(
                    f"while_loop: a value of {old} became {new}; cast it, or begin with it"
                )
            )
    return after


def _check_predicate(transformation: str, types: Sequence[Type]) -> None:
    if len(types) != 1 or types[0].shape != () or types[0].dtype != np.bool_:
        listed = ", ".join(map(str, types))
        raise DtypeError(
            at_user_line(f"{transformation}: the condition is {listed}; give one truth value")
        )
