"""`chainrule anomaly train`: from a table to a saved detector, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import typer

from .. import estimators
from ..data import Table
from ..errors import DataError
from ..lazy import LazyModule
from ..version import __version__
from . import anomaly_model, column_kinds, keeping, options, used_columns
from .anomaly_interrupts import TrainingInterrupts
from .anomaly_model import FalseAlarmRate, alarm_table, check_share, noted_warnings
from .column_kinds import AsKind
from .command_options import command_line
from .console import complain, console
from .options import Data, Drop, Report, Seed
from .outcome import score_table
from .sources import Encoding

anomaly_labels = LazyModule("chainrule.cli.anomaly_labels")
anomaly_settings = LazyModule("chainrule.estimators.anomaly.settings")
reporting = LazyModule("chainrule.cli.anomaly_reporting")

MOST_PRINTED = 5  # alarms of the training


@dataclass
class Training:
    """What a training was asked for, and what came of it.

    Attributes
    ----------
    source, name : str
        As it was typed, and the table's name.
    settings : dict
        Of the `AnomalyDetector`.
    words : dict
        Further options of the command that repeats it.
    frame : DataFrame
        All rows, without the columns that are left out.
    split : Split or None
        None without labels.
    model : AnomalyDetector
    scored : Scored
        The rows of the test, or without labels those of the training.
    train_scores : array
    n_flagged : int
        Alarms among the rows of the training.
    metrics : dict of dict of float
        By detector; empty without labels.
    """

    source: str
    name: str
    settings: dict[str, Any]
    words: dict[str, Any]
    frame: Any
    split: Any = None
    model: Any = None
    scored: Any = None
    train_scores: Any = None
    n_flagged: int = 0
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def learned(self) -> Any:
        """The rows that were learned from."""
        return self.frame if self.split is None else self.frame.iloc[self.split.learn]

    def command(self, output: Path | None = None) -> str:
        """The command that trains the same detector again."""
        settings = self.settings
        return command_line(["chainrule", "anomaly", "train", self.source], {
            "method": settings["method"], "contamination": settings["contamination"],
            "false-alarm-rate": settings["false_alarm_rate"], "window": settings["window"],
            "time": settings["time"], "series": settings["series"],
            "categorical": tuple(settings["categorical_features"] or ()),
            **self.words, "seed": settings["random_state"], "epochs": settings["max_iter"],
            "members": settings["n_members"], "output": output,
        })  # fmt: skip


def train(
    data: Data,
    method: Annotated[
        str,
        typer.Option(
            help="neighbors, autoencoder, denoising, variational, masked; auto joins the first "
            "three, and forecasts time series.",
        ),
    ] = "auto",
    contamination: Annotated[
        str | None,
        typer.Option(
            metavar="auto|SHARE",
            help="Some rows are anomalies: auto, or how large a share. [default: all are normal]",
        ),
    ] = None,
    false_alarm_rate: FalseAlarmRate = None,
    window: Annotated[
        int | None,
        typer.Option(min=2, help="The rows are a time series: judge each with so many before it."),
    ] = None,
    time: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The times of a series.")
    ] = None,
    series: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The names of several series.")
    ] = None,
    drop: Drop = None,
    as_kind: AsKind = None,
    encoding: Encoding = None,
    categorical: Annotated[
        list[str] | None,
        typer.Option(help="A column of numbers to treat as text; may be repeated."),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Known labels: never a feature. Their anomalies are for the test alone.",
        ),
    ] = None,
    anomalous: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VALUE",
            help="A label of anomalies; may be repeated. [default: 1, true, anomaly, ...]",
        ),
    ] = None,
    learn_anomalies: Annotated[
        bool, typer.Option("--learn-anomalies", help="Learn from labelled anomalies as well.")
    ] = False,
    test_fraction: Annotated[
        float, typer.Option(help="With labels: part of the rows to test on.")
    ] = 0.2,
    seed: Seed = 0,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Passes over the rows. [default: as many as 1,500 steps take]"),
    ] = None,
    members: Annotated[
        int, typer.Option(min=1, max=64, help="Networks of each kind.")
    ] = 4,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to save. [default: DATA's name.safetensors]"),
    ] = None,
    report: Report = None,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Print the threshold alone; with labels the AUROC."),
    ] = False,
) -> None:  # fmt: skip
    """Learn what is normal in a table, and save a detector of what is not.

    All rows count as normal unless `--contamination` says that some are not. A part of them is
    held out for the threshold. With `--label`, rows that are known to be anomalies are not learned
    as normal, and the detector is tested on them and on a part of the normal rows.

    **Examples**

    `chainrule anomaly train logs.csv --report`

    `chainrule anomaly train payments.csv --label fraud --contamination auto`

    `chainrule anomaly train load.csv --window 48 --time when`
    """
    settings = {
        "method": method, "contamination": parse_contamination(contamination),
        "false_alarm_rate": false_alarm_rate, "window": window, "time": time, "series": series,
        "categorical_features": tuple(categorical) if categorical else None,
        "random_state": seed, "max_iter": epochs, "n_members": members,
    }  # fmt: skip
    kinds = column_kinds.column_kinds(None, as_kind)
    words = {
        "drop": tuple(drop or ()), "label": label, "anomalous": tuple(anomalous or ()),
        "learn-anomalies": learn_anomalies, "test-fraction": test_fraction if label else None,
        "as": column_kinds.write_kinds(kinds), "encoding": encoding,
    }  # fmt: skip
    check_options(settings, words, test_fraction)
    path, page = options.output_paths(data, output, report)
    out = console(quiet=quiet, goes_on=True)
    table = used_columns.read_for_use(data, kinds, encoding)
    for note in table.notes:
        out.tell(note, "note: ")
    run = prepared(data, table, settings, words, test_fraction)
    fit(run, progress=not quiet)
    evaluate(run)
    saved = save(run, path)
    written = None
    if page is not None:
        written = reporting.write(page, reporting.of_training(run, run.command(output)))
    if quiet:
        score = run.metrics["detector"]["AUROC"] if run.metrics else run.model.offset_
        print(f"{score:.4f}" if run.metrics else f"{score:.6g}")
    else:
        show(out, run, written, saved)
    keeping.leave(run.interrupted, (path, saved), (page, written))


def parse_contamination(text: str | None) -> float | str | None:
    """``auto``, or a share of at most a half."""
    if text is None or text.strip().lower() == "auto":
        return None if text is None else "auto"
    try:
        share = float(text)
    except ValueError:
        share = np.nan
    if not 0 < share <= 0.5:
        raise DataError(
            f"--contamination {text}: give auto, or the share of the rows that are anomalies, at "
            "most 0.5, such as 0.02"
        )
    return share


def check_options(settings: dict[str, Any], words: dict[str, Any], test_fraction: float) -> None:
    """Refuse options that contradict each other before a table is read."""
    methods = anomaly_settings.METHODS
    if settings["method"] not in methods:
        raise DataError(f"--method {settings['method']}: give {', '.join(methods)}")
    rate, share = settings["false_alarm_rate"], settings["contamination"]
    check_share("--false-alarm-rate", rate)
    if rate is not None and isinstance(share, float):
        raise DataError(
            f"--contamination {share:g} and --false-alarm-rate {rate:g} both set the threshold: "
            "give one of them; --contamination auto goes with a rate"
        )
    for name in ("time", "series"):
        if settings[name] is not None and settings["window"] is None:
            raise DataError(
                f"--{name} {settings[name]} names a column of a time series: give its window as "
                "well, such as --window 48"
            )
    if settings["window"] is not None:
        if isinstance(share, float):
            raise DataError(
                f"--contamination {share:g}: the threshold of a time series is estimated again "
                "with each row: give --contamination auto and a --false-alarm-rate"
            )
        if settings["categorical_features"] is not None:
            raise DataError(
                f"--categorical {settings['categorical_features'][0]}: a time series consists of "
                "numbers; --drop the column, or name it with --series if it tells series apart"
            )
    if words["label"] is None:
        for name in ("anomalous", "learn-anomalies"):
            if words[name]:
                raise DataError(f"--{name} needs the column of labels: give --label COLUMN")
    elif settings["window"] is not None and words["learn-anomalies"]:
        raise DataError("--learn-anomalies is for tables without a --window: leave it out")
    options.check_fraction("--test-fraction", test_fraction)


def prepared(
    source: str, table: Table, settings: dict[str, Any], words: dict[str, Any],
    test_fraction: float,
) -> Training:  # fmt: skip
    """The rows, with the labels taken out and the test rows chosen."""
    frame = anomaly_model.rows_from_one(table.frame)
    label = words["label"]
    named = [
        *[("--drop", name) for name in words["drop"]],
        *[("--categorical", name) for name in settings["categorical_features"] or ()],
        *[(f"--{option}", settings[option]) for option in ("time", "series") if settings[option]],
        *([("--label", label)] if label is not None else []),
    ]
    for option, name in named:
        if name not in frame.columns:
            some = ", ".join(map(repr, frame.columns[:8])) + ", ..." * (frame.shape[1] > 8)
            raise DataError(f"{option} {name}: {table.name} has no such column; it has {some}")
    inner = frame.drop(columns=[*words["drop"], *([label] if label is not None else [])])
    if not inner.shape[1]:
        raise DataError(f"{table.name} has no column left to learn from")
    used_columns.check_used(table, list(inner.columns))
    run = Training(source, table.name, settings, words, inner)
    if label is None:
        return run
    labels = anomaly_labels.read_labels(frame[label], words["anomalous"])
    if settings["window"] is None:
        run.split = anomaly_labels.split_rows(
            labels, test_fraction, settings["random_state"], words["learn-anomalies"]
        )
    else:
        names = frame[settings["series"]] if settings["series"] else np.zeros(len(frame))
        run.split = anomaly_labels.split_in_time(labels, test_fraction, names)
    return run


def fit(run: Training, progress: bool) -> None:
    """Train; Ctrl-C ends the networks that are left early, and what is there is used."""
    known = None if run.split is None or not run.split.known.any() else run.split.known
    start = perf_counter()
    with TrainingInterrupts() as interrupts, noted_warnings():
        model = estimators.AnomalyDetector(
            **run.settings, callbacks=[interrupts], progress=progress
        )
        model.fit(run.learned, anomalies=known)
    run.interrupted, run.seconds = interrupts.happened, perf_counter() - start
    run.model = model.set_params(callbacks=None, progress=True)  # no matter of the model's


def evaluate(run: Training) -> None:
    """Score the rows of the training, and with labels those of the test beside the baseline."""
    model = run.model
    with noted_warnings():
        if run.split is None:
            run.scored = anomaly_model.score_rows(model, run.frame)
            run.train_scores, run.n_flagged = run.scored.scores, int(run.scored.is_alarm.sum())
            return
        if run.settings["window"] is None:
            run.scored = anomaly_model.score_rows(model, run.frame.iloc[run.split.test])
            run.train_scores = model.score_samples(run.learned)
            run.n_flagged = int(np.sum(run.train_scores < model.offset_))
        else:  # the rows before the test are what its first rows follow
            scored = anomaly_model.score_rows(model, run.frame)
            run.train_scores = scored.scores[run.split.learn]
            run.n_flagged = int(scored.is_alarm[run.split.learn].sum())
            run.scored = scored.part(run.split.test)
    judged = np.isfinite(run.scored.scores)
    is_anomaly = run.split.anomalies[run.split.test][judged]
    if not 0 < is_anomaly.sum() < len(is_anomaly):
        kind = "normal rows" if is_anomaly.any() else "anomalies"
        complain(f"note: there are no {kind} among the test rows, so nothing to tell apart")
        return
    run.metrics["detector"] = anomaly_labels.label_scores(is_anomaly, -run.scored.scores[judged])
    normal = run.learned[~run.split.known]
    left_out = [name for name in (run.settings["time"], run.settings["series"]) if name]
    distances = anomaly_labels.neighbor_distances(
        normal.drop(columns=left_out), run.scored.frame[judged].drop(columns=left_out),
        run.settings["categorical_features"] or (), run.settings["random_state"],
    )  # fmt: skip
    if distances is not None:
        baseline = anomaly_labels.label_scores(is_anomaly, distances)
        run.metrics[anomaly_labels.BASELINE] = baseline


def save(run: Training, path: Path) -> Path:
    """Write the model with its card, and return where it lies in the end."""
    rate = run.model.checked_rate()
    card = {
        "data": run.name, "target": None, "task": "anomaly detection",
        "columns": [str(name) for name in run.frame.columns],
        "train_rows": len(run.learned), "threshold": float(run.model.offset_),
        "false_alarm_rate": None if np.isnan(rate) else rate, "flagged_train_rows": run.n_flagged,
        "command": run.command(), "chainrule": __version__,
    }  # fmt: skip
    if run.words["as"]:
        card[used_columns.KINDS] = column_kinds.column_kinds(None, run.words["as"])
    if run.split is not None:
        card |= {"label": run.words["label"], "test_rows": len(run.split.test),
                 "metrics": run.metrics}  # fmt: skip
    return keeping.write_somewhere(path, lambda path: run.model.save(path, card=card))


def show(out: Any, run: Training, page: Path | None, saved: Path) -> None:
    """Print what was chosen, the threshold, and what it flags."""
    model, split = run.model, run.split
    out.tell(f"{run.name}: {len(run.learned):,} rows of {run.frame.shape[1]} columns in "
            f"{run.seconds:.1f} s")  # fmt: skip
    out.tell(model.summary_)
    rule = anomaly_model.rule_in_words(model, None, None)
    out.tell(
        f"threshold {model.offset_:.6g} ({rule}): {run.n_flagged:,} of the "
        f"{len(run.learned):,} rows of the training are alarms"
    )
    if split is not None:
        anomalies = split.anomalies[split.test]
        alarms = run.scored.is_alarm
        out.tell(
            f"of {len(anomalies)} rows not seen in training, it flags "
            f"{int(np.sum(alarms & anomalies))} of {int(anomalies.sum())} anomalies and "
            f"{int(np.sum(alarms & ~anomalies))} of {int(np.sum(~anomalies))} normal rows"
        )
    if run.metrics:
        title = f"{len(run.scored.scores)} rows not seen in training"
        metrics = list(run.metrics["detector"])
        out.print(score_table(title, metrics, {
            name: list(scores.values()) for name, scores in run.metrics.items()
        }))  # fmt: skip
    elif len(run.scored.alarms):
        few = run.scored.alarms[:MOST_PRINTED]
        out.print(alarm_table(few, int(run.scored.is_alarm.sum()), len(run.scored.scores)))
    if page is not None:
        out.say(f"wrote {page}: open it in a browser")
    out.say(f"saved {saved}; use it with: chainrule anomaly score {saved} DATA")
