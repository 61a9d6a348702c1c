"""Complex numbers that NumPy computes: primitives that read and write them as pairs of parts."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ....graph.node import Node, Primitive, apply
from ....graph.types import Type, is_complex
from .pair import Pair, Value, joined, pair_type, separated

_COMPLEX = {np.dtype(np.float32): np.dtype(np.complex64), np.dtype(float): np.dtype(complex)}


def as_complex(x: Any) -> Any:
    """Return numbers whose parts lie along the last axis as complex ones, in the same memory."""
    x = np.ascontiguousarray(x)
    return x.view(_COMPLEX[x.dtype])[..., 0]


def as_parts(z: Any) -> Any:
    """Return complex numbers as an array with their parts along the last axis."""
    whole = np.empty((*np.shape(z), 2), z.real.dtype)
    as_complex(whole)[...] = z
    return whole


def _parts_if_complex(x: Any) -> Any:
    return as_parts(x) if x.dtype.kind == "c" else x


@lru_cache(maxsize=512)
def of_pairs(primitive: Primitive) -> Primitive:
    """Return the primitive for arrays of pairs; its parameter `pairs` says which inputs are such.

    Its spec has `into`, which writes the results to arrays.
    """

    def arguments(arrays: tuple[Any, ...], pairs: tuple[bool, ...]) -> list[Any]:
        return [as_complex(x) if pair else x for x, pair in zip(arrays, pairs, strict=True)]

    def evaluate(xp: Any, *arrays: Any, pairs: tuple[bool, ...], **params: Any) -> Any:
        result = primitive.evaluate(xp, *arguments(arrays, pairs), **params)
        if primitive.multiple:
            return tuple(map(_parts_if_complex, result))
        return _parts_if_complex(result)

    def into(
        xp: Any, targets: list[Any], *arrays: Any, pairs: tuple[bool, ...], **params: Any
    ) -> None:
        write: Callable[..., None] | None = primitive.spec.get("into")
        if write is not None:
            whole = primitive.infer(*[_type(x) for x in arguments(arrays, pairs)], **params)
            target = as_complex(targets[0]) if whole.dtype.kind == "c" else targets[0]
            write(xp, [target], *arguments(arrays, pairs), **params)
            return
        result = primitive.evaluate(xp, *arguments(arrays, pairs), **params)
        for x, target in zip(result if primitive.multiple else (result,), targets, strict=True):
            (as_complex(target) if x.dtype.kind == "c" else target)[...] = x

    def infer(*types: Type, pairs: tuple[bool, ...], **params: Any) -> Any:
        whole = [
            Type(t.shape[:-1], _COMPLEX[t.dtype]) if pair else t
            for t, pair in zip(types, pairs, strict=True)
        ]
        result = primitive.infer(*whole, **params)
        return tuple(map(pair_type, result)) if primitive.multiple else pair_type(result)

    return Primitive(
        f"{primitive.name}_of_pairs", evaluate, infer, multiple=primitive.multiple,
        spec={"family": "pairs", "into": into},
    )  # fmt: skip


def by_numpy(node: Node, *inputs: Value) -> Value:
    """Have NumPy compute the node, of arrays of pairs."""
    pairs = tuple(isinstance(x, Pair) for x in inputs)
    params: dict[str, Any] = {**node.params, "pairs": pairs}
    operands = tuple(map(joined, inputs))
    result = apply(of_pairs(node.primitive), operands, params, node.source_location)
    return separated(result) if node.dtype is not None and is_complex(node.dtype) else result


def _type(x: Any) -> Type:
    return Type(x.shape, x.dtype)
