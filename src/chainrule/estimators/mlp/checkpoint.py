"""Checkpoints: all that a training needs to go on, bit for bit, in one file written whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from ... import tree
from ...train.checkpoint_file import CheckpointFile
from ..inputs.rows import issparse

FORMAT = "chainrule-checkpoint-1"
# What an estimator knows of its training, beside the weights
COUNTED = ("n_iter_", "t_", "loss_", "loss_curve_", "validation_scores_", "best_loss_",
           "best_validation_score_", "best_validation_loss_", "_no_improvement_count")  # fmt: skip


# Settings that another run may change, and yet go on to the same weights
HARMLESS = ("checkpoint", "checkpoint_interval", "callbacks", "verbose", "progress", "n_threads")


def fingerprint(model: Any, x: Any, y: Any, w: Any) -> str:
    """A digest of settings and data: a checkpoint of another training is not taken up."""
    settings = {k: _named(v) for k, v in model.get_params().items() if k not in HARMLESS}
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16)
    parts: list[Any] = [x, y, w, *(model._encoded_validation() or ())]
    if model.t_:  # it goes on from weights of a fit before
        parts += tree.leaves((model._weights(), model._stats))
    for part in parts:
        arrays = [part.data, part.indices, part.indptr] if issparse(part) else [part]
        for array in arrays:
            if array is not None:
                digest.update(f"{array.dtype}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _named(value: Any) -> Any:
    """A setting as text that another process writes alike: without addresses of objects."""
    if isinstance(value, (list, tuple)):
        return [_named(one) for one in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if callable(value):
        code = getattr(value, "__code__", None)
        name = getattr(value, "__qualname__", type(value).__qualname__)
        numbers = [c for c in code.co_consts if isinstance(c, (int, float))] if code else []
        return [name, *numbers, code.co_code.hex() if code else ""]
    return type(value).__name__ if isinstance(value, np.random.RandomState) else repr(value)


class Checkpoint:
    """The file of one training.

    Parameters
    ----------
    path : str or Path
    interval : float
        Seconds between two writings, at least.
    mark : str
        See `fingerprint`.
    """

    def __init__(self, path: str | Path, interval: float, mark: str) -> None:
        self.file = CheckpointFile(path, interval, FORMAT, mark)
        self.state: tuple[dict[str, Any], dict[str, Any]] | None = None

    def begin(self, random_state: Any) -> None:
        """Read the file, if there is one; draw again what was drawn then, such as a split."""
        found = self.file.load()
        if found is not None:
            self.state = self._checked(*found)
            random_state.set_state(self.state[0]["began"])
        self.began = random_state.get_state()

    def save(self, training: Any) -> None:
        """Write the state after an epoch, if it is time."""
        if not self.file.is_due():
            return
        model, solver = training.model, training.model._optimizer
        now = model._random_state.get_state()
        tensors = {f"{k:04d}": leaf for k, leaf in enumerate(tree.leaves(_state(training)))}
        tensors |= {"order": training.order, "began": self.began[1], "random": now[1]}
        counted = {name: getattr(model, name) for name in COUNTED if hasattr(model, name)}
        head = {
            "rate": solver.learning_rate, "counted": counted,
            "began": [self.began[0], *self.began[2:]], "random": [now[0], *now[2:]],
        }  # fmt: skip
        self.file.write(head, tensors)

    def restore(self, training: Any) -> None:
        """Go on where the file says that the training was; from the start if there is none."""
        if self.state is None:
            return
        head, tensors = self.state
        model, solver = training.model, training.model._optimizer
        leaves, structure = tree.flatten(_state(training))
        found = [tensors.get(f"{k:04d}") for k in range(len(leaves))]
        order = tensors["order"]
        for ours, its in zip([*leaves, training.order], [*found, order], strict=True):
            if its is None or its.shape != np.shape(ours) or its.dtype != np.asarray(ours).dtype:
                raise self.file.damaged("its arrays are of another network")
        weights, stats, *rest = tree.unflatten(structure, found)
        solver.state, solver.weights, training.best, training.key = rest
        model._keep(weights, stats)
        training.order = order
        model._random_state.set_state(head["random"])
        solver.learning_rate = head["rate"]
        for name, value in head["counted"].items():
            setattr(model, name, value)

    def remove(self) -> None:
        """The training has ended: there is nothing to go on with."""
        self.file.remove()

    def _checked(
        self, head: dict[str, Any], tensors: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What was read, with the states of the generator put together."""
        try:
            if not head["counted"].keys() <= set(COUNTED):
                raise ValueError("of another format")
            for name in ("began", "random"):
                kind, *rest = head[name]
                head[name] = (kind, tensors[name], *rest)
                np.random.RandomState().set_state(head[name])  # raises what is wrong with it
            if "order" not in tensors:
                raise KeyError("order")
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise self.file.damaged(error) from error
        return head, tensors


def _state(training: Any) -> Any:
    """All arrays that change, as one tree."""
    model, solver = training.model, training.model._optimizer
    weights = model._weights()
    trained = solver.weights if solver.weights is not None else weights
    return (weights, model._stats, solver.state, trained, training.best, training.key)
