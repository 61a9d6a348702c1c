"""Are probabilities what they say? The reliability curve before and after temperature scaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..lazy import LazyModule
from ..markup import Markup, markup, tag
from .charts import Axes, drawing, figure
from .document import Report
from .elements import decimals, details, shortened, table
from .scale import Scale, spanning

metrics = LazyModule("sklearn.metrics")
calibration = LazyModule("sklearn.calibration")

BINS = 10
LOSS = "log loss"
UNIT = Scale(0.0, 1.0)


@dataclass(frozen=True)
class Reliability:
    """How probabilities compare with what came, in ten equal bins without the empty ones."""

    bins: NDArray[np.int64]
    rows: NDArray[np.int64]
    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The expected calibration error: the mean distance, weighted by rows."""
        gaps = np.abs(self.predicted - self.observed)
        return float(np.average(gaps, weights=self.rows))


def reliability_of(report: Report, probabilities: NDArray[Any]) -> Reliability:
    """Of two classes, the second's probability is judged; of more, that of the class chosen."""
    chance, came = _judged(report, probabilities)
    observed, meant = calibration.calibration_curve(came, chance, n_bins=BINS, pos_label=1)
    # the same bins as calibration_curve's, which leaves out the empty ones
    inner = np.linspace(0.0, 1.0, BINS + 1)[1:-1]
    counts = np.bincount(np.searchsorted(inner, chance), minlength=BINS)
    return Reliability(np.flatnonzero(counts), counts[counts > 0], meant, observed)


def _judged(report: Report, p: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    if len(report.classes) == 2:
        return p[:, 1], (report.truth == 1).astype(int)
    chance = p[np.arange(len(p)), report.predicted]
    return chance, (report.truth == report.predicted).astype(int)


def reliability(report: Report) -> Markup:
    """Do 80 of 100 rows with a probability of 80 % turn out so? The curve, scores, histogram."""
    binary = len(report.classes) == 2
    subject = shortened(report.classes[1], 60) if binary else "the predicted class"
    before = reliability_of(report, report.probabilities)
    chance, _ = _judged(report, report.probabilities)
    axes = Axes(UNIT, UNIT)
    heights, edges = np.histogram(chance, bins=2 * BINS, range=(0.0, 1.0))
    below = Axes(UNIT, Scale(0.0, spanning(heights, [0]).high, whole=True))
    spoken = ", ".join(
        f"{o:.2f} at {m:.2f}" for m, o in zip(before.predicted, before.observed, strict=True)
    )
    lines = [axes.rule((0, 1), (0, 1)), axes.line(before.predicted, before.observed, dots=True)]
    names: list[str] = []
    if report.calibrated is not None:
        after = reliability_of(report, report.calibrated)
        lines.append(axes.line(after.predicted, after.observed, 1, dots=True))
        names = ["as the model says", "after temperature scaling"]
    rows = [
        (f"{k / BINS:.1f} – {(k + 1) / BINS:.1f}", int(n), float(m), float(o))  # noqa: RUF001
        for k, n, m, o in zip(
            before.bins, before.rows, before.predicted, before.observed, strict=True
        )
    ]
    return markup(
        tag(
            "div",
            figure("Calibration", drawing(
                axes, ("predicted probability", "observed share"),
                f"Calibration curve, observed share by predicted probability: {spoken}.", *lines),
                f"of {subject}; on the thin line, probabilities are what they say", names),
            figure("Predicted probabilities", drawing(
                below, ("predicted probability", "rows"),
                f"Histogram of {len(chance):,} predicted probabilities; {heights[0]:,} are below "
                f"0.05 and {heights[-1]:,} at 0.95 or above.", below.bars(edges, heights)),
                f"of {subject}"),
            _scores(report, binary),
            class_="figures",
        ),
        details("Calibration in numbers", table(
            f"Calibration of {subject}",
            ("probability", "rows", "mean predicted", "observed share"), rows)),
    )  # fmt: skip


def _scores(report: Report, binary: bool) -> Markup:
    """Brier score, log loss and calibration error, before and after."""
    kind = "0 is perfect" if binary else "summed over the classes; 0 is perfect, 2 the worst"
    if report.calibrated is None:
        return tag("div", tag("p", "Brier score: ", decimals(brier(report), 4), f" ({kind})."))
    before, after = calibration_scores(report, False), calibration_scores(report, True)
    rows = [(name, decimals(before[name], 4), decimals(after[name], 4)) for name in before]
    temperature = report.temperature or 1.0
    meaning = (
        "there is next to nothing to mend" if 0.95 <= temperature <= 1.05
        else "on these rows the scaled probabilities are no better" if after[LOSS] >= before[LOSS]
        else "the network is too sure of itself" if temperature > 1
        else "the network is not sure enough"
    )  # fmt: skip
    return tag(
        "div", table("Calibration (0 is perfect)", ("score", "before", "after"), rows),
        tag("p", f"Brier score: {kind}.", class_="quiet") if not binary else "",
        tag("p", f"Temperature {temperature:.2f}: {meaning}. {report.calibration_note}",
            class_="quiet"),
    )  # fmt: skip


def calibration_scores(report: Report, after: bool) -> dict[str, float]:
    """Calibration error, log loss and Brier score of the probabilities, or of the scaled ones."""
    p = report.calibrated if after else report.probabilities
    return {
        "calibration error": reliability_of(report, p).error,
        LOSS: float(metrics.log_loss(report.truth, p, labels=range(len(report.classes)))),
        "Brier score": brier(report, p),
    }


def brier(report: Report, probabilities: NDArray[Any] | None = None) -> float:
    """The mean squared error of the second class's probability, or the sum of all classes'.

    The sum is the Brier score of many classes, for which older scikit-learn has no function.
    """
    p = report.probabilities if probabilities is None else probabilities
    count = len(report.classes)
    return sum(
        float(metrics.brier_score_loss((report.truth == k).astype(int), p[:, k], pos_label=1))
        for k in (range(count) if count > 2 else [1])
    )
