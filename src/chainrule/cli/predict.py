"""`chainrule predict`: a saved model applied to a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import DataError
from . import models, predicted_rows, predictions, samples, texts, timeseries_rows
from .keeping import check_apart, check_writable
from .options import Model
from .sources import Encoding, Query, Sheet, Source


def predict(
    model: Model,
    data: Annotated[
        list[str],
        typer.Argument(
            metavar="DATA...", help="A table with the columns of the training; or a text, for a "
            "model of texts; or files and folders, for a model of pictures or recordings; or a "
            "file of time series, for a model of such.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A file: CSV, or JSON if it ends in .json or .jsonl. "
                     "[default: print them]"),
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="csv, json or jsonl. [default: by the ending]")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", metavar="COLUMN,...", help="Columns of DATA to copy as they are."),
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add the probability of each class.")
    ] = False,
    interval: Annotated[
        float | None,
        typer.Option("--interval", metavar="SHARE", help="Of numbers: add the range that holds "
                     "such a share of new rows, such as 0.9."),
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option("--threshold", metavar="[CLASS=]P", help="Of two classes: predict CLASS from "
                     "this probability on; or 'chosen', as the training chose."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Add the three columns that did most to each "
                           "prediction; of texts: colour the words by what they add.")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave a row empty that cannot be read, and say why "
                           "in a column 'note'.")
    ] = False,
    fail_on_drift: Annotated[
        bool, typer.Option("--fail-on-drift", help="End with code 2 if columns are unlike those of "
                           "the training.")
    ] = False,
    query: Query = None,
    sheet: Sheet = None,
    encoding: Encoding = None,
    as_text: Annotated[
        bool, typer.Option("--as-text", help="DATA is a text, though it looks like a file's name.")
    ] = False,
    raw_csv: Annotated[
        bool, typer.Option("--raw-csv", help="Leave cells such as =1+1, which spreadsheets run.")
    ] = False,
) -> None:  # fmt: skip
    """Write what a model predicts for each row of a table, in the order of the rows.

    The target column need not be there, and other columns are ignored. Rows that are unlike those
    of the training are predicted, too, and flagged in a column 'note'. Text that a spreadsheet
    would run, such as =1+1, gets an apostrophe in front: see --raw-csv.

    **Examples**

    `chainrule predict houses.safetensors new-houses.csv --interval 0.9 --keep id`

    `chainrule predict digits.safetensors digits --proba -o digits-predicted.csv`

    `chainrule predict visits.safetensors monday.csv --explain -o monday.jsonl`

    `chainrule predict flowers.safetensors garden/*.jpg`

    `chainrule predict reviews.safetensors "not a bad film" --explain`
    """
    written_as = predictions.chosen_format(form, output)
    if output is not None:
        check_apart({"--output": output}, [model, *data])
        check_writable(output)
    loaded = models.load(model)
    models.refuse_detector(loaded, model)
    models.refuse_forecaster(loaded, model)
    if proba and not hasattr(loaded, "classes_"):
        raise DataError(f"{model} predicts numbers: leave out --proba, there are no classes")
    wanted = {
        "--keep": keep, "--interval": interval, "--threshold": threshold, "--skip-bad": skip_bad,
        "--fail-on-drift": fail_on_drift, "--query": query, "--sheet": sheet,
    }  # fmt: skip
    kind = models.kind(loaded)
    if as_text and kind != "texts":
        raise DataError(f"--as-text is for models of texts, and {model} is of none")
    if kind == "tables":
        predicted_rows.predict_table(
            loaded, Source(tuple(data), query, sheet, encoding=encoding), predicted_rows.Wanted(
                columns_to_copy(keep), proba, interval, threshold, explain, skip_bad, fail_on_drift
            ), output, written_as, raw_csv,
        )  # fmt: skip
        return
    if kind != "texts":
        wanted["--encoding"] = encoding
    for option, value in wanted.items():
        if value not in (None, False):
            raise DataError(f"{option} is for models of tables, and {model} is of {kind}")
    if kind == "time series":
        if explain:
            raise DataError(f"--explain is for models of tables and texts, and {model} is of "
                            "time series")  # fmt: skip
        frame = timeseries_rows.predicted(loaded, data, proba)
        target = timeseries_rows.target_of(loaded)
        predictions.write(frame, output, target, raw_csv, written_as)
        return
    if kind == "files":
        if explain:
            raise DataError(f"--explain is for models of tables and texts, and {model} is of files")
        frame = samples.predicted(loaded, data, proba)
        predictions.write(frame, output, "class", raw_csv, written_as)
        return
    if len(data) > 1:
        raise DataError(f"{model} takes one DATA at a time, and was given {len(data)}")
    rows = texts.texts_of(loaded, data[0], as_text, encoding)
    if explain:
        if proba or form is not None:
            raise DataError(f"give --explain or {'--proba' if proba else '--format'}, not both")
        texts.explain(loaded, rows, output)
        return
    target = str(models.card(loaded).get("target", "prediction"))
    predictions.write(_of_texts(loaded, rows, target, proba), output, target, raw_csv, written_as)


def columns_to_copy(keep: list[str] | None) -> tuple[str, ...]:
    """The names of `--keep`, which may be repeated and hold several with commas in between."""
    names = [name.strip() for each in keep or () for name in each.split(",")]
    if "" in names:
        raise DataError("--keep: a name is empty; give columns such as --keep id,date")
    return tuple(dict.fromkeys(names))


def _of_texts(loaded: Any, rows: list[str], target: str, proba: bool) -> Any:
    """A table of predictions for texts."""
    names, columns = [target], [loaded.predict(rows)]
    if proba:
        names += [f"p({name})" for name in loaded.classes_]
        columns += list(loaded.predict_proba(rows).T)
    return predictions.named(names, columns)
