"""Rows that only some members of an ensemble are asked about: each answers for its own alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..inputs.rows import dense_rows, rows_of
from .network import FittedNetwork
from .steps import make_raw_outputs

BLOCK = 256  # rows of each member that one call of native code answers


@dataclass(frozen=True, eq=False)
class MemberRows:
    """Which rows each member is asked about, and how much each of them counts.

    Members that hold out a tenth of the rows each are asked for a tenth of the answers. They come
    in blocks of one size, the last filled up with weight 0, so that one program serves all.

    Attributes
    ----------
    positions : array of int, shape (members, asked)
    weights : array, shape (members, asked)
        0 where a member has fewer rows than another.
    counts : tuple of int
        Rows of each member.
    """

    positions: NDArray[np.intp]
    weights: NDArray[Any]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, weights: Any) -> MemberRows:
        """Those with a weight above 0, of weights of shape (rows, members).

        Examples
        --------
        >>> rows = MemberRows.of(np.array([[0.0, 2.0], [1.0, 0.0], [0.0, 3.0]]))
        >>> rows.positions.tolist(), rows.weights.tolist(), rows.counts
        ([[1, 0], [0, 2]], [[1.0, 0.0], [2.0, 3.0]], (1, 2))
        """
        each = [np.flatnonzero(column > 0) for column in weights.T]
        counts = tuple(len(rows) for rows in each)
        positions = np.zeros((len(each), max(counts)), np.intp)
        asked = np.zeros(positions.shape, weights.dtype)
        for member, rows in enumerate(each):
            positions[member, : len(rows)] = rows
            asked[member, : len(rows)] = weights[rows, member]
        return cls(positions, asked, counts)

    def raw_outputs(self, network: FittedNetwork, x: Any) -> Iterator[tuple[slice, Any]]:
        """Which of the asked rows, and their outputs before the activation.

        `x` are all rows, perhaps compact ones; outputs have the shape (members, asked, outputs).
        """
        members, asked = self.positions.shape
        size = min(
            BLOCK, 1 << (asked - 1).bit_length(), network.rows_at_a_time,
            dense_rows(members * x.shape[1]),
        )  # fmt: skip
        compiled = make_raw_outputs(network.perceptron)
        for start in range(0, asked, size):
            part = slice(start, min(start + size, asked))
            some = self.positions[:, part]
            rows = np.zeros((members, size), np.intp)
            rows[:, : some.shape[1]] = some
            block = rows_of(x, rows.ravel())[:].reshape(members, size, x.shape[1])
            outputs = compiled(network.weights, network.batch_stats, block)
            yield part, outputs[:, : some.shape[1]]

    def predict(self, network: FittedNetwork, x: Any) -> Any:
        """The weighted mean of the members' predictions of each row, shape (rows, outputs)."""
        parts = [network.perceptron.outputs_of(z) for _, z in self.raw_outputs(network, x)]
        return self.mean(np.concatenate(parts, axis=1), x.shape[0])

    def mean(self, outputs: Any, rows: int) -> Any:
        """The weighted mean of each of so many rows, of outputs of shape (members, asked, ...)."""
        total = np.zeros((rows, outputs.shape[2]), outputs.dtype)
        weight = np.zeros((rows, 1), outputs.dtype)
        for member, count in enumerate(self.counts):
            asked, shares = self.positions[member, :count], self.weights[member, :count, None]
            total[asked] += shares * outputs[member, :count]
            weight[asked] += shares
        return total / np.where(weight == 0.0, 1.0, weight)
