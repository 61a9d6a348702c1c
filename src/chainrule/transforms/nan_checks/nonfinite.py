"""Results with nans as errors that say where they arose, while `config.nans` asks for it.

See `chainrule.debug.nans`. What is computed in compiled code, or without a graph, is computed once
more by the reference, node by node, if there are nans in the result.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import tree
from ...config import current
from ...control.effects import effects
from ...errors import NonFiniteError, Refusal, at_user_line, refusals
from ...graph.graph import Graph
from ...graph.node import DerivativeLocation, Node, input_node, line_of
from ...graph.types import Type
from ...lazy import LazyModule
from ...primitives.callback import FIRST_TOKEN
from ...trace.capture import as_array, capture
from ...trace.operands import is_weak

if TYPE_CHECKING:
    from .nonfinite_search import Finder, Source

_search = LazyModule("chainrule.transforms.nan_checks.nonfinite_search")  # for what is rarely asked
_FEW = 4  # entries that a message shows of an array
_UNTRACED = (
    "an array that the function reads (or computes of no traced argument, which has a line under "
    "jit alone)"
)


def _finder() -> Finder:
    finder: Finder = _search.Finder(current().nans > 1)
    return finder


def check_nodes(
    inputs: Mapping[Node, str], outputs: Sequence[Node], results: Sequence[Any] | None = None
) -> None:
    """Raise if nodes with known values have nans.

    Parameters
    ----------
    inputs : mapping of Node to str
        What their values follow from, and what an error calls it.
    outputs : sequence of Node
    results : sequence of arrays, optional
        What was computed in another way, and should be the same numbers.
    """
    finder = _finder()
    if not finder.any([node.value for node in outputs] if results is None else results):
        return
    with np.errstate(all="ignore"):
        values = {node: node.value for node in inputs}
        _raise(finder, finder.search(list(inputs), outputs, values), inputs)


def check_derivatives(
    inputs: Mapping[Node, str], nodes: Callable[[], Sequence[Node]], results: Sequence[Any]
) -> None:
    """Raise if derivatives have nans; `nodes` computes them as nodes."""
    if _finder().any(results):
        check_nodes(inputs, nodes(), results)


def check_operation(
    name: str, run: Callable[[list[Any]], Sequence[Any]], operands: Sequence[Any],
    results: Sequence[Any],
) -> None:  # fmt: skip
    """Raise if the results of an operation that was run on arrays have nans.

    Parameters
    ----------
    name : str
        Of the operation, for what came in with its operands.
    run : callable
        Gives nodes for nodes.
    operands, results : sequence of arrays
    """
    if any(isinstance(x, Node) for x in (*operands, *results)):
        return  # a part of another function
    if _finder().any(results):
        leaves = [input_node(Type(x.shape, x.dtype), x) for x in operands]
        with np.errstate(all="ignore"):
            nodes = run(list(leaves))
        names = {node: f"operand {k} of {name}" for k, node in enumerate(leaves)}
        check_nodes(names, [x for x in nodes if isinstance(x, Node)], results)


def checked_operation(
    name: str, run: Callable[[list[Any]], Sequence[Any]], operands: list[Any]
) -> list[Any]:
    """Return the results of an operation, which are looked at if `config.nans` says so."""
    results = list(run(operands))
    if current().nans:
        check_operation(name, run, operands, results)
    return results


def run_checked(
    graph: Graph, run: Callable[[Sequence[Any]], list[Any]], arguments: Sequence[Any],
    written: bool = False,
) -> list[Any]:  # fmt: skip
    """Return the results of a graph for these arguments, and raise if they have nans.

    Parameters
    ----------
    run : callable
        How it is computed; where it calls Python with effects, the reference computes it.
    written : bool
        Whether arguments are written over.
    """
    finder = _finder()
    if effects(graph):
        with np.errstate(all="ignore"):
            values = _search.values_of_nodes(graph, arguments)
            results = [values[node] for node in graph.outputs]
            if finder.any(results):
                source = finder.search(graph.inputs, graph.outputs, values)
                _raise(finder, source, names_of_arguments(graph))
        return results
    saved = [np.array(x) for x in arguments] if written else arguments
    results = run(arguments)
    read = [*results, *arguments] if written else results
    if finder.any(read):
        with np.errstate(all="ignore"):
            _raise(finder, finder.search_graph(graph, saved), names_of_arguments(graph))
    return results


def check_graph(graph: Graph, arguments: Sequence[Any], results: Sequence[Any]) -> None:
    """Raise if the results of a graph for these arguments have nans.

    If Python was called with effects, it is not called again: nothing is known of where they arose.
    """
    finder = _finder()
    if finder.any(results):
        with np.errstate(all="ignore"):
            source = None if effects(graph) else finder.search_graph(graph, arguments)
        _raise(finder, source, names_of_arguments(graph))


def check_function(
    f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any],
    positions: Sequence[int], results: Any,
) -> None:  # fmt: skip
    """Raise if the results of a function have nans: it is traced to see where from.

    Parameters
    ----------
    positions : sequence of int
        Which of the arguments are trees of arrays.
    """
    finder = _finder()
    numbers = [x for x in tree.leaves(results) if isinstance(x, (np.ndarray, np.generic))]
    if not finder.any(numbers):
        return

    def of_arrays(*arrays: Any) -> Any:
        whole = list(args)
        for k, x in zip(positions, arrays, strict=True):
            whole[k] = x
        return f(*whole, **kwargs)

    leaves, treedef = tree.flatten(tuple([args[k] for k in positions]))
    arrays = [as_array(x) for x in leaves]
    weak = [is_weak(x) for x in leaves]
    latest = refusals.latest
    try:
        captured = capture(of_arrays, arrays, treedef, weak, arrays, copy_results=True, record=True)
    except Refusal:  # of what can be done with numbers alone
        refusals.latest = latest
        _raise(finder, None, {})
        return
    check_graph(captured.graph, [*arrays, *[FIRST_TOKEN] * captured.reads_token], numbers)


def names_of_arguments(graph: Graph) -> dict[Node, str]:
    """Return what an error calls the inputs of a function's graph."""
    return {node: f"argument {k}" for k, node in enumerate(graph.inputs)}


def _raise(finder: Finder, source: Source | None, names: Mapping[Node, str]) -> None:
    sort = "nan or inf" if finder.infs else "nan"
    if source is None:
        raise NonFiniteError(
            at_user_line(
                f"a result has {sort}, and computed once more by NumPy, operation by operation, "
                "it has none (or cannot be, since it calls Python with effects): where it arises "
                "is not known"
            )
        )
    index = tuple(int(k) for k in np.argwhere(source.mask)[0])
    number = np.asarray(source.value)[index]
    word = "nan" if np.isnan(number) else "inf"
    count, size = int(np.sum(source.mask)), int(np.size(source.mask))
    entries = f", in {count} of {size} entries, the first at {list(index)}" if index else ""
    if source.is_leaf:
        role = names.get(source.node, _UNTRACED)
        raise NonFiniteError(
            at_user_line(
                f"a result is {word} because {role} has {word}{entries}: it came in, and did not "
                "arise here"
            )
        )
    raise _error(source, word, entries, index)


def _error(source: Source, word: str, entries: str, index: tuple[int, ...]) -> NonFiniteError:
    """Return the error for an operation that made nans."""
    node, location = source.node, source.node.source_location
    operation = _name(node)
    where, text = "an operation without a line", ""
    filename, number = "", 0
    if location is not None:
        code, instruction = location
        filename, number = code.co_filename, line_of(code, instruction)
        where = f"{filename}:{number}"
        text = linecache.getline(filename, number).strip()
    in_derivative = isinstance(location, DerivativeLocation)
    does = f"{operation} gives {word}"
    if isinstance(location, DerivativeLocation):
        does = f"{word} in the derivative of {location.operation}"
        if location.operation != operation:
            does += f", by {operation}"
    lines = [f"{where}: {does}{entries}"]
    if text:
        lines.append(f"    {text}")
    for loop, k in source.loops:
        at = f" at {loop.line}" if loop.line else ""
        derived = isinstance(loop.source_location, DerivativeLocation)
        derivative = ", in its derivative" * derived
        lines.append(f"  in iteration {k} (from 0) of the {loop.primitive.name}{at}{derivative}")
    arrays = [x for x in source.inputs if type(x) is not tuple]
    lines += [f"  {operation} reads {_described(x, source.value, index)}" for x in arrays]
    if word == "nan" and any(
        np.any(np.isinf(x)) for x in arrays if np.asarray(x).dtype.kind in "fc"
    ):
        lines.append("  (nans(infs=True) says where the infinity is from)")
    error = NonFiniteError("\n".join(lines))
    error.operation, error.filename, error.line = operation, filename, number
    error.in_derivative = in_derivative
    error.iterations = tuple([k for _, k in source.loops])
    return error


def _name(node: Node) -> str:
    call = node.params.get("call")
    return str(getattr(call, "name", node.primitive.name))


def _described(x: Any, value: Any, index: tuple[int, ...]) -> str:
    """Describe an array: type, range, and the entry that became nan, or the first ones."""
    x = np.asarray(x)
    head = str(Type(x.shape, x.dtype))
    if not x.size:
        return head
    if not x.shape:
        return f"{head} {x[()]:.6g}"
    if x.dtype.kind in "fiu":
        with np.errstate(all="ignore"):
            head += f", {np.min(x):.6g} ... {np.max(x):.6g}"
    shape = np.shape(value)
    try:
        same = np.broadcast_to(x, shape)[index] if shape else None
    except ValueError:
        same = None
    if same is not None and np.shape(same) == ():
        return f"{head}, at {list(index)}: {same:.6g}"
    first = ", ".join(f"{v:.6g}" for v in x.ravel()[:_FEW])
    return f"{head}, begins with {first}"
