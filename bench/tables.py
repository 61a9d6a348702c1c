"""Reading ten million cells of CSV as `read_cells` does, beside `pandas.read_csv`; CPU time.

Ours finds out the dialect, counts the cells of each line, and looks for codes with leading zeros,
headers and footers, and then has pandas parse the rows. "Typed" goes on as `train` does: it decides
what each column holds, and reads it so.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

from chainrule.data import read_cells
from chainrule.data.columns import typed_frame

from .harness import Contest

ROWS, COLUMNS = 1_000_000, 10
WORDS = ("red", "green", "blue thing", "x")


def numbers() -> Any:
    """A table of normal numbers with five digits."""
    draws = np.random.default_rng(0).normal(size=(ROWS, COLUMNS)).round(5)
    return pd.DataFrame(draws, columns=[f"c{k}" for k in range(COLUMNS)])


def mixed() -> Any:
    """A third numbers, a third whole numbers, a third words."""
    rng = np.random.default_rng(0)
    kinds = (
        lambda: rng.normal(size=ROWS).round(4),
        lambda: rng.integers(0, 10_000, ROWS),
        lambda: rng.choice(WORDS, ROWS),
    )
    return pd.DataFrame({f"c{k}": kinds[k % 3]() for k in range(COLUMNS)})


def contests() -> Iterator[Contest]:
    def same(ours: Any, theirs: Any) -> None:
        pd.testing.assert_frame_equal(ours.frame, theirs)

    def same_values(ours: Any, theirs: Any) -> None:
        pd.testing.assert_frame_equal(ours, theirs, check_dtype=False)

    with tempfile.TemporaryDirectory() as folder:
        for name, make, quoted in (
            ("numbers", numbers, False), ("mixed", mixed, False), ("mixed, quoted", mixed, True),
        ):  # fmt: skip
            path = Path(folder, f"{name}.csv")
            make().to_csv(path, index=False, quoting=2 if quoted else 0)
            yield Contest(
                f"{ROWS * COLUMNS // 10**6} million cells of CSV, {name}", "pandas.read_csv",
                lambda path=path: read_cells(path), lambda path=path: pd.read_csv(path), same,
                rounds=5, clock=process_time,
            )  # fmt: skip
            yield Contest(
                f"{ROWS * COLUMNS // 10**6} million cells of CSV, {name}, typed", "pandas.read_csv",
                lambda path=path: typed_frame(read_cells(path).frame)[0],
                lambda path=path: pd.read_csv(path), same_values, rounds=5, clock=process_time,
            )  # fmt: skip
