"""Saved models: loading them, the columns that they read, their layers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from .. import container, estimators, nn, tree
from ..data import Table
from ..data.cells import with_row_numbers
from ..data.columns import Reading, as_typed, learn_reading, readings_of_table
from ..errors import DataError, ModelFileError

TARGET_READING = "target_reading"  # in a model's card
TRUTHS = frozenset({"True", "False"})


def load(path: Path) -> Any:
    """The estimator of a model file."""
    try:
        return estimators.load(path)
    except ModelFileError as error:
        if _is_policy(path):
            raise ModelFileError(
                f"{path} is a policy that learned by reinforcement: see chainrule rl evaluate "
                f"{path}"
            ) from error
        raise


def is_detector(model: Any) -> bool:
    """Whether a model finds anomalies."""
    return isinstance(model, estimators.AnomalyDetector)


def is_forecaster(model: Any) -> bool:
    """Whether a model forecasts time series."""
    return isinstance(model, estimators.Forecaster)


def is_timeseries(model: Any) -> bool:
    """Whether a model tells time series apart, or predicts a number for each."""
    return isinstance(model, (estimators.TimeSeriesClassifier, estimators.TimeSeriesRegressor))


def refuse_forecaster(model: Any, path: Path) -> None:
    """Raise a `DataError` that names the command for forecasters, if the model is one."""
    if is_forecaster(model):
        raise DataError(
            f"{path} forecasts time series: see chainrule forecast predict {path} NEW_ROWS"
        )


def refuse_detector(model: Any, path: Path) -> None:
    """Raise a `DataError` that names the command for detectors, if the model is one."""
    if is_detector(model):
        raise DataError(
            f"{path} finds anomalies and predicts no target: see chainrule anomaly score {path} "
            "DATA"
        )


def _is_policy(path: Path) -> bool:
    """Whether a file that no estimator is in is one of `chainrule rl`."""
    with suppress(ModelFileError):
        description, _ = container.loads(container.read(container.checked_path(path, "load")))
        return description.get("kind") == "rl"
    return False


def card(model: Any) -> dict[str, Any]:
    """What was saved with it, if anything."""
    return dict(getattr(model, "card_", None) or {})


def kind(model: Any) -> str:
    """What a model predicts from: "texts", "files" or "tables"."""
    if is_timeseries(model):
        return "time series"
    if hasattr(model, "attribute"):
        return "texts"
    return "files" if hasattr(model, "module_") else "tables"


def columns_with_commas(model: Any) -> frozenset[str]:
    """The columns in which 2.000 is 2000: those whose numbers had a decimal comma in training."""
    readings = list(getattr(getattr(model, "features_", None), "readings", ()))
    saved = card(model).get(TARGET_READING)
    readings += [] if saved is None else [Reading.from_json(saved)]
    return frozenset(
        one.name for one in readings if getattr(one.form, "decimal", ".") == ","
    )  # fmt: skip


def inputs(model: Any, table: Table) -> Any:
    """The columns of the training, in its order; others are ignored."""
    frame = table.frame
    names = [str(name) for name in getattr(model, "feature_names_in_", ())]
    if not names:
        return _unnamed(model, table)
    plan = getattr(model, "features_", None)
    needed = names if plan is None else [column.name for column in plan.columns]
    absent = [name for name in dict.fromkeys(needed) if name not in frame.columns]
    if absent:
        more = f" (and {len(absent) - 1} more)" if len(absent) > 1 else ""
        columns = ", ".join(map(repr, frame.columns[:8])) + (", ..." if frame.shape[1] > 8 else "")
        raise DataError(
            f"column {absent[0]!r} is missing{more}; {table.name} has {columns}: rename or add "
            "what the model was trained with"
        )
    return frame.reindex(columns=names)


def _unnamed(model: Any, table: Table) -> Any:
    """Rows for a model that was trained on an array: the first columns, as numbers."""
    count = model.n_features_in_
    frame = table.frame
    target = card(model).get("target", table.target)
    if target in frame.columns:
        frame = frame.drop(columns=[target])
    if frame.shape[1] < count:
        raise DataError(
            f"{table.name} has {frame.shape[1]} columns beside the target, and the model was "
            f"trained on {count}"
        )
    try:
        return frame.iloc[:, :count].to_numpy(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{table.name}: the model was trained on numbers, and there is text ({error})"
        ) from error


def labelled(model: Any, table: Table, target: str | None) -> tuple[Table, str]:
    """The rows of a table that have a target, and the target's name."""
    name = target or card(model).get("target") or table.target
    if name is None:
        raise DataError("the model does not say what its target was: name a column with --target")
    if name not in table.frame.columns:
        names = ", ".join(map(repr, table.frame.columns[:8]))
        raise DataError(
            f"{table.name} has no column {name!r} to score the predictions by; its columns are "
            f"{names}{', ...' if table.frame.shape[1] > 8 else ''}: name it with --target"
        )
    frame = with_row_numbers(table.frame)
    frame = frame.assign(**{name: _truth(model, frame, name)})
    frame = frame[frame[name].notna()]
    if not len(frame):
        raise DataError(f"column {name!r} of {table.name} is empty: there is nothing to score by")
    return Table(table.name, frame, table.target, table.task, table.notes), name


def _truth(model: Any, frame: Any, name: str) -> Any:
    """The target's cells as the training read them; of older models as they look like."""
    column, saved = frame[name], card(model).get(TARGET_READING)
    if saved is None:
        if hasattr(model, "classes_"):
            return column
        return learn_reading(column, "number").values(column)
    reading = replace(Reading.from_json(saved), name=name)
    beside = getattr(getattr(model, "features_", None), "readings", ())
    readings = {one.name: one for one in beside if one.name in frame.columns}
    reading = readings_of_table({**readings, name: reading}, frame)[name]
    try:
        values = as_typed(column, reading)
    except DataError as error:
        fault = str(error).partition(", or train with")[0]
        raise DataError(f"{fault}, or leave that row out") from None
    classes = {str(one) for one in getattr(model, "classes_", ())}
    if values.dtype == bool and classes and not classes & TRUTHS:  # there some were missing
        return values.astype(float)
    if reading.is_number and values.dtype != bool and classes and classes <= TRUTHS:
        return values.map({1.0: True, 0.0: False})
    return values


@dataclass(frozen=True)
class Layer:
    """A layer's name, the shape of its matrix, and its number of parameters, of all members."""

    name: str
    shape: str
    parameters: int


def layers(model: Any) -> list[Layer]:
    """The layers of an estimator's network, in the order in which data meets them."""
    if hasattr(model, "module_"):
        return layers_of_module(model.module_)
    if is_timeseries(model):
        return [Layer(*row) for row in model.layers()]
    if is_detector(model):
        return [
            Layer(f"{name}.{layer.name or 'variances'}", layer.shape, layer.parameters)
            for name, module in detector_networks(model).items()
            for layer in layers_of_module(module)
        ]
    network = getattr(model, "network_", model)
    embedding = network.fitted_network.perceptron.embedding
    layers = []
    for name, arrays in network.fitted_network.layers().items():
        shape = " x ".join(map(str, arrays[0].shape))  # members first, if there are several
        if name == "embedding":
            shape = f"{embedding.columns} to {embedding.outputs}"
        layers.append(Layer(name, shape, _count(arrays)))
    return layers


def detector_networks(model: Any) -> dict[str, Any]:
    """The networks of a detector by their names: of rows, or of windows of a time series."""
    fitted = model.fitted_ if model.window is None else model.fitted_.windows
    return {} if fitted is None else dict(fitted.ensemble.networks)


def layers_of_module(module: Any) -> list[Layer]:
    """The layers of a module: what holds parameters, with the shape of the largest one."""
    counts: dict[str, list[Any]] = {}
    marked = nn.with_batch_stats(
        tree.map(lambda _: False, module), tree.map(lambda _: True, module)
    )
    leaves = zip(tree.names(module), tree.leaves(module), tree.leaves(marked), strict=True)
    for name, leaf, is_statistic in leaves:
        if not is_statistic:
            counts.setdefault(name.rpartition(".")[0], []).append(leaf)
    rows = []
    for name, arrays in counts.items():
        largest = max(arrays, key=lambda array: (np.ndim(array), np.size(array)))
        rows.append(Layer(name, " x ".join(map(str, np.shape(largest))), _count(arrays)))
    return rows


def _count(arrays: Any) -> int:
    return sum(prod(np.shape(array)) for array in tree.leaves(arrays))
