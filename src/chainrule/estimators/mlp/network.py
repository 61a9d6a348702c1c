"""A fitted network as one value: what is compiled, and the arrays that it is given."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from ... import tree
from .answering import Answer, Answers, Blocks
from .perceptron import Perceptron, Weights

CHUNK_ROWS = 4096  # rows that are predicted at a time
CHUNK_OUTPUTS = 2**22  # outputs likewise, of all members
FIXED = ("edges", "gaps")  # of an embedding: bins, which no gradient moves


@dataclass(frozen=True)
class FittedNetwork:
    """A perceptron with its weights. It does not change: training returns another one.

    Attributes
    ----------
    perceptron : Perceptron
    weights : dict
        Of lists of arrays, an entry a layer; see `perceptron`. Perhaps a `kernel`.
    batch_stats : list
        Running statistics of batch normalisation by layer; empty without normalisation.
    """

    perceptron: Perceptron
    weights: Weights
    batch_stats: Any = ()

    def replace(self, **changes: Any) -> FittedNetwork:
        """The same network with other parts."""
        return replace(self, **changes)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the weights."""
        return self.weights["coefs"][0].dtype  # type: ignore[no-any-return]

    @cached_property
    def rows_at_a_time(self) -> int:
        """So many rows that the outputs of all members fit into memory."""
        return int(min(CHUNK_ROWS, max(1, CHUNK_OUTPUTS // self._entries)))

    @property
    def _entries(self) -> int:
        """Outputs of a row, of all members, or what a row has to do with each known one."""
        shape = self.weights["intercepts"][-1].shape
        members = shape[0] if len(shape) == 2 else 1
        outputs = shape[-1] // self.perceptron.objective.outputs_per_target
        return int(max(outputs * members, self._known_rows))

    @property
    def _known_rows(self) -> int:
        """Rows of the training that its process knows; 0 without one."""
        return len(self.weights["kernel"]["coefs"]) if "kernel" in self.weights else 0

    def without_process(self) -> FittedNetwork:
        """The network alone."""
        rest = {name: part for name, part in self.weights.items() if name != "kernel"}
        return self.replace(weights=rest)

    def is_finite(self) -> bool:
        """Whether all weights are finite."""
        return all(np.isfinite(array).all() for array in tree.leaves(self.weights))

    def raw_outputs(self, x: Any) -> Any:
        """Outputs before their activation, shape (rows, outputs) or (members, rows, outputs)."""
        return self.perceptron.raw_outputs(self.weights, self.batch_stats, x)

    def predict(self, x: Any) -> Any:
        """Outputs for rows of any number, sparse ones too, shape (rows, outputs)."""
        return self.answer("outputs", x)[0]

    def answer(self, kind: Answer, x: Any) -> tuple[Any, bool]:
        """One kind of `Answers` for rows, and whether all their numbers are finite."""
        answers = self._answers.get(kind)
        if answers is None or not answers.serves(self.weights):
            known = self._known_rows * (x.shape[1] + 16)  # two exponentials take 16 products' time
            work = sum(c.size for c in self.weights["coefs"]) + known
            blocks = Blocks.of(work, x.shape[1], self._entries)
            answers = Answers(self.perceptron, self.weights, self.batch_stats, kind, blocks)
            self._answers[kind] = answers
        dtype = self.dtype
        if x.dtype != dtype:
            dtype = np.result_type(x.dtype, dtype)
        return answers(x, dtype)

    @cached_property
    def _answers(self) -> dict[Answer, Answers]:
        """Those that were asked for."""
        return {}

    def __getstate__(self) -> dict[str, Any]:
        """The fields: no file holds what is compiled."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def predict_traced(self, x: Any) -> Any:
        """Outputs for traced rows, with the weights as constants of their graph."""
        # In the graph's terms: a plain array cannot be indexed by what is traced
        weights = tree.map(lambda weight: np.asarray(weight, like=x), self.weights)
        return self.perceptron.predict(weights, self.batch_stats, x)

    def layers(self) -> dict[str, list[Any]]:
        """The arrays that training moves, by layer; see `layer_arrays`."""
        return layer_arrays(self.weights)


def layer_arrays(weights: Weights) -> dict[str, list[Any]]:
    """The arrays that training moves: of ``embedding`` if there is one, ``layers.0``, ....

    The first one of a layer is its matrix.
    """
    layers: dict[str, list[Any]] = {}
    embedding = {k: v for k, v in weights.get("embedding", {}).items() if k not in FIXED}
    if tree.leaves(embedding):
        layers["embedding"] = tree.leaves(list(embedding.values()))
    last = len(weights["coefs"]) - 1
    for k, matrix in enumerate(weights["coefs"]):
        arrays = [matrix, weights["intercepts"][k]]
        if k < last and "scales" in weights:
            arrays += [weights["scales"][k], weights["shifts"][k]]
        layers[f"layers.{k}"] = arrays
    return layers


class NetworkPart:
    """An attribute of an estimator that is a part of its fitted network, such as ``coefs_``."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.attribute = attribute

    def __get__(self, model: Any, owner: type | None = None) -> Any:
        if model is None:
            return self
        network = model.__dict__.get("_network")
        if network is not None:
            if self.name == "batch_stats" and "scales" in network.weights:
                return network.batch_stats
            if self.name in network.weights:
                return network.weights[self.name]
        raise AttributeError(f"{type(model).__name__!r} has no attribute {self.attribute!r}")

    def __set__(self, model: Any, value: Any) -> None:
        network = model.fitted_network
        if self.name == "batch_stats":
            model.fitted_network = network.replace(batch_stats=value)
        else:
            model.fitted_network = network.replace(weights={**network.weights, self.name: value})
