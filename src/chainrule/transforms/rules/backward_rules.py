"""custom_vjp: a function whose derivative in reverse mode is stated by its author."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import local
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np

from ... import tree
from ...autodiff.forward import forward
from ...errors import DtypeError, GradientError, ShapeError, at_user_line
from ...graph.node import Node, constant, input_node
from ...graph.types import Type, is_inexact
from ...trace.capture import as_array, identity_of
from .rule_calls import Arguments, as_node, run_on_nodes, run_plainly
from .ruled_function import RuledCall, RuledFunction, check_type

P = ParamSpec("P")
R = TypeVar("R")
_FLOAT0 = np.dtype([("float0", "V")])  # JAX's dtype of derivatives by integers


class CustomVjpFunction(RuledFunction[P, R]):
    """A function with a rule for reverse mode; see `custom_vjp`."""

    kind = "custom_vjp"
    fwd: Callable[..., tuple[Any, Any]] | None = None
    bwd: Callable[..., Any] | None = None

    def defvjp(self, fwd: Callable[..., tuple[Any, Any]], bwd: Callable[..., Any]) -> None:
        """State the rule.

        Parameters
        ----------
        fwd : callable
            ``fwd(*args) -> (result, residuals)`` takes what the function takes and returns, beside
            its result, whatever `bwd` needs.
        bwd : callable
            ``bwd(*nondiff, residuals, cotangent) -> cotangents``: from a cotangent of the result
            to a tuple of one for each argument but those of `nondiff_argnums`, which come first.
            None stands for zeros, and is what arguments of integers have.
        """
        for name, rule in (("fwd", fwd), ("bwd", bwd)):
            if not callable(rule):
                raise TypeError(at_user_line(f"defvjp: {name} is {type(rule).__name__}"))
        self.fwd, self.bwd = fwd, bwd

    def new_call(self, arguments: Arguments) -> RuledCall:
        """Return one call of the function."""
        if self.fwd is None or self.bwd is None:
            raise TypeError(
                at_user_line(f"custom_vjp: {self.name} has no rule yet: call {self.name}.defvjp")
            )
        return _VjpCall(self, arguments)


class _ActiveRules(local):
    """The functions whose rules are running."""

    owners: frozenset[Any] = frozenset()


_active_rules = _ActiveRules()


@contextmanager
def _running_rule_of(owner: Any) -> Iterator[None]:
    before = _active_rules.owners
    _active_rules.owners = before | {owner}
    try:
        yield
    finally:
        _active_rules.owners = before


class _Remembered(NamedTuple):
    """What the forward function of a rule gave for some inputs: arrays, or nodes."""

    inputs: tuple[Any, ...]
    results: list[Any]
    residuals: Any

    def is_of(self, inputs: Sequence[Any]) -> bool:
        """Return whether it is of these inputs, and not of others like them."""
        return len(inputs) == len(self.inputs) and all(
            x is y for x, y in zip(inputs, self.inputs, strict=True)
        )


class _VjpCall(RuledCall):
    """One call of a function with a rule for reverse mode."""

    kind = "custom_vjp"

    def __init__(self, owner: CustomVjpFunction[Any, Any], arguments: Arguments) -> None:
        super().__init__(owner, arguments)
        self.fwd: Any = owner.fwd
        self.bwd: Any = owner.bwd
        self._plain: _Remembered | None = None
        self._nodes: _Remembered | None = None
        self._in_its_rule = owner in _active_rules.owners
        self._said_forward = f"custom_vjp: the forward function of {self.name}"
        self._said_backward = f"custom_vjp: the backward function of {self.name}"

    def evaluate(self, *inputs: Any) -> Sequence[Any]:
        """Call the function, or the rule's forward one where its residuals will be needed."""
        return self._forward(inputs).results if self.differentiated else super().evaluate(*inputs)

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """Raise: the rule says nothing of forward mode.

        But where the rule itself calls the function, as ``fwd`` often does, a derivative of the
        backward pass in forward mode is that of the function's operations.
        """
        if self._in_its_rule:
            return self._jvp_of_operations(tangents, inputs)
        raise GradientError(
            at_user_line(
                f"custom_vjp: {self.name} has a rule for reverse mode, and none for forward mode "
                "(jvp): use grad or vjp, or define it by custom_jvp, which serves for both"
            )
        )

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """Call the rule."""
        self.check_closure(needed)
        zeros = [np.zeros(t.shape, t.dtype)[()] for t in self.types]
        filled = [zero if g is None else g for g, zero in zip(cotangents, zeros, strict=True)]
        types = [Type(x.shape, x.dtype) for x in inputs[: self.count]]
        if any(isinstance(x, Node) for x in (*inputs, *filled)):
            passed = self._backward_on_nodes(tuple(inputs), filled, types)
        else:
            residuals = self._forward(inputs).residuals
            result = run_plainly(self.bwd, *self.fixed, residuals, self._unflattened(filled))
            passed = self._leaves(result, types)
        return [*passed, *[None] * (len(inputs) - self.count)]

    def form(self, inputs: tuple[Node, ...], needed: Sequence[bool]) -> Sequence[Node] | None:
        """Return the results of the rule's forward function, whose operations can be seen."""
        return self._forward_on_nodes(inputs).results

    def _jvp_of_operations(self, tangents: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
        values = not any(isinstance(x, Node) for x in (*inputs, *tangents))
        nodes = [
            identity_of(x) if isinstance(x, Node) else input_node(Type(x.shape, x.dtype), x)
            for x in inputs
        ]
        self.check_closure([t is not None for t in tangents])
        operands, weak = nodes[: self.count], self.arguments.weak

        def function(*leaves: Any) -> Any:
            return self.owner.function(*self.arguments.positional(leaves))

        result = run_on_nodes(self.name, function, operands, weak, self.closure_of(nodes))
        outputs = [as_node(x, f"a result of {self.name}") for x in tree.leaves(result)]
        return forward(outputs, operands, tangents[: self.count], values=values)

    def _unflattened(self, leaves: Sequence[Any]) -> Any:
        return tree.unflatten(self.results, leaves)

    def _pair(self, result: Any) -> tuple[Any, Any]:
        if type(result) is not tuple or len(result) != 2:
            raise ShapeError(
                at_user_line(
                    f"{self._said_forward} must return a pair, (result, residuals): it returned "
                    f"{tree.structure(result)}"
                )
            )
        return result

    def _forward(self, inputs: Sequence[Any]) -> _Remembered:
        """Return what the forward function gives for plain numbers."""
        if self._plain is None or not self._plain.is_of(inputs):
            result = run_plainly(self.fwd, *self.arguments.positional(self.plain(inputs)))
            result, residuals = self._pair(result)
            if self.results is None:
                leaves, self.results = tree.flatten(result)
                arrays = [as_array(x, f"a result of {self.name}") for x in leaves]
                self.types = tuple([Type(x.shape, x.dtype) for x in arrays])
            else:
                arrays = self.check_results(self._said_forward, result)
            self._plain = _Remembered(tuple(inputs), arrays, residuals)
        return self._plain

    def _forward_on_nodes(self, inputs: tuple[Node, ...]) -> _Remembered:
        if self._nodes is None or not self._nodes.is_of(inputs):

            def function(*leaves: Any) -> Any:
                return self._pair(self.fwd(*self.arguments.positional(leaves)))

            closure = self.closure_of(inputs)
            operands, weak = inputs[: self.count], self.arguments.weak
            with _running_rule_of(self.owner):
                result, residuals = run_on_nodes(self.name, function, operands, weak, closure)
            leaves = self.check_results(self._said_forward, result)
            nodes = [as_node(x, f"a result of {self.name}") for x in leaves]
            self._nodes = _Remembered(inputs, nodes, residuals)
        return self._nodes

    def _backward_on_nodes(
        self, inputs: tuple[Any, ...], cotangents: Sequence[Any], types: Sequence[Type]
    ) -> list[Any]:
        inputs = tuple([x if isinstance(x, Node) else constant(np.asarray(x)) for x in inputs])
        remembered = self._forward_on_nodes(inputs)
        leaves, structure = tree.flatten(remembered.residuals)
        stored = [x for x in leaves if isinstance(x, Node)]

        def function(*tracers: Any) -> list[Any]:
            known = iter(tracers[: len(stored)])
            residuals = [next(known) if isinstance(x, Node) else x for x in leaves]
            cotangent = self._unflattened(tracers[len(stored) :])
            result = self.bwd(*self.fixed, tree.unflatten(structure, residuals), cotangent)
            return self._leaves(result, types)

        operands = [*stored, *[as_node(g, "a cotangent") for g in cotangents]]
        weak = [False] * len(operands)
        passed = run_on_nodes(self.name, function, operands, weak, self.closure_of(inputs))
        return [None if x is None else as_node(x, "a cotangent") for x in passed]

    def _leaves(self, result: Any, types: Sequence[Type]) -> list[Any]:
        """Return a cotangent, or None, for each leaf of the arguments."""
        children = self.arguments.treedef.children()
        if type(result) not in (tuple, list) or len(result) != len(children):
            raise ShapeError(
                at_user_line(
                    f"{self._said_backward} must return a tuple of {len(children)}, one cotangent "
                    f"(or None) for each argument: it returned {tree.structure(result)}"
                )
            )
        leaves: list[Any] = []
        for k, (child, part) in enumerate(zip(children, result, strict=True)):
            leaves += self._of_argument(k, child, part)
        return [
            self._checked(k, x, wanted)
            for k, (x, wanted) in enumerate(zip(leaves, types, strict=True))
        ]

    def _checked(self, k: int, x: Any, wanted: Type) -> Any:
        if x is None or getattr(x, "dtype", None) == _FLOAT0:
            return None
        if not is_inexact(wanted.dtype):
            raise DtypeError(
                at_user_line(
                    f"{self._said_backward} returned a number as cotangent {k}, by {wanted}, which "
                    "has no derivative: return None there"
                )
            )
        check_type(f"{self._said_backward} returned cotangent {k} as", x, wanted)
        return x

    def _of_argument(self, k: int, structure: tree.TreeDef, cotangent: Any) -> list[Any]:
        if cotangent is None:
            return [None] * structure.num_leaves
        try:
            leaves = structure.flatten_up_to(cotangent)
        except (ValueError, TypeError):
            raise ShapeError(
                at_user_line(
                    f"{self._said_backward} returned {tree.structure(cotangent)} for argument {k}, "
                    f"which is {structure}"
                )
            ) from None
        return leaves


def custom_vjp(
    f: Callable[P, R], nondiff_argnums: int | Sequence[int] = ()
) -> CustomVjpFunction[P, R]:
    """Make a function whose derivative in reverse mode is the one that you state.

    For derivatives that are known in a better form than that of the operations: more accurate,
    cheaper, clipped, or of a function that chainrule cannot look into. As `jax.custom_vjp`, also as
    a decorator.

    Parameters
    ----------
    f : callable
        Takes and returns pytrees of arrays and numbers. Where their numbers are known (without
        `jit`, outside of loops) `f` and its rule are handed plain arrays: they may branch on them,
        and call SciPy. All arguments are taken by position, with their defaults filled in.
    nondiff_argnums : int or sequence of int
        Positions of arguments that are no arrays, such as functions or sizes. Default none.

    Returns
    -------
    CustomVjpFunction
        Its `defvjp(fwd, bwd)` states the rule: ``fwd(*args) -> (result, residuals)`` and
        ``bwd(*nondiff, residuals, cotangent) -> tuple of cotangents``, one for each argument that
        is not of `nondiff_argnums`; None stands for zeros, and for arguments of integers.

    Raises
    ------
    GradientError
        In forward mode (`jvp`), for which the rule says nothing: see `custom_jvp`. A backward pass
        may be differentiated in both modes, as far as `fwd` and `bwd` can be. And where a
        derivative is asked for by a traced array that `f` reads by its closure.
    ShapeError, DtypeError
        If `fwd` or `bwd` return another structure, or other shapes, than they should.

    Notes
    -----
    Derivatives of second order are those of the operations of `fwd` and `bwd`.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.transforms import grad
    >>> @custom_vjp
    ... def length(x):
    ...     return np.sqrt(np.sum(x**2))
    >>> def forward(x):
    ...     y = length(x)
    ...     return y, (x, y)
    >>> def backward(residuals, g):
    ...     x, y = residuals
    ...     return (g * x / np.where(y > 0.0, y, 1.0),)
    >>> length.defvjp(forward, backward)
    >>> grad(length)(np.array([3.0, 4.0])).tolist(), grad(length)(np.zeros(2)).tolist()
    ([0.6, 0.8], [0.0, 0.0])
    """
    return CustomVjpFunction(f, nondiff_argnums)
