"""`chainrule anomaly score`: the rows of a table that a detector calls anomalies, and why."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from ..errors import DataError
from ..lazy import LazyModule
from . import anomaly_model, keeping, options, predictions
from .anomaly_model import (
    MOST_EXPLAINED,
    Detector,
    FalseAlarmRate,
    Scored,
    alarm_table,
    check_share,
    counted,
    noted_warnings,
)
from .command_options import command_line
from .console import complain, console
from .options import Report
from .sources import Encoding

reporting = LazyModule("chainrule.cli.anomaly_reporting")

ALARMED = 1  # exit code of --fail-on-alarm
FORMATS = ("", ".csv", ".json", ".jsonl", ".txt")


def score(
    model: Detector,
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A table with the columns of the training.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE",
            help="Where to write all rows: CSV, or JSON if it ends in .json or .jsonl.",
        ),
    ] = None,
    false_alarm_rate: FalseAlarmRate = None,
    fdr: Annotated[
        float | None,
        typer.Option(
            "--fdr", metavar="SHARE",
            help="Choose the alarms together, at most this share of them false on average.",
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=0, help="Alarms to print, at most.")] = 20,
    reasons: Annotated[int, typer.Option(min=1, help="Columns to name for an alarm.")] = 3,
    fail_on_alarm: Annotated[
        bool, typer.Option("--fail-on-alarm", help="End with exit code 1 if there is an alarm.")
    ] = False,
    raw_csv: Annotated[
        bool, typer.Option("--raw-csv", help="Leave cells such as =1+1, which spreadsheets run.")
    ] = False,
    encoding: Encoding = None,
    report: Report = None,
) -> None:  # fmt: skip
    """Find the anomalies in a table, and say why each is one.

    Rows are numbered from 1. Other columns than those of the training are ignored.

    **Examples**

    `chainrule anomaly score logs.safetensors today.csv --output scores.csv`

    `chainrule anomaly score logs.safetensors today.csv --fail-on-alarm --false-alarm-rate 0.001`
    """
    check_share("--false-alarm-rate", false_alarm_rate)
    check_share("--fdr", fdr)
    if fdr is not None and false_alarm_rate is not None:
        raise DataError("--false-alarm-rate and --fdr both decide what is an alarm: give one")
    page = options.report_path(report, data, model)
    if output is not None:
        keeping.check_apart({"--output": output, "--report": page}, [model, data])
        if output.suffix.lower() not in FORMATS:
            raise DataError(
                f"--output {output}: give a name that ends in .csv, .json or .jsonl; other formats "
                "are not written"
            )
        keeping.check_writable(output)
    detector = anomaly_model.load_detector(model)
    table, frame = anomaly_model.inputs(detector, data, encoding)
    with noted_warnings():
        scored = anomaly_model.score_rows(detector, frame, false_alarm_rate, fdr, reasons)
    show(scored, top)
    written = page_written = None
    if output is not None:
        written = write(scored, output, raw_csv)
    if page is not None:
        command = command_line(["chainrule", "anomaly", "score", str(model), data], {
            "false-alarm-rate": false_alarm_rate, "fdr": fdr, "reasons": reasons,
            "encoding": encoding, "report": str(page),
        })  # fmt: skip
        rule = anomaly_model.rule_in_words(detector, false_alarm_rate, fdr)
        page_written = reporting.write(
            page, reporting.of_scores(detector, model.name, table.name, scored, rule, command)
        )
        console().say(f"wrote {page_written}: open it in a browser")
    keeping.leave(False, (output, written), (page, page_written))
    if fail_on_alarm and scored.is_alarm.any():
        sys.exit(ALARMED)


def show(scored: Scored, top: int) -> None:
    """Print the strangest alarms, or that there is none."""
    out = console()
    count, rows = int(scored.is_alarm.sum()), len(scored.scores)
    if not count or not top:
        out.say(f"{counted(count, 'alarm') if count else 'no alarms'} in {counted(rows, 'row')}")
        return
    out.print(alarm_table(scored.alarms[:top], count, rows))


def write(scored: Scored, output: Path, raw_csv: bool) -> Path:
    """Write a line for each row: its number, score, p-value, whether it is an alarm, and why."""
    if output.suffix.lower() in (".json", ".jsonl"):
        records = [json.dumps(record, allow_nan=False) for record in as_records(scored)]
        text = "\n".join(records) if output.suffix.lower() == ".jsonl" else (
            "[\n" + ",\n".join(records) + "\n]"
        )  # fmt: skip
        data, note = f"{text}\n".encode(), ""
    else:
        frame, count = as_frame(scored), 0
        if not raw_csv:
            frame, count = predictions.harmless(frame)
        note = f"; {count} cells begin with ' (--raw-csv leaves it out)" if count else ""
        data = predictions.as_csv(frame).encode()
    written = keeping.write(output, data)
    more = int(scored.is_alarm.sum()) - len(scored.alarms)
    limit = f"; reasons of the {MOST_EXPLAINED} strangest alarms" if more > 0 else ""
    complain(f"wrote {len(scored.scores)} rows to {written}{limit}{note}")
    return written


def as_frame(scored: Scored) -> Any:
    """The rows as a table, the reasons in one text."""
    texts = np.full(len(scored.scores), "", object)
    for alarm in scored.alarms:
        texts[alarm.row] = "; ".join(map(str, alarm.reasons))
    names = ["row", "score", "p_value", "alarm", "reasons"]
    return predictions.named(
        names, [scored.frame.index.to_numpy(), scored.scores, scored.p_values,
                scored.is_alarm.astype(int), texts],
    )  # fmt: skip


def as_records(scored: Scored) -> list[dict[str, Any]]:
    """The rows as JSON holds them, the reasons apart."""
    by_row = {alarm.row: alarm for alarm in scored.alarms}
    return [
        {"row": int(label), "score": _number(score), "p_value": _number(p), "alarm": bool(alarm),
         "reasons": anomaly_model.reasons_as_json(by_row[k].reasons) if k in by_row else []}
        for k, (label, score, p, alarm) in enumerate(
            zip(scored.frame.index, scored.scores, scored.p_values, scored.is_alarm, strict=True)
        )
    ]  # fmt: skip


def _number(x: float) -> float | None:
    """A number as JSON has it; None where a time series has too few rows yet."""
    return float(x) if np.isfinite(x) else None
