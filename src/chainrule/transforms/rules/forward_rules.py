"""custom_jvp: a function whose derivative along a direction is stated by its author."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np

from ... import tree
from ...autodiff.reverse import reverse
from ...errors import GradientError, ShapeError, at_user_line
from ...graph.evaluate import call
from ...graph.graph import Graph
from ...graph.node import Node, constant, input_node, reachable
from ...graph.types import Type, is_inexact
from ...primitives.callback import FIRST_TOKEN
from .rule_calls import Arguments, allowed, as_node, body_graph, run_on_nodes, run_plainly
from .ruled_function import RuledCall, RuledFunction

P = ParamSpec("P")
R = TypeVar("R")
Rule = Callable[..., tuple[Any, Any]]


class CustomJvpFunction(RuledFunction[P, R]):
    """A function with a rule for forward mode; see `custom_jvp`."""

    kind = "custom_jvp"
    rule: Rule | None = None

    def defjvp(self, rule: Rule) -> Rule:
        """State the rule, also as a decorator.

        Parameters
        ----------
        rule : callable
            ``rule(*nondiff, primals, tangents) -> (result, tangent)``, with a tuple of the
            arguments but those of `nondiff_argnums`, and one of their tangents, zeros where nothing
            moves. It must be linear in the tangents.
        """
        if not callable(rule):
            raise TypeError(at_user_line(f"defjvp: the rule is {type(rule).__name__}"))
        self.rule = rule
        return rule

    def defjvps(self, *rules: Callable[..., Any] | None) -> None:
        """State a rule for each argument: ``rule(tangent, result, *primals) -> tangent``.

        Their results are added; None stands for an argument by which the derivative is zero.
        """
        if self.signature.has_fixed:
            raise TypeError(at_user_line("defjvps goes without nondiff_argnums: use defjvp"))

        def rule(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
            if len(rules) != len(primals):
                raise ShapeError(
                    at_user_line(
                        f"custom_jvp: {len(rules)} rules for the {len(primals)} arguments of "
                        f"{self.name}"
                    )
                )
            result = self(*primals)  # type: ignore[call-arg]
            total = tree.map(np.zeros_like, result)
            for along, t in zip(rules, tangents, strict=True):
                if along is not None:
                    total = tree.map(np.add, total, along(t, result, *primals))
            return result, total

        self.rule = rule

    def new_call(self, arguments: Arguments) -> RuledCall:
        """Return one call of the function."""
        if self.rule is None:
            raise TypeError(
                at_user_line(f"custom_jvp: {self.name} has no rule yet: call {self.name}.defjvp")
            )
        return _JvpCall(self, arguments)


class _JvpCall(RuledCall):
    """One call of a function with a rule for forward mode; reverse mode is its transpose."""

    kind = "custom_jvp"

    def __init__(self, owner: CustomJvpFunction[Any, Any], arguments: Arguments) -> None:
        super().__init__(owner, arguments)
        self.rule: Any = owner.rule
        self._said = f"custom_jvp: the rule of {self.name}"

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """Call the rule."""
        self.check_closure([t is not None for t in tangents])
        n = self.count
        filled = [
            np.zeros(x.shape, x.dtype)[()] if t is None else t
            for x, t in zip(inputs[:n], tangents, strict=False)
        ]
        if not any(isinstance(x, Node) for x in (*inputs, *filled)):
            return self._tangents(run_plainly(self._along, self.plain(inputs), filled))

        def function(*tracers: Any) -> list[Any]:
            return self._tangents(self._along(tracers[:n], tracers[n:]))

        operands = [_node(x) for x in (*inputs[:n], *filled)]
        weak = [*self.arguments.weak, *[False] * n]
        pushed = run_on_nodes(self.name, function, operands, weak, self.closure_of(inputs))
        return [as_node(t, "a tangent") for t in pushed]

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """Transpose the rule, which is linear in the tangents."""
        self.check_closure(needed)
        n = self.count
        moving = [k for k in range(n) if needed[k]]
        asked = [k for k, g in enumerate(cotangents) if g is not None]
        on_nodes = any(isinstance(x, Node) for x in (*inputs, *cotangents))
        primals = [_node(x) for x in inputs[:n]] if on_nodes else []
        plain = [] if on_nodes else self.plain(inputs)
        zeros = [np.zeros(x.shape, x.dtype)[()] for x in inputs[:n]]

        def function(*tracers: Any) -> list[Any]:
            tangents = list(zeros)
            for k, t in zip(moving, tracers[len(primals) :], strict=True):
                tangents[k] = t
            values = tracers[: len(primals)] if on_nodes else plain
            pushed = self._tangents(self._along(values, tangents))
            return [pushed[k] for k in asked]

        directions = [input_node(Type(zeros[k].shape, zeros[k].dtype)) for k in moving]
        weak = self.arguments.weak if on_nodes else ()
        body = body_graph(
            self.name, function, [*primals, *directions], [*weak, *[False] * len(moving)]
        )
        closure = self.closure_of(inputs)
        outside = [allowed(node, closure) for node in body.outside]
        if not on_nodes:
            outside = [x.value if isinstance(x, Node) else x for x in outside]
        token = [FIRST_TOKEN] * body.takes_token
        back = self._transposed(
            body.graph, len(primals), moving, body.result_of(body.graph.outputs)
        )
        arguments = [
            *primals, *[zeros[k] for k in moving], *outside, *token,
            *[cotangents[k] for k in asked],
        ]  # fmt: skip
        passed: list[Any] = [None] * len(inputs)
        for k, c in zip(moving, call(back, arguments), strict=True):
            passed[k] = c
        return passed

    def _along(self, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
        arguments = self.arguments.primals(primals), self.arguments.primals(tangents)
        return self.rule(*self.fixed, *arguments)

    def _tangents(self, result: Any) -> list[Any]:
        """Return the leaves of the tangent that the rule returned."""
        if type(result) is not tuple or len(result) != 2:
            raise ShapeError(
                at_user_line(
                    f"{self._said} must return a pair, (result, tangent): it returned "
                    f"{tree.structure(result)}"
                )
            )
        return self.check_results(f"{self._said} (its tangent)", result[1], dtypes=False)

    def _transposed(
        self, graph: Graph, start: int, moving: Sequence[int], pushed: Sequence[Any]
    ) -> Graph:
        """Return the graph of cotangents of the directions, for those of the rule's tangents."""
        sources = list(graph.inputs[start : start + len(moving)])
        outputs = [_node(t) for t in pushed]
        seeds = [input_node(node.type) for node in outputs]
        floats = [k for k, node in enumerate(outputs) if is_inexact(node.dtype)]
        pulled = reverse([outputs[k] for k in floats], sources, [seeds[k] for k in floats])
        back = [
            constant(np.zeros(x.shape, x.dtype)) if c is None else c
            for c, x in zip(pulled, sources, strict=True)
        ]
        if not set(sources).isdisjoint(reachable(back)):
            raise GradientError(
                at_user_line(
                    f"{self._said} is not linear in the tangents, so that it has no derivative in "
                    "reverse mode"
                )
            )
        return Graph((*graph.inputs, *seeds), tuple(back))


def _node(x: Any) -> Node:
    return x if isinstance(x, Node) else constant(np.asarray(x))


def custom_jvp(
    f: Callable[P, R], nondiff_argnums: int | Sequence[int] = ()
) -> CustomJvpFunction[P, R]:
    """Make a function whose derivative along a direction is the one that you state.

    Reverse mode follows: it is the transpose of the rule. As `jax.custom_jvp`, also as a decorator.

    Parameters
    ----------
    f : callable
        Takes and returns pytrees of arrays and numbers. Where their numbers are known (without
        `jit`, outside of loops) `f` and its rule are handed plain arrays. All arguments are taken
        by position, with their defaults filled in.
    nondiff_argnums : int or sequence of int
        Positions of arguments that are no arrays, such as functions or sizes. Default none.

    Returns
    -------
    CustomJvpFunction
        Its `defjvp(rule)` states the rule, ``rule(*nondiff, primals, tangents) -> (result,
        tangent)``; `defjvps` states one for each argument.

    Raises
    ------
    GradientError
        Where a derivative is asked for by a traced array that `f` reads by its closure, or the rule
        is not linear in the tangents, in reverse mode.
    ShapeError, DtypeError
        If the rule returns another structure, or other shapes, than it should.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.transforms import grad, jvp
    >>> @custom_jvp
    ... def sinc(x):
    ...     return np.sin(x) / x if x != 0.0 else x * 0.0 + 1.0
    >>> @sinc.defjvp
    ... def rule(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     slope = (np.cos(x) - sinc(x)) / x if x != 0.0 else 0.0
    ...     return sinc(x), slope * t
    >>> float(grad(sinc)(0.0)), jvp(sinc, (np.pi,), (1.0,))[1].round(6).item()
    (0.0, -0.31831)
    """
    return CustomJvpFunction(f, nondiff_argnums)
