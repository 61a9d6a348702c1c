"""`y[mask]` with a traced mask, whose size is not known: all of `y`, and what the mask says.

Elementwise functions compute all entries, also those that are not selected. Sums put what changes
nothing in place of these, and ``x[mask] = f(y[mask])`` is ``x = where(mask, f(y), x)``. So what is
not selected has no derivative, infinite slopes included (see `autodiff.flow`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ..errors import AbstractValueError, at_user_line
from ..graph.node import CONSTANT, INPUT, Node
from ..primitives.structure import cast, reshape
from .function_rules import NO_VALUE, normalize_axis
from .operands import node_of
from .recording import is_known
from .selected import Selected
from .tracer import HOOKS, METHODS, ArrayTracer, Tracer, repeated, traced
from .tracing import tracing

_MAX_COMPARED = 1000  # nodes, until two masks are taken to be different
_ELEMENTWISE = {np.where, np.clip, np.round, np.around, np.nan_to_num, np.isclose, np.zeros_like,
                np.ones_like, np.full_like, np.copy, np.real, np.sinc, np.i0}  # fmt: skip
_ELEMENTWISE_METHODS = {"astype", "clip", "copy", "round"}


class Selection(Selected):
    """The entries of an array that a mask of its leading axes selects; what NumPy copies.

    Attributes
    ----------
    node : Node
        The whole array.
    mask : Node
        Truth values, of the shape of the array's leading axes.
    """

    __slots__ = ("mask", "node")
    __array_priority__ = 2000.0
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, node: Node, mask: Node) -> None:
        self.node, self.mask = node, mask

    @property
    def rest(self) -> tuple[int, ...]:
        """Sizes of the axes that the mask does not have."""
        return self.node.shape[self.mask.ndim :]  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Kind of number."""
        return self.node.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """Number of axes: one for what is selected, and the rest."""
        return 1 + len(self.rest)

    def __repr__(self) -> str:
        return f"Selection(entries of {self.node.type} by a mask of {self.mask.type})"

    # Elementwise functions

    def apply(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return the selection of what an elementwise function makes of whole arrays."""
        wholes = [self._whole(x) for x in args]
        result = function(*wholes, **{name: self._whole(x) for name, x in kwargs.items()})
        if isinstance(result, tuple):
            return tuple(self._like(x) for x in result)
        return self._like(result)

    def _like(self, result: Any) -> Selection:
        node = node_of(result)
        shape = (*self.mask.shape, *node.shape[self.mask.ndim :])
        return Selection(repeated(node, shape), self.mask)

    def _whole(self, x: Any) -> Any:
        """Return an operand as what stands beside the whole array."""
        if isinstance(x, Selection):
            if x.rest != self.rest and len(x.rest) != len(self.rest):
                raise self.refusal(f"an operation of entries of sizes {x.rest} beside {self.rest}")
            if not same_value(x.mask, self.mask):
                raise self.refusal("an operation with entries that another mask selects")
            return ArrayTracer(x.node)
        shape = np.shape(x) if isinstance(x, (Tracer, np.ndarray, list, tuple)) else ()
        if len(shape) > len(self.rest):
            if len(shape) > self.ndim or shape[0] != 1:
                raise self.refusal(f"an operation with an array of shape {shape}, by no mask,")
            return np.reshape(x, shape[1:])
        return x

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        options = [name for name, value in kwargs.items() if name != "dtype"]
        if method != "__call__" or ufunc.signature is not None or options:
            name = " ".join([f"np.{ufunc.__name__}", *options])
            raise self.refusal(name if method == "__call__" else f"{name}.{method}")
        return self.apply(ufunc, *inputs, **kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in _ELEMENTWISE:
            if "shape" in kwargs or len(args) > 3:
                raise self.refusal(f"np.{func.__name__} with a shape")
            return self.apply(func, *args, **kwargs)
        rule = _REDUCTIONS.get(func)
        if rule is None or not (args and isinstance(args[0], Selection)):
            raise self.refusal(f"np.{func.__name__}")
        return rule(*args, **kwargs)

    # What needs the number of entries

    def __getattr__(self, name: str) -> Any:
        if name in _ELEMENTWISE_METHODS:
            return lambda *args, **kwargs: self.apply(METHODS[name], self, *args, **kwargs)
        rule = getattr(np, name, None) if name in _REDUCTION_METHODS else None
        if rule is not None:
            return lambda *args, **kwargs: _REDUCTIONS[rule](self, *args, **kwargs)
        if name.startswith("__array") or not hasattr(np.ndarray, name):
            raise AttributeError(f"a selection has no attribute {name!r}")
        raise self.refusal(name)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise self.refusal("np.asarray()")

    def __len__(self) -> int:
        raise self.refusal("len()")

    def __iter__(self) -> Any:
        raise self.refusal("iteration")

    def __bool__(self) -> bool:
        raise self.refusal("a truth value")

    def __float__(self) -> float:
        raise self.refusal("float()")

    def __int__(self) -> int:
        raise self.refusal("int()")

    def __matmul__(self, other: Any) -> Any:
        raise self.refusal("a product of matrices")

    __rmatmul__ = __matmul__

    def __divmod__(self, other: Any) -> Any:
        raise self.refusal("divmod()")

    __rdivmod__ = __divmod__

    def __getitem__(self, index: Any) -> Any:
        raise self.refusal("an index")

    def __setitem__(self, index: Any, value: Any) -> None:
        raise self.refusal("a write into entries")

    def __format__(self, spec: str) -> str:
        raise self.refusal("format")

    def __copy__(self) -> Selection:
        return Selection(self.node, self.mask)

    def __deepcopy__(self, memo: Any) -> Selection:
        return Selection(self.node, self.mask)


# Operators


def _install() -> None:
    """Give `Selection` the operators of an array; it is written in place as a copy is."""
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor",
                 "lshift", "rshift"):  # fmt: skip
        function = getattr(operator, name)
        bare = name.strip("_")
        setattr(Selection, f"__{bare}__", lambda x, y, f=function: x.apply(f, x, y))
        setattr(Selection, f"__r{bare}__", lambda x, y, f=function: x.apply(f, y, x))
        setattr(Selection, f"__i{bare}__", lambda x, y, f=function: _updated(x, x.apply(f, x, y)))
    for name in ("lt", "le", "gt", "ge", "eq", "ne"):
        function = getattr(operator, name)
        setattr(Selection, f"__{name}__", lambda x, y, f=function: x.apply(f, x, y))
    for name in ("neg", "pos", "abs", "invert"):
        function = getattr(operator, name)
        setattr(Selection, f"__{name}__", lambda x, f=function: x.apply(f, x))


def _updated(x: Selection, result: Selection) -> Selection:
    """Write what an operator gave into the selection, whose other names see it."""
    if not np.can_cast(result.dtype, x.dtype, "same_kind"):
        raise TypeError(
            at_user_line(f"cannot write {result.dtype} into entries of {x.dtype} in place")
        )
    if result.rest != x.rest:
        raise ValueError(
            at_user_line(f"entries of sizes {result.rest} do not fit into those of {x.rest}")
        )
    x.node = cast(result.node, dtype=x.dtype) if result.dtype != x.dtype else result.node
    return x


# Reductions


def _neutral_elsewhere(x: Selection, number: Any) -> Tracer:
    """Return the whole array with a number where it is not selected."""
    whole = ArrayTracer(x.node)
    return HOOKS["where"](_mask_beside(x.mask, whole), whole, x.dtype.type(number))  # type: ignore[no-any-return]


def _axes(x: Selection, axis: Any, options: dict[str, Any]) -> tuple[int, ...]:
    """Return the axes of the whole array for those of what is selected: the first, or all."""
    for name, value in options.items():
        if value is not None and value is not NO_VALUE and value is not False:
            raise x.refusal(f"a reduction with {name}=")
    n = x.ndim
    axes = range(n) if axis is None else sorted({normalize_axis(k, n) for k in np.atleast_1d(axis)})
    if 0 not in axes:
        raise x.refusal(f"a reduction over axis {axis}, and not over what is selected,")
    first = x.mask.ndim
    return (*range(first), *[k - 1 + first for k in axes if k])


def _reduction(name: str, neutral: Callable[[np.dtype[Any]], Any]) -> Callable[..., Any]:
    def reduce(x: Selection, axis: Any = None, **options: Any) -> Any:
        axes = _axes(x, axis, options)
        return METHODS[name](_neutral_elsewhere(x, neutral(x.dtype)), axis=axes)

    return reduce


def _extreme(name: str, sign: float) -> Callable[..., Any]:
    """Return a rule for max or min, which of no entries is nan; NumPy raises an error then, as
    this does where a call is recorded.
    """

    def reduce(x: Selection, axis: Any = None, **options: Any) -> Any:
        if x.dtype.kind != "f":
            raise x.refusal(f"{name} of {x.dtype}, which has no nan for no entries,")
        result = METHODS[name](_neutral_elsewhere(x, -sign * np.inf), axis=_axes(x, axis, options))
        some = METHODS["any"](traced(x.mask))
        recorded = tracing.recording
        known = recorded is not None and recorded.value(some.node) is not None
        if (known or tracing.may_record) and not some:
            names = {"max": "maximum", "min": "minimum"}
            raise ValueError(
                f"zero-size array to reduction operation {names[name]} which has no identity"
            )
        return traced(node_of(HOOKS["where"](some, result, x.dtype.type(np.nan))))

    return reduce


def _mean_of_selected(x: Selection, axis: Any = None, **options: Any) -> Any:
    """Divide the sum by the number of entries: nan of none, as in NumPy."""
    axes = _axes(x, axis, options)
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(float)
    inside = np.result_type(dtype, np.float32)  # as NumPy does for float16
    count = METHODS["sum"](traced(x.mask)) * prod(x.node.shape[k] for k in axes[x.mask.ndim :])
    mean = METHODS["sum"](_neutral_elsewhere(x.astype(inside), 0), axis=axes) / count.astype(inside)
    return mean if dtype == inside else mean.astype(dtype)


def _nonzero_count(x: Selection, axis: Any = None, **options: Any) -> Any:
    return _REDUCTIONS[np.sum](x.apply(operator.ne, x, 0), axis, **options)


_REDUCTIONS: dict[Any, Callable[..., Any]] = {
    np.sum: _reduction("sum", lambda _: 0),
    np.prod: _reduction("prod", lambda _: 1),
    np.any: _reduction("any", lambda _: 0),
    np.all: _reduction("all", lambda _: 1),
    np.max: _extreme("max", 1.0),
    np.min: _extreme("min", -1.0),
    np.mean: _mean_of_selected,
    np.count_nonzero: _nonzero_count,
}
_REDUCTIONS |= {np.amax: _REDUCTIONS[np.max], np.amin: _REDUCTIONS[np.min]}
_REDUCTION_METHODS = {"sum", "prod", "any", "all", "max", "min", "mean"}


# Masks


def is_abstract_mask(index: Any) -> bool:
    """Return whether an index is one traced mask whose number of true entries is not known."""
    return is_unknown_mask(index) and not is_known(index.node)


def is_unknown_mask(index: Any) -> bool:
    """Return whether an index is one traced mask whose truth values are not known."""
    return isinstance(index, Tracer) and index.dtype.kind == "b" and index.node.value is None


def _mask_beside(mask: Node, x: Any) -> Tracer:
    """Return a mask of leading axes with axes of size 1 for the others of x."""
    extra = (1,) * (x.ndim - mask.ndim)
    return traced(reshape(mask, shape=mask.shape + extra) if extra else mask)


def write_masked(x: ArrayTracer, mask: Node, value: Any) -> None:
    """Implement `x[mask] = value` for a mask that is not known."""
    rest = x.shape[mask.ndim :]
    if isinstance(value, Selection):
        if not same_value(value.mask, mask):
            raise value.refusal("a write to the entries of another mask")
        if len(value.rest) != len(rest):
            raise value.refusal(f"a write of entries of sizes {value.rest} to those of {rest}")
        new = repeated(value.node, x.shape)
        if new.shape != x.shape:
            raise ValueError(
                at_user_line(f"entries of sizes {value.rest} do not fit into those of {rest}")
            )
    else:
        new = node_of(value, x.dtype)
        if new.shape != rest and np.size(value) != 1:
            raise AbstractValueError(
                at_user_line(
                    f"under jit x[mask] = value takes one number, or an array of shape {rest} for "
                    f"each entry that is chosen, or y[mask], not one of shape {new.shape}: use "
                    "np.where"
                )
            )
        new = new if new.shape == rest else reshape(new, shape=())
    new = new if new.dtype == x.dtype else cast(new, dtype=x.dtype)
    x.rebind(node_of(HOOKS["where"](_mask_beside(mask, x), traced(new), x)))


def same_value(a: Node, b: Node) -> bool:
    """Return whether two nodes are known to have the same value: made alike of the same nodes."""
    pending = [(a, b)]
    seen: set[tuple[Node, Node]] = set()
    while pending:
        pair = pending.pop()
        x, y = pair
        if x is y or pair in seen:
            continue
        if len(seen) == _MAX_COMPARED or x.primitive is not y.primitive or x.type != y.type:
            return False
        seen.add(pair)
        if x.primitive is CONSTANT:
            if np.asarray(x.value).tobytes() != np.asarray(y.value).tobytes():
                return False
        elif x.primitive is INPUT or x.params != y.params or len(x.inputs) != len(y.inputs):
            return False
        pending += zip(x.inputs, y.inputs, strict=True)
    return True


_install()
