"""One step of a forecaster as an ONNX model: from windows of raw values to forecasts."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....errors import UnsupportedError
from ....export import OnnxBuilder
from ....version import __version__
from ..fitted import Fitted
from .step_function import StepFunction

Floats: TypeAlias = NDArray[np.float64]

ROWS = "rows"
EXAMPLE = 5  # rows with which the function is traced; any number may come later
MEANINGS = {
    "window": "the last values of a series, as they are in the table, the latest last; in front of "
    "one that is shorter its first season is repeated",
    "series": "the number of the series, as in the metadata `series`",
    "known": "covariates that are known ahead, at the steps to forecast",
    "window_known": "the same at the steps of the window",
    "past": "covariates that are known only once a step is over, at the steps of the window; in "
    "front of a series that is shorter its first row is repeated",
    "steps": "how many values the series has had so far",
}


def forecaster_onnx(fitted: Fitted, dtype: Any, card: Any) -> Any:
    """See `FileMethods.to_onnx`."""
    _check_exportable(fitted)
    step = StepFunction.of(fitted)
    names, shapes = step.names, _shapes(step)
    builder = OnnxBuilder("forecaster")
    values, examples = [], []
    for name in names:
        kind = np.dtype(np.int64) if name in ("series", "steps") else dtype
        values.append(builder.input(name, kind, (ROWS, *shapes[name])))
        examples.append(np.zeros((EXAMPLE, *shapes[name]), kind))

    def forecast(*arrays: Any) -> Any:
        inputs = {
            name: array if name in ("series", "steps") else array.astype(np.float64)
            for name, array in zip(names, arrays, strict=True)
        }
        return step(inputs)

    [result] = builder.call(forecast, values, *examples)
    builder.output(result, "forecast")
    model = builder.model(_metadata(fitted, step, card))
    for declared in model.graph.input:
        declared.doc_string = MEANINGS[declared.name]
    return model


def onnx_inputs(fitted: Fitted, known: Floats, dtype: Any) -> dict[str, Any]:
    """See `FileMethods.onnx_inputs`."""
    _check_exportable(fitted)
    inputs = StepFunction.of(fitted).inputs(known)
    return {
        name: array if name in ("series", "steps") else np.asarray(array, dtype)
        for name, array in inputs.items()
    }


def _check_exportable(fitted: Fitted) -> None:
    if fitted.counts is not None:
        name = fitted.panel.names[int(fitted.counts.rows[0])]
        raise UnsupportedError(
            f"series {name!r} is intermittent demand, whose model has no ONNX counterpart: use "
            "save(), or fit with kind='level'"
        )
    if fitted.hierarchy is not None:
        raise UnsupportedError(
            "forecasts of a hierarchy depend on all series at once, which one step in ONNX does "
            "not: use save(), or fit without hierarchy= and add the forecasts of the parts up"
        )


def _shapes(step: StepFunction) -> dict[str, tuple[int, ...]]:
    """The axes of the inputs after the first."""
    known, past = step.histories.known[0].shape[1], step.histories.past[0].shape[1]
    return {
        "window": (step.length,), "series": (), "known": (step.horizon, known),
        "window_known": (step.length, known), "past": (step.length, past), "steps": (),
    }  # fmt: skip


def _metadata(fitted: Fitted, step: StepFunction, card: Any) -> dict[str, str]:
    texts = {
        "class": "Forecaster", "chainrule": __version__, "horizon": str(step.horizon),
        "freq": fitted.panel.calendar.freq or "",
        "members": json.dumps([member.name for member in step.members]),
        "series": json.dumps([str(name) for name in fitted.panel.names]),
    }  # fmt: skip
    if card:
        texts["card"] = json.dumps(card, sort_keys=True)
    return texts
