"""Tables as the bytes of a Parquet file."""

from __future__ import annotations

from typing import Any

from ..lazy import LazyModule

arrow = LazyModule("pyarrow", extra="parquet")
parquet = LazyModule("pyarrow.parquet", extra="parquet")


def need_parquet() -> None:
    """Raise a `ModuleNotFoundError` that says how to install pyarrow, if it is not there."""
    _ = arrow.__version__


def parquet_bytes(frame: Any) -> bytes:
    """A table as Parquet, without its index.

    Examples
    --------
    >>> import pandas as pd
    >>> parquet_bytes(pd.DataFrame({"x": [1.0, 2.0]}))[:4]
    b'PAR1'
    """
    sink = arrow.BufferOutputStream()
    parquet.write_table(arrow.Table.from_pandas(frame, preserve_index=False), sink)
    return bytes(sink.getvalue())
