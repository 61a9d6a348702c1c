"""`chainrule predict`: a saved model applied to a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..data import read_table
from ..errors import DataError
from ..lazy import LazyModule
from . import models, options
from .options import Model

pd = LazyModule("pandas")


def predict(
    model: Model,
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
    loaded = models.load(model)
    if proba and not hasattr(loaded, "classes_"):
        raise DataError(f"{model} predicts numbers: leave out --proba, there are no classes")
    table = read_table(data)
    rows = models.inputs(loaded, table)
    target = str(models.card(loaded).get("target", "prediction"))
    columns = {target: loaded.predict(rows)}
    if proba:
        probabilities = loaded.predict_proba(rows)
        columns |= {f"p({name})": probabilities[:, k] for k, name in enumerate(loaded.classes_)}
    text = pd.DataFrame(columns).to_csv(index=False)
    if output is None:
        sys.stdout.write(text)
        return
    options.write(output, text.encode())
    print(f"wrote {len(table.frame)} predictions of {target!r} to {output}", file=sys.stderr)
