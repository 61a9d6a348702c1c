"""Functions whose derivatives their authors state: what `custom_vjp` and `custom_jvp` share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar

from ... import tree
from ...control.custom_call import CustomCall, apply_call
from ...errors import DtypeError, ShapeError, at_user_line, refusals
from ...graph.graph import Graph
from ...graph.node import Node, input_node
from ...graph.types import Type, is_complex
from ...trace.capture import as_array, to_user_arrays
from ...trace.operands import node_of
from ...trace.plain_numbers import carries_derivative
from ...trace.tracer import Tracer
from ...trace.tracing import tracing
from ...tracebacks import filters_traceback
from .rule_calls import (
    Arguments,
    BodyGraph,
    ClosureError,
    Signature,
    as_node,
    closure_error_by,
    graph_of_call,
    plain_operand,
    run_plainly,
)

P = ParamSpec("P")
R = TypeVar("R")


class RuledFunction(Generic[P, R]):
    """A function with rules for its derivatives; see `custom_vjp` and `custom_jvp`."""

    kind = "custom rule"

    def __init__(self, f: Callable[P, R], nondiff_argnums: int | Sequence[int] = ()) -> None:
        update_wrapper(self, f)
        self.function = f
        self.signature = Signature(f, nondiff_argnums, self.kind)

    @property
    def name(self) -> str:
        """The function's name."""
        return self.signature.name

    def new_call(self, arguments: Arguments) -> RuledCall:
        """Return one call of the function, to be entered into a graph."""
        raise NotImplementedError

    @filters_traceback
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        leaves, arguments = self.signature.split(args, kwargs)
        call = self.new_call(arguments)
        if not any(isinstance(x, Tracer) for x in leaves):
            result = self.of_positional(arguments.positional(leaves))
            tracers = [x.node for x in tree.leaves(result) if isinstance(x, Tracer)]
            if not any(x.value is None or carries_derivative(x) for x in tracers):
                return result  # type: ignore[no-any-return]
        nodes = [node_of(x) for x in leaves]
        results = self._of_known(call, nodes)
        if results is None:
            body = call.capture(nodes)
            results = apply_call(call, [*nodes, *body.outside], body.graph)
        return tree.unflatten(call.results, to_user_arrays(results))  # type: ignore[no-any-return]

    def of_positional(self, args: Sequence[Any]) -> Any:
        """Return what the function itself returns."""
        function: Callable[..., Any] = self.function
        return function(*args)

    @staticmethod
    def _of_known(call: RuledCall, nodes: Sequence[Node]) -> Sequence[Any] | None:
        """Return the results where all numbers are known; None where some are not."""
        if any(x.value is None for x in nodes):
            return None
        call.differentiated = any(carries_derivative(x) for x in nodes)
        before = refusals.latest
        try:
            if nodes:
                return apply_call(call, nodes)
        except ClosureError:
            if tracing.tokens is None:
                raise
            refusals.latest = before
        return None


class RuledCall(CustomCall):
    """One call of a function with rules.

    Attributes
    ----------
    results : TreeDef
        Of the function's result.
    closure : tuple of Node
        What the function read beside its arguments: operands after these.
    differentiated : bool
        Whether a derivative may be asked for when the function is called on known numbers.
    """

    kind = "custom rule"

    def __init__(self, owner: RuledFunction[Any, Any], arguments: Arguments) -> None:
        self.owner, self.arguments = owner, arguments
        self.name = owner.name
        self.results: Any = None
        self.closure: tuple[Node, ...] = ()
        self.differentiated = False

    @property
    def count(self) -> int:
        """How many of the operands are leaves of the arguments."""
        return len(self.arguments.weak)

    @property
    def fixed(self) -> list[Any]:
        """The arguments that are no arrays, as rules are handed them."""
        return list(self.arguments.fixed.values())

    def plain(self, inputs: Sequence[Any]) -> list[Any]:
        """Return the arguments' leaves as the functions of a rule are handed them."""
        return [plain_operand(x, w) for x, w in zip(inputs, self.arguments.weak, strict=False)]

    def closure_of(self, inputs: Sequence[Any]) -> dict[Node, Any]:
        """Return what the function may read beside its arguments, and what stands for it."""
        return dict(zip(self.closure, inputs[self.count :], strict=False))

    def check_closure(self, asked: Sequence[bool]) -> None:
        """Raise if a derivative by what is no argument is asked for."""
        if any(asked[self.count : self.count + len(self.closure)]):
            raise closure_error_by(f"{self.kind}: {self.name}")

    def capture(self, nodes: Sequence[Node]) -> BodyGraph:
        """Capture the function's graph over its operands."""

        def function(*leaves: Any) -> Any:
            return self.owner.of_positional(self.arguments.positional(leaves))

        body, _ = graph_of_call(self.name, function, nodes, self.arguments.weak)
        leaves, self.results = tree.flatten(body.result_of(body.graph.outputs))
        outputs = tuple([as_node(x, f"a result of {self.name}") for x in leaves])
        self.types = tuple([x.type for x in outputs])
        self.closure = body.outside
        return body._replace(graph=Graph(body.graph.inputs, outputs))

    def graph(self, types: Sequence[Type]) -> Graph:
        """Return the function's graph."""
        body = self.capture([input_node(t) for t in types])
        if body.outside:
            raise closure_error_by(f"{self.kind}: {self.name}")
        return body.graph

    def evaluate(self, *inputs: Any) -> Sequence[Any]:
        """Call the function on plain numbers."""
        result = run_plainly(
            self.owner.of_positional, self.arguments.positional(self.plain(inputs))
        )
        leaves, self.results = tree.flatten(result)
        arrays = [as_array(x, f"a result of {self.name}") for x in leaves]
        self.types = tuple([Type(x.shape, x.dtype) for x in arrays])
        return arrays

    def check_results(self, rule: str, result: Any, dtypes: bool = True) -> list[Any]:
        """Return the leaves of what a rule returned for the function's result, if it fits that."""
        leaves, structure = tree.flatten(result)
        if structure != self.results:
            raise ShapeError(
                at_user_line(
                    f"{rule} returned {structure}, where {self.name} returns {self.results}"
                )
            )
        for k, (x, wanted) in enumerate(zip(leaves, self.types, strict=True)):
            check_type(f"{rule} returned result {k} as", x, wanted, dtypes)
        return leaves


def check_type(said: str, x: Any, wanted: Type, dtypes: bool = False) -> None:
    """Raise unless what a rule returned can serve for an array of a type."""
    if not isinstance(x, Node):
        x = as_array(x, "what a custom rule returned")
    if x.shape != wanted.shape:
        raise ShapeError(at_user_line(f"{said} {Type(x.shape, x.dtype)}, where {wanted} is needed"))
    if is_complex(x.dtype) and not is_complex(wanted.dtype):
        raise DtypeError(at_user_line(f"{said} {Type(x.shape, x.dtype)}, where {wanted} is needed"))
    if dtypes and x.dtype != wanted.dtype:
        raise DtypeError(at_user_line(f"{said} {Type(x.shape, x.dtype)}, where {wanted} is needed"))
