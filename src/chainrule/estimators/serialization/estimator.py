"""An estimator as a description and arrays, and back: what a model file holds, and its checks.

What comes back predicts the same bits. Each value and each array's shape is checked against the
settings and the sizes of the layers, when a model is read as well as before it is written.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from ...container import Arrays, Description, damaged
from ...data import Features
from ...errors import ModelFileError
from ...version import __version__
from ..mlp.objectives import OUTPUT_ACTIVATIONS
from ..mlp.settings import layer_sizes
from ..sklearn_private import validate_parameters
from ..tabular.explanations import BACKGROUND
from ..tabular.intervals import Conformal
from ..tabular.training_summary import TrainingSummary
from .perceptron import (
    ArrayReader,
    classes_from_state,
    classes_to_state,
    perceptron_from_state,
    perceptron_to_state,
)
from .raw import NETWORK, OF_BYTES, raw_from_state, raw_to_state
from .renamed import with_new_names
from .schema import (
    anything,
    by_name,
    each,
    fields,
    finite,
    flag,
    from_json,
    one_of,
    positive,
    text,
    to_json,
    to_plain_json,
    whole,
)

TRANSIENT = ("callbacks", "checkpoint")  # settings of one training, on one machine
KINDS = ("binary", "multiclass", "multilabel-indicator")
MAX_THREADS = 4096
MAX_COLUMNS = 2**20  # of a table

CLASSES = fields({"dtype": text}, {"values": each(anything, 1)})
EMBEDDING = fields({
    "columns": whole(1), "numeric": each(whole(0)), "categories": each(each(whole(0), 2, 2)),
    "kind": one_of("periodic", "piecewise"), "width": whole(2, 64),
})  # fmt: skip
EVERY = {"class": text, "parameters": by_name(anything)}
COMMON = {**EVERY, "n_features_in_": whole(1)}
TOP = {"chainrule": text, "card": by_name(anything)}
NAMED = {"feature_names_in_": each(text)}
PERCEPTRON = fields(
    {**COMMON, "n_outputs_": whole(1), "out_activation_": one_of(*OUTPUT_ACTIVATIONS),
     "training": by_name(anything)},
    {**TOP, **NAMED, "embedding": EMBEDDING, "classes": CLASSES, "kernel": flag,
     "labels": fields({"kind": one_of(*KINDS), "sparse": flag})},
)  # fmt: skip
TABLE = fields(
    {**COMMON, "features": anything, "network": PERCEPTRON,
     "importances": by_name(each(finite, 2, 2))},
    {**TOP, **NAMED, "classes": CLASSES,
     "target": fields({"center": finite, "spread": positive, "range": each(finite, 2, 2)},
                      {"log_offset": finite}),
     "intervals": anything, "background": flag, "summary": anything, "temperature": positive},
)  # fmt: skip
# Of raw inputs, such as images
RAW = fields({**EVERY, **NETWORK, "classes": CLASSES}, {**TOP, **OF_BYTES})
DETECTOR = fields({**COMMON, "fitted": by_name(anything)}, {**TOP, **NAMED})  # of anomalies


def to_state(model: Any, card: Mapping[str, Any] | None = None) -> tuple[Description, Arrays]:
    """All of a fitted estimator that a file holds.

    Raises
    ------
    ModelFileError
        If a setting, a class or a part of the card cannot be kept.
    """
    check_is_fitted(model)
    arrays: Arrays = {}
    state = _to_state(model, arrays, "")
    contents = getattr(model, "card_", {}) if card is None else card
    if not isinstance(contents, Mapping):
        raise ModelFileError(f"card is {reprlib.repr(contents):.60}: give a dict")
    return {**state, "chainrule": __version__, "card": to_plain_json(contents, "card")}, arrays


def from_state(cls: type, description: Description, arrays: Arrays) -> Any:
    """The estimator that `to_state` was given.

    Raises
    ------
    ModelFileError
        If the description or an array is not what `to_state` makes.
    """
    taken = ArrayReader(arrays)
    model = _from_state(cls, description, taken)
    taken.finish()
    model.card_ = to_plain_json(description.get("card", {}), "card")
    return model


def _to_state(model: Any, arrays: Arrays, prefix: str) -> Description:
    cls = type(model)
    if not cls.__module__.startswith(f"{__package__.rpartition('.')[0]}."):
        raise ModelFileError(
            f"{cls.__module__}.{cls.__qualname__} is a class of your own, which `load` does not "
            "know: save one of chainrule's"
        )
    state: Description = {"class": cls.__name__, "parameters": _parameters(model)}
    if hasattr(cls, "preprocessing_state"):
        return state | raw_to_state(model, arrays)
    state["n_features_in_"] = int(model.n_features_in_)
    if hasattr(model, "feature_names_in_"):
        state["feature_names_in_"] = [str(name) for name in model.feature_names_in_]
    if hasattr(cls, "fitted_state"):
        fitted, more = model.fitted_state()
        arrays |= more
        return {**state, "fitted": to_plain_json(fitted, "what was fitted")}
    if hasattr(model, "classes_"):
        state["classes"] = classes_to_state(model.classes_, arrays, prefix)
    part_to_state = _table_to_state if hasattr(model, "network_") else perceptron_to_state
    return state | part_to_state(model, arrays, prefix)


def _from_state(cls: Any, description: Description, arrays: ArrayReader, prefix: str = "") -> Any:
    tabular, raw = hasattr(cls, "network_class"), hasattr(cls, "preprocessing_state")
    detector = hasattr(cls, "fitted_state")
    schema = TABLE if tabular else RAW if raw else DETECTOR if detector else PERCEPTRON
    checked = schema(description, "the model")
    if checked["class"] != cls.__name__:
        raise damaged(f"it holds a {checked['class']!r:.40} and not a {cls.__name__}")
    model = _constructed(cls, with_new_names(cls.__name__, checked["parameters"]))
    if raw:
        raw_from_state(model, checked, arrays)
        return model
    model.n_features_in_ = checked["n_features_in_"]
    if "feature_names_in_" in checked:
        model.feature_names_in_ = np.array(checked["feature_names_in_"], object)
        if len(model.feature_names_in_) != model.n_features_in_:
            raise damaged(f"it does not have {model.n_features_in_} names of columns")
    if detector:
        model.restore_fitted(checked["fitted"], arrays)
        return model
    if issubclass(cls, ClassifierMixin) != ("classes" in checked):
        raise damaged("classes are absent, or belong to no such model")
    if "classes" in checked:
        model.classes_ = classes_from_state(checked["classes"], arrays, prefix)
    part_from_state = _table_from_state if tabular else perceptron_from_state
    part_from_state(model, checked, arrays, prefix)
    return model


# Settings


def _parameters(model: Any) -> Description:
    state = {}
    for name, value in model.get_params(deep=False).items():
        parts = value if isinstance(value, (list, tuple)) else [value]
        if name in TRANSIENT:
            continue
        if any(callable(part) for part in parts):
            raise ModelFileError(
                f"{name}={value!r:.80} is a function, and a model file holds no code: fit with a "
                f"{name} that has a name, or keep this model with pickle or joblib"
            )
        seed = None if isinstance(value, np.random.RandomState) else value
        state[name] = to_json(seed if name == "random_state" else value, name)
    return state


def _constructed(cls: Any, parameters: Description) -> Any:
    """An estimator with these settings, checked as far as answers depend on them."""
    known = cls._get_param_names()
    for name in parameters:
        if name not in known or name in TRANSIENT:
            raise ModelFileError(
                f"it has a setting {name!r:.40}, which {cls.__name__} of chainrule {__version__} "
                "does not know: update chainrule"
            )
    model = cls(**{name: from_json(value, name) for name, value in parameters.items()})
    threads = model.n_threads
    if threads is not None and not (type(threads) is int and 0 < threads <= MAX_THREADS):
        raise damaged(f"n_threads is {threads!r:.40}")
    if hasattr(cls, "network_class"):
        return model
    try:
        validate_parameters(model)
        if hasattr(cls, "preprocessing_state") or hasattr(cls, "fitted_state"):
            return model
        sizes = layer_sizes(model.hidden_layer_sizes)
        if not all(type(size) is int for size in sizes):
            raise ValueError(f"hidden_layer_sizes is {model.hidden_layer_sizes!r}")
    except (ValueError, TypeError) as error:
        raise damaged(f"{error!s:.160}") from None
    return model


# Tables


def _table_to_state(model: Any, arrays: Arrays, prefix: str) -> Description:
    state: Description = {
        "features": model.features_.to_json(),
        "network": _to_state(model.network_, arrays, f"{prefix}network."),
        "importances": {
            name: [float(mean), float(error)] for name, (mean, error) in model.importances_.items()
        },
    }
    if getattr(model, "conformal_", None) is not None:
        state["intervals"] = model.conformal_.to_json()
    if getattr(model, "summary_", None) is not None:
        state["summary"] = model.summary_.to_json()
    if getattr(model, "background_", None) is not None:
        state["background"] = True
        arrays[f"{prefix}background"] = model.background_
    if getattr(model, "temperature_", None) is not None:
        state["temperature"] = model.temperature_
    if not hasattr(model, "classes_"):
        ends = [float(end) for end in model.range_]
        state["target"] = {"center": model.center_, "spread": model.spread_, "range": ends}
        if model.log_offset_ is not None:
            state["target"]["log_offset"] = model.log_offset_
    return state


def _table_from_state(model: Any, checked: Description, arrays: ArrayReader, prefix: str) -> None:
    if model.n_features_in_ > MAX_COLUMNS:
        raise damaged(f"it has {model.n_features_in_} columns")
    model.features_ = Features.from_json(checked["features"])
    groups, columns = model.feature_groups(), [str(name) for name in model.column_names()]
    readings = [reading.name for reading in model.features_.readings]
    if readings and readings != columns:
        raise damaged("its readings are not of its columns")
    if checked["importances"].keys() != groups.keys() or not groups.keys() <= {*columns}:
        raise damaged("its features are not of its columns")
    model.importances_ = {name: tuple(checked["importances"][name]) for name in groups}
    means = [model.importances_.get(name, (0.0, 0.0))[0] for name in columns]
    model.feature_importances_ = np.array(means)
    if "summary" in checked:
        model.summary_ = TrainingSummary.from_json(checked["summary"])
    if checked.get("background"):
        shape = (BACKGROUND, model.features_.width)
        model.background_ = arrays.numbers(f"{prefix}background", shape, np.float32)
    network = _from_state(
        type(model).network_class, checked["network"], arrays, f"{prefix}network."
    )
    if network.n_features_in_ != model.features_.width or hasattr(network, "feature_names_in_"):
        raise damaged("its network does not read its features")
    if hasattr(model, "classes_"):
        codes, kind = network.classes_, network.label_kind
        whole_numbers = codes.dtype.kind in "iu" and kind != "multilabel-indicator"
        if not whole_numbers or codes[0] < 0 or codes[-1] >= len(model.classes_):
            raise damaged("its network does not tell its classes apart")
    elif network.n_outputs_ != 1:
        raise damaged("its network predicts more than one number")
    if ("target" in checked) == hasattr(model, "classes_"):
        raise damaged("the scale of its target is absent, or belongs to no such model")
    if "temperature" in checked:
        if "target" in checked:
            raise damaged("it has a temperature, and predicts numbers")
        model.temperature_ = checked["temperature"]
    if "target" in checked:
        target = checked["target"]
        model.center_, model.spread_ = target["center"], target["spread"]
        model.range_, model.log_offset_ = tuple(target["range"]), target.get("log_offset")
        if model.range_[0] > model.range_[1]:
            raise damaged("the range of its target is empty")
        if (model.log_offset_ is None) != (model.target_transform is None):
            raise damaged("the logarithm of its target is absent, or was not asked for")
    if "intervals" in checked:
        if "target" not in checked:
            raise damaged("it has intervals, and predicts classes")
        model.conformal_ = Conformal.from_json(checked["intervals"], model.features_.width)
    if not hasattr(network, "loss_curve_") or not hasattr(network, "validation_scores_"):
        raise damaged("its network does not tell of its epochs")
    model.network_ = network
    model.history_ = model.epoch_rows()
