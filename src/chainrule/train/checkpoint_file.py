"""A checkpoint file: one safetensors file with a JSON header and arrays by name, written whole."""

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

METADATA_KEY = "chainrule"
Header = dict[str, Any]
Arrays = dict[str, Any]


class CheckpointFile:
    """The checkpoint file of one training.

    Parameters
    ----------
    path : str or Path
    interval : float
        The least number of seconds between two writes.
    format : str
        The name of the header's format; a file of another format is refused.
    fingerprint : str
        A digest of data and settings; a file of another training is ignored.
    """

    def __init__(self, path: str | Path, interval: float, format: str, fingerprint: str) -> None:
        self.path, self.interval = Path(path), interval
        self.format, self.fingerprint = format, fingerprint
        self.last_write = monotonic()

    def load(self) -> tuple[Header, Arrays] | None:
        """Return the header and the arrays; None if there is no file or it has another fingerprint.

        Raises
        ------
        ModelFileError
            If the file is damaged or of another format.
        """
        if not self.path.exists():
            return None
        header, arrays = self.read()
        if header["fingerprint"] == self.fingerprint:
            return header, arrays
        warnings.warn(
            f"the checkpoint {self.path} is of another training (other data or settings): "
            "starting anew",
            stacklevel=2,
        )
        return None

    def is_due(self) -> bool:
        """Return whether the interval since the last write is over."""
        return monotonic() - self.last_write >= self.interval

    def write(self, header: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        """Replace the file's contents; a failure is a warning, and the old contents stay."""
        full_header = {"format": self.format, "fingerprint": self.fingerprint, **header}
        contiguous = {name: np.array(array, order="C") for name, array in arrays.items()}
        data = safetensors_numpy.save(contiguous, metadata={METADATA_KEY: json.dumps(full_header)})
        try:
            write_atomically(self.path, data)
        except OSError as error:
            self._warn("write", error)
        self.last_write = monotonic()

    def write_tree(self, header: Mapping[str, Any], state: Any) -> None:
        """Replace the file's contents by a header and the leaves of a tree of arrays."""
        self.write(header, {f"{k:05d}": leaf for k, leaf in enumerate(tree.leaves(state))})

    def as_tree(self, arrays: Arrays, like: Any) -> Any:
        """Return the arrays of a file as the tree that `write_tree` was given.

        Parameters
        ----------
        arrays : dict
            The arrays that `load` returned.
        like : tree of arrays
            A tree of the same structure, shapes and dtypes.

        Raises
        ------
        ModelFileError
            If an array is absent, or of another shape or dtype.
        """
        leaves, structure = tree.flatten(like)
        stored = [arrays.get(f"{k:05d}") for k in range(len(leaves))]
        for leaf, array in zip(leaves, stored, strict=True):
            if (
                array is None
                or array.shape != np.shape(leaf)
                or array.dtype != np.asarray(leaf).dtype
            ):
                raise self.damaged("its arrays are of another network")
        return tree.unflatten(structure, stored)

    def remove(self) -> None:
        """Remove the file at the end of a training; a failure is a warning."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            if self.path.exists():
                self._warn("remove", error)

    def read(self) -> tuple[Header, Arrays]:
        """Return the header and the arrays, whatever the fingerprint.

        Raises
        ------
        ModelFileError
            If the file is damaged or of another format.
        """
        try:
            with safetensors.safe_open(self.path, framework="numpy") as file:
                header = json.loads((file.metadata() or {})[METADATA_KEY])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if header["format"] != self.format or not isinstance(header["fingerprint"], str):
                raise ValueError("of another format")
        except (OSError, safetensors.SafetensorError, ValueError, LookupError, TypeError,
                AttributeError, RecursionError) as error:  # fmt: skip
            raise self.damaged(error) from error
        return header, arrays

    def damaged(self, reason: object) -> ModelFileError:
        """Return the error to raise for a file that is damaged or no checkpoint."""
        return ModelFileError(
            f"{self.path} is no checkpoint, or a damaged one ({reason}): remove it to start anew"
        )

    def _warn(self, verb: str, error: OSError) -> None:
        warnings.warn(
            f"cannot {verb} the checkpoint {self.path}: {error.strerror or error}; "
            "training goes on",
            stacklevel=3,
        )
