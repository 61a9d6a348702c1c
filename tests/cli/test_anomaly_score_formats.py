"""`anomaly score --output`: what is not CSV or JSON is refused by its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from chainrule.cli.app import app


@pytest.mark.parametrize("name", ["scores.parquet", "scores.xlsx"])
def test_a_name_of_another_format_is_refused(tmp_path: Path, name: str) -> None:
    """Before anything is read or written: CSV under that name would mislead its reader."""
    result = CliRunner().invoke(
        app, ["anomaly", "score", "no.safetensors", "no.csv", "--output", str(tmp_path / name)]
    )
    assert result.exit_code != 0
    assert "give a name that ends in .csv" in str(result.exception)
    assert not (tmp_path / name).exists()
