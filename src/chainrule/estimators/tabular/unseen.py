"""Rows that members of an ensemble have not seen, and what is predicted of them without them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..mlp.member_rows import MemberRows
from ..mlp.network import FittedNetwork
from .process import Process, best_weight

IMPORTANCE_ENTRIES = 20_000_000  # of covariances that are computed to measure importances


@dataclass(frozen=True, eq=False)
class Unseen:
    """Rows that are answered as if they were new.

    Attributes
    ----------
    x, targets : array
    weights : array, shape (rows,) or (rows, members)
        0 for the members that have seen a row.
    process : Process or None
        It has left out these rows, in their order.
    share : float
        Of the process in an answer.
    """

    x: Any
    targets: Any
    weights: Any
    process: Process | None = None
    share: float = 0.0

    def part(self, rows: Any) -> Unseen:
        """Some of the rows."""
        process = None if self.process is None else self.process.without_each_of(rows)
        return Unseen(
            self.x[rows], self.targets[rows], self.weights[rows], process, self.share
        )  # fmt: skip

    @property
    def row_weights(self) -> Any:
        """The weight of each row, of all members together."""
        return self.weights.reshape(len(self.x), -1).sum(axis=1)

    def blended(self, outputs: Any, x: Any) -> Any:
        """What the network predicts, shape (..., rows), with the share of the process.

        `x` are the rows, or what stands in their place.
        """
        if self.process is None:
            return outputs
        return (1.0 - self.share) * outputs + self.share * self.process.unseen(x)

    def outputs(self, network: FittedNetwork, x: Any) -> Any:
        """Predictions of what stands for the rows, by members that do not know them.

        Shape (rows, outputs).
        """
        alone = network.without_process()
        outputs = (
            MemberRows.of(self.weights).predict(alone, x) if self.weights.ndim == 2
            else alone.predict(x)
        )  # fmt: skip
        return outputs if self.process is None else self.blended(outputs[:, 0], x)[:, None]

    def with_process(self, network: FittedNetwork, process: Process) -> Unseen:
        """The same rows, with a process that has left them out, and its best share."""
        ours = process.unseen(self.x)
        share = best_weight(
            self.targets, self.row_weights, ours, self.outputs(network, self.x)[:, 0]
        )
        return Unseen(self.x, self.targets, self.weights, process, share)

    def most_shuffled(self, evaluations: int) -> int:
        """How many of the rows importances are to be measured on, as far as the process goes."""
        if self.process is None:
            return len(self.x)
        known = len(self.process.kernel["coefs"])
        return max(100, IMPORTANCE_ENTRIES // (evaluations * known))
