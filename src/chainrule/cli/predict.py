"""`chainrule predict`: a saved model applied to a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..data import read_table
from ..errors import DataError
from . import models, predictions, samples, texts
from .keeping import check_apart, check_writable
from .options import Model


def predict(
    model: Model,
    data: Annotated[
        list[str],
        typer.Argument(
            metavar="DATA...", help="A table with the columns of the training; or a text, for a "
            "model of texts; or files and folders, for a model of pictures or recordings.",
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A CSV file. [default: print them]")
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add the probability of each class.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Of texts: colour the words by what they add.")
    ] = False,
    as_text: Annotated[
        bool, typer.Option("--as-text", help="DATA is a text, though it looks like a file's name.")
    ] = False,
    raw_csv: Annotated[
        bool, typer.Option("--raw-csv", help="Leave cells such as =1+1, which spreadsheets run.")
    ] = False,
) -> None:  # fmt: skip
    """Write what a model predicts for each row of a table, as CSV with one line a row.

    The target column need not be there, and other columns are ignored. Text that a spreadsheet
    would run, such as =1+1, gets an apostrophe in front: see --raw-csv.

    **Examples**

    `chainrule predict houses.safetensors new-houses.csv`

    `chainrule predict digits.safetensors digits --proba -o digits-predicted.csv`

    `chainrule predict flowers.safetensors garden/*.jpg`

    `chainrule predict reviews.safetensors "not a bad film" --explain`
    """
    if output is not None:
        check_apart({"--output": output}, [model, *data])
        check_writable(output)
    loaded = models.load(model)
    models.refuse_detector(loaded, model)
    models.refuse_forecaster(loaded, model)
    if proba and not hasattr(loaded, "classes_"):
        raise DataError(f"{model} predicts numbers: leave out --proba, there are no classes")
    reads_texts = hasattr(loaded, "attribute")
    if as_text and not reads_texts:
        raise DataError(f"--as-text is for models of texts, and {model} is of none")
    if hasattr(loaded, "module_") and not reads_texts:
        if explain:
            raise DataError(f"--explain is for models of texts, and {model} is of files")
        frame = samples.predicted(loaded, data, proba)
        predictions.write(frame, output, "class", raw_csv)
        return
    if len(data) > 1:
        raise DataError(f"{model} takes one DATA at a time, and was given {len(data)}")
    if explain:
        if not reads_texts:
            raise DataError(f"--explain is for models of texts, and {model} is of tables")
        if proba:
            raise DataError("give --explain or --proba, not both")
        texts.explain(loaded, texts.texts_of(loaded, data[0], as_text), output)
        return
    rows = (
        texts.texts_of(loaded, data[0], as_text) if reads_texts
        else models.inputs(loaded, read_table(data[0]))
    )  # fmt: skip
    target = str(models.card(loaded).get("target", "prediction"))
    names, columns = [target], [loaded.predict(rows)]
    if proba:
        names += [f"p({name})" for name in loaded.classes_]
        columns += list(loaded.predict_proba(rows).T)
    predictions.write(predictions.named(names, columns), output, target, raw_csv)
