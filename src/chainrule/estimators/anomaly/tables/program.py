"""From raw values to features, surprises and the networks' errors, as one compiled function."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....transforms import jit
from ..members.ensemble import Rows
from .columns import DetectorColumns

MAX_ROWS = 4096  # of a call; fewer rows are filled up to a power of two, so few programs are made
LEAST_ROWS = 16  # sums of fewer may round otherwise, and equal rows must have equal scores


class Program:
    """Compiled code that encodes rows and reconstructs them.

    Parameters
    ----------
    columns : DetectorColumns
    networks : dict of str to ReconstructionNetwork
    """

    def __init__(self, columns: DetectorColumns, networks: dict[str, Any]) -> None:
        self.columns, self.networks = columns, networks
        self.names = list(networks)

        def forward(raw: Any) -> Any:
            features, surprises = columns.encode(raw)
            errors = [np.mean(networks[name](features), axis=1) for name in self.names]
            return features, np.sum(surprises, axis=1), errors

        self._forward = jit(forward)

    def __reduce__(self) -> tuple[Any, ...]:
        return Program, (self.columns, self.networks)  # compiled code is made anew

    def __call__(self, raw: Any) -> tuple[Rows, dict[str, Any]]:
        """Features and surprises of rows, and each network's errors of shape (rows,)."""
        count = len(raw)
        size = min(MAX_ROWS, max(LEAST_ROWS, 2 ** max(count - 1, 0).bit_length()))
        parts = []
        for start in range(0, count, size):
            part = raw[start : start + size]
            if len(part) < size:
                part = np.concatenate([part, np.repeat(part[-1:], size - len(part), axis=0)])
            parts.append(self._forward(np.ascontiguousarray(part)))
        features, surprises = (np.concatenate([p[k] for p in parts])[:count] for k in (0, 1))
        by_name = {
            name: np.concatenate([p[2][k] for p in parts])[:count]
            for k, name in enumerate(self.names)
        }
        return Rows(features, surprises), by_name
