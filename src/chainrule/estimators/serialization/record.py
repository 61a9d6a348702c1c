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

from ...data import Features
from ...errors import ModelFileError
from ...version import __version__
from ..mlp.objectives import UNITS
from .modelfile import Arrays, Description, damaged
from .record_network import NETWORK, describe_network, restore_network
from .record_parts import (
    Taken,
    describe_classes,
    describe_perceptron,
    restore_classes,
    restore_perceptron,
)
from .renamed import with_new_names
from .schema import (
    anything,
    by_name,
    decoded,
    each,
    encoded,
    fields,
    finite,
    flag,
    one_of,
    plain,
    positive,
    text,
    whole,
)

PASSING = ("callbacks", "checkpoint")  # settings of one training, on one machine
KINDS = ("binary", "multiclass", "multilabel-indicator")
MOST_THREADS = 4096
MOST_COLUMNS = 2**20  # of a table

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
    {**COMMON, "n_outputs_": whole(1), "out_activation_": one_of(*UNITS),
     "training": by_name(anything)},
    {**TOP, **NAMED, "embedding": EMBEDDING, "classes": CLASSES,
     "labels": fields({"kind": one_of(*KINDS), "sparse": flag})},
)  # fmt: skip
TABLE = fields(
    {**COMMON, "features": anything, "network": PERCEPTRON,
     "importances": by_name(each(finite, 2, 2))},
    {**TOP, **NAMED, "classes": CLASSES,
     "target": fields({"center": finite, "spread": positive, "range": each(finite, 2, 2)})},
)  # fmt: skip
RAW = fields({**EVERY, **NETWORK, "classes": CLASSES}, TOP)  # of raw inputs, such as images


def describe(model: Any, card: Mapping[str, Any] | None = None) -> tuple[Description, Arrays]:
    """All of a fitted estimator that a file holds.

    Raises
    ------
    ModelFileError
        If a setting, a class or a part of the card cannot be kept.
    """
    check_is_fitted(model)
    arrays: Arrays = {}
    made = _describe(model, arrays, "")
    given = getattr(model, "card_", {}) if card is None else card
    if not isinstance(given, Mapping):
        raise ModelFileError(f"card is {reprlib.repr(given):.60}: give a dict")
    return {**made, "chainrule": __version__, "card": plain(given, "card")}, arrays


def restore(cls: type, description: Description, arrays: Arrays) -> Any:
    """The estimator that `describe` was given.

    Raises
    ------
    ModelFileError
        If the description or an array is not what `describe` makes.
    """
    taken = Taken(arrays)
    model = _restore(cls, description, taken)
    taken.finish()
    model.card_ = plain(description.get("card", {}), "card")
    return model


def _describe(model: Any, arrays: Arrays, prefix: str) -> Description:
    cls = type(model)
    if not cls.__module__.startswith(f"{__package__.rpartition('.')[0]}."):
        raise ModelFileError(
            f"{cls.__module__}.{cls.__qualname__} is a class of your own, which `load` does not "
            "know: save one of chainrule's"
        )
    made: Description = {"class": cls.__name__, "parameters": _parameters(model)}
    if hasattr(cls, "_prepared"):
        return made | describe_network(model, arrays)
    made["n_features_in_"] = int(model.n_features_in_)
    if hasattr(model, "feature_names_in_"):
        made["feature_names_in_"] = [str(name) for name in model.feature_names_in_]
    if hasattr(model, "classes_"):
        made["classes"] = describe_classes(model.classes_, arrays, prefix)
    describe_own = _describe_table if hasattr(model, "network_") else describe_perceptron
    return made | describe_own(model, arrays, prefix)


def _restore(cls: Any, description: Description, arrays: Taken, prefix: str = "") -> Any:
    tabular, raw = hasattr(cls, "_kind"), hasattr(cls, "_prepared")
    checked = (TABLE if tabular else RAW if raw else PERCEPTRON)(description, "the model")
    if checked["class"] != cls.__name__:
        raise damaged(f"it holds a {checked['class']!r:.40} and not a {cls.__name__}")
    model = _constructed(cls, with_new_names(cls.__name__, checked["parameters"]))
    if raw:
        restore_network(model, checked, arrays)
        return model
    model.n_features_in_ = checked["n_features_in_"]
    if "feature_names_in_" in checked:
        model.feature_names_in_ = np.array(checked["feature_names_in_"], object)
        if len(model.feature_names_in_) != model.n_features_in_:
            raise damaged(f"it does not have {model.n_features_in_} names of columns")
    if issubclass(cls, ClassifierMixin) != ("classes" in checked):
        raise damaged("classes are absent, or belong to no such model")
    if "classes" in checked:
        model.classes_ = restore_classes(checked["classes"], arrays, prefix)
    restore_own = _restore_table if tabular else restore_perceptron
    restore_own(model, checked, arrays, prefix)
    return model


# Settings


def _parameters(model: Any) -> Description:
    made = {}
    for name, value in model.get_params(deep=False).items():
        parts = value if isinstance(value, (list, tuple)) else [value]
        if name in PASSING:
            continue
        if any(callable(part) for part in parts):
            raise ModelFileError(
                f"{name}={value!r:.80} is a function, and a model file holds no code: fit with a "
                f"{name} that has a name, or keep this model with pickle or joblib"
            )
        seed = None if isinstance(value, np.random.RandomState) else value
        made[name] = encoded(seed if name == "random_state" else value, name)
    return made


def _constructed(cls: Any, parameters: Description) -> Any:
    """An estimator with these settings, checked as far as answers depend on them."""
    known = cls._get_param_names()
    for name in parameters:
        if name not in known or name in PASSING:
            raise ModelFileError(
                f"it has a setting {name!r:.40}, which {cls.__name__} of chainrule {__version__} "
                "does not know: update chainrule"
            )
    model = cls(**{name: decoded(value, name) for name, value in parameters.items()})
    threads = model.n_threads
    if threads is not None and not (type(threads) is int and 0 < threads <= MOST_THREADS):
        raise damaged(f"n_threads is {threads!r:.40}")
    if hasattr(cls, "_kind"):
        return model
    try:
        model._validate_params()
        if hasattr(cls, "_prepared"):
            return model
        if not all(type(size) is int and size > 0 for size in model._hidden()):
            raise ValueError(f"hidden_layer_sizes is {model.hidden_layer_sizes!r}")
        model.n_layers_ = len(model._hidden()) + 2
        model._activations()
    except (ValueError, TypeError) as error:
        raise damaged(f"{error!s:.160}") from None
    return model


# Tables


def _describe_table(model: Any, arrays: Arrays, prefix: str) -> Description:
    made: Description = {
        "features": model.features_.to_json(),
        "network": _describe(model.network_, arrays, f"{prefix}network."),
        "importances": {
            name: [float(mean), float(error)] for name, (mean, error) in model.importances_.items()
        },
    }
    if not hasattr(model, "classes_"):
        ends = [float(end) for end in model.range_]
        made["target"] = {"center": model.center_, "spread": model.spread_, "range": ends}
    return made


def _restore_table(model: Any, checked: Description, arrays: Taken, prefix: str) -> None:
    if model.n_features_in_ > MOST_COLUMNS:
        raise damaged(f"it has {model.n_features_in_} columns")
    model.features_ = Features.from_json(checked["features"])
    groups, columns = model._groups(), [str(name) for name in model._column_names()]
    if checked["importances"].keys() != groups.keys() or not groups.keys() <= {*columns}:
        raise damaged("its features are not of its columns")
    model.importances_ = {name: tuple(checked["importances"][name]) for name in groups}
    told = [model.importances_.get(name, (0.0, 0.0))[0] for name in columns]
    model.feature_importances_ = np.array(told)
    network = _restore(type(model)._kind, checked["network"], arrays, f"{prefix}network.")
    if network.n_features_in_ != model.features_.width or hasattr(network, "feature_names_in_"):
        raise damaged("its network does not read its features")
    if hasattr(model, "classes_"):
        codes, kind = network.classes_, network._label_binarizer.y_type_
        whole_numbers = codes.dtype.kind in "iu" and kind != "multilabel-indicator"
        if not whole_numbers or codes[0] < 0 or codes[-1] >= len(model.classes_):
            raise damaged("its network does not tell its classes apart")
    elif network.n_outputs_ != 1:
        raise damaged("its network predicts more than one number")
    if ("target" in checked) == hasattr(model, "classes_"):
        raise damaged("the scale of its target is absent, or belongs to no such model")
    if "target" in checked:
        target = checked["target"]
        model.center_, model.spread_ = target["center"], target["spread"]
        model.range_ = tuple(target["range"])
        if model.range_[0] > model.range_[1]:
            raise damaged("the range of its target is empty")
    if not hasattr(network, "loss_curve_") or not hasattr(network, "validation_scores_"):
        raise damaged("its network does not tell of its epochs")
    model.network_ = network
    model.history_ = model._history()
