"""Tables as Parquet: what is read back is what was written."""

from __future__ import annotations

import io

import pandas as pd

from chainrule.data import packing


def test_a_table_comes_back() -> None:
    """Columns, dtypes, missing values, and no index."""
    frame = pd.DataFrame(
        {
            "name": ["a", None, "ü\n"],
            "x": [1.0, float("nan"), -0.0],
            "k": [1, 2, 3],
            "day": pd.to_datetime(["2026-01-31", None, "2026-02-01"]),
        },
        index=[5, 6, 7],
    )
    again = pd.read_parquet(io.BytesIO(packing.parquet_bytes(frame)))
    pd.testing.assert_frame_equal(frame.reset_index(drop=True), again)
    packing.need_parquet()
