"""Which series add up to which: a hierarchy, its summing matrix, and whether the data agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....errors import DataError

Floats: TypeAlias = NDArray[np.float64]

TOLERANCE = 1e-6  # of the largest value of a parent
MOST_NAMED = 5  # series in an error


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Series that are sums of others, all the way down to leaves.

    A series may be in several sums, as a shop in its region and in its chain (grouped series), but
    only once in each: a total that lists regions and chains would count each shop twice.

    Attributes
    ----------
    ids : tuple (series,)
        Parents in the order of the mapping, then leaves in order of appearance.
    leaves : tuple (leaves,)
    summing_matrix : array (series, leaves)
        1 where a leaf is part of a series: values of all series are this times those of the leaves.
        Its last rows are an identity.

    Examples
    --------
    >>> hierarchy = Hierarchy.of({"total": ["a", "b"], "b": ["b1", "b2"]})
    >>> hierarchy.ids
    ('total', 'b', 'a', 'b1', 'b2')
    >>> hierarchy.summing_matrix.astype(int).tolist()
    [[1, 1, 1], [0, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    """

    ids: tuple[Any, ...]
    leaves: tuple[Any, ...]
    summing_matrix: Floats

    @classmethod
    def of(cls, children: Mapping[Any, Sequence[Any]]) -> Hierarchy:
        """Read a mapping from the id of each parent to the ids of its children.

        Raises
        ------
        DataError
            A series is below itself, is twice in one sum, or a parent has no child.
        """
        if not children:
            raise DataError("hierarchy: no parent, so nothing adds up")
        for parent, below in children.items():
            if isinstance(below, str) or not len(below):
                raise DataError(f"hierarchy: {parent!r} has a list of children, not {below!r}")
        named = (child for below in children.values() for child in below)
        leaves = tuple(dict.fromkeys(child for child in named if child not in children))
        position = {leaf: k for k, leaf in enumerate(leaves)}
        rows: dict[Any, Floats] = {
            leaf: np.eye(1, len(leaves), k)[0] for leaf, k in position.items()
        }
        for parent in children:
            _sum_below(parent, children, rows)
        for parent in children:
            if rows[parent].max() > 1:
                leaf = leaves[int(np.argmax(rows[parent]))]
                raise DataError(
                    f"hierarchy: {leaf!r} is {int(rows[parent].max())} times in {parent!r}: of "
                    "several groupings of the same series list one, the others as parents of their "
                    "own"
                )
        ids = (*children, *leaves)
        return cls(ids, leaves, np.stack([rows[name] for name in ids]))

    def aligned(self, ids: Sequence[Any], values: ArrayLike) -> Floats:
        """Return the histories of all series of the hierarchy, in its order.

        Parents that the data lack are the sums of their leaves; those that they have must be.

        Parameters
        ----------
        ids : sequence (n,)
            Of the rows of `values`: every leaf, and any parents, in any order.
        values : array (n, time)
            NaN is missing. Before its first value a leaf counts as 0, since there it did not exist
            yet; where one is missing later its sums are not known.

        Returns
        -------
        array (series, time)

        Raises
        ------
        DataError
            A leaf is not in the data, a series of the data not in the hierarchy, or a parent is
            not the sum of its leaves, up to 1e-6 of its largest value: the worst is named.

        Examples
        --------
        >>> hierarchy = Hierarchy.of({"total": ["a", "b"]})
        >>> hierarchy.aligned(["b", "a"], [[1.0, 2.0], [np.nan, 5.0]]).tolist()
        [[1.0, 7.0], [nan, 5.0], [1.0, 2.0]]
        """
        data = np.asarray(values, np.float64)
        if data.ndim != 2 or len(ids) != len(data) or len(set(ids)) != len(ids):
            raise ValueError(f"values {data.shape} have a row for each of {len(ids)} unique ids")
        position = {name: k for k, name in enumerate(ids)}
        self._check_ids(position)
        leaves = data[[position[leaf] for leaf in self.leaves]]
        missing, absent = np.isnan(leaves), _not_yet(leaves)
        sums = self.summing_matrix @ np.where(missing, 0.0, leaves)
        sums[self.summing_matrix @ (missing & ~absent) > 0] = np.nan
        sums[self.summing_matrix @ ~absent == 0] = np.nan
        result = np.concatenate([sums[: -len(leaves)], leaves])
        for k, name in enumerate(self.ids[: -len(leaves)]):
            if name in position:
                result[k] = data[position[name]]
        self._check_sums(result, sums)
        return result

    def _check_ids(self, position: Mapping[Any, int]) -> None:
        absent = [leaf for leaf in self.leaves if leaf not in position]
        if absent:
            raise DataError(f"hierarchy: {_listed(absent)} not in the data: no series and no sum")
        known = set(self.ids)
        others = [name for name in position if name not in known]
        if others:
            raise DataError(
                f"hierarchy: {_listed(others)} of the data not in it: add them, or drop their rows"
            )

    def _check_sums(self, values: Floats, sums: Floats) -> None:
        distance = np.abs(values - sums)
        distance[np.isnan(distance)] = 0.0
        distance[-len(self.leaves) :] = 0.0
        known = np.where(np.isnan(values), 0.0, np.abs(values))
        size = known.max(axis=1, initial=0.0, keepdims=True)
        shares = distance / np.where(size > 0, size, 1.0)
        if shares.size and shares.max() > TOLERANCE:
            k, at = np.unravel_index(int(np.argmax(shares)), shares.shape)
            raise DataError(
                f"hierarchy: {self.ids[k]!r} is not the sum of its leaves: in row {at} it is "
                f"{values[k, at]:g}, and they add up to {sums[k, at]:g}; drop the series to have "
                "it summed up, or correct the data"
            )


def _sum_below(name: Any, children: Mapping[Any, Sequence[Any]], rows: dict[Any, Floats]) -> None:
    """Enter the row of a parent, and before it those of its children; without recursion."""
    path = [name]
    while path:
        current = path[-1]
        pending = [child for child in children[current] if child not in rows]
        if current in rows or not pending:
            path.pop()
            rows.setdefault(current, np.sum([rows[child] for child in children[current]], axis=0))
            continue
        if pending[0] in path:
            circle = " > ".join(map(repr, [*path[path.index(pending[0]) :], pending[0]]))
            raise DataError(f"hierarchy: a series cannot be below itself: {circle}")
        path.append(pending[0])


def _not_yet(series: Floats) -> NDArray[np.bool_]:
    """Which values are missing at the begin, before the first known one."""
    return ~np.logical_or.accumulate(~np.isnan(series), axis=1)


def _listed(names: Sequence[Any]) -> str:
    text = ", ".join(map(repr, names[:MOST_NAMED]))
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{text}{more} {'is' if len(names) == 1 else 'are'}"
