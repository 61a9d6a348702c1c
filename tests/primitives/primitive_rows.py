"""One row a primitive: what NumPy says it computes, and how tests draw its inputs.

A row's `draw` gives the input arrays and the parameters; its `reference` is plain NumPy. The
elementwise rows draw by their declarations' domains; `slope` states the derivative by each input,
written down again by hand, limits and conventions included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from chainrule.primitives import REGISTRY

Array = NDArray[Any]
Drawn = tuple[list[Array], dict[str, Any]]

SIZES = st.integers(0, 4)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
FILLED = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)


@dataclass(frozen=True)
class Row:
    """How one primitive is tested.

    Attributes
    ----------
    reference : callable
        NumPy's own function of the same inputs and parameters.
    draw : callable
        ``draw(data, rng)`` gives inputs and parameters.
    slope : callable or None
        For elementwise primitives: the derivative by each input, 0.0 where flat.
    atol : float
        How far a value may be off, where a sum is taken in another order.
    """

    reference: Callable[..., Any]
    draw: Callable[[Any, np.random.Generator], Drawn]
    slope: Callable[..., Sequence[Any]] | None = None
    atol: float = 0.0


def laid_out(array: Array, layout: str) -> Array:
    """The same numbers in another place in memory: Fortran order, steps, or backwards."""
    if layout == "fortran":
        return np.array(array, order="F")
    if layout == "steps":
        wide = np.zeros(tuple(2 * n for n in array.shape), array.dtype)
        view = wide[(..., *[slice(None, None, 2)] * array.ndim)]
    elif layout == "backwards":
        view = np.zeros_like(array)[(..., *[slice(None, None, -1)] * array.ndim)]
    else:
        return np.array(array, order="C")
    view[...] = array
    return view


LAYOUTS = st.sampled_from(["plain", "fortran", "steps", "backwards"])


def numbers(data: Any, rng: np.random.Generator, shape: Any, low: float = -3.0,
            high: float = 3.0) -> Array:  # fmt: skip
    """Random numbers of a shape, in a layout that Hypothesis draws."""
    return laid_out(np.asarray(rng.uniform(low, high, shape)), data.draw(LAYOUTS))


# Elementwise


def _elementwise(reference: Any, slope: Any, name: str) -> Row:
    domain = REGISTRY[name].spec["domain"]

    def draw(data: Any, rng: np.random.Generator) -> Drawn:
        if len(domain) == 1:
            shapes: tuple[Any, ...] = (data.draw(SHAPES),)
        else:
            shapes = data.draw(
                hnp.mutually_broadcastable_shapes(
                    num_shapes=len(domain), min_dims=0, max_dims=3, min_side=0, max_side=4
                )
            ).input_shapes
        arrays = [numbers(data, rng, s, *d) for s, d in zip(shapes, domain, strict=True)]
        kinds = REGISTRY[name].spec["kinds"]
        if "f" not in kinds:
            whole = bool if "b" in kinds and data.draw(st.booleans()) else int
            arrays = [np.rint(x).astype(whole) for x in arrays]
        return arrays, {}

    return Row(reference, draw, slope)


def _expit(x: Any) -> Any:
    return np.where(x < 0, np.exp(np.minimum(x, 0.0)), 1.0) / (1.0 + np.exp(-np.abs(x)))


def _softmax(x: Any, y: Any) -> Any:
    """Of two numbers, the first; two infinities of one sign share."""
    return np.where((x == y) & np.isinf(x), 0.5, scipy.special.expit(x - y))


def _or_origin(p: Any, x: Any, y: Any, power: int) -> Any:
    """p / hypot(x, y)**power, and 0 at the origin."""
    z = np.hypot(x, y)
    return np.where(z == 0, 0.0, p / z if power == 1 else p / z / z)


def _power_slopes(x: Any, y: Any) -> Any:
    by_x = np.where(y == 0, 0.0, y * np.power(x, np.where(y == 0, 1.0, y - 1.0)))
    z = np.power(x, y)
    by_y = np.where(z == 0, 0.0, z * np.log(np.where(z == 0, 1.0, x)))
    return by_x, by_y


def _larger(x: Any, y: Any) -> Any:
    """The derivative of maximum by x: ties share, and a nan is what was chosen."""
    both_nan = np.isnan(x) & np.isnan(y)
    tie = (x == y) | both_nan
    return np.where(tie, 0.5, np.where(np.isnan(x) | (x > y), 1.0, 0.0))


FLAT1 = lambda x: (0.0 * np.ones_like(x),)  # noqa: E731
FLAT2 = lambda x, y: (np.zeros(np.broadcast(x, y).shape),) * 2  # noqa: E731
ELEMENTWISE: dict[str, tuple[Any, Any]] = {
    "add": (np.add, lambda x, y: (1.0, 1.0)),
    "sub": (np.subtract, lambda x, y: (1.0, -1.0)),
    "mul": (np.multiply, lambda x, y: (y, x)),
    "div": (np.divide, lambda x, y: (1.0 / y, -(x / y) / y)),
    "neg": (np.negative, lambda x: (-1.0,)),
    "power": (np.power, _power_slopes),
    "abs": (np.abs, lambda x: (np.sign(x),)),  # 0 at 0
    "remainder": (np.remainder, lambda x, y: (1.0, -np.floor(x / y))),
    "floor_divide": (np.floor_divide, FLAT2),
    "sign": (np.sign, FLAT1),
    "floor": (np.floor, FLAT1),
    "rint": (np.rint, FLAT1),
    "exp": (np.exp, lambda x: (np.exp(x),)),
    "expm1": (np.expm1, lambda x: (np.exp(x),)),
    "log": (np.log, lambda x: (1.0 / x,)),  # also where log itself is nan
    "log1p": (np.log1p, lambda x: (1.0 / (1.0 + x),)),
    "sqrt": (np.sqrt, lambda x: (0.5 / np.sqrt(x),)),  # inf at 0, -inf at -0.0
    "cbrt": (np.cbrt, lambda x: (1.0 / (3.0 * np.cbrt(x) ** 2),)),  # inf at 0
    "logaddexp": (np.logaddexp, lambda x, y: (_softmax(x, y), _softmax(y, x))),
    "logistic": (_expit, lambda x: (scipy.special.expit(x) * scipy.special.expit(-x),)),
    "sin": (np.sin, lambda x: (np.cos(x),)),
    "cos": (np.cos, lambda x: (-np.sin(x),)),
    "arctan2": (
        np.arctan2,
        lambda y, x: (_or_origin(x, x, y, 2), _or_origin(-y, x, y, 2)),
    ),
    "hypot": (np.hypot, lambda x, y: (_or_origin(x, x, y, 1), _or_origin(y, x, y, 1))),
    "cosh": (np.cosh, lambda x: (np.sinh(x),)),
    "tanh": (np.tanh, lambda x: (np.exp(-2 * np.log(np.cosh(x))),)),
    "arcsinh": (np.arcsinh, lambda x: (1.0 / np.hypot(x, 1.0),)),
    "erf": (scipy.special.erf, lambda x: (2.0 / np.sqrt(np.pi) * np.exp(-x * x),)),
    "erfc": (scipy.special.erfc, lambda x: (-2.0 / np.sqrt(np.pi) * np.exp(-x * x),)),
    "maximum": (np.maximum, lambda x, y: (_larger(x, y), _larger(y, x))),
    "minimum": (np.minimum, lambda x, y: (_larger(-x, -y), _larger(-y, -x))),
    "equal": (np.equal, FLAT2),
    "less": (np.less, FLAT2),
    "bitwise_and": (np.bitwise_and, None),
    "bitwise_xor": (np.bitwise_xor, None),
    "shift_right": (np.right_shift, None),
    "where": (
        np.where,
        lambda c, x, y: (0.0, np.where(c, 1.0, 0.0), np.where(c, 0.0, 1.0)),
    ),
}


# Structure


def _draw_cast(data: Any, rng: np.random.Generator) -> Drawn:
    dtype = np.dtype(data.draw(st.sampled_from([float, int])))
    return [numbers(data, rng, data.draw(SHAPES))], {"dtype": dtype}


def _draw_plain(data: Any, rng: np.random.Generator) -> Drawn:
    return [numbers(data, rng, data.draw(SHAPES))], {}


def _draw_reshape(data: Any, rng: np.random.Generator) -> Drawn:
    shape = data.draw(SHAPES)
    total = int(np.prod(shape))
    factors = [n for n in range(1, total + 1) if total % n == 0]
    rows = data.draw(st.sampled_from(factors or [0]))
    new = (rows, total // rows) if rows else (0, 3)
    return [numbers(data, rng, shape)], {"shape": data.draw(st.sampled_from([new, (total,)]))}


def _draw_transpose(data: Any, rng: np.random.Generator) -> Drawn:
    shape = data.draw(SHAPES)
    axes = tuple(data.draw(st.permutations(range(len(shape)))))
    return [numbers(data, rng, shape)], {"axes": axes}


def _draw_broadcast(data: Any, rng: np.random.Generator) -> Drawn:
    shape = data.draw(SHAPES)
    own = tuple(1 if data.draw(st.booleans()) else size for size in shape)
    drop = data.draw(st.integers(0, len(shape)))
    return [numbers(data, rng, own[drop:])], {"shape": shape}


def _axes(data: Any, n: int) -> tuple[int, ...]:
    return tuple(sorted(data.draw(st.sets(st.integers(0, n - 1)) if n else st.just(set()))))


def _draw_sum(data: Any, rng: np.random.Generator) -> Drawn:
    shape = data.draw(SHAPES)
    return [numbers(data, rng, shape)], {"axes": _axes(data, len(shape))}


def slices(data: Any, shape: Sequence[int]) -> tuple[slice, ...]:
    """A basic slice of an array, in the form that primitives take: no negative bounds."""
    index = []
    for size in shape:
        start, stop, step = data.draw(st.slices(size)).indices(size)
        index.append(slice(start, None if stop < 0 else stop, step))
    return tuple(index)


def _draw_slice(data: Any, rng: np.random.Generator) -> Drawn:
    shape = data.draw(FILLED)
    return [numbers(data, rng, shape)], {"index": slices(data, shape)}


def _draw_place(data: Any, rng: np.random.Generator) -> Drawn:
    shape = data.draw(FILLED)
    index = slices(data, shape)
    return [numbers(data, rng, np.empty(shape)[index].shape)], {"shape": shape, "index": index}


def _placed(x: Array, shape: tuple[int, ...], index: tuple[slice, ...]) -> Array:
    zeros = np.zeros(shape)
    zeros[index] = x
    return zeros


def _draw_concatenate(data: Any, rng: np.random.Generator) -> Drawn:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4))
    axis = data.draw(st.integers(0, len(shape) - 1))
    sizes = data.draw(st.lists(SIZES, min_size=1, max_size=3))
    arrays = [numbers(data, rng, (*shape[:axis], n, *shape[axis + 1 :])) for n in sizes]
    return arrays, {"axis": axis}


# Reductions, products, indexing


def _draw_max(data: Any, rng: np.random.Generator) -> Drawn:
    shape = data.draw(FILLED)
    return [numbers(data, rng, shape)], {"axes": _axes(data, len(shape))}


def _draw_axis(data: Any, rng: np.random.Generator) -> Drawn:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4))
    x = numbers(data, rng, shape)
    if x.size and data.draw(st.booleans()):
        x[(0,) * x.ndim] = 0.0  # a zero among the factors
    return [x], {"axis": data.draw(st.integers(0, len(shape) - 1))}


def _draw_filled_axis(data: Any, rng: np.random.Generator) -> Drawn:
    shape = data.draw(FILLED)
    return [numbers(data, rng, shape)], {"axis": data.draw(st.integers(0, len(shape) - 1))}


def _draw_matmul(data: Any, rng: np.random.Generator) -> Drawn:
    batch = data.draw(
        hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, min_side=0, max_side=3)
    ).input_shapes
    n, k, m = (data.draw(SIZES) for _ in range(3))
    return [numbers(data, rng, (*batch[0], n, k)), numbers(data, rng, (*batch[1], k, m))], {}


def _draw_conv(data: Any, rng: np.random.Generator) -> Drawn:
    batch = data.draw(
        hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=1, min_side=1, max_side=2)
    ).input_shapes
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    kernel, strides, dilation = data.draw(pair), data.draw(pair), data.draw(pair)
    spare = data.draw(st.tuples(st.integers(0, 4), st.integers(0, 4)))
    sizes = [(k - 1) * d + 1 + more for k, d, more in zip(kernel, dilation, spare, strict=True)]
    rows, inputs, outputs = (data.draw(st.integers(1, 3)) for _ in range(3))
    x = numbers(data, rng, (*batch[0], rows, *sizes, inputs))
    w = numbers(data, rng, (*batch[1], *kernel, inputs, outputs))
    return [x, w], {"strides": strides, "dilation": dilation}


def _convolved(x: Array, w: Array, strides: Any, dilation: Any) -> Array:
    """One place of the kernel after the other."""
    (s, t), (d, e) = strides, dilation
    kernel_h, kernel_w = w.shape[-4:-2]
    high = (x.shape[-3] - (kernel_h - 1) * d - 1) // s * s + 1
    wide = (x.shape[-2] - (kernel_w - 1) * e - 1) // t * t + 1
    return sum(
        np.einsum(
            "...nijc,...co->...nijo",
            x[..., k * d : k * d + high : s, m * e : m * e + wide : t, :], w[..., k, m, :, :],
        )
        for k in range(kernel_h) for m in range(kernel_w)
    )  # fmt: skip


def _pattern(data: Any, shape: Sequence[int]) -> tuple[tuple[Any, ...], list[Array]]:
    """A static pattern and integer arrays that broadcast together, repeated places included."""
    parts = slices(data, shape)
    taken = [k for k in range(len(shape)) if data.draw(st.booleans())]
    shapes = data.draw(
        hnp.mutually_broadcastable_shapes(
            num_shapes=max(len(taken), 1), max_dims=2, min_side=1, max_side=3
        )
    ).input_shapes
    pattern: list[Any] = list(parts)
    arrays = []
    for k, array_shape in zip(taken, shapes, strict=False):
        pattern[k] = len(arrays)
        arrays.append(data.draw(hnp.arrays(np.intp, array_shape, elements=st.integers(
            -shape[k], shape[k] - 1))))  # fmt: skip
    return tuple(pattern), arrays


def _index(pattern: tuple[Any, ...], arrays: Sequence[Array]) -> tuple[Any, ...]:
    return tuple(arrays[p] if isinstance(p, int) else p for p in pattern)


def _draw_gather(data: Any, rng: np.random.Generator) -> Drawn:
    shape = data.draw(FILLED)
    pattern, arrays = _pattern(data, shape)
    return [numbers(data, rng, shape), *arrays], {"pattern": pattern}


def _draw_scatter(data: Any, rng: np.random.Generator) -> Drawn:
    shape = data.draw(FILLED)
    pattern, arrays = _pattern(data, shape)
    values = numbers(data, rng, np.empty(shape)[_index(pattern, arrays)].shape)
    return [numbers(data, rng, shape), values, *arrays], {"pattern": pattern}


def _written(x: Array, v: Array, *arrays: Array, pattern: tuple[Any, ...]) -> Array:
    result = np.array(x)
    result[_index(pattern, arrays)] = v
    return result


def _added(x: Array, v: Array, *arrays: Array, pattern: tuple[Any, ...]) -> Array:
    result = np.array(x)
    np.add.at(result, _index(pattern, arrays), v)
    return result


ROWS: dict[str, Row] = {
    **{name: _elementwise(f, slope, name) for name, (f, slope) in ELEMENTWISE.items()},
    "cast": Row(lambda x, dtype: x.astype(dtype), _draw_cast),
    "stop_gradient": Row(lambda x: x, _draw_plain),
    "identity": Row(lambda x: x, _draw_plain),
    "reshape": Row(lambda x, shape: np.reshape(x, shape), _draw_reshape),
    "transpose": Row(lambda x, axes: np.transpose(x, axes), _draw_transpose),
    "broadcast_to": Row(lambda x, shape: np.broadcast_to(x, shape), _draw_broadcast),
    "sum": Row(lambda x, axes: np.asarray(np.sum(x, axis=axes)), _draw_sum),
    "slice": Row(lambda x, index: x[index], _draw_slice),
    "pad": Row(_placed, _draw_place),
    "concatenate": Row(lambda *xs, axis: np.concatenate(xs, axis), _draw_concatenate),
    "max": Row(lambda x, axes: np.asarray(np.max(x, axis=axes)), _draw_max),
    "prod": Row(lambda x, axis: np.asarray(np.prod(x, axis=axis)), _draw_axis),
    "cumsum": Row(lambda x, axis: np.cumsum(x, axis=axis), _draw_axis),
    "cumprod": Row(lambda x, axis: np.cumprod(x, axis=axis), _draw_axis),
    "argmax": Row(lambda x, axis: np.asarray(np.argmax(x, axis=axis)), _draw_filled_axis),
    "argsort": Row(lambda x, axis: np.argsort(x, axis=axis, kind="stable"), _draw_axis),
    "matmul": Row(np.matmul, _draw_matmul),
    "conv": Row(_convolved, _draw_conv, atol=1e-13),
    "gather": Row(lambda x, *arrays, pattern: x[_index(pattern, arrays)], _draw_gather),
    "scatter": Row(_written, _draw_scatter),
    "scatter_add": Row(_added, _draw_scatter),
}
