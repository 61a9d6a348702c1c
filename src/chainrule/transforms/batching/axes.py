"""Which axis of which argument counts the examples of a batch, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import tree
from ...errors import ShapeError, at_user_line
from ...trace.capture import as_array
from ...trace.function_rules import as_int

Axes = list[int | None]


def axes_of_leaves(in_axes: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Axes:
    """Return an axis, or None, for each leaf of the arguments."""
    by_name = len(tree.leaves(kwargs))
    if isinstance(in_axes, (tuple, list)):
        if len(in_axes) != len(args):
            raise TypeError(
                at_user_line(
                    f"in_axes has {len(in_axes)} entries for {len(args)} positional arguments: "
                    "give one for each (arguments by name are mapped along axis 0)"
                )
            )
        in_axes = tuple(in_axes)
    elif in_axes is not None and not _is_int(in_axes):
        raise TypeError(
            at_user_line(
                f"in_axes is {type(in_axes).__name__} {in_axes!r:.40}: give a whole number, None, "
                "or a tuple with an entry for each positional argument"
            )
        )
    axes = tree.broadcast_prefix(in_axes, tree.structure(args), "in_axes")
    return [None if axis is None else as_int(axis, "in_axes") for axis in axes] + [0] * by_name


def _is_int(x: Any) -> bool:
    return hasattr(x, "__index__") and not isinstance(x, bool)


def normal_axis(axis: Any, rank: int, argument: str, name: str) -> int:
    """Return an axis counted from the front, checked."""
    number: int = as_int(axis, argument)
    if not -rank <= number < rank:
        raise ShapeError(
            at_user_line(
                f"{argument} names axis {number} of {name}, which has {rank} "
                f"{'axis' if rank == 1 else 'axes'}"
            )
        )
    return number % rank


def size_of_batch(
    leaves: Sequence[Any], axes: Sequence[int | None], paths: Sequence[tuple[Any, ...]]
) -> tuple[int, Axes]:
    """Return the number of examples, and the axes counted from the front."""
    sizes: dict[int, str] = {}
    normal: Axes = []
    for leaf, axis, path in zip(leaves, axes, paths, strict=True):
        if axis is None:
            normal.append(None)
            continue
        name = _argument_name(path)
        array = as_array(leaf, name)
        if not array.shape:
            instead = (
                "give in_axes=None for what all examples share"
                if path[0] == 0
                else "close over what all examples share (functools.partial), or pass it by "
                "position with None in in_axes"
            )
            raise ShapeError(
                at_user_line(
                    f"vmap is to map {name} along axis {axis}, and it is a number without axes: "
                    f"{instead}"
                )
            )
        normal.append(normal_axis(axis, len(array.shape), "in_axes", f"{name}, {array.shape}"))
        sizes.setdefault(array.shape[normal[-1] or 0], f"axis {axis} of {name}")
    if not sizes:
        nothing = "nothing to map" if any(axis is not None for axis in axes) or not leaves else (
            "in_axes is None for all arguments")  # fmt: skip
        raise ShapeError(
            at_user_line(f"vmap: {nothing}; at least one argument has an axis of examples")
        )
    if len(sizes) > 1:
        listed = " and ".join(f"{size} ({name})" for size, name in sizes.items())
        raise ShapeError(
            at_user_line(f"vmap over arguments of different numbers of examples: {listed}")
        )
    return next(iter(sizes)), normal


def _argument_name(path: tuple[Any, ...]) -> str:
    """Return how an argument's leaf is called in messages: ``argument 0['w']``."""
    positional, first, *rest = path
    name = f"argument {first}" if positional == 0 else f"argument {first!r}"
    return name + "".join(f"[{key!r}]" for key in rest)
