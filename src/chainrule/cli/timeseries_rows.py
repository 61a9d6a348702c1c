"""Files of time series, for models that read such."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data.timeseries import LabelledSeries, as_series, read_series, read_series_dataset
from ..errors import DataError
from ..lazy import LazyModule
from . import models
from .predictions import named

pd = LazyModule("pandas")


def predicted(loaded: Any, files: Sequence[str], proba: bool) -> Any:
    """A table: what is predicted for each series of some files, with its name if it has one."""
    if len(files) > 1:
        raise DataError(f"a model of time series takes one file at a time, and got {len(files)}")
    read = read_unlabelled(loaded, files[0])
    target = target_of(loaded)
    names: list[str] = []
    columns: list[Any] = []
    if read.names is not None:
        names, columns = [str(models.card(loaded).get("id", "series"))], [read.names]
    if not hasattr(loaded, "classes_"):
        return named([*names, target], [*columns, loaded.predict(read.inputs)])
    probabilities = loaded.predict_proba(read.inputs)
    names.append(target)
    columns.append(loaded.classes_[np.argmax(probabilities, axis=1)])
    if proba:
        names += [f"p({name})" for name in loaded.classes_]
        columns += list(probabilities.T)
    return named(names, columns)


def target_of(loaded: Any) -> str:
    """What a model predicts."""
    return str(models.card(loaded).get("target", "prediction"))


def read_unlabelled(loaded: Any, data: str) -> LabelledSeries:
    """The series of a file, whose columns or arrays are called as in the training."""
    card = models.card(loaded)
    return read_series(
        data, card.get("target"), card.get("id"), card.get("time"), card.get("x"),
        needs_target=False,
    )  # fmt: skip


def labelled(loaded: Any, data: str, target: str | None) -> tuple[str, Any, Any]:
    """What is predicted, the series, and the truth, of a file as in the training.

    Of a file or folder that says what is for the test, only that.
    """
    card = models.card(loaded)
    wanted = target or card.get("target")
    everything, test = read_series_dataset(
        data, wanted, card.get("id"), card.get("time"), card.get("x"), card.get("y"),
        needs_target=False,
    )  # fmt: skip
    part = everything if test is None else test
    if part.labels is None:
        raise DataError(f"{data} does not say what is true, which the predictions are scored by")
    truth = np.asarray(part.labels)
    if not hasattr(loaded, "classes_"):
        try:
            truth = truth.astype(np.float64)
        except (TypeError, ValueError):
            raise DataError(
                f"{data}: {str(truth.ravel()[0])!r:.40} is no number to score by"
            ) from None
    return str(wanted or part.target_name), as_series(part.inputs), pd.Series(truth.ravel())
