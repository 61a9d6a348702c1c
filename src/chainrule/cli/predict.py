"""`chainrule predict`: a saved model applied to a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..data import read_table
from ..errors import DataError
from ..estimators import TabularModel
from ..files import write_atomically
from ..lazy import LazyModule

pd = LazyModule("pandas")


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A file that train saved.")],
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A table with the columns of the training.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A CSV file. [default: print them]")
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add the probability of each class.")
    ] = False,
) -> None:
    """Write what a model predicts for each row of a table, as CSV with one line a row.

    The target column need not be there, and other columns are ignored.

    **Examples**

    `chainrule predict houses.safetensors new-houses.csv`

    `chainrule predict digits.safetensors digits --proba -o digits-predicted.csv`
    """
    loaded = TabularModel.load(model)
    frame = read_table(data).frame
    columns = {loaded.target: loaded.predict(frame)}
    if proba:
        probabilities = loaded.predict_proba(frame)
        columns |= {f"p({name})": probabilities[:, k] for k, name in enumerate(loaded.classes)}
    text = pd.DataFrame(columns).to_csv(index=False)
    if output is None:
        sys.stdout.write(text)
        return
    try:
        write_atomically(output, text.encode())
    except OSError as error:
        raise DataError(
            f"cannot write {output}: {error.strerror or error}; choose another place with --output"
        ) from error
    print(f"wrote {len(frame)} predictions of {loaded.target!r} to {output}", file=sys.stderr)
