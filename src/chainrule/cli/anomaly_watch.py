"""`chainrule anomaly watch`: a stream of rows judged as they come."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import typer

from ..errors import ChainruleError, DataError
from ..starting import INTERRUPTED, MISTAKE
from . import anomaly_model, keeping
from .anomaly_delivery import EventFile, Webhook, json_line
from .anomaly_interrupts import StopRequests
from .anomaly_model import Detector, counted, noted_warnings, plain, reasons_as_json
from .anomaly_rows import FORMATS, CellReader, Row, WrongRow, lines, rows
from .console import complain, console

STATE_SECONDS = 10.0  # between two writings of the state
MOST_AT_ONCE = 1000  # rows that are judged together
MOST_COMPLAINTS = 20  # wrong rows that are named
MOST_COLUMNS = 5  # of a drift
HIGHEST_RATE = 0.2  # of a stream's false alarms
TERMINATED = 128 + 15  # what a shell makes of SIGTERM
STANDARD_INPUT = "-"
ADVICE = ", or use --categorical"  # that is for trainings


def watch(
    model: Detector,
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A file of rows; - is standard input.")
    ],
    form: Annotated[
        str | None,
        typer.Option("--format", help="csv or jsonl. [default: by the first character]"),
    ] = None,
    false_alarm_rate: Annotated[
        float | None,
        typer.Option(
            "--false-alarm-rate", metavar="SHARE",
            help="Share of ordinary rows that may be alarms. [default: that of the training]",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.jsonl", help="Append events to this file."),
    ] = None,
    webhook: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Post events as JSON to an address of this machine."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE.safetensors", help="Go on from here, and keep the state here."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End at the first row that cannot be read.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print events as JSON lines, for other programs.")
    ] = False,
) -> None:  # fmt: skip
    """Judge rows as they come, and print each alarm at once, with the columns that cause it.

    Rows are lines of CSV below a header, or JSON objects, one a line. The threshold follows the
    stream; a drift is reported once, apart from alarms. Rows that cannot be read are named and
    passed over. Ctrl-C ends the watch, and the state is kept.

    **Examples**

    `tail -n +1 -F requests.csv | chainrule anomaly watch logs.safetensors -`

    `chainrule anomaly watch logs.safetensors - --json --state stream.safetensors -o alarms.jsonl`
    """
    if form is not None and form not in FORMATS:
        raise DataError(f"--format {form}: give csv or jsonl")
    if false_alarm_rate is not None and not 0 < false_alarm_rate < HIGHEST_RATE:
        raise DataError(
            f"--false-alarm-rate {false_alarm_rate:g}: give a share between 0 and {HIGHEST_RATE}"
        )
    keeping.check_apart({"--output": output, "--state": state}, [model, source])
    for path, option in ((output, "--output"), (state, "--state")):
        if path is not None:
            keeping.check_writable(path, option)
    detector = anomaly_model.load_detector(model)
    stream = opened_stream(detector, false_alarm_rate, state)
    sinks: list[Any] = [] if webhook is None else [Webhook(webhook)]
    sinks += [] if output is None else [EventFile(output)]
    watching = Watch(detector, stream, state, sinks, strict, as_json)
    with opened(source) as descriptor, StopRequests().handled() as requests:
        watching.run(descriptor, form, requests)
    if requests.number is not None:
        sys.exit(TERMINATED if requests.number == signal.SIGTERM else INTERRUPTED)
    if any(sink.failed for sink in sinks):
        sys.exit(MISTAKE)


def opened_stream(detector: Any, rate: float | None, state: Path | None) -> Any:
    """A new stream, or the one that a file holds, with its own rate."""
    if state is None or not state.exists() or not state.stat().st_size:
        with noted_warnings():
            return detector.stream(false_alarm_rate=rate, reasons=True)
    stream = detector.stream(reasons=True, restore=state)
    complain(f"note: going on from {state}, after {stream.n_seen:,} rows")
    if rate is not None and abs(stream.false_alarm_rate - rate) > 1e-12:
        raise DataError(
            f"--false-alarm-rate {rate:g}: the stream of {state} has {stream.false_alarm_rate:g}; "
            "leave the option out, or begin a new stream with another --state"
        )
    return stream


@contextmanager
def opened(source: str) -> Iterator[int]:
    """The descriptor of standard input, or of a file."""
    if source == STANDARD_INPUT:
        try:
            descriptor = sys.stdin.fileno()
        except (AttributeError, ValueError, OSError) as error:  # it is closed, or no file
            raise DataError("there is no standard input: give a file, or rows by a pipe") from error
        yield descriptor
        return
    try:
        file = open(source, "rb", buffering=0)  # noqa: SIM115  # closed below
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {source}: {reason}; - is standard input") from error
    with file:
        yield file.fileno()


@dataclass
class Watch:
    """A stream that is watched, and where its events go.

    Attributes
    ----------
    detector, stream
    state : Path or None
        Where the state of the stream is kept.
    sinks : list
        Each has `send` and `close`.
    strict, as_json : bool
    n_rows, n_alarms, n_wrong, n_unscored : int
        So far.
    """

    detector: Any
    stream: Any
    state: Path | None
    sinks: list[Any]
    strict: bool
    as_json: bool
    n_rows: int = 0
    n_alarms: int = 0
    n_wrong: int = 0
    n_unscored: int = 0
    _out: Any = field(default_factory=console)
    _written: float = field(default_factory=monotonic)
    _is_changed: bool = False

    def run(self, descriptor: int, form: str | None, requests: StopRequests) -> None:
        """Judge all rows until the end, a signal, or with `strict` a row that cannot be read."""
        needed = self.detector.column_names()
        read_cell = cell_reader(self.detector)
        if self.stream.short:
            complain(f"note: {self.stream.short}")
        pending: list[Row] = []  # rows that came together are judged together: that is faster
        numbered = lines(descriptor, requests, self.keep_state, STATE_SECONDS)
        try:
            for row in rows(numbered, needed, form):
                if isinstance(row, Row):
                    pending.append(row)
                if not isinstance(row, Row) or len(pending) >= MOST_AT_ONCE:
                    self._take(pending, needed, read_cell)
                    pending.clear()
                if isinstance(row, WrongRow):
                    self._pass_over(row.line, row.fault)
                if monotonic() - self._written > STATE_SECONDS:
                    self.keep_state()
            self._take(pending, needed, read_cell)
        except KeyboardInterrupt:
            if requests.number is None:
                requests.number = signal.SIGINT
        finally:
            self._finish()

    def _take(self, batch: list[Row], needed: list[str], read_cell: CellReader) -> None:
        """Judge rows; if one cannot be read, all are judged one by one."""
        cells = [{name: read_cell(name, row.cells[name]) for name in needed} for row in batch]
        if len(batch) > 1:
            try:
                results = self.stream.update_many(cells)
            except DataError:
                pass  # none of them has counted: below, the wrong ones are named
            else:
                for row, *values in zip(batch, *results, strict=True):
                    self._tell_result(row, type(results)(*values))
                return
        for row, its in zip(batch, cells, strict=True):
            try:
                result = self.stream.update(its)
            except DataError as error:
                fault = str(error).partition(" of the stream: ")[2] or str(error)
                self._pass_over(row.line, fault.partition(ADVICE)[0])
            else:
                self._tell_result(row, result)

    def _tell_result(self, row: Row, result: Any) -> None:
        self.n_rows += 1
        self.n_unscored += result.score != result.score  # NaN
        self._is_changed = True
        if result.drifted:
            self._tell_drift(row, result)
        if result.is_alarm:
            self.n_alarms += 1
            self._tell_alarm(row, result)

    def _pass_over(self, line: int, fault: str) -> None:
        """Count a row that cannot be read, and name it."""
        self.n_wrong += 1
        if self.strict:
            raise DataError(f"line {line}: {fault} (--strict)")
        if self.n_wrong <= MOST_COMPLAINTS:
            complain(f"chainrule: line {line} is passed over: {fault}")
        if self.n_wrong == MOST_COMPLAINTS:
            complain("chainrule: further lines that cannot be read are only counted")

    def _tell_alarm(self, row: Row, result: Any) -> None:
        record = {
            "event": "alarm", "at": now(), "row": int(result.row) + 1, "line": row.line,
            "score": plain(result.score), "threshold": plain(result.threshold),
            "p_value": plain(result.p_value), "reasons": reasons_as_json(result.reasons),
            "cells": {str(name): plain(cell) for name, cell in row.cells.items()},
        }  # fmt: skip
        reasons = "; ".join(map(str, result.reasons)) or "no single column"
        self._tell(record, (
            f"ALARM line {row.line}: score {result.score:.4g}, threshold {result.threshold:.4g}: "
            f"{reasons}"
        ))  # fmt: skip

    def _tell_drift(self, row: Row, result: Any) -> None:
        columns = self.stream.drift.columns
        record = {
            "event": "drift", "at": now(), "row": int(result.row) + 1, "line": row.line,
            "columns": [
                {"column": its.column, "shift": plain(its.shift), "spread": plain(its.spread)}
                for its in columns
            ],
        }  # fmt: skip
        few = ", ".join(str(its) for its in columns[:MOST_COLUMNS]) or "no single one stands out"
        self._tell(record, f"DRIFT since line {row.line}: columns {few}")

    def _tell(self, record: dict[str, Any], text: str) -> None:
        for sink in self.sinks:  # first: nobody may be reading standard output any more
            sink.send(record)
        if self.as_json:
            print(json_line(record), flush=True)
        else:
            self._out.say(text)

    def keep_state(self) -> None:
        """Write the state, if it has changed; that it cannot be written ends nothing."""
        self._written = monotonic()
        if self.state is None or not self._is_changed:
            return
        try:
            self.stream.save(self.state)
            self._is_changed = False
        except ChainruleError as error:
            complain(f"chainrule: {error}", style="red")

    def _finish(self) -> None:
        """Keep the state, wait for the webhook, and sum up."""
        self._is_changed = self._is_changed or (self.state is not None and not self.state.exists())
        self.keep_state()
        for sink in self.sinks:
            sink.close()
        drift = self.stream.drift
        parts = [f"{counted(self.n_rows, 'row')}, {counted(self.n_alarms, 'alarm')}"]
        parts += [f"{counted(self.n_wrong, 'line')} passed over"] if self.n_wrong else []
        if self.n_unscored:
            parts.append(
                f"{self.n_unscored} of {counted(self.n_rows, 'row')} had no score: too few rows "
                "came before them, or their values are missing"
            )
        parts += [f"drift since row {drift.row + 1:,}"] if drift.has_drifted else []
        parts += [f"state in {self.state}"] if self.state is not None else []
        with suppress(OSError):
            complain("; ".join(parts))


def cell_reader(detector: Any) -> CellReader:
    """What reads cells of text as the detector's training did."""
    if detector.window is not None:
        return CellReader(detector.fitted_.forecaster.channels, {})
    plan = detector.fitted_.columns.columns
    numbers = [column.name for column in plan if not column.is_category]
    levels: dict[str, Iterable[str]] = {
        column.name: (*column.levels, *column.others)
        for column in plan if column.kind == "category"
    }  # fmt: skip
    return CellReader(numbers, levels)


def now() -> str:
    """The time in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
