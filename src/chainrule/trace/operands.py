"""What meets a traced array: numbers and arrays as nodes, by NumPy's rules of promotion (NEP 50).

Whatever would be read only in part, such as the data of a masked array without its mask, is
refused by name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedDtypeError, UnsupportedError, at_user_line
from ..graph.node import Node, Primitive, apply, constant
from ..graph.types import check_dtype, weak_constant
from ..primitives.structure import cast
from .foreign import array_within, is_left_to
from .masked import is_unmasked, note_masked
from .selected import Selected
from .tracer import HOOKS, ArrayTracer, Tracer, traced

_PLAIN_ARRAYS = (np.ndarray, np.memmap)  # types that are read without losing anything
_CONVERSIONS = {
    "MaskedArray": "use x.filled(...) and np.where with the mask",
    "matrix": "use np.asarray(x), with @ for products",
    "Series": "use x.to_numpy()",
    "DataFrame": "use x.to_numpy()",
    "Index": "use x.to_numpy()",
}


def check_plain(x: Any, name: str = "an operand") -> None:
    """Raise unless all that x says can be read as numbers and their shape."""
    kind = type(x)
    if kind in _PLAIN or isinstance(x, (Tracer, Node, np.generic)):
        return
    if isinstance(x, Selected):
        raise x.refusal(f"{name} in the form")
    foreign = isinstance(x, np.ndarray) and kind not in _PLAIN_ARRAYS
    if foreign or hasattr(x, "__array__") or hasattr(x, "toarray"):
        instead = "use x.toarray()" if hasattr(x, "toarray") else _conversion_hint(kind)
        type_name = f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}".replace(
            "builtins.", ""
        )
        raise UnsupportedDtypeError(
            at_user_line(f"{name} is a {type_name}, which is not read as a plain array: {instead}")
        )


_PLAIN = {np.ndarray, float, int, bool, complex, np.memmap, list, tuple}


def unmasked(x: Any) -> Any:
    """Return the numbers of a masked array of which nothing is masked, and all else as it is."""
    if not is_unmasked(x):
        return x
    note_masked()
    return x.data


def _conversion_hint(kind: type) -> str:
    known = [
        text for name, text in _CONVERSIONS.items() if name in {c.__name__ for c in kind.__mro__}
    ]
    return known[0] if known else "use np.asarray(x)"


def is_weak(x: Any) -> bool:
    """Return whether x is a Python number, or stands for one (NEP 50)."""
    kind = type(x)
    if kind is float or kind is int or kind is bool or kind is complex:
        return True
    return isinstance(x, Tracer) and x.weak


def node_of(x: Any, beside: np.dtype[Any] | None = None) -> Node:
    """Return a tracer's node, or a constant; a Python number takes the dtype `beside` it."""
    if type(x) is ArrayTracer:
        return x._node
    if isinstance(x, Tracer):
        node = x.node
        if x.weak and beside is not None:
            wanted = np.result_type(beside, _KINDS.get(node.dtype.kind, 1))
            if node.dtype == wanted:
                return node
            if wanted.kind in "iu" and node.dtype.kind == "i":
                _check_fits(node, wanted)
            return cast(node, dtype=wanted)  # type: ignore[no-any-return]
        return node
    if isinstance(x, Node):
        return x
    if is_labelled(x):
        x = x.to_numpy()
    if type(x) not in _PLAIN:
        x = unmasked(x)
        array = array_within(x)
        if array is not None:
            return array.node
        check_plain(x)
    if beside is None:
        beside = (
            np.asarray(x).dtype if isinstance(x, (bool, int, float, complex)) else np.dtype(float)
        )
    return constant(weak_constant(x, beside))


_KINDS: dict[str, Any] = {"f": 1.0, "c": 1j}  # Python numbers of these kinds of dtype


def _check_fits(number: Node, dtype: np.dtype[Any]) -> None:
    """Raise, as NumPy does, for a Python integer that the dtype beside it cannot hold."""
    if number.value is not None:
        dtype.type(int(number.value))
    elif dtype.itemsize < 8 or dtype.kind == "u":
        raise UnsupportedError(
            at_user_line(
                f"a Python integer is an argument of a traced function and meets {dtype}, and "
                f"whether it fits is not known: give np.{dtype}(n), or declare it static"
            )
        )


def nodes_of(*xs: Any) -> tuple[Node, ...]:
    """Return the nodes of the arguments of one elementwise function, by NEP 50."""
    for x in xs:  # most often arrays that are traced, which need not ask
        if type(x) is not ArrayTracer:
            break
    else:
        return tuple([x._node for x in xs])
    strong: Any = None
    for x in xs:
        plain = type(x) is np.ndarray
        if plain or not is_weak(x):
            known = plain or isinstance(x, (Tracer, np.ndarray, np.generic))
            dtype = x.dtype if known else None
            if dtype is None:
                if type(x) is list or type(x) is tuple:
                    as_array = HOOKS["as_one_array"]
                    return nodes_of(*[as_array(y) if type(y) in (list, tuple) else y for y in xs])
                if is_labelled(x):
                    return nodes_of(*[y.to_numpy() if is_labelled(y) else y for y in xs])
                array = array_within(x)
                if array is not None:
                    return nodes_of(*[array if y is x else y for y in xs])
                check_plain(x)
                dtype = np.asarray(x).dtype
            if dtype.kind not in "biufc":
                check_dtype(dtype)
            strong = dtype if strong is None or strong == dtype else np.result_type(strong, dtype)
    return tuple([node_of(x, strong) for x in xs])


def is_labelled(x: Any) -> bool:
    """Return whether x is an array with labels (of pandas, xarray), whose numbers are read.

    What is traced has no labels to be aligned by, so that position decides, as in NumPy.
    """
    return hasattr(type(x), "to_numpy") and type(x).__module__.partition(".")[0] in _LABELLED


_LABELLED = {"pandas", "polars", "xarray"}


def is_plain_array(x: Any) -> bool:
    """Return whether x is NumPy's own array or scalar: `isinstance` says so of traced ones, too."""
    return issubclass(type(x), (np.ndarray, np.generic))


def is_plain_number(x: Any) -> bool:
    """Return whether x is a Python number or NumPy's float64, and not traced."""
    return issubclass(type(x), (int, float))


def record(primitive: Primitive, *xs: Any, **params: Any) -> Tracer:
    """Apply a primitive to tracers, arrays and Python numbers."""
    return traced(apply(primitive, nodes_of(*xs), params))


def is_operand(x: Any, beside: Tracer) -> bool:
    """Return whether an operator of a tracer takes x on its other side; what is half read is
    refused.
    """
    if isinstance(x, (Tracer, float, int, complex, np.ndarray, np.generic, list, tuple)):
        return True
    if is_labelled(x):
        return True
    if isinstance(x, Selected) or is_sparse(x):  # whose own operators are asked then
        return False
    if is_left_to(x, beside):
        return False
    if array_within(x) is not None:
        return True
    check_plain(x)
    return False


def is_sparse(x: Any) -> bool:
    """Return whether x is a sparse matrix of SciPy, whose operators have rules of their own."""
    return type(x).__module__.startswith("scipy.sparse") and hasattr(x, "toarray")
