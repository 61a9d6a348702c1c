"""Donated arguments: arrays whose memory results take."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import tree
from ...backends import Donated
from ...errors import UnsupportedError, at_user_line
from ...graph.graph import Graph


def donated_leaves(arguments: Sequence[tree.TreeDef], positions: Sequence[int]) -> list[int]:
    """Return the numbers of the leaves that belong to arguments at these positions."""
    counts = [argument.num_leaves for argument in arguments]
    starts = np.cumsum([0, *counts])
    count = len(counts)
    return [
        leaf
        for k in sorted({k % count for k in positions if -count <= k < count})
        for leaf in range(starts[k], starts[k + 1])
    ]


def match_outputs(graph: Graph, leaves: Sequence[int]) -> Donated:
    """Return the donated input whose memory each output takes: the first of its type that is left.

    Numbers, which nobody can write into, are not donated. Arrays that no output can use stay as
    they are, with a warning.
    """
    free = [k for k in leaves if graph.input_types[k].shape]
    donated = {}
    for j, type_ in enumerate(graph.output_types):
        k = next((k for k in free if graph.input_types[k] == type_), None)
        if k is not None:
            free.remove(k)
            donated[j] = k
    if free:
        kinds = ", ".join(str(graph.input_types[k]) for k in free)
        warnings.warn(
            at_user_line(f"no result takes the memory of these donated arrays: {kinds}"),
            stacklevel=2,
        )
    return donated


def check_donated(arrays: Sequence[Any], donated: Donated, names: Sequence[str]) -> None:
    """Raise unless each donated array may be written, and nobody else sees its memory.

    Raises
    ------
    UnsupportedError
        With the argument's name.
    """
    for k in donated.values():
        x = arrays[k]
        why = ""
        if type(x) is not np.ndarray:
            why = "is no NumPy array"
        elif not (x.flags.c_contiguous and x.flags.aligned and x.flags.writeable):
            why = "is read-only, or not C-contiguous"
        elif x.base is not None:
            why = "is a view of another array"
        elif any(j != k and isinstance(y, np.ndarray) and np.may_share_memory(x, y)
                 for j, y in enumerate(arrays)):  # fmt: skip
            why = "shares memory with another argument"
        if why:
            raise UnsupportedError(
                at_user_line(f"the donated argument {names[k]} {why}: give a copy of it")
            )
