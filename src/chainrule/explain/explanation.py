"""`explain`: every node between the inputs and the loss, with all factors of the chain rule."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tree
from ..autodiff.reverse import active_nodes, reverse
from ..config import configured
from ..errors import GradientError, UnsupportedError, at_user_line
from ..graph.node import ITEM, Node
from ..graph.types import is_complex, is_inexact
from ..lazy import LazyModule
from ..primitives.declare import ELEMENTWISE_FAMILIES
from ..trace.capture import type_of
from ..tracebacks import filters_traceback
from ..transforms.differentiating.traced_call import TracedCall
from .steps import Edge, Step

if TYPE_CHECKING:
    from . import show
else:
    show = LazyModule("chainrule.explain.show")

LARGEST_JACOBIAN = 4096  # entries; beyond it the product alone is shown


@dataclass(frozen=True)
class Explanation:
    """All steps of one call, inputs first. Prints as a table; `show` draws it with colours.

    Attributes
    ----------
    value : float
        The loss.
    gradient : tuple
        The gradient by each explained argument, each with its argument's structure.
    steps : tuple of Step
    """

    value: Any
    gradient: tuple[Any, ...]
    steps: tuple[Step, ...]

    def step(self, name: str) -> Step:
        """The step of this name; a KeyError lists the names."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(f"no step {name!r}; there are {', '.join(s.name for s in self.steps)}")

    def __str__(self) -> str:
        return show.as_text(self.steps)

    def __rich__(self) -> Any:
        return show.as_rich(self.steps)

    def _repr_html_(self) -> str:
        return show.as_html(self.steps)

    def show(self) -> None:
        """Print the table to the terminal, as wide as it is and in colours."""
        show.to_terminal(self.steps)


def explain(
    f: Callable[..., Any], argnums: int | Sequence[int] | None = None
) -> Callable[..., Explanation]:
    """Make a function that shows how the gradient of a call to `f` comes about.

    Parameters
    ----------
    f : callable
        Returns a real scalar, as for `grad`.
    argnums : int or sequence of int, optional
        Which positional arguments to differentiate by. Default: all that consist of floating
        numbers.

    Returns
    -------
    callable
        It returns an `Explanation`: for each node its value, the gradient from upstream, the
        local derivative by each input, their product, and the user's line.

    Raises
    ------
    GradientError
        If the result is not a scalar, or the arguments have no numbers (under `jit`).
    DtypeError
        If a chosen argument does not consist of floating numbers.

    Notes
    -----
    The numbers are those of reverse mode: Linnainmaa, "Taylor expansion of the accumulated
    rounding error" (1976); Rumelhart, Hinton and Williams, "Learning representations by
    back-propagating errors" (1986).

    Examples
    --------
    >>> import numpy as np
    >>> story = explain(lambda w, x: np.square(w * x))(3.0, 2.0)
    >>> float(story.value), [float(g) for g in story.gradient]
    (36.0, [24.0, 36.0])
    >>> step = story.step("%1")
    >>> step.operation, float(step.value), float(step.upstream)
    ('mul(w, x)', 6.0, 12.0)
    >>> [(edge.source, float(edge.local), float(edge.product)) for edge in step.edges]
    [('w', 2.0, 24.0), ('x', 3.0, 36.0)]
    """

    @filters_traceback
    def explained(*args: Any, **kwargs: Any) -> Explanation:
        chosen = _chosen(argnums, args)
        with configured(lines=1):
            traced = TracedCall(f, args, chosen, kwargs)
        if len(traced.outputs) != 1 or traced.outputs[0].shape != ():
            raise GradientError(at_user_line("explain needs a function that returns one scalar"))
        both = (*traced.inputs, *traced.active_nodes)
        if any(x.dtype is not None and is_complex(x.dtype) for x in both):
            raise UnsupportedError(at_user_line("explain shows real numbers, no complex ones"))
        if not traced.eager:
            raise GradientError(
                at_user_line("explain needs numbers: call it outside jit, grad and scan")
            )
        names = _argument_names(f, args, chosen)
        return _explanation(traced, names)

    return explained


def _chosen(argnums: int | Sequence[int] | None, args: Sequence[Any]) -> list[int]:
    if argnums is None:
        return [
            k
            for k, x in enumerate(args)
            if tree.leaves(x) and all(is_inexact(type_of(leaf).dtype) for leaf in tree.leaves(x))
        ]
    return [argnums] if isinstance(argnums, int) else list(argnums)


def _argument_names(f: Callable[..., Any], args: Sequence[Any], chosen: Sequence[int]) -> list[str]:
    """A name for each leaf of the chosen arguments, such as ``params.w``."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # a ufunc or a builtin
        parameters = ()  # type: ignore[assignment]
    positional = [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL]
    names = []
    for k in chosen:
        name = positional[k] if k < len(positional) else f"argument{k}"
        names += [f"{name}.{path}" if path else name for path in tree.names(args[k])]
    return names


def _explanation(traced: TracedCall, argument_names: Sequence[str]) -> Explanation:
    (output,) = traced.outputs
    upstream: dict[Node, Any] = {}
    passed_on: dict[Node, Sequence[Any]] = {}

    def observe(node: Node, g: Any, passed: Sequence[Any]) -> None:
        upstream[node] = g
        passed_on[node] = passed

    with np.errstate(all="ignore"):
        gradients = reverse([output], traced.inputs, [output.dtype.type(1)], observe, values=True)
    gradient = [
        np.zeros(x.shape, x.dtype)[()] if g is None else g
        for x, g in zip(traced.inputs, gradients, strict=True)
    ]
    names = dict(zip(traced.inputs, argument_names, strict=True))
    active = active_nodes([output], traced.inputs)
    steps = [
        Step(names[node], "", "", "", node.value, g, ())
        for node, g in zip(traced.inputs, gradient, strict=True)
    ]
    flows = {*traced.inputs, *active}
    for node in active:
        if node not in upstream:
            continue
        names[node] = f"%{len(names) - len(argument_names) + 1}"
        edges = tuple(
            Edge(_name(child, names), _local(node, k), product)
            for k, (child, product) in enumerate(zip(node.inputs, passed_on[node], strict=True))
            if child in flows and product is not None
        )
        inputs = ", ".join(_name(child, names) for child in node.inputs)
        steps.append(
            Step(
                names[node], f"{node.primitive.name}({inputs})", node.line, _code(node),
                node.value, upstream[node], edges,
            )
        )  # fmt: skip
    return Explanation(traced.result(), tuple(traced.split(gradient)), tuple(steps))


def _name(node: Node, names: dict[Node, str]) -> str:
    """The name of a node, or its number if it is none of the steps."""
    if node in names:
        return names[node]
    if node.primitive is ITEM:
        return f"{_name(node.inputs[0], names)}[{node.params['index']}]"
    return show.number(node.value) if node.dtype is not None else node.primitive.name


def _code(node: Node) -> str:
    if node.source_location is None:
        return ""
    return linecache.getline(
        node.source_location[0].co_filename, int(node.line.rsplit(":", 1)[1])
    ).strip()


def _local(node: Node, position: int) -> Any:
    """The derivative of a node by one of its inputs, by forward mode."""
    child = node.inputs[position]
    rule = node.primitive.jvp
    if rule is None or node.dtype is None or child.dtype is None:
        return None
    values = [x.value for x in node.inputs]

    def along(tangent: Any) -> Any:
        tangents: list[Any] = [None] * len(values)
        tangents[position] = tangent
        with np.errstate(all="ignore"):
            return rule(tangents, node.value, *values, **node.params)

    if node.primitive.spec["family"] in ELEMENTWISE_FAMILIES:
        return along(np.ones(child.shape, child.dtype)[()])
    size = int(np.prod(child.shape))
    if size * int(np.prod(node.shape)) > LARGEST_JACOBIAN:
        return None
    columns = [along(row.reshape(child.shape)[()]) for row in np.eye(size, dtype=child.dtype)]
    if not columns:
        return np.zeros(node.shape + child.shape, node.dtype)
    return np.stack(columns, axis=-1).reshape(node.shape + child.shape)[()]
