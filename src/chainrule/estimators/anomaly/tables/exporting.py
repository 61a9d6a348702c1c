"""The networks' part of a detector as an ONNX model: from the columns to errors and ``-log p``."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ....errors import UnsupportedError
from ....export import OnnxBuilder
from ....version import __version__
from ..members.survival import Survival
from .columns import DATE_PARTS, MISSING, UNSEEN, DetectorColumn, DetectorColumns
from .fitted import FittedDetector

ROWS = "rows"
EXAMPLE = 5  # rows with which functions are traced; any number may come later


def detector_onnx(fitted: FittedDetector, card: Any) -> Any:
    """The networks of a detector as an ONNX model.

    Its inputs are the columns of the table, each under its name and of shape (rows, 1): float64,
    with NaN for an empty cell, or text, with "" for one. Its outputs have shape (rows,): for each
    network the mean error, "autoencoder_error", and how rare it is, "autoencoder" (``-log p``);
    "surprises"; and "score", as `score_samples` gives it, if the detector has networks alone.

    Raises
    ------
    UnsupportedError
        If the detector has no network, or a column holds dates.
    """
    networks = fitted.ensemble.networks
    if not networks:
        raise UnsupportedError(
            "this detector has no network, and ONNX has no index of neighbours: fit with "
            "method='autoencoder', 'denoising', 'variational' or 'masked'"
        )
    builder = OnnxBuilder()
    values, examples = _inputs(builder, fitted.columns)
    alone = list(networks) == fitted.ensemble.names

    def outputs(*columns: Any) -> Any:
        raw = [_raw(plan, column)
               for plan, column in zip(fitted.columns.columns, columns, strict=True)]  # fmt: skip
        features, parts = fitted.columns.encode(np.concatenate(raw, axis=1))
        surprises = np.sum(parts, axis=1)
        results, total = [], 0.5 * len(networks) * surprises.astype(np.float64)
        for name, network in networks.items():
            errors = np.mean(network(features), axis=1).astype(np.float64)
            rarity = _rarity(fitted.ensemble.survivals[name], errors)
            results += [errors, rarity]
            total = total + rarity
        return [*results, surprises, *([-total] if alone else [])]

    names = [part for name in networks for part in (f"{name}_error", name)]
    names += ["surprises", *(["score"] if alone else [])]
    for value, name in zip(builder.call(outputs, values, *examples), names, strict=True):
        builder.output(value, name)
    metadata = {"class": "AnomalyDetector", "chainrule": __version__}
    if card:
        metadata["card"] = json.dumps(card, sort_keys=True)
    return builder.model(metadata)


def _inputs(builder: Any, columns: DetectorColumns) -> tuple[list[str], list[Any]]:
    """An input for each column of the plan, text as codes, and an example of each."""
    values, examples = [], []
    for plan in columns.columns:
        if plan.kind in DATE_PARTS:
            raise UnsupportedError(
                f"column {plan.name!r} holds dates, which ONNX does not read: give the day of the "
                "week and the hour as columns, or leave it out"
            )
        if not plan.is_category:
            values.append(builder.input(plan.name, np.float64, (ROWS, 1)))
            examples.append(np.zeros((EXAMPLE, 1)))
            continue
        text = builder.input(plan.name, str, (ROWS, 1))
        known = [*plan.levels, *plan.others]
        values.append(builder.categories(text, [*known, *([] if "" in known else [""])]))
        examples.append(np.zeros((EXAMPLE, 1), np.int64))
    return values, examples


def _raw(plan: DetectorColumn, column: Any) -> Any:
    """`DetectorColumn.raw` of numbers, or of the codes of `_inputs`."""
    if not plan.is_category:
        return column
    known = len(plan.levels) + len(plan.others)
    codes = np.minimum(column, len(plan.levels)).astype(np.float64)
    if "" not in (*plan.levels, *plan.others):
        codes = np.where(column == known, MISSING, codes)
    return np.where(column < 0, UNSEEN, codes)


def _rarity(survival: Survival, errors: Any) -> Any:
    """`Survival.__call__` as a sum of ramps, one from each knot on."""
    slopes = np.diff(survival.values) / np.diff(survival.knots)
    changes = np.diff(np.concatenate([[0.0], slopes, [survival.slope]]))
    ramps = np.maximum(errors[:, None] - survival.knots, 0.0)
    return survival.values[0] + np.sum(ramps * changes, axis=1)
