"""What observations and actions are: Gymnasium's spaces as small values that programs depend on.

A Gymnasium space draws samples and can be changed; a trained model needs what is left when both
are taken away, hashable and writable as JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..lazy import LazyModule

gymnasium_spaces = LazyModule("gymnasium.spaces", extra="rl")

ACTION_MASK = "action_mask"
"""The part of a Dict of observations that says which actions are possible."""


class Spec:
    """The base class of spaces, which prints as Gymnasium's spaces do."""

    def __str__(self) -> str:
        return str(space_of(self))  # type: ignore[arg-type]


@dataclass(frozen=True)
class DiscreteSpec(Spec):
    """One of the whole numbers ``start ... start + n - 1``."""

    n: int
    start: int = 0


@dataclass(frozen=True)
class MultiDiscreteSpec(Spec):
    """Several whole numbers: number k is one of ``start[k] ... start[k] + nvec[k] - 1``."""

    nvec: tuple[int, ...]
    start: tuple[int, ...]


@dataclass(frozen=True)
class MultiBinarySpec(Spec):
    """Several numbers of 0 and 1, in an array of this shape."""

    shape: tuple[int, ...]


@dataclass(frozen=True)
class BoxSpec(Spec):
    """An array between two bounds, one number for all entries or a tuple of one for each."""

    shape: tuple[int, ...]
    dtype: str
    low: float | tuple[float, ...]
    high: float | tuple[float, ...]

    @property
    def is_bounded(self) -> bool:
        """Return whether all bounds are finite."""
        return bool(np.all(np.isfinite(self.low)) and np.all(np.isfinite(self.high)))

    @property
    def is_bytes(self) -> bool:
        """Return whether it holds bytes from 0 to 255."""
        return self.dtype == "uint8" and self.low == 0 and self.high == 255

    @property
    def is_image(self) -> bool:
        """Return whether it has three axes of bytes: heights, widths and channels, in any order."""
        return len(self.shape) == 3 and self.is_bytes

    def bounds(self, dtype: Any = np.float64) -> tuple[Any, Any]:
        """Return both bounds as arrays of the space's shape, or as numbers that serve for all."""
        low, high = (np.asarray(bound, dtype) for bound in (self.low, self.high))
        return tuple(  # type: ignore[return-value]
            bound.reshape(self.shape) if bound.ndim else bound for bound in (low, high)
        )


@dataclass(frozen=True)
class DictSpec(Spec):
    """Several spaces by name, sorted by it."""

    names: tuple[str, ...]
    parts: tuple[SpaceSpec, ...]


@dataclass(frozen=True)
class TupleSpec(Spec):
    """Several spaces in a row."""

    parts: tuple[SpaceSpec, ...]


SpaceSpec: TypeAlias = (
    DiscreteSpec | MultiDiscreteSpec | MultiBinarySpec | BoxSpec | DictSpec | TupleSpec
)
ActionSpec: TypeAlias = DiscreteSpec | MultiDiscreteSpec | MultiBinarySpec | BoxSpec


def spec_of(space: Any) -> SpaceSpec:
    """Return the value of a Gymnasium space.

    Raises
    ------
    UnsupportedError
        For spaces whose elements have no fixed shape, such as Text, Graph and Sequence.
    """
    kinds = gymnasium_spaces
    if isinstance(space, kinds.Discrete):
        return DiscreteSpec(int(space.n), int(space.start))
    if isinstance(space, kinds.MultiDiscrete):
        if space.nvec.ndim != 1:
            raise _unsupported(space, "of several axes: flatten it")
        return MultiDiscreteSpec(tuple(space.nvec.tolist()), tuple(space.start.tolist()))
    if isinstance(space, kinds.MultiBinary):
        return MultiBinarySpec(tuple(space.shape))
    if isinstance(space, kinds.Box):
        if space.dtype.kind not in "fiu":
            raise _unsupported(space, f"of {space.dtype}")
        return BoxSpec(tuple(space.shape), str(space.dtype), _bound(space.low), _bound(space.high))
    if isinstance(space, kinds.Dict):
        names = tuple(sorted(space.spaces))
        return DictSpec(names, tuple(spec_of(space[name]) for name in names))
    if isinstance(space, kinds.Tuple):
        return TupleSpec(tuple(map(spec_of, space.spaces)))
    raise _unsupported(space, "")


def action_spec_of(space: Any) -> ActionSpec:
    """Return the value of a space of actions.

    Raises
    ------
    UnsupportedError
        For Dict and Tuple, and for what `spec_of` refuses.
    """
    spec = spec_of(space)
    if isinstance(spec, (DictSpec, TupleSpec)):
        raise _unsupported(space, "for actions: wrap the environment in one with a single Box, "
                                  "Discrete, MultiDiscrete or MultiBinary space")  # fmt: skip
    if isinstance(spec, BoxSpec) and not spec.dtype.startswith("float"):
        raise _unsupported(space, f"of {spec.dtype} for actions: make it Discrete or MultiDiscrete")
    return spec


def space_of(spec: SpaceSpec) -> Any:
    """Return the Gymnasium space of a value; the inverse of `spec_of`."""
    kinds = gymnasium_spaces
    match spec:
        case DiscreteSpec(n, start):
            return kinds.Discrete(n, start=start)
        case MultiDiscreteSpec(nvec, start):
            return kinds.MultiDiscrete(list(nvec), start=list(start))
        case MultiBinarySpec(shape):
            return kinds.MultiBinary(shape if len(shape) > 1 else shape[0])
        case BoxSpec(shape, dtype):
            low, high = spec.bounds(dtype)
            full = [np.broadcast_to(bound, shape) for bound in (low, high)]
            return kinds.Box(full[0], full[1], shape, np.dtype(dtype))
        case DictSpec(names, parts):
            return kinds.Dict(dict(zip(names, map(space_of, parts), strict=True)))
        case TupleSpec(parts):
            return kinds.Tuple(list(map(space_of, parts)))


def shape_and_dtype(spec: SpaceSpec) -> tuple[tuple[int, ...], Any]:
    """Return shape and dtype of one element of a space that is an array or a number."""
    match spec:
        case DiscreteSpec():
            return (), np.dtype(np.int64)
        case MultiDiscreteSpec(nvec):
            return (len(nvec),), np.dtype(np.int64)
        case MultiBinarySpec(shape):
            return shape, np.dtype(np.int8)
        case BoxSpec(shape, dtype):
            return shape, np.dtype(dtype)
        case _:
            raise TypeError(f"{spec} has several arrays")


def zeros(spec: SpaceSpec, leading: Sequence[int]) -> Any:
    """Return a tree of arrays of zeros for as many elements as `leading` has room for."""
    match spec:
        case DictSpec(names, parts):
            return {name: zeros(part, leading) for name, part in zip(names, parts, strict=True)}
        case TupleSpec(parts):
            return tuple(zeros(part, leading) for part in parts)
        case _:
            shape, dtype = shape_and_dtype(spec)
            return np.zeros((*leading, *shape), dtype)


def n_features(spec: SpaceSpec) -> int:
    """Return how many numbers `flatten_observation` makes of one element."""
    match spec:
        case DiscreteSpec(n):
            return n
        case MultiDiscreteSpec(nvec):
            return sum(nvec)
        case MultiBinarySpec(shape) | BoxSpec(shape):
            return prod(shape)
        case DictSpec(_, parts) | TupleSpec(parts):
            return sum(map(n_features, parts))


def flatten_observation(spec: SpaceSpec, observation: Any, dtype: Any = np.float32) -> Any:
    """Return the observations of n copies as one row of numbers each.

    Numbers of categories become rows of 0 and 1 (one-hot), bytes are divided by 255.

    Parameters
    ----------
    spec : SpaceSpec
    observation : tree of arrays of shape (n, ...)
    dtype : floating dtype
        Default float32.

    Returns
    -------
    array of shape (n, n_features(spec))
    """
    match spec:
        case DiscreteSpec(n, start):
            return _one_hot(observation - start, n, dtype)
        case MultiDiscreteSpec(nvec, start):
            columns = [
                _one_hot(observation[:, k] - first, n, dtype)
                for k, (n, first) in enumerate(zip(nvec, start, strict=True))
            ]
            return np.concatenate(columns, axis=1)
        case DictSpec(names, parts):
            rows = [
                flatten_observation(part, observation[name], dtype)
                for name, part in zip(names, parts, strict=True)
            ]
            return np.concatenate(rows, axis=1)
        case TupleSpec(parts):
            rows = [
                flatten_observation(part, x, dtype)
                for part, x in zip(parts, observation, strict=True)
            ]
            return np.concatenate(rows, axis=1)
        case _:
            flat = observation.reshape(observation.shape[0], n_features(spec)).astype(dtype)
            is_bytes = isinstance(spec, BoxSpec) and spec.is_bytes
            return flat / np.asarray(255, dtype) if is_bytes else flat


def action_mask(spec: SpaceSpec, observation: Any) -> Any:
    """Return which actions are possible, bool (n, actions); None if observations do not say."""
    if isinstance(spec, DictSpec) and ACTION_MASK in spec.names:
        return observation[ACTION_MASK] != 0
    return None


def check_action_mask(spec: SpaceSpec, action: ActionSpec) -> None:
    """Raise if there is a mask, and it does not have one entry for each action."""
    if not (isinstance(spec, DictSpec) and ACTION_MASK in spec.names):
        return
    part = spec.parts[spec.names.index(ACTION_MASK)]
    count = None
    if isinstance(action, DiscreteSpec):
        count = action.n
    elif isinstance(action, MultiDiscreteSpec):
        count = sum(action.nvec)
    shape = part.shape if isinstance(part, (BoxSpec, MultiBinarySpec)) else None
    if count is None or shape != (count,):
        raise UnsupportedError(
            at_user_line(
                f"the observation's {ACTION_MASK!r} is {part}, and actions are {action}: give "
                "MultiBinary of one entry for each action of Discrete or MultiDiscrete"
            )
        )


def _one_hot(numbers: Any, n: int, dtype: Any) -> Any:
    return (numbers[:, None] == np.arange(n)).astype(dtype)


def _bound(bound: Any) -> float | tuple[float, ...]:
    values = tuple(float(x) for x in bound.reshape(-1))
    return values[0] if len(set(values)) == 1 else values


def _unsupported(space: Any, why: str) -> UnsupportedError:
    return UnsupportedError(
        at_user_line(
            f"the space {space!s:.80} is not supported {why}".rstrip()
            + ": Discrete, MultiDiscrete, MultiBinary and Box are, and for observations Dict and "
            "Tuple of them"
        )
    )
