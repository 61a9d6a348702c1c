"""`chainrule evaluate`: a saved model scored on a table whose target is known."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from .. import escape
from ..data import read_cells
from ..data.texts import read_texts
from ..errors import DataError
from ..lazy import LazyModule
from . import keeping, models, options, samples, texts, timeseries_rows
from .console import complain, console, table
from .options import AsJson, Model, Report
from .sources import Encoding

evaluation_reporting = LazyModule("chainrule.cli.evaluation_reporting")
predicted_rows = LazyModule("chainrule.cli.predicted_rows")
reporting = LazyModule("chainrule.cli.reporting")
scores = LazyModule("chainrule.cli.scores")

WITH_UNIT = ("RMSE", "MAE")  # scores that are as large as the target


def evaluate(
    model: Model,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A table with the columns of the training, and truth; for a model of texts also "
            "what chainrule train text reads; for one of pictures or recordings a folder of class "
            "folders, or an NPZ file as in the training.",
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", help="The column with the truth. [default: the model's]"),
    ] = None,
    encoding: Encoding = None,
    report: Report = None,
    as_json: AsJson = False,
) -> None:
    """Score a saved model on a table that has the target column.

    Of classes: accuracy, balanced accuracy, log loss, and of two the area under the ROC curve. Of
    numbers: R2, root mean squared and mean absolute error. Rows without a target are left out.

    **Examples**

    `chainrule evaluate houses.safetensors houses-of-2026.csv`

    `chainrule evaluate visits.safetensors visits.parquet --json`
    """
    page = options.report_path(report, model, data)
    loaded = models.load(model)
    models.refuse_detector(loaded, model)
    models.refuse_forecaster(loaded, model)
    rows = labelled(loaded, data, target, encoding)
    predictions = scores.predictions(loaded, rows.inputs, rows.truth)
    by_name, written = scores.scores(predictions), None
    verdict = evaluation_reporting.compared(loaded, predictions) if page or not as_json else {}
    if page is not None:
        words = ["chainrule", "evaluate", str(model), data, "--report", str(page)]
        words += [] if rows.of_files else ["--target", rows.target]
        words += [] if encoding is None else ["--encoding", encoding]
        more = {
            **verdict,
            **evaluation_reporting.of_evaluation(
                loaded, rows.target, rows.inputs, rows.frame, predictions
            ),
            "command": shlex.join(words),
            "dataset": {"rows": len(rows.truth), "columns": rows.columns},
            "settings": {"model": model.name, "trained on": models.card(loaded).get("data", "-")},
        }
        page_report = reporting.report(rows.source, rows.target, predictions, loaded, more)
        written = reporting.write(page, page_report)
    if as_json:
        facts = {
            "model": str(model), "data": rows.source, "target": rows.target,
            "task": predictions.task, "rows": len(predictions.truth),
            "unknown_rows": predictions.unknown, "scores": by_name,
        }  # fmt: skip
        print(escape.as_json(facts))
    else:
        show(rows, predictions, by_name, verdict.get("verdict", ()), written)
    keeping.leave(False, (page, written))


def show(
    rows: LabelledRows, predictions: Any, by_name: dict[str, float], verdict: Sequence[str],
    page: Path | None,
) -> None:  # fmt: skip
    """Print the scores as a table, and what they come to."""
    out = console()
    out.say(f"{rows.target!r} of {len(predictions.truth)} rows of {rows.source}")
    grid = table("score", "value", right=(1,))
    for label, value in by_name.items():
        grid.add_row(label, f"{value:.6g}" if label in WITH_UNIT else f"{value:.4f}")
    out.print(grid)
    for sentence in verdict:
        out.tell(sentence, style="bold")
    if predictions.unknown:
        out.say(f"{predictions.unknown} rows are of classes that the model has never met.")
    if page is not None:
        out.say(f"wrote {page}: open it in a browser")


class LabelledRows(NamedTuple):
    """What to predict, and the truth."""

    source: str
    target: str
    inputs: Any
    truth: Any
    columns: int
    of_files: bool = False
    frame: Any = None  # the rows with all columns, of a table


def labelled(
    loaded: Any, data: str, target: str | None, encoding: str | None = None
) -> LabelledRows:
    """Rows as the model reads them: of a table, of texts, or files."""
    reads_texts = hasattr(loaded, "attribute")
    if encoding is not None and models.kind(loaded) not in ("tables", "texts"):
        raise DataError(f"--encoding is for models of tables and texts, and this one is of "
                        f"{models.kind(loaded)}")  # fmt: skip
    if models.is_timeseries(loaded):
        name, series, truth = timeseries_rows.labelled(loaded, data, target)
        return LabelledRows(Path(data).name, name, series, truth, series.channels, target is None)
    if hasattr(loaded, "module_") and not reads_texts:
        if target is not None:
            raise DataError("--target names a column, and the model is of files: leave it out")
        inputs, truth = samples.labelled(loaded, data)
        return LabelledRows(Path(data).name, "class", inputs, truth, 1, True)
    read = (
        read_texts(data, encoding)
        if reads_texts
        else read_cells(data, encoding=encoding, as_text=models.columns_with_commas(loaded))
    )
    for note in predicted_rows.rows_left_out(read):
        complain(f"chainrule: {note}")
    table, name = models.labelled(loaded, read, target)
    inputs = texts.of_table(loaded, table) if reads_texts else models.inputs(loaded, table)
    frame = None if reads_texts else table.frame
    return LabelledRows(
        table.name, name, inputs, table.frame[name], table.frame.shape[1], frame=frame
    )
