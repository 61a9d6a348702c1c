"""The model file: safetensors with a JSON description. Read with distrust, written whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelFileError
from ..files import write_atomically
from ..lazy import LazyModule

safetensors = LazyModule("safetensors")
safetensors_numpy = LazyModule("safetensors.numpy")

FORMAT = "chainrule-tabular-1"
KEY = "chainrule"
LARGEST = 2**30  # bytes; a model of tables is far smaller
KINDS: dict[str, type | tuple[type, ...]] = {
    "features": list,
    "target": str,
    "classes": list,
    "center": (int, float),
    "spread": (int, float),
    "hidden": list,
}

Weights = dict[str, NDArray[np.float32]]


def write(path: str | Path, description: Mapping[str, Any], weights: Weights) -> None:
    """Write a model file.

    Raises
    ------
    ModelFileError
        If the place cannot be written; what was there before is left as it was.
    """
    text = json.dumps({"format": FORMAT, **description}, allow_nan=False)
    contiguous = {name: np.ascontiguousarray(value) for name, value in weights.items()}
    data = safetensors_numpy.save(contiguous, metadata={KEY: text})
    try:
        write_atomically(path, data)
    except OSError as error:
        raise ModelFileError(
            f"cannot write {path}: {error.strerror or error}; choose another place with --output"
        ) from error


def read(path: str | Path) -> tuple[dict[str, Any], Weights]:
    """The description and the weights of a model file, both checked."""
    path = Path(path)
    try:
        size = path.stat().st_size
        if path.is_dir() or size > LARGEST:
            raise ModelFileError(f"{path} is no model file of chainrule: give what train saved")
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise ModelFileError(
            f"no model file {str(path)!r}: train one with `chainrule train DATA`"
        ) from None
    except OSError as error:
        raise ModelFileError(f"cannot read {path}: {error.strerror or error}") from error
    except (safetensors.SafetensorError, ValueError, TypeError, MemoryError) as error:
        raise ModelFileError(
            f"{path} is damaged or no model file ({error}): train the model anew, or copy the "
            "file again"
        ) from error
    return _description(path, metadata), weights


def _description(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    try:
        value = json.loads(metadata[KEY])
    except (KeyError, ValueError, RecursionError):
        raise ModelFileError(f"{path} was not saved by `chainrule train`") from None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ModelFileError(
            f"{path} has format {value.get('format') if isinstance(value, dict) else None!r:.40}, "
            f"and this version reads {FORMAT!r}: update chainrule or train the model anew"
        )
    for name, kind in KINDS.items():
        if not isinstance(value.get(name), kind) or isinstance(value[name], bool):
            raise ModelFileError(f"{path}: its {name!r} is missing or not of its type")
    texts = [value["target"], *value["classes"]]
    sizes = value["hidden"]
    if not all(isinstance(text, str) for text in texts) or len(value["classes"]) == 1:
        raise ModelFileError(f"{path}: its classes are not two or more texts")
    if not all(type(size) is int and 0 < size < 2**20 for size in sizes):
        raise ModelFileError(f"{path}: its layer sizes are not positive numbers")
    if not (isfinite(value["center"]) and isfinite(value["spread"]) and value["spread"] > 0):
        raise ModelFileError(f"{path}: the target's scale is not a positive number")
    return value


def check_weights(path: str | Path, weights: Weights, sizes: Sequence[int]) -> None:
    """Raise a `ModelFileError` unless the weights are those of layers of these sizes, finite."""
    wanted: dict[str, tuple[int, ...]] = {}
    for k, (inputs, outputs) in enumerate(pairwise(sizes)):
        wanted |= {f"layers.{k}.weight": (inputs, outputs), f"layers.{k}.bias": (outputs,)}
    if weights.keys() != wanted.keys():
        raise ModelFileError(f"{path}: its weights are not those of {len(sizes) - 1} layers")
    for name, shape in wanted.items():
        value = weights[name]
        if value.shape != shape or value.dtype != np.float32 or not np.isfinite(value).all():
            raise ModelFileError(f"{path}: {name} is not float32 of shape {shape}, or not finite")
