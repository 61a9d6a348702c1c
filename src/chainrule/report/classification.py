"""How well classes are told apart: the confusion matrix, and the scores of each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..lazy import LazyModule
from ..markup import Markup, markup, tag
from .calibration import reliability
from .curves import area_table, curves
from .document import Report
from .elements import decimals, label, number, percent, scrolled, table

metrics = LazyModule("sklearn.metrics")

LARGEST_MATRIX = 20  # classes; of more, the matrix is a carpet
FEW_CLASSES = 6  # with more, the cells of a matrix are small
WORST = 20  # rows of a table of the worst
DARKEST = 60  # percent of colour in a cell: the ink on it stays readable


def classification(report: Report) -> Markup | None:
    """The section, or None if there are no predictions of classes."""
    if report.task != "classification" or report.truth is None:
        return None
    right: list[Markup | None] = [class_table(report)]
    if len(report.classes) == 2:  # of more, the table of areas stands beside the curves
        right.append(area_table(report))
    tables = tag("div", confusion(report), tag("div", right), class_="panels")
    if report.probabilities is None:
        return tables
    return markup(tables, curves(report), reliability(report))


def confusion(report: Report) -> Markup:
    """The confusion matrix as a heat map, or the commonest confusions if it were too large."""
    count = len(report.classes)
    matrix = confusion_matrix(report)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    if count > LARGEST_MATRIX:
        return _worst_confusions(report, matrix, shares)
    names = [tag("span", label(name, 24)) for name in report.classes]
    head = [tag("th", name, scope="col") for name in names]
    rows = [
        tag("tr", tag("th", label(name, 24), scope="row"),
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
            class_=_density(report.classes),
        ),
    )


def _density(classes: Sequence[str]) -> str:
    """Small cells for many classes, and names that stand upright where they are long."""
    if len(classes) <= FEW_CLASSES:
        return "heat"
    return "heat dense long" if max(map(len, classes)) > 3 else "heat dense"


def confusion_matrix(report: Report) -> NDArray[Any]:
    """How many rows of each true class (a row) were given each class (a column)."""
    classes = range(len(report.classes))
    return np.asarray(metrics.confusion_matrix(report.truth, report.predicted, labels=classes))


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
    *shares, support = class_scores(report)
    listed, caption = np.arange(count), "Precision, recall and F1 of each class"
    if count > LARGEST_MATRIX:
        tested = listed[support > 0]
        listed = tested[np.argsort(shares[-1][tested], kind="stable")][:WORST]
        caption = f"The {len(listed)} of {count:,} classes with the lowest F1"
    return table(caption, ("class", "precision", "recall", "F1", "rows"), [
        (label(report.classes[k], 40), *[decimals(column[k], 3) for column in shares],
         int(support[k]))
        for k in listed.tolist()
    ])  # fmt: skip


def class_scores(report: Report) -> tuple[NDArray[Any], ...]:
    """Precision, recall, F1 and number of rows of each class."""
    columns = metrics.precision_recall_fscore_support(
        report.truth, report.predicted, labels=range(len(report.classes)), zero_division=0.0
    )
    return tuple(map(np.asarray, columns))
