"""`Report`: what there is to tell, as arrays, dicts and texts, checked when it is put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .table_parts import AdviceItem, Dependence, GroupScore, Overview, WrongRow

TASKS = ("classification", "regression")
LARGEST = 1e100

Triple: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Report:
    """A trained and tested model, told in plain values; what is left out is not shown.

    Parameters
    ----------
    task : str
        ``"classification"`` or ``"regression"``.
    data : str
        The data's name.
    date : str
        As it is to be printed; nothing here looks at a clock.
    scores : dict of float
        The model's, by metric: ``{"accuracy": 0.98}``.
    target : str
        The column that is predicted.
    baselines : dict of dict of float
        What simpler models get: ``{"commonest class": {"accuracy": 0.1}}``.
    verdict : sequence of str
        Whether the model is worth having, first; then the judgement of its fit.
    standing : str
        ``"ahead"``, ``"level"``, ``"behind"`` or ``"nothing"``, as the verdict begins.
    next_steps : sequence of str
        What to do next.
    intervals : dict of dict of (float, float, float)
        By model, this one first, then by metric: the score, and the ends of its 95 % interval.
    differences : dict of dict of (float, float, float)
        Likewise, of the other models' scores minus this one's, row by row.
    comparison_notes : sequence of str
        Where another model had less to learn from.
    advice : sequence of AdviceItem
    overview : Overview, optional
        Of the data.
    history : sequence of dict of float
        A row an epoch, as `FitResult.history`: ``epoch``, ``loss``, and if there are any
        ``validation_loss`` and ``score``.
    best_epoch : int, optional
        Whose weights were kept; 0 for those that the training began with.
    score_name : str
        What ``score`` is in the history.
    classes : sequence of str
        For classification, in the order of their numbers; of two, the second is "positive".
    truth : array of shape (rows,)
        Of the test rows: class numbers, or values.
    predicted : array of shape (rows,)
        Likewise. For classification it follows from `probabilities` if left out.
    probabilities : array of shape (rows, classes)
        For classification.
    calibrated : array of shape (rows, classes)
        The same probabilities after `temperature` scaled their logits (Guo et al., 2017).
    temperature : float, optional
    calibration_note : str
        Which rows the temperature was chosen by.
    threshold : dict, optional
        Of two classes, from which probability on a row counts as the second: ``positive``,
        ``value``, ``goal``, ``cost`` (of a false positive and a false negative, or None).
    importances : dict of (float, float)
        By feature, the mean and its error, such as the standard deviation over permutations.
    dependence : sequence of Dependence
        Of the strongest columns.
    groups : sequence of GroupScore
    group_score : str
        What their scores are, such as ``"accuracy"``.
    wrong_rows : sequence of WrongRow
        The worst first.
    wrong_columns : sequence of str
        The columns that their cells are of.
    gradient_norms, update_ratios : dict of sequence of float
        By layer or parameter, from the first to the last, a number an epoch: the gradient's norm;
        the norm of what the epoch changed by that of the weights before it (inf, for weights
        that were 0, is left out).
    dead, saturated : dict of float
        By hidden layer, as from `chainrule.train.gradient_health`.
    layers : sequence of (str, str, int)
        Name, shape, and number of parameters.
    settings, dataset, versions : dict
        Of the training; rows, columns, missing cells and the like; of the software.
    seed : int, optional
    examples : sequence of (class, truth, probability, words, scores)
        Texts of the test, and what each word adds to the log-odds of the predicted class.
    limitations : str
        Where the model must not be trusted; an empty line parts paragraphs.
    command : str
        What has to be typed to get the same again.

    Raises
    ------
    DataError
        If the parts do not fit each other, or a number is missing among those to be scored.

    Examples
    --------
    >>> from chainrule.report import Report, render
    >>> report = Report("regression", "houses", "2026-11-25", {"R2": 0.91},
    ...                 truth=[1.0, 2.0, 4.0], predicted=[1.5, 2.0, 3.0])
    >>> page = render(report)
    >>> page[:15], "Predictions</h2>" in page, "Model card</h2>" in page
    ('<!doctype html>', True, False)
    """

    task: str
    data: str
    date: str
    scores: Mapping[str, float]
    target: str = ""
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    verdict: Sequence[str] = ()
    standing: str = ""
    next_steps: Sequence[str] = ()
    intervals: Mapping[str, Mapping[str, Triple]] = field(default_factory=dict)
    differences: Mapping[str, Mapping[str, Triple]] = field(default_factory=dict)
    comparison_notes: Sequence[str] = ()
    advice: Sequence[AdviceItem] = ()
    overview: Overview | None = None
    history: Sequence[Mapping[str, float]] = ()
    best_epoch: int | None = None
    score_name: str = "score"
    classes: Sequence[str] = ()
    truth: Any = None
    predicted: Any = None
    probabilities: Any = None
    calibrated: Any = None
    temperature: float | None = None
    calibration_note: str = ""
    threshold: Mapping[str, Any] | None = None
    importances: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    dependence: Sequence[Dependence] = ()
    groups: Sequence[GroupScore] = ()
    group_score: str = ""
    wrong_rows: Sequence[WrongRow] = ()
    wrong_columns: Sequence[str] = ()
    gradient_norms: Mapping[str, Sequence[float]] = field(default_factory=dict)
    update_ratios: Mapping[str, Sequence[float]] = field(default_factory=dict)
    dead: Mapping[str, float] = field(default_factory=dict)
    saturated: Mapping[str, float] = field(default_factory=dict)
    layers: Sequence[tuple[str, str, int]] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    dataset: Mapping[str, object] = field(default_factory=dict)
    versions: Mapping[str, object] = field(default_factory=dict)
    seed: int | None = None
    examples: Sequence[tuple[Any, str, float, Sequence[str], Any]] = ()
    limitations: str = ""
    command: str = ""

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise DataError(f"task={self.task!r}: a report is of {' or '.join(TASKS)}")
        if self.truth is None:
            if self.predicted is not None or self.probabilities is not None:
                raise DataError("predictions without truth: give the true values of the same rows")
            return
        arrays = _of_classes(self) if self.task == TASKS[0] else _of_numbers(self)
        object.__setattr__(self, "classes", tuple(map(str, self.classes)))
        for name, array in arrays.items():
            object.__setattr__(self, name, array)


Arrays = dict[str, NDArray[Any] | None]


def _of_classes(report: Report) -> Arrays:
    count = len(report.classes)
    if count < 2:
        raise DataError(f"classes={list(report.classes)!r}: name all classes, two at least")
    truth = _class_numbers("truth", report.truth, count)
    shape = (len(truth), count)
    probabilities = _probabilities("probabilities", report.probabilities, shape)
    values = report.predicted
    if values is None:
        if probabilities is None:
            raise DataError("truth without predictions: give predicted or probabilities")
        values = np.argmax(probabilities, axis=1)
    predicted = _class_numbers("predicted", values, count)
    _same_length(truth, predicted)
    return {
        "truth": truth, "predicted": predicted, "probabilities": probabilities,
        "calibrated": _probabilities("calibrated", report.calibrated, shape),
    }  # fmt: skip


def _probabilities(
    name: str, values: Any, shape: tuple[int, ...]
) -> NDArray[np.float64] | None:  # fmt: skip
    if values is None:
        return None
    p = _column(name, values, shape)
    if p.min() < -1e-6 or p.max() > 1 + 1e-6:
        raise DataError(
            f"{name} range from {p.min():g} to {p.max():g}: apply softmax to logits first"
        )
    return p.clip(0.0, 1.0)


def _of_numbers(report: Report) -> Arrays:
    if report.predicted is None:
        raise DataError("truth without predictions: give predicted")
    truth, predicted = (
        _column(name, np.ravel(values) if np.shape(values)[1:] == (1,) else values, None)
        for name, values in (("truth", report.truth), ("predicted", report.predicted))
    )
    _same_length(truth, predicted)
    largest = max(np.max(np.abs(truth)), np.max(np.abs(predicted)))
    if largest > LARGEST:
        raise DataError(f"truth or predicted holds {largest:g}, whose square is no float: scale it")
    return {"truth": truth, "predicted": predicted}


def _column(name: str, values: Any, shape: tuple[int, ...] | None) -> NDArray[np.float64]:
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name} holds {values!r:.60}: give numbers") from None
    if array.shape != shape if shape else array.ndim != 1 or not len(array):
        wanted = shape or "(rows,) with one row at least"
        raise DataError(f"{name} has shape {array.shape}, which should be {wanted}")
    if not np.isfinite(array).all():
        bad = int(np.sum(~np.isfinite(array)))
        raise DataError(f"{name} holds {bad} nan or infinite numbers: they cannot be scored")
    return array


def _class_numbers(name: str, values: Any, count: int) -> NDArray[np.int64]:
    array = _column(name, values, None)
    whole = array.astype(np.int64)
    wrong = (array != whole) | (array < 0) | (array >= count)
    if wrong.any():
        raise DataError(
            f"{name} holds {array[wrong][0]:g}: give class numbers, 0 to {count - 1} for the "
            f"{count} classes"
        )
    return whole


def _same_length(truth: NDArray[Any], predicted: NDArray[Any]) -> None:
    if len(truth) != len(predicted):
        raise DataError(f"truth has {len(truth)} rows and predicted {len(predicted)}")
