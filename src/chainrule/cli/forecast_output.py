"""A forecast as a file, CSV or Parquet, or on standard output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..data import packing
from ..errors import DataError
from . import keeping, predictions
from .console import complain

CSV, PARQUET = (".csv", ".txt"), (".parquet", ".pq")


def check_format(output: Path | None) -> None:
    """Refuse a name that tells no format that is written."""
    if output is not None and output.suffix.lower() not in (*CSV, *PARQUET):
        raise DataError(f"--out {output}: give a name that ends in .csv or .parquet")
    if output is not None and output.suffix.lower() in PARQUET:
        packing.need_parquet()


def write(forecast: Any, output: Path, raw: bool = False) -> Path:
    """Write a forecast, say where, and return where it lies in the end."""
    note = ""
    if output.suffix.lower() in PARQUET:
        data = packing.parquet_bytes(forecast)
    else:
        frame, count = (forecast, 0) if raw else predictions.harmless(forecast)
        note = f"; {count} cells begin with ' (--raw-csv leaves it out)" if count else ""
        data = predictions.as_csv(frame).encode()
    written = keeping.write(output, data, "--out")
    complain(f"wrote {len(forecast)} row{'s' * (len(forecast) != 1)} to {written}{note}")
    return written
