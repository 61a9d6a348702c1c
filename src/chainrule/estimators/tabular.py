"""`TabularModel`: a trained network with all that it needs to read a table and to answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..data import Features
from ..data.features import as_numbers, as_texts
from ..errors import DataError
from ..nn import MLP, softmax
from ..random import key
from ..train import predict
from . import modelfile

Frame: TypeAlias = Any  # a pandas DataFrame


@dataclass(frozen=True)
class TabularModel:
    """What `fit_table` returns and a model file holds.

    Attributes
    ----------
    features : Features
        How the columns become numbers.
    target : str
        The column that it predicts.
    classes : tuple of str
        The classes in the order of the network's outputs; empty for regression.
    center, spread : float
        For regression: the prediction is ``output * spread + center``.
    network : MLP
    """

    features: Features
    target: str
    classes: tuple[str, ...]
    center: float
    spread: float
    network: MLP

    @property
    def task(self) -> str:
        """``"classification"`` or ``"regression"``."""
        return "classification" if self.classes else "regression"

    def outputs(self, frame: Frame) -> NDArray[np.float32]:
        """What the network says of each row: logits, or scaled predictions."""
        if not len(frame):
            raise DataError("the table has no rows to predict")
        return np.asarray(predict(self.network, self.features(frame)))

    def predict(self, frame: Frame) -> NDArray[Any]:
        """The class (text) or the number that each row of a table gets, shape (rows,)."""
        outputs = self.outputs(frame)
        if self.classes:
            return np.asarray(np.array(self.classes, object)[np.argmax(outputs, axis=1)])
        return np.asarray(outputs[:, 0].astype(np.float64) * self.spread + self.center)

    def predict_proba(self, frame: Frame) -> NDArray[np.float64]:
        """The probability of each class for each row, shape (rows, classes).

        Raises
        ------
        DataError
            If the model predicts numbers.
        """
        if not self.classes:
            raise DataError(f"a regression of {self.target!r} has no class probabilities")
        return np.asarray(softmax(self.outputs(frame).astype(np.float64)))

    def encode(self, column: Any) -> NDArray[Any]:
        """A target column as the network learns it: class numbers, or scaled float32."""
        if self.classes:
            place = {text: k for k, text in enumerate(self.classes)}
            return np.array([place[text] for text in as_texts(column)])
        return ((as_numbers(column) - self.center) / self.spread).astype(np.float32)[:, None]

    def save(self, path: str | Path) -> None:
        """Write the model to a safetensors file, with the rest as JSON in its metadata.

        A file that was there before is replaced only when the new one is complete.
        """
        description = {
            "features": self.features.to_json(),
            "target": self.target,
            "classes": list(self.classes),
            "center": self.center,
            "spread": self.spread,
            "hidden": [layer.bias.shape[0] for layer in self.network.layers[:-1]],
        }
        weights: modelfile.Weights = {}
        for k, layer in enumerate(self.network.layers):
            weights |= {f"layers.{k}.weight": layer.weight, f"layers.{k}.bias": layer.bias}
        modelfile.write(path, description, weights)

    @classmethod
    def load(cls, path: str | Path) -> TabularModel:
        """Read a file that `save` wrote; nothing in it is executed.

        Raises
        ------
        ModelFileError
            If the file is missing, damaged, or not one of ours.
        """
        description, weights = modelfile.read(path)
        features = Features.from_json(description["features"])
        classes = tuple(description["classes"])
        sizes = [features.width, *description["hidden"], len(classes) or 1]
        modelfile.check_weights(path, weights, sizes)
        network = _network(sizes, weights)
        return cls(features, description["target"], classes, description["center"],
                   description["spread"], network)  # fmt: skip


def _network(sizes: Sequence[int], weights: modelfile.Weights) -> MLP:
    network = MLP(sizes[0], tuple(sizes[1:-1]), sizes[-1], key=key(0))
    layers = [
        layer.replace(weight=weights[f"layers.{k}.weight"], bias=weights[f"layers.{k}.bias"])
        for k, layer in enumerate(network.layers)
    ]
    return network.replace(layers=tuple(layers))
