"""A classifier of raw inputs as a description and arrays, and back; see `estimator`."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, prod
from typing import Any

import numpy as np

from ... import random, tree
from ...container import Arrays, Description, damaged
from ...errors import ChainruleError, ModelFileError
from ...nn.quantize import with_quantized_layers, zero_points
from ...transforms import make_graph
from .perceptron import ArrayReader, classes_from_state, classes_to_state
from .schema import by_name, each, fields, finite, one_of, text, to_plain_json, whole

WEIGHTS = "weights."
PREPARED = "prepared."
STOPPED = ("epochs", "patience", "callback", "interrupted", "diverged", "converged")
DTYPES = ("bool", "uint8", "int8", "int16", "uint16", "int32", "int64", "float32", "float64")
MOST_ENTRIES = 2**28  # of a row
KINDS = ("array", "dict", "tuple")

TRAINING = fields({
    "history": each(by_name(finite)), "best_epoch": whole(0), "stopped": one_of(*STOPPED),
})  # fmt: skip
ROW = fields({"name": text, "shape": each(whole(1), 0, 8), "dtype": one_of(*DTYPES)})
ROWS = fields({"kind": one_of(*KINDS), "arrays": each(ROW, 1)})
NETWORK: dict[str, Any] = {"prepared": by_name(lambda value, _: value), "rows": ROWS,
                           "training": TRAINING}  # fmt: skip
OF_BYTES = {"quantized": by_name(whole(0, 255))}  # zero points of layers, by their names


def raw_to_state(model: Any, arrays: Arrays) -> Description:
    """All but the class, the settings and the card."""
    prepared, prepared_arrays = model.preprocessing_state()
    arrays |= {f"{PREPARED}{name}": np.asarray(value) for name, value in prepared_arrays.items()}
    names, leaves = tree.names(model.module_), tree.leaves(model.module_)
    arrays |= {f"{WEIGHTS}{name}": leaf for name, leaf in zip(names, leaves, strict=True)}
    of_bytes = zero_points(model.module_)
    return {
        **({"quantized": of_bytes} if of_bytes else {}),
        "classes": classes_to_state(model.classes_, arrays, ""),
        "prepared": to_plain_json(prepared, "what was prepared"),
        "rows": _row_types_to_state(model.row_types_),
        "training": {
            "history": [{name: float(value) for name, value in row.items()}
                        for row in model.history_],
            "best_epoch": int(model.best_epoch_), "stopped": model.stopped_,
        },
    }  # fmt: skip


def raw_from_state(model: Any, checked: Description, arrays: ArrayReader) -> None:
    """Make the estimator, of which the settings are there, what it was."""
    model.classes_ = classes_from_state(checked["classes"], arrays, "")
    if len(model.classes_) < 2:
        raise damaged("it has a single class")
    model.row_types_ = _row_types_from_state(checked["rows"])
    training = checked["training"]
    model.history_ = [_epoch(row) for row in training["history"]]
    model.best_epoch_, model.stopped_ = training["best_epoch"], training["stopped"]
    model.restore_preprocessing(checked["prepared"], Prepared(arrays))
    leaves, structure = _abstract(model, checked.get("quantized", {}))
    weights = []
    for name, (shape, dtype) in zip(tree.names(structure), leaves, strict=True):
        value = arrays.numbers(f"{WEIGHTS}{name}", shape, dtype)
        if name.split(".")[-1] == "var" and (value < 0).any():
            raise damaged(f"the variance {name} is negative")
        weights.append(value)
    model.module_ = tree.unflatten(tree.structure(structure), weights)


class Prepared:
    """The arrays of the preprocessing, asked for by name, each once; see `ArrayReader`."""

    def __init__(self, arrays: ArrayReader) -> None:
        self._arrays = arrays

    def __call__(self, name: str) -> Any:
        return self._arrays(f"{PREPARED}{name}")

    def shape(self, name: str) -> tuple[int, ...]:
        """That of an array which is asked for later; empty if there is none."""
        return self._arrays.shape(f"{PREPARED}{name}")

    def numbers(self, name: str, shape: tuple[int, ...], dtype: Any) -> Any:
        """Finite numbers of this shape and dtype."""
        return self._arrays.numbers(f"{PREPARED}{name}", shape, dtype)


def _abstract(
    model: Any, of_bytes: Mapping[str, int]
) -> tuple[list[tuple[tuple[int, ...], Any]], Any]:
    """Shapes and dtypes of the network's leaves, and the network itself, without its numbers."""
    modules = []

    def build(key: Any) -> Any:
        modules.append(with_quantized_layers(model.make_module(key), of_bytes))
        return tree.leaves(modules[-1])

    try:
        graph = make_graph(build)(random.key(0))
    except (ChainruleError, ValueError, TypeError, LookupError, OverflowError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise damaged(f"its settings make no network: {error!s:.160}") from None
    return [(t.shape, t.dtype) for t in graph.output_types], modules[-1]


def _epoch(row: dict[str, float]) -> dict[str, float]:
    if not {"epoch", "loss"} <= row.keys() or not float(row["epoch"]).is_integer():
        raise damaged("an epoch has no number or no loss")
    return {**row, "epoch": int(row["epoch"])}


def _row_types_to_state(types: Any) -> Description:
    kind = type(types).__name__ if isinstance(types, (dict, tuple)) else "array"
    parts = zip(tree.names(types), tree.leaves(types), strict=True)
    arrays = [{"name": name, "shape": list(leaf.shape[1:]), "dtype": leaf.dtype.name}
            for name, leaf in parts]  # fmt: skip
    expected = [""] if kind == "array" else sorted(types) if kind == "dict" else [
        str(k) for k in range(len(types))
    ]  # fmt: skip
    if [row["name"] for row in arrays] != expected:
        raise ModelFileError("rows are no array, and no flat dict or tuple of arrays")
    return {"kind": kind, "arrays": arrays}


def _row_types_from_state(state: Description) -> Any:
    rows = state["arrays"]
    names = [row["name"] for row in rows]
    for row in rows:
        if prod(row["shape"]) > MOST_ENTRIES or not isfinite(prod(row["shape"])):
            raise damaged("a row is too large")
    arrays = [np.zeros((0, *row["shape"]), row["dtype"]) for row in rows]
    if state["kind"] == "array":
        if names != [""]:
            raise damaged("a row has one array, without a name")
        return arrays[0]
    if state["kind"] == "tuple":
        if names != [str(k) for k in range(len(rows))]:
            raise damaged("the arrays of a row are not numbered")
        return tuple(arrays)
    if names != sorted(set(names)):
        raise damaged("the arrays of a row are not in order, each once")
    return dict(zip(names, arrays, strict=True))
