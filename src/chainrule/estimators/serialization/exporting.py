"""Fitted estimators as ONNX models, from the columns to the answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from ... import tree
from ...data.features import MAX_DEVIATIONS, Column
from ...errors import UnsupportedError
from ...export import OnnxBuilder
from ...version import __version__
from ..mlp.network import FittedNetwork

Function: TypeAlias = Callable[..., Any]

ROWS = "rows"
TEXT = (
    'text without spaces around it (strip it before: " a" and "a " are not "a" here, but unknown '
    'values), "" for an empty cell'
)
NUMBER = "number, NaN for an empty cell"
READ_FIRST = {"time": "the hours since midnight as a ", "duration": "the seconds as a "}
EXAMPLE = 5  # rows with which functions are traced; any number may come later


def onnx_model(model: Any, dtype: Any) -> Any:
    """See `SaveMixin.to_onnx`."""
    check_is_fitted(model)
    _check_dtype(dtype)
    if hasattr(model, "module_"):
        return _raw_model(model, dtype)
    tabular = hasattr(model, "network_")
    dtype = (np.float64 if tabular else model.coefs_[0].dtype) if dtype is None else dtype
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise UnsupportedError(f"to_onnx(dtype={dtype!r}): give 'float32' or 'float64'")
    builder = OnnxBuilder()
    if tabular:
        values, examples, inputs = _columns(builder, model, np.dtype(dtype))
        network = model.network_
    else:
        shape = (EXAMPLE, model.n_features_in_)
        values = [builder.input("X", dtype, (ROWS, shape[1]))]
        examples, inputs, network = [np.zeros(shape, dtype)], _as_it_is, model
    answers = _probabilities(model, network) if is_classifier(model) else _numbers(model, network)

    def function(*columns: Any) -> Any:
        return answers(inputs(*columns))

    outputs = builder.call(function, values, *examples)
    if is_classifier(model):
        name_classes(builder, model, outputs[0])
        builder.output(outputs[1], "probabilities")
    else:
        for value, name in zip(outputs, ("prediction", "deviation"), strict=False):
            builder.output(value, name)
    return (
        _described(builder.model(metadata(model)), model)
        if tabular
        else builder.model(metadata(model))
    )


def _check_dtype(dtype: Any) -> None:
    try:
        np.dtype(dtype)
    except TypeError:
        raise TypeError(
            f"to_onnx(dtype={dtype!r:.60}): give 'float32' or 'float64'; save_onnx(path) writes "
            "a file"
        ) from None


def _described(onnx: Any, model: Any) -> Any:
    """With what the graph cannot do itself: to strip texts, to read "$1,200" or "14:30"."""
    texts = {column.name for column in model.features_.columns if column.levels}
    kinds = {reading.name: reading.kind for reading in model.features_.readings}
    for column in onnx.graph.input:
        number = READ_FIRST.get(kinds.get(column.name, ""), "") + NUMBER
        column.doc_string = TEXT if column.name in texts else number
    if texts:
        onnx.doc_string = f"Of the inputs {', '.join(sorted(texts))} each cell is a {TEXT}"
    return onnx


def _raw_model(model: Any, dtype: Any) -> Any:
    """Of a classifier of raw inputs: from its rows, an input for each of their arrays."""
    if dtype is not None:
        raise UnsupportedError(
            f"to_onnx(dtype={dtype!r}): the rows of {type(model).__name__} have dtypes of their "
            "own; leave it out"
        )
    builder = OnnxBuilder()
    example = tree.map(lambda a: np.zeros((EXAMPLE, *a.shape[1:]), a.dtype), model.row_types_)
    names = [name or "X" for name in tree.names(example)]
    values = [
        builder.input(name, leaf.dtype, (ROWS, *leaf.shape[1:]))
        for name, leaf in zip(names, tree.leaves(example), strict=True)
    ]
    network = model.probability_network()

    def answers(rows: Any) -> Any:
        outputs = network(rows)
        return [np.argmax(outputs, axis=1).astype(np.int64), outputs]

    outputs = builder.call(answers, values, example)
    name_classes(builder, model, outputs[0])
    builder.output(outputs[1], "probabilities")
    return builder.model(metadata(model))


def metadata(model: Any) -> dict[str, str]:
    """What an ONNX model says of itself."""
    facts = {"class": type(model).__name__, "chainrule": __version__}
    card = getattr(model, "card_", None)
    if card:
        facts["card"] = json.dumps(card, sort_keys=True)
    return facts


def _as_it_is(x: Any) -> Any:
    return x


# Columns


def _columns(builder: OnnxBuilder, model: Any, dtype: Any) -> tuple[list[str], list[Any], Function]:
    """An input for each column of a table; and the function from them to the network's rows."""
    plans = model.features_.columns
    missing = {reading.name: reading.sentinels for reading in model.features_.readings}
    values, examples = [], []
    for column in plans:
        if column.part:
            raise UnsupportedError(
                f"column {column.name!r} holds dates, which ONNX does not read: give their parts "
                "as columns of numbers, or leave it out"
            )
        if column.levels:
            text = builder.input(column.name, str, (ROWS, 1))
            values.append(builder.categories(text, [*column.levels, *_empty(column)]))
            examples.append(np.zeros((EXAMPLE, 1), np.int64))
        else:
            values.append(builder.input(column.name, dtype, (ROWS, 1)))
            examples.append(np.zeros((EXAMPLE, 1), dtype))

    def features(*columns: Any) -> Any:
        parts = [part for plan, column in zip(plans, columns, strict=True)
                 for part in _features(plan, column, missing.get(plan.name, ()))]  # fmt: skip
        return np.concatenate(parts, axis=1)

    return values, examples, features


def _empty(column: Column) -> tuple[str, ...]:
    """What stands for an empty cell: no text, unless that is one of the values."""
    return () if "" in column.levels else ("",)


def _features(plan: Column, column: Any, sentinels: tuple[float, ...]) -> list[Any]:
    """`Column.write` of numbers or of codes, of shape (rows, 1); sentinels are missing."""
    if plan.levels:
        features = column == np.arange(len(plan.levels))
        absent = column == len(plan.levels)
    else:
        values = column.astype(np.float64)
        absent = values != values  # of NaN
        for sentinel in sentinels:
            absent = absent | (values == sentinel)
        scaled = (np.where(absent, plan.fill, values) - plan.mean) / plan.scale
        features = np.clip(scaled, -MAX_DEVIATIONS, MAX_DEVIATIONS)
    return [
        part.astype(np.float32) for part in ([features, absent] if plan.missing else [features])
    ]


# Answers


def _outputs(network: FittedNetwork, x: Any) -> Any:
    """The outputs for traced rows, in the dtype that `predict` computes in."""
    x = x.astype(np.result_type(x.dtype, network.dtype))
    return network.predict_traced(x)


def _numbers(model: Any, network: Any) -> Function:
    count = network.n_outputs_

    def answers(x: Any) -> Any:
        outputs = _outputs(network.fitted_network, x)
        mean = outputs[:, 0] if count == 1 else outputs[:, :count]
        if model is not network:
            scaled = mean.astype(np.float64) * model.spread_ + model.center_
            values = np.clip(scaled, *model.range_)
            return [values if model.log_offset_ is None else np.exp(values) - model.log_offset_]
        if model.loss != "gaussian_nll":
            return [mean]
        spread = np.exp(0.5 * outputs[:, count:])
        return [mean, spread[:, 0] if count == 1 else spread]

    return answers


def _probabilities(model: Any, network: Any) -> Function:
    """The place of the class among `classes_`, and the probability of each."""
    several = network.label_kind == "multilabel-indicator"
    count = len(model.classes_)

    def answers(x: Any) -> Any:
        outputs = _outputs(network.fitted_network, x)
        if several:
            return [(outputs > 0.5).astype(np.int64), outputs]
        if outputs.shape[1] == 1:
            outputs = np.concatenate([1 - outputs, outputs], axis=1)
        best = np.argmax(outputs, axis=1)
        return [np.minimum(best, count - 1).astype(np.int64), outputs]

    return answers


def name_classes(builder: OnnxBuilder, model: Any, codes: str) -> None:
    """The output "label": the classes themselves, or for labels of many kinds 0 and 1."""
    classes = np.array(model.classes_.tolist())
    kind = getattr(getattr(model, "network_", model), "label_kind", None)
    if kind == "multilabel-indicator":
        builder.output(codes, "label")
    elif classes.dtype.kind == "U":
        names = builder.node(
            "LabelEncoder", codes, domain="ai.onnx.ml", default_string="",
            keys_int64s=range(len(classes)), values_strings=[str(name) for name in classes],
        )  # fmt: skip
        builder.output(names, "label", str, (ROWS,))
    elif classes.dtype.kind in "bif":
        label = builder.node("Gather", builder.constant(classes), codes)
        builder.output(label, "label", classes.dtype, (ROWS,))
    else:
        raise UnsupportedError(f"classes such as {classes[0]!r:.40} have no counterpart in ONNX")
