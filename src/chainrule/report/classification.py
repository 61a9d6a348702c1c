"""How well classes are told apart: confusion, ROC, precision and recall, calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..lazy import LazyModule
from ..markup import Markup, markup, tag
from .charts import Axes, drawing, figure
from .document import Report
from .elements import details, label, number, percent, scrolled, shortened, table, value
from .scale import Scale, spanning

metrics = LazyModule("sklearn.metrics")
calibration = LazyModule("sklearn.calibration")

LARGEST_MATRIX = 20  # classes; of more, the matrix is a carpet
MOST_CURVES = 10  # classes with a curve each
WORST = 20  # rows of a table of the worst
BINS = 10
DARKEST = 60  # percent of colour in a cell: the ink on it stays readable
UNIT = Scale(0.0, 1.0)


def classification(report: Report) -> Markup | None:
    """The section, or None if there are no predictions of classes."""
    if report.task != "classification" or report.truth is None:
        return None
    sections: list[Markup | None] = [confusion(report), class_table(report)]
    if report.probabilities is not None:
        sections += [curves(report), reliability(report)]
    return markup(sections)


def confusion(report: Report) -> Markup:
    """The confusion matrix as a heat map, or the commonest confusions if it were too large."""
    count = len(report.classes)
    matrix = metrics.confusion_matrix(report.truth, report.predicted, labels=range(count))
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    if count > LARGEST_MATRIX:
        return _worst_confusions(report, matrix, shares)
    head = [tag("th", label(name, 40), scope="col") for name in report.classes]
    rows = [
        tag("tr", tag("th", label(name, 40), scope="row"),
            [_heat(matrix[k, j], shares[k, j], k == j) for j in range(count)])
        for k, name in enumerate(report.classes)
    ]  # fmt: skip
    caption = "Confusion matrix: rows are true classes, columns predicted ones"
    corner = tag("th", "true \\ predicted", scope="col")
    return scrolled(
        caption,
        tag(
            "table",
            tag("caption", caption),
            tag("thead", tag("tr", corner, head)),
            tag("tbody", rows),
            class_="heat",
        ),
    )


def _heat(count: int, share: float, right: bool) -> Markup:
    colour = "var(--good)" if right else "var(--bad)"
    # by the root: of a good model's errors, few per cent each, the common ones must stand out
    depth = round(DARKEST * float(share if right else share**0.5))
    shade = f"background:color-mix(in srgb,{colour} {depth}%,transparent)" if depth else None
    return tag("td", tag("b", number(int(count))), tag("small", percent(share)), style=shade)


def _worst_confusions(report: Report, matrix: NDArray[Any], shares: NDArray[Any]) -> Markup:
    wrong = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-wrong, axis=None, kind="stable")[:WORST]
    pairs = [divmod(int(k), len(matrix)) for k in order if wrong.flat[k]]
    if not pairs:
        return tag("p", "No row of the test was given a wrong class.")
    return table(
        f"The commonest confusions among {len(matrix):,} classes",
        ("true class", "predicted", "rows", "of the true class"),
        [
            (report.classes[i], label(report.classes[j]), int(wrong[i, j]), percent(shares[i, j]))
            for i, j in pairs
        ],
        texts=[1],
    )


def class_table(report: Report) -> Markup:
    """Precision, recall and F1 of each class; of many classes, the worst."""
    count = len(report.classes)
    columns = metrics.precision_recall_fscore_support(
        report.truth, report.predicted, labels=range(count), zero_division=0.0
    )
    precision, recall, f1, support = columns
    listed, caption = np.arange(count), "Precision, recall and F1 of each class"
    if count > LARGEST_MATRIX:
        tested = listed[support > 0]
        listed = tested[np.argsort(f1[tested], kind="stable")][:WORST]
        caption = f"The {len(listed)} of {count:,} classes with the lowest F1"
    return table(caption, ("class", "precision", "recall", "F1", "rows"), [
        (report.classes[k], precision[k], recall[k], f1[k], int(support[k]))
        for k in listed.tolist()
    ])  # fmt: skip


def curves(report: Report) -> Markup | None:
    """ROC and precision-recall curves with their areas: of the second of two classes, or of each
    of a few against the rest.
    """
    count = len(report.classes)
    if count > MOST_CURVES:
        return None
    kinds = [1] if count == 2 else range(count)
    # a class that all rows or none belong to has no curve
    kinds = [k for k in kinds if 0 < np.sum(report.truth == k) < len(report.truth)]
    if not kinds:
        return None
    axes = Axes(UNIT, UNIT)
    roc, precision_recall, rows = [axes.rule((0, 1), (0, 1))], [], []
    for colour, k in enumerate(kinds):
        truth, p = (report.truth == k).astype(int), report.probabilities[:, k]
        false_rate, true_rate, _ = metrics.roc_curve(truth, p)
        precision, recall, _ = metrics.precision_recall_curve(truth, p, drop_intermediate=True)
        roc.append(axes.line(false_rate, true_rate, colour))
        precision_recall.append(axes.line(recall, precision, colour))
        area = float(metrics.roc_auc_score(truth, p))
        average = float(metrics.average_precision_score(truth, p))
        rows.append((report.classes[k], area, average, percent(truth.mean())))
    names = [report.classes[k] for k in kinds] if count > 2 else []
    of = shortened(report.classes[1], 60) if count == 2 else "each class against the rest"
    areas = ", ".join(f"{shortened(row[0], 40)} {row[1]:.3f}" for row in rows)
    averages = ", ".join(f"{shortened(row[0], 40)} {row[2]:.3f}" for row in rows)
    figures = tag(
        "div",
        figure("ROC curve", drawing(
            axes, ("false positive rate", "true positive rate"),
            f"ROC curve. Area under it: {areas}.", *roc), f"of {of}", names),
        figure("Precision and recall", drawing(
            axes, ("recall", "precision"),
            f"Precision against recall. Average precision: {averages}.", *precision_recall),
            f"of {of}", names),
        class_="figures",
    )  # fmt: skip
    headers = ("class", "area under ROC", "average precision", "its share of the rows")
    return markup(figures, table("Areas under the curves (1 is perfect)", headers, rows))


def reliability(report: Report) -> Markup:
    """Do 80 of 100 rows with a probability of 80 % turn out so? The curve, Brier score, histogram.

    Of two classes, the second's probability is judged; of more, that of the class chosen.
    """
    binary, p = len(report.classes) == 2, report.probabilities
    if binary:
        chance, came = p[:, 1], (report.truth == 1).astype(int)
        subject = shortened(report.classes[1], 60)
    else:
        chance = p[np.arange(len(p)), report.predicted]
        came = (report.truth == report.predicted).astype(int)
        subject = "the predicted class"
    observed, meant = calibration.calibration_curve(came, chance, n_bins=BINS, pos_label=1)
    # the same bins as calibration_curve's, which leaves out the empty ones
    inner = np.linspace(0.0, 1.0, BINS + 1)[1:-1]
    counts = np.bincount(np.searchsorted(inner, chance), minlength=BINS)
    axes = Axes(UNIT, UNIT)
    heights, edges = np.histogram(chance, bins=2 * BINS, range=(0.0, 1.0))
    below = Axes(UNIT, Scale(0.0, spanning(heights, [0]).high))
    spoken = ", ".join(f"{o:.2f} at {m:.2f}" for m, o in zip(meant, observed, strict=True))
    rows = [
        (f"{k / BINS:.1f} – {(k + 1) / BINS:.1f}", int(counts[k]), float(m), float(o))  # noqa: RUF001
        for k, m, o in zip(np.flatnonzero(counts), meant, observed, strict=True)
    ]
    score = brier(report)
    kind = "0 is perfect" if binary else "summed over the classes; 0 is perfect, 2 the worst"
    return markup(
        tag(
            "div",
            figure("Calibration", drawing(
                axes, ("predicted probability", "observed share"),
                f"Calibration curve, observed share by predicted probability: {spoken}.",
                axes.rule((0, 1), (0, 1)), axes.line(meant, observed, dots=True)),
                f"of {subject}; on the thin line, probabilities are what they say"),
            figure("Predicted probabilities", drawing(
                below, ("predicted probability", "rows"),
                f"Histogram of {len(chance):,} predicted probabilities; {heights[0]:,} are below "
                f"0.05 and {heights[-1]:,} at 0.95 or above.", below.bars(edges, heights)),
                f"of {subject}"),
            class_="figures",
        ),
        tag("p", "Brier score: ", value(score), f" ({kind})."),
        details("Calibration in numbers", table(
            f"Calibration of {subject}",
            ("probability", "rows", "mean predicted", "observed share"), rows)),
    )  # fmt: skip


def brier(report: Report) -> float:
    """The mean squared error of the second class's probability, or the sum of all classes'.

    The sum is the Brier score of many classes, for which older scikit-learn has no function.
    """
    count = len(report.classes)
    return sum(
        float(
            metrics.brier_score_loss(
                (report.truth == k).astype(int), report.probabilities[:, k], pos_label=1
            )
        )
        for k in (range(count) if count > 2 else [1])
    )
