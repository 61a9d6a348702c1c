"""`chainrule evaluate`: a saved model scored on a table whose target is known."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table as RichTable

from ..lazy import LazyModule
from . import models, options, samples
from .options import AsJson, Model, Report

pages = LazyModule("chainrule.report")
reporting = LazyModule("chainrule.cli.reporting")
scores = LazyModule("chainrule.cli.scores")


def evaluate(
    model: Model,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A table with the columns of the training, and truth; "
            "for a model of pictures or recordings, a folder of class folders.",
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", help="The column with the truth. [default: the model's]"),
    ] = None,
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
    page = options.report_place(report, model)
    loaded = models.load(model)
    if hasattr(loaded, "module_") and not hasattr(loaded, "attribute"):
        inputs, truth = samples.labelled(loaded, data)
        source, name, columns = Path(data).name, "class", 1
    else:
        table, name = models.labelled(loaded, data, target)
        inputs, truth = models.inputs(loaded, table), table.frame[name]
        source, columns = table.name, table.frame.shape[1]
    found = scores.answers(loaded, inputs, truth)
    made = scores.scores(found)
    if page is not None:
        words = ["chainrule", "evaluate", str(model), data, "--target", name, "--report", str(page)]
        more = {
            "command": shlex.join(words),
            "dataset": {"rows": len(truth), "columns": columns},
            "settings": {"model": model.name, "trained on": models.card(loaded).get("data", "-")},
        }
        pages.write_report(page, reporting.report(source, name, found, loaded, more))
    if as_json:
        told = {
            "model": str(model), "data": source, "target": name, "task": found.task,
            "rows": len(found.truth), "unknown_rows": found.unknown, "scores": made,
        }  # fmt: skip
        print(json.dumps(told, indent=2))
        return
    console = Console(highlight=False)
    shown = RichTable(title=f"{name!r} of {len(found.truth)} rows of {source}")
    shown.add_column("score")
    shown.add_column("value", justify="right")
    for label, value in made.items():
        shown.add_row(label, f"{value:.6g}")
    console.print(shown)
    if found.unknown:
        console.print(f"{found.unknown} rows are of classes that the model has never met.")
    if page is not None:
        console.print(f"wrote {page}: open it in a browser", markup=False)
