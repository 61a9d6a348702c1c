"""Sets of ADBench for tests, which skip where the data is not there."""

from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).parents[3] / "shared" / "data" / "anomaly"


def halves(name):
    """Half of the normal rows to learn from, the other half, and the anomalies; in random order.

    With the generator that drew the order, for what a test draws after it.
    """
    path = DATA / f"adbench_{name}.npz"
    if not path.exists():
        pytest.skip(f"{path.name} is not there")
    with np.load(path) as data:
        x, y = data["X"].astype(float), data["y"].astype(bool)
    rng = np.random.default_rng(0)
    normal = rng.permutation(np.flatnonzero(~y))
    half = len(normal) // 2
    return x[normal[:half]], x[normal[half:]], x[y], rng
