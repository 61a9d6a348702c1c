"""Parts of a record: classes, weights, embeddings, and what a training tells of itself."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, get_args

import numpy as np
from sklearn.preprocessing import LabelBinarizer

from ...container import Arrays, Description, damaged
from ...errors import ModelFileError
from ...train.result import StopReason
from ..mlp.embedding import FREQUENCIES, MAX_BINS, MAX_LEVELS, ColumnEmbedding, category_width
from ..mlp.kernel import Kernel
from ..mlp.network import FittedNetwork
from ..mlp.settings import layer_sizes
from .schema import each, fields, from_json, maybe, number, one_of, to_json, whole

LARGEST_TEXT = 2**24  # characters of classes as an array of equal widths

COUNTS = {"n_iter_": whole(0), "t_": whole(0)}
EPOCHS = {
    "loss_": number, "loss_curve_": each(number),
    "validation_scores_": maybe(each(number)), "best_loss_": maybe(number),
    "best_validation_score_": maybe(number), "best_validation_loss_": number,
    "_no_improvement_count": whole(0), "stopped_": one_of(*get_args(StopReason)),
}  # fmt: skip


class ArrayReader:
    """Arrays that are asked for by name, each once, with the shape that they must have."""

    def __init__(self, arrays: Arrays) -> None:
        self.left = dict(arrays)

    def __call__(self, name: str) -> Any:
        if name not in self.left:
            raise damaged(f"there is no array {name!r}")
        return self.left.pop(name)

    def shape(self, name: str) -> tuple[int, ...]:
        """That of an array which is asked for later; empty if there is none."""
        return self.left[name].shape if name in self.left else ()

    def numbers(self, name: str, shape: tuple[int, ...], dtype: Any) -> Any:
        """Finite numbers of this shape."""
        value = self(name)
        if value.shape != shape or value.dtype != dtype:
            raise damaged(f"{name} is {value.dtype}{list(value.shape)}, not {dtype}{list(shape)}")
        if not np.isfinite(value).all():
            raise damaged(f"{name} holds numbers that are not finite")
        return value

    def finish(self) -> None:
        """All must have been asked for."""
        if self.left:
            raise damaged(f"there is an array {min(self.left)!r:.60} too many")


# Classes


def classes_to_state(classes: Any, arrays: Arrays, prefix: str) -> Description:
    classes = np.asarray(classes)
    if classes.dtype.kind in "biuf":
        arrays[f"{prefix}classes"] = classes
        return {"dtype": classes.dtype.name}
    values = [value.item() if isinstance(value, np.generic) else value for value in classes]
    if classes.dtype.kind not in "UTO" or not _alike(values):
        raise ModelFileError(
            f"the classes are {classes.dtype} such as {values[0]!r:.40}: a model file holds text, "
            "whole numbers, floats or truth values, all of one type; fit on such labels"
        )
    return {"dtype": "object" if classes.dtype.kind == "O" else "str", "values": values}


def classes_from_state(checked: Description, arrays: ArrayReader, prefix: str) -> Any:
    kind, values = checked["dtype"], checked.get("values", [])
    if kind not in ("str", "object"):
        classes = arrays(f"{prefix}classes")
        numeric = classes.ndim == 1 and classes.dtype.name == kind and np.isfinite(classes).all()
        if not numeric or values:
            raise damaged(f"its classes are no list of {kind:.20}")
    else:
        if not _alike(values) or (kind == "str" and not isinstance(values[0], str)):
            raise damaged("its classes are not all of one type")
        if kind == "str" and len(values) * max(map(len, values)) > LARGEST_TEXT:
            raise damaged("its classes are too long")
        classes = np.array(values, kind)
    if not all(bool(a < b) for a, b in pairwise(classes)):
        raise damaged("its classes are not in order, each once")
    return classes


def _alike(values: Any) -> bool:
    """Whether all are texts, or all numbers of one type."""
    return bool(values) and any(
        all(type(value) is kind for value in values) for kind in (str, bool, int, float)
    )


# Perceptrons


def perceptron_to_state(model: Any, arrays: Arrays, prefix: str) -> Description:
    training = {name: getattr(model, name) for name in (*COUNTS, *EPOCHS) if hasattr(model, name)}
    checked = fields(COUNTS, EPOCHS)(
        from_json(to_json(training, "training"), "training"), "training"
    )
    state: Description = {
        "n_outputs_": int(model.n_outputs_),
        "out_activation_": model.out_activation_,
        "training": {name: to_json(value, name) for name, value in checked.items()},
    }
    if hasattr(model, "classes_"):
        sparse = bool(model._label_binarizer.sparse_input_)
        state["labels"] = {"kind": model.label_kind, "sparse": sparse}
    network = model.fitted_network
    spec = network.perceptron.embedding
    if spec is not None:
        state["embedding"] = {
            "columns": spec.columns, "numeric": list(spec.numeric), "kind": spec.kind,
            "categories": [list(pair) for pair in spec.categories], "width": spec.width,
        }  # fmt: skip
        for name, value in network.weights["embedding"].items():
            for key, part in enumerate(value) if name == "tables" else [("", value)]:
                arrays[f"{prefix}embedding.{name}{key}"] = part
    for name in ("coefs", "intercepts", "scales", "shifts"):
        for k, value in enumerate(network.weights.get(name, ())):
            arrays[f"{prefix}{name}.{k}"] = value
    for name, value in network.weights.get("kernel", {}).items():
        state["kernel"] = True
        arrays[f"{prefix}kernel.{name}"] = np.asarray(value)
    if model.normalization == "batch":
        for k, pair in enumerate(network.batch_stats):
            for name, value in zip(("means", "variances"), pair, strict=True):
                arrays[f"{prefix}{name}.{k}"] = value
    return state


def perceptron_from_state(
    model: Any, checked: Description, arrays: ArrayReader, prefix: str
) -> None:
    training = {name: from_json(value, name) for name, value in checked["training"].items()}
    for name, value in fields(COUNTS, EPOCHS)(training, "its training").items():
        setattr(model, name, value)
    model.n_outputs_ = checked["n_outputs_"]
    model.out_activation_ = checked["out_activation_"]
    if hasattr(model, "classes_"):
        model._label_binarizer = _label_binarizer(model, checked.get("labels"))
    elif "labels" in checked:
        raise damaged("a regressor has no labels")
    first = arrays.shape(f"{prefix}coefs.0")
    embedding = _embedding_from_state(checked.get("embedding"), model.n_features_in_, first)
    try:
        perceptron = model.perceptron(embedding)
    except ValueError as error:
        raise damaged(f"{error!s:.160}") from None
    objective, hidden = perceptron.objective, layer_sizes(model.hidden_layer_sizes)
    if objective.output_activation != model.out_activation_:
        raise damaged(
            f"its output unit is {model.out_activation_} and not {objective.output_activation}"
        )
    model.n_layers_ = len(hidden) + 2
    inputs = model.n_features_in_ if embedding is None else embedding.outputs
    units = [inputs, *hidden, model.n_outputs_ * objective.outputs_per_target]
    lead = () if model.n_members == 1 else (model.n_members,)
    coefs = arrays.left.get(f"{prefix}coefs.0", np.zeros(0))
    dtype = coefs.dtype
    if dtype not in (np.float32, np.float64):
        raise damaged(f"its weights are {dtype}")

    def layers(name: str, shapes: Any) -> list[Any]:
        return [arrays.numbers(f"{prefix}{name}.{k}", (*lead, *shape), dtype)
                for k, shape in enumerate(shapes)]  # fmt: skip

    rows = [(size,) for size in units[1:]]
    weights: dict[str, Any] = {
        "coefs": layers("coefs", pairwise(units)),
        "intercepts": layers("intercepts", rows),
    }
    stats: list[Any] = []
    if model.normalization is not None:
        weights |= {name: layers(name, rows[:-1]) for name in ("scales", "shifts")}
        stats = [None] * len(rows[:-1])
    if model.normalization == "batch":
        both = [layers(name, rows[:-1]) for name in ("means", "variances")]
        if any((value < 0).any() for value in both[1]):
            raise damaged("a variance is negative")
        stats = [list(pair) for pair in zip(*both, strict=True)]
    if embedding is not None:
        weights["embedding"] = _embedding_weights(embedding, lead, dtype, arrays, prefix)
    if checked.get("kernel"):
        weights["kernel"] = _kernel(model, arrays, prefix)
    model.fitted_network = FittedNetwork(perceptron, weights, stats)


def _kernel(model: Any, arrays: ArrayReader, prefix: str) -> Kernel:
    """The process that answers with the network."""
    known = arrays.shape(f"{prefix}kernel.coefs")
    features = model.n_features_in_
    if len(known) != 1 or model.n_outputs_ != 1 or model.out_activation_ != "identity":
        raise damaged("it has a process, and predicts no single number")
    shapes = {
        "rows": (*known, features), "scales": (features,), "coefs": known, "slopes": (features,),
        "shares": (3,), "weight": (),
    }  # fmt: skip
    kernel = {
        name: arrays.numbers(f"{prefix}kernel.{name}", shape, np.dtype(np.float64))
        for name, shape in shapes.items()
    }
    if not 0 <= kernel["weight"] <= 1 or (kernel["shares"] < 0).any():
        raise damaged("its process has a share that is no share")
    return kernel | {"weight": np.float64(kernel["weight"])}


def _label_binarizer(model: Any, labels: Any) -> LabelBinarizer:
    """The binarizer of labels, in the state that its `fit` would leave it in."""
    binarizer, count = LabelBinarizer(), len(model.classes_)
    if labels is None:
        raise damaged("it does not say of what kind its labels are")
    binarizer.y_type_, binarizer.sparse_input_, binarizer.classes_ = (
        labels["kind"], labels["sparse"], model.classes_,
    )  # fmt: skip
    fits = {"binary": count <= 2, "multiclass": count > 2}.get(binarizer.y_type_, True)
    if not fits or model.n_outputs_ != (1 if binarizer.y_type_ == "binary" else count):
        raise damaged(
            f"{count} classes, {binarizer.y_type_}, do not have {model.n_outputs_} outputs"
        )
    dtype = binarizer.classes_.dtype
    if binarizer.sparse_input_ and (dtype.kind not in "biuf" or dtype == np.float16):
        raise damaged(f"no sparse matrix holds labels of dtype {dtype}")
    return binarizer


def _embedding_from_state(
    state: Any, columns: int, first: tuple[int, ...]
) -> ColumnEmbedding | None:
    """Which columns are embedded; `first` is the first layer's shape, which bounds their number."""
    if state is None:
        return None
    numeric, categories = state["numeric"], state["categories"]
    embedded = [*numeric, *[column for column, _ in categories]]
    fits = len(first) >= 2 and state["columns"] == columns <= first[-2]
    if (
        not fits
        or len({*embedded}) < len(embedded)
        or any(column >= columns for column in embedded)
    ):
        raise damaged("it embeds columns that it does not have, or one twice")
    if not all(1 <= levels <= MAX_LEVELS for _, levels in categories):
        raise damaged(f"it embeds a column of no code, or of more than {MAX_LEVELS}")
    pairs = tuple((column, levels) for column, levels in categories)
    return ColumnEmbedding(columns, tuple(numeric), pairs, state["kind"], state["width"])


def _embedding_weights(
    spec: ColumnEmbedding, lead: tuple[int, ...], dtype: Any, arrays: ArrayReader, prefix: str
) -> dict[str, Any]:
    prefix = f"{prefix}embedding."
    weights: dict[str, Any] = {
        "tables": [
            arrays.numbers(f"{prefix}tables{k}", (*lead, levels, category_width(levels)), dtype)
            for k, (_, levels) in enumerate(spec.categories)
        ]
    }
    count, width = len(spec.numeric), spec.width
    if not count:
        return weights
    periodic = spec.kind == "periodic"
    steps = FREQUENCIES if periodic else (arrays.shape(f"{prefix}edges") or (0,))[-1]
    if not periodic and not 2 <= steps <= MAX_BINS:
        raise damaged(f"its columns have {steps} bins")
    outputs = width - 1 if periodic else width
    for name in ("frequencies", "phases") if periodic else ("edges", "gaps"):
        weights[name] = arrays.numbers(f"{prefix}{name}", (*lead, count, steps), dtype)
    weights["mix"] = arrays.numbers(f"{prefix}mix", (*lead, count, steps, outputs), dtype)
    weights["bias"] = arrays.numbers(f"{prefix}bias", (*lead, count, outputs), dtype)
    if not periodic and not (weights["gaps"] > 0).all():
        raise damaged("a bin has no width")
    if (
        not periodic
        and lead
        and any((weights[n] != weights[n][:1]).any() for n in ("edges", "gaps"))
    ):
        raise damaged("its members do not have the same bins")
    return weights
