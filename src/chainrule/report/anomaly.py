"""`AnomalyReport`: what an anomaly detector has to tell of some rows, and its page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..markup import Markup, markup, tag
from . import anomaly_charts, card
from .elements import facts, number, percent, table
from .page import html_page

MOST_ALARMS = 20  # of the table of reasons
MOST_GROUPS = 20

History = Sequence[Mapping[str, float]]


@dataclass(frozen=True, eq=False)
class SeriesChart:
    """One channel of a time series, with what was expected and which rows are alarms.

    Parameters
    ----------
    name : str
    observed : array of shape (rows,)
        NaN where missing.
    expected : array of shape (rows,)
        NaN where nothing can be expected yet.
    is_alarm : array of bool, shape (rows,)
    span : (str, str)
        The stamps of the first and the last row; empty texts without stamps.
    """

    name: str
    observed: Any
    expected: Any
    is_alarm: Any
    span: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        for name, kind in (("observed", float), ("expected", float), ("is_alarm", bool)):
            object.__setattr__(self, name, np.asarray(getattr(self, name), kind))
        if not len(self.observed) == len(self.expected) == len(self.is_alarm):
            raise DataError(
                f"series {self.name!r}: {len(self.observed)} observed values, "
                f"{len(self.expected)} expected ones, {len(self.is_alarm)} rows: one each"
            )


@dataclass(frozen=True)
class Shift:
    """How a column differs between earlier rows and later ones.

    Parameters
    ----------
    column : str
    before, after : object
        Its usual value: a mean, or a share of a category.
    deviations : float
        The difference of the means, in deviations of the earlier rows.
    strength : float
        The difference in standard errors.
    """

    column: str
    before: Any
    after: Any
    deviations: float
    strength: float


@dataclass(frozen=True, eq=False)
class AnomalyReport:
    """A detector and the rows that it scored, in plain values; what is left out is not shown.

    Scores are those of `score_samples`: lower is stranger.

    Parameters
    ----------
    data, method, date : str
        The date as it is to be printed; nothing here looks at a clock.
    calibration : array of shape (n,)
        The scores of the held-out normal rows.
    scores : dict of array of shape (rows,)
        Other scores, by what they are of, the rows of interest first.
    threshold : float
        Rows below it are alarms.
    rule : str
        Where the threshold comes from, such as ``"false-alarm rate 0.01"``.
    counts : dict of int
        By what the scores are of, how many are alarms, where each row has a threshold of its own.
    alarms : sequence of Alarm
        The strangest first: each has ``label``, ``score``, ``p_value`` and ``reasons``, of which
        each has ``column``, ``share``, ``observed``, ``expected``, ``low`` and ``high``.
    groups : sequence of sequence of Alarm
        The alarms with a common cause, the largest group first.
    metrics : dict of dict of float
        By detector, then by metric: of rows whose labels are known.
    shifts : sequence of Shift
        The strongest first.
    drift_scores : (array, array), optional
        The scores of earlier rows and of later ones.
    drift_names : (str, str)
        What these rows are.
    series : sequence of SeriesChart
    histories : dict of sequence of dict of float
        By network, a row an epoch: ``epoch`` and ``loss``.
    summary : str
        What the detector consists of.
    settings, dataset, versions : dict
    limitations : str
        Where the detector must not be trusted; an empty line parts paragraphs.
    command : str
        What has to be typed to get the same again.

    Raises
    ------
    DataError
        If a score or the threshold is no number.

    Examples
    --------
    >>> from chainrule.report import AnomalyReport, render_anomaly
    >>> report = AnomalyReport("logs", "auto", "2026-11-30", [-1.0, -2.0, -4.0],
    ...                        {"rows": [-1.5, -9.0]}, -5.0)
    >>> page = render_anomaly(report)
    >>> "1 of 2 rows" in page, "Drift</h2>" in page
    (True, False)
    """

    data: str
    method: str
    date: str
    calibration: Any
    scores: Mapping[str, Any]
    threshold: float
    rule: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    alarms: Sequence[Any] = ()
    groups: Sequence[Sequence[Any]] = ()
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    shifts: Sequence[Shift] = ()
    drift_scores: tuple[Any, Any] | None = None
    drift_names: tuple[str, str] = ("earlier rows", "later rows")
    series: Sequence[SeriesChart] = ()
    histories: Mapping[str, History] = field(default_factory=dict)
    summary: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    dataset: Mapping[str, object] = field(default_factory=dict)
    versions: Mapping[str, object] = field(default_factory=dict)
    limitations: str = ""
    command: str = ""
    # What the card of other reports has besides
    layers: Sequence[tuple[str, str, int]] = ()
    seed: int | None = None

    def __post_init__(self) -> None:
        if not np.isfinite(self.threshold):
            raise DataError(f"threshold={self.threshold!r}: give a number")
        columns = {name: _numbers(name, values) for name, values in self.scores.items()}
        object.__setattr__(self, "calibration", _numbers("calibration", self.calibration))
        object.__setattr__(self, "scores", columns)
        if self.drift_scores is not None:
            both = tuple(_numbers("drift_scores", values) for values in self.drift_scores)
            object.__setattr__(self, "drift_scores", both)


def _numbers(name: str, values: Any) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise DataError(f"{name} has shape {array.shape}: give a finite score for each row")
    return array


def overview(report: AnomalyReport) -> Markup:
    """What was looked at, how many alarms there are, and how well labels are met."""
    lines = []
    for name, scores in report.scores.items():
        count = report.counts.get(name, int(np.sum(scores < report.threshold)))
        lines.append((name, len(scores), count, count / len(scores)))
    rule = f" ({report.rule})" if report.rule else ""
    first, of, count, _ = lines[0] if lines else ("", 0, 0, 0.0)
    limit = "their thresholds, which follow the series" if report.counts else (
        f"the threshold {number(report.threshold)}"
    )  # fmt: skip
    said = f"{count:,} of {of:,} {first} are below {limit}{rule}."
    rows = [(name, of, count, percent(share)) for name, of, count, share in lines]
    parts = [
        tag("p", said) if lines else "",
        table("Rows below the threshold", ("scores", "rows", "alarms", "share"), rows)
        if lines else "",
    ]  # fmt: skip
    if report.metrics:
        names = list(dict.fromkeys(key for each in report.metrics.values() for key in each))
        body = [
            (name, *[float(each[key]) if key in each else "–" for key in names])  # noqa: RUF001
            for name, each in report.metrics.items()
        ]
        parts.append(table("Known labels of rows not seen in training", ("detector", *names), body))
    return markup(parts)


def top_alarms(report: AnomalyReport) -> Markup | None:
    """The strangest rows, with a line for each of their reasons."""
    if not report.alarms:
        return None
    rows: list[tuple[object, ...]] = []
    for alarm in report.alarms[:MOST_ALARMS]:
        head: tuple[object, ...] = (str(alarm.label), float(alarm.score), float(alarm.p_value))
        for reason in alarm.reasons or (None,):
            rows.append((*head, *_reason_cells(reason)))
            head = ("", "", "")
    headers = ("row", "score", "p-value", "column", "share", "observed", "expected",
               "99 of 100 normal rows")  # fmt: skip
    more = len(report.alarms) - MOST_ALARMS
    return markup(
        table("The strangest rows and their reasons", headers, rows, texts=[3, 5, 6, 7]),
        tag("p", f"And {more:,} more alarms.") if more > 0 else "",
    )


def _reason_cells(reason: Any) -> tuple[object, ...]:
    """The cells of one reason, or of none."""
    if reason is None:
        return ("–", "", "", "", "")  # noqa: RUF001
    between = ""
    if reason.low is not None:
        ends = (number(float(end)) for end in (reason.low, reason.high))
        between = tag("span", "\u00a0to ".join(ends), class_="option")
    cells = [
        "nothing" if x is None else float(x) if isinstance(x, float) else str(x)
        for x in (reason.observed, reason.expected)
    ]
    return (reason.column, f"{100 * reason.share:.0f} %", *cells, between)


def groups(report: AnomalyReport) -> Markup | None:
    """Alarms with a common cause, and which columns cause alarms."""
    parts = []
    if report.groups:
        rows = []
        for group in report.groups[:MOST_GROUPS]:
            worst = min(group, key=lambda alarm: alarm.score)
            cause = worst.reasons[0].column if worst.reasons else "–"  # noqa: RUF001
            rows.append((cause, len(group), str(worst.label), float(worst.score)))
        headers = ("main cause", "alarms", "the strangest row", "its score")
        parts.append(table("Groups of alarms", headers, rows, texts=[2]))
        if len(report.groups) > MOST_GROUPS:
            parts.append(tag("p", f"And {len(report.groups) - MOST_GROUPS:,} smaller groups."))
    causes = anomaly_charts.causes(report.alarms)
    return markup(parts, causes or "") if parts or causes else None


def detector_card(report: AnomalyReport) -> Markup | None:
    """What the detector consists of, and where not to trust it."""
    below = card.card(report)  # type: ignore[arg-type]  # it has the fields of a card
    described = facts("Detector", [("consists of", report.summary)]) if report.summary else ""
    return markup(described, below or "") if described or below else None


def repeat(report: AnomalyReport) -> Markup | None:
    """The command."""
    return card.command(report)  # type: ignore[arg-type]


# Identifier, heading, and what makes the section, or None where there is nothing to show.
SECTIONS: tuple[tuple[str, str, Callable[[AnomalyReport], Markup | None]], ...] = (
    ("overview", "Overview", overview),
    ("scores", "Scores", anomaly_charts.distributions),
    ("threshold", "Threshold", anomaly_charts.thresholds),
    ("alarms", "Alarms and their reasons", top_alarms),
    ("groups", "Groups and causes", groups),
    ("series", "Time series", anomaly_charts.series),
    ("drift", "Drift", anomaly_charts.drift),
    ("learning", "Learning curves", anomaly_charts.learning),
    ("card", "Model card", detector_card),
    ("command", "Repeat it", repeat),
)


def render_anomaly(report: AnomalyReport) -> str:
    """The report as one HTML page, which loads nothing and runs no script.

    The same report gives the same text.

    Parameters
    ----------
    report : AnomalyReport

    Returns
    -------
    str

    Examples
    --------
    >>> from chainrule.report import AnomalyReport, render_anomaly
    >>> page = render_anomaly(AnomalyReport("<logs>", "auto", "2026-11-30", [-1.0], {}, -2.0))
    >>> "<h1>&lt;logs&gt;</h1>" in page, "http" in page.replace("http-equiv", "")
    (True, False)
    """
    sections = [(name, title, build(report)) for name, title, build in SECTIONS]
    about = ["anomaly detection", report.method, report.date]
    return html_page(report.data, "anomaly detection report", about, sections)
