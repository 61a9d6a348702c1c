"""The state of a training in one file, written whole: a head in JSON, and arrays by name."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from .. import tree
from ..errors import ModelFileError
from ..files import write_atomically
from ..lazy import LazyModule

safetensors = LazyModule("safetensors")
safetensors_numpy = LazyModule("safetensors.numpy")

KEY = "chainrule"
Head = dict[str, Any]
Arrays = dict[str, Any]


class StateFile:
    """The file of one training.

    Parameters
    ----------
    path : str or Path
    interval : float
        Seconds between two writings, at least.
    form : str
        The name of what the head holds: a file of another form is refused.
    mark : str
        A digest of data and settings: a file of another training is not taken up.
    """

    def __init__(self, path: str | Path, interval: float, form: str, mark: str) -> None:
        self.path, self.interval, self.form, self.mark = Path(path), interval, form, mark
        self.saved = monotonic()

    def found(self) -> tuple[Head, Arrays] | None:
        """What the file holds; None if there is none, or if it is of another training."""
        if not self.path.exists():
            return None
        head, arrays = self.read()
        if head["mark"] == self.mark:
            return head, arrays
        warnings.warn(
            f"the checkpoint {self.path} is of another training (other data or settings): "
            "starting anew",
            stacklevel=2,
        )
        return None

    def due(self) -> bool:
        """Whether it is time to write."""
        return monotonic() - self.saved >= self.interval

    def write(self, head: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        """Put a state in the place of the one before; a failure is a warning."""
        told = {"format": self.form, "mark": self.mark, **head}
        kept = {name: np.array(array, order="C") for name, array in arrays.items()}
        data = safetensors_numpy.save(kept, metadata={KEY: json.dumps(told)})
        try:
            write_atomically(self.path, data)
        except OSError as error:
            self._warn("write", error)
        self.saved = monotonic()

    def write_tree(self, head: Mapping[str, Any], state: Any) -> None:
        """Put a head and a tree of arrays in the place of those before."""
        self.write(head, {f"{k:05d}": leaf for k, leaf in enumerate(tree.leaves(state))})

    def as_tree(self, arrays: Arrays, like: Any) -> Any:
        """The arrays of a file as the tree that `write_tree` was given.

        Parameters
        ----------
        arrays : dict
            As `found` returns them.
        like : tree of arrays
            One of the same structure, shapes and dtypes.

        Raises
        ------
        ModelFileError
            If an array is absent, or of another shape or dtype.
        """
        leaves, structure = tree.flatten(like)
        stored = [arrays.get(f"{k:05d}") for k in range(len(leaves))]
        for ours, its in zip(leaves, stored, strict=True):
            if its is None or its.shape != np.shape(ours) or its.dtype != np.asarray(ours).dtype:
                raise self.damaged("its arrays are of another network")
        return tree.unflatten(structure, stored)

    def remove(self) -> None:
        """The training has ended: there is nothing to go on with."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            if self.path.exists():
                self._warn("remove", error)

    def read(self) -> tuple[Head, Arrays]:
        """Head and arrays, of this form.

        Raises
        ------
        ModelFileError
            If the file is damaged or of another form.
        """
        try:
            with safetensors.safe_open(self.path, framework="numpy") as file:
                head = json.loads((file.metadata() or {})[KEY])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if head["format"] != self.form or not isinstance(head["mark"], str):
                raise ValueError("of another format")
        except (OSError, safetensors.SafetensorError, ValueError, LookupError, TypeError,
                AttributeError, RecursionError) as error:  # fmt: skip
            raise self.damaged(error) from error
        return head, arrays

    def damaged(self, why: object) -> ModelFileError:
        """The error for a file that is none of this training's, or only a part of one."""
        return ModelFileError(
            f"{self.path} is no checkpoint, or a damaged one ({why}): remove it to start anew"
        )

    def _warn(self, verb: str, error: OSError) -> None:
        warnings.warn(
            f"cannot {verb} the checkpoint {self.path}: {error.strerror or error}; "
            "training goes on",
            stacklevel=3,
        )
