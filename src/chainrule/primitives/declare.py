"""How a primitive is declared: the short rule that each family needs, made into the full one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import isfinite
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from ..errors import DtypeError, at_user_line
from ..graph.node import CONSTANT, REFERENCE, Node, Primitive
from ..graph.types import Type, broadcast_shapes, is_inexact

REGISTRY: dict[str, Primitive] = {}
Partials = Callable[..., Sequence[Any]]
ELEMENTWISE_FAMILIES = frozenset(["elementwise", "special", "complex"])
Flow = Callable[[], Any]  # gives True where a derivative flows; computed if it is asked for


class Ufunc(NamedTuple):
    """The ufunc that computes a primitive's value: its inner loops may be called natively.

    Attributes
    ----------
    module, name : str
    result : int
        Which of its results.
    whole : int
        How many arguments, from the first on, are cast to int64.
    """

    module: str
    name: str
    result: int = 0
    whole: int = 0


def register(primitive: Primitive) -> Primitive:
    """Enter a primitive in the table that tests and documentation read."""
    if primitive.name in REGISTRY:
        raise ValueError(f"primitive {primitive.name!r} is declared twice")
    REGISTRY[primitive.name] = primitive
    return primitive


def elementwise(
    name: str,
    eval: Callable[..., Any],
    partials: Partials | None = None,
    *,
    slopes: Mapping[str, Partials] | None = None,
    rules: tuple[Callable[..., Any], Callable[..., Any]] | None = None,
    domain: Sequence[tuple[float, float]] = ((-3.0, 3.0),),
    extremes: Sequence[float] = (),
    kinds: str = "f",
    family: str = "elementwise",
    ufunc: Ufunc | None = None,
    whole: int = 0,
    doc: str = "",
) -> Primitive:
    """Declare an elementwise primitive with broadcasting.

    Parameters
    ----------
    eval : callable
        ``eval(xp, *x)``, the value.
    partials : callable, optional
        ``partials(y, *x)`` gives the derivative by each input, None where it is zero; one that is
        costly may be a function of nothing, called if it is asked for. Without `partials` the
        primitive is flat: its derivative is zero everywhere.
    slopes : mapping of str to callable, optional
        Other partials for the same value, chosen where a node is made (``slope="name"``): the
        same function away from special points, where its users know more than it does.
    rules : pair of callables, optional
        `vjp` and `jvp` in place of those that `partials` would give.
    domain : sequence of (low, high)
        Where tests draw each input from.
    extremes : sequence of float
        Further inputs at which value and gradient must be right to 1e-14.
    kinds : str
        Kinds of dtype that tests draw: of "f", "i", "b".
    family : str
        Of `ELEMENTWISE_FAMILIES`.
    ufunc : Ufunc, optional
        What `eval` calls, if that is all it does.
    whole : int
        How many inputs, from the first on, may be integers where `eval` becomes native code.
    """

    @lru_cache(maxsize=1024)
    def result_dtype(*dtypes: np.dtype[Any]) -> np.dtype[Any]:
        try:
            probe = [np.empty(0, dtype) for dtype in dtypes]
            return eval(REFERENCE, *probe).dtype  # type: ignore[no-any-return]
        except TypeError:
            listed = ", ".join(str(dtype) for dtype in dtypes)
            raise DtypeError(at_user_line(f"{name} is not defined for dtypes {listed}")) from None

    @lru_cache(maxsize=1024)  # most operations of a program are of a few types
    def infer(*types: Type, slope: str | None = None) -> Type:
        shape = broadcast_shapes(name, *[t.shape for t in types])
        return Type(shape, result_dtype(*[t.dtype for t in types]))

    def evaluate(xp: Any, *x: Any, slope: str | None = None) -> Any:
        return eval(xp, *x)

    vjp, jvp = rules or (None, None)
    by_slope: dict[str | None, Partials] | None = None
    if partials is not None and rules is None:
        by_slope = {None: partials}
        by_slope.update(slopes or {})
        vjp, jvp = _rules(by_slope)
    spec = {"family": family, "domain": tuple(domain), "extremes": tuple(extremes),
            "kinds": kinds, "doc": doc, "flat": vjp is None, "arity": len(domain),
            "slopes": tuple(slopes or ()), "ufunc": ufunc, "whole": whole}  # fmt: skip
    value = evaluate if slopes else eval

    def batch(_size: int, batched: Sequence[bool], *x: Any, **params: Any) -> Any:
        return primitive(*aligned(batched, x, (0,) * len(x)), **params)

    primitive = register(
        Primitive(
            name, value, infer, vjp, jvp, selective_vjp=True, spec=spec, batch=batch,
            partials=by_slope,
        )
    )  # fmt: skip
    return primitive


def _rules(
    partials: Mapping[str | None, Partials],
) -> tuple[Callable[..., list[Any]], Callable[..., Any]]:
    """Build both modes' rules from the partial derivatives."""
    usual = partials[None]

    def vjp(
        g: Any, y: Any, *x: Any, needs_input_grad: Sequence[bool], flow: Flow | None = None,
        slope: str | None = None,
    ) -> list[Any]:  # fmt: skip
        result: list[Any] = []
        derivatives = (usual if slope is None else partials[slope])(y, *x)
        for partial, xi, needed in zip(derivatives, x, needs_input_grad, strict=True):
            if partial is None or not needed:
                result.append(None)
                continue
            cotangent = times(g, partial) if flow is None else _times_where(flow, g, partial)
            same_type = cotangent.shape == xi.shape and cotangent.dtype == xi.dtype
            result.append(cotangent if same_type else unbroadcast(cotangent, xi))
        return result

    def jvp(
        tangents: Sequence[Any], y: Any, *x: Any, flows: Sequence[Flow | None] | None = None,
        slope: str | None = None,
    ) -> Any:  # fmt: skip
        total = None
        for k, (t, partial) in enumerate(zip(tangents, partials[slope](y, *x), strict=True)):
            if t is not None and partial is not None:
                term = times(t, partial)
                if flows is not None and flows[k] is not None:
                    term = masked(flows[k](), term)  # type: ignore[misc]
                total = term if total is None else total + term
        return None if total is None else broadcast_like(total, y)

    return vjp, jvp


def times(g: Any, partial: Any) -> Any:
    """Return `g * partial`; a partial of exactly 1 or -1 costs nothing."""
    if type(partial) is float:  # a constant of the rule; a NumPy scalar is a float, too
        return g if partial == 1.0 else -g if partial == -1.0 else g * partial
    return g * (partial() if type(partial) is FunctionType else partial)


def _times_where(flow: Flow, g: Any, partial: Any) -> Any:
    """Multiply as `times` does, but give 0 where no derivative flows."""
    if type(partial) is FunctionType:
        partial = partial()
    product = times(g, partial)
    return product if type(partial) is float or _finite(partial) else masked(flow(), product)


def _finite(partial: Any) -> bool:
    """Return whether the partial is known to be one finite number at all entries."""
    if isinstance(partial, Node):
        if partial.primitive is not CONSTANT or partial.shape:
            return False
        partial = partial.value
    return not np.shape(partial) and isfinite(abs(partial))


def masked(flow: Any, x: Any) -> Any:
    """Return x where a derivative flows, 0 elsewhere."""
    return _late_bound["where"](flow, x, x.dtype.type(0))


def linear(
    name: str,
    eval: Callable[..., Any],
    infer: Callable[..., Type],
    transpose: Callable[..., Any],
    *,
    batch: Callable[..., Any],
    doc: str = "",
) -> Primitive:
    """Declare a primitive that is linear in its first input; other inputs carry no derivative.

    ``transpose(g, x, *rest, **params)`` gives the cotangent of the first input, of which only
    shape and dtype may be read; `batch` is that of `Primitive`.
    """

    def vjp(g: Any, _y: Any, x: Any, *rest: Any, **params: Any) -> list[Any]:
        if not is_inexact(x.dtype):
            return [None] * (1 + len(rest))
        return [transpose(g, x, *rest, **params), *[None] * len(rest)]

    def jvp(tangents: Sequence[Any], _y: Any, _x: Any, *rest: Any, **params: Any) -> Any:
        return None if tangents[0] is None else primitive(tangents[0], *rest, **params)

    spec = {"family": "linear", "doc": doc}
    primitive = register(Primitive(name, eval, infer, vjp, jvp, spec=spec, batch=batch))
    return primitive


def declared(
    name: str,
    eval: Callable[..., Any],
    infer: Callable[..., Any],
    vjp: Callable[..., Sequence[Any]] | None = None,
    jvp: Callable[..., Any] | None = None,
    *,
    family: str,
    multiple: bool = False,
    selective_vjp: bool = False,
    selective_jvp: bool = False,
    batch: Callable[..., Any] | None = None,
    cores: Sequence[int] | None = None,
    doc: str = "",
) -> Primitive:
    """Declare a primitive by its full rules; without `vjp` its derivative is zero.

    With `selective_jvp`, `jvp` takes ``needs_results``, which says for each of several results
    whether its tangent is asked for. In place of `batch`, `cores` says how many of the last axes
    of each input belong to one example, where the axes before them broadcast.
    """

    def along_leading_axes(_size: int, batched: Sequence[bool], *inputs: Any, **params: Any) -> Any:
        return primitive(*aligned(batched, inputs, cores or ()), **params)

    batch = batch if cores is None else along_leading_axes
    spec = {"family": family, "doc": doc, "selective_jvp": selective_jvp}
    primitive = register(
        Primitive(name, eval, infer, vjp, jvp, multiple, selective_vjp, spec, batch)
    )
    return primitive


_late_bound: dict[str, Primitive] = {}


def unbroadcast(g: Any, x: Any) -> Any:
    """Sum a cotangent over what broadcasting repeated, and cast it: to the type of `x`."""
    if g.shape != x.shape:
        g = sum_to_shape(g, x.shape)
    return g if g.dtype == x.dtype else _late_bound["cast"](g, dtype=x.dtype)


def sum_to_shape(g: Any, shape: tuple[int, ...]) -> Any:
    extra = len(g.shape) - len(shape)
    axes = tuple(range(extra)) + tuple(
        k + extra for k, size in enumerate(shape) if size == 1 and g.shape[k + extra] != 1
    )
    if axes:
        g = _late_bound["sum"](g, axes=axes)
    return g if g.shape == shape else _late_bound["reshape"](g, shape=shape)


def broadcast_like(t: Any, y: Any) -> Any:
    """Broadcast and cast a tangent to the output's type."""
    if t.shape != y.shape:
        t = _late_bound["broadcast_to"](t, shape=y.shape)
    return t if t.dtype == y.dtype else _late_bound["cast"](t, dtype=y.dtype)


def aligned(batched: Sequence[bool], inputs: Sequence[Any], cores: Sequence[int]) -> list[Any]:
    """Put axes of size 1 behind a batch's, so that it stands before all axes that broadcast.

    Parameters
    ----------
    cores : sequence of int
        How many of the last axes of each input do not broadcast.
    """
    ranks = [len(x.shape) - b - core for x, b, core in zip(inputs, batched, cores, strict=True)]
    lead = max(ranks)
    return [
        x if not b or rank == lead
        else _late_bound["reshape"](x, shape=(x.shape[0], *(1,) * (lead - rank), *x.shape[1:]))
        for x, b, rank in zip(inputs, batched, ranks, strict=True)
    ]  # fmt: skip


def spread(size: int, batched: Sequence[bool], inputs: Sequence[Any]) -> list[Any]:
    """Return the inputs, all with a leading axis: those that examples share are repeated."""
    return [
        x if b else _late_bound["broadcast_to"](x, shape=(size, *x.shape))
        for x, b in zip(inputs, batched, strict=True)
    ]


def provide(*primitives: Primitive) -> None:
    """Name the primitives that `unbroadcast`, `masked`, `aligned` and their kin are made of."""
    _late_bound.update({primitive.name: primitive for primitive in primitives})
