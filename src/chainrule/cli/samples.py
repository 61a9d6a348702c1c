"""Files of pictures or recordings, one a sample, for models that read such."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data import audio_datasets
from ..data import images as image_files
from ..data.folders import files_in
from ..errors import DataError
from ..lazy import LazyModule
from .predictions import named

pd = LazyModule("pandas")


def predicted(loaded: Any, files: Sequence[str], proba: bool) -> Any:
    """A table: each file, its likeliest class, and the probability of it, or of each class."""
    paths = listed(loaded, files)
    made = loaded.predict_proba(paths)
    best = np.argmax(made, axis=1)
    names = ["file", "class"]
    shown = [str(path).encode(errors="backslashreplace").decode() for path in paths]
    columns: list[Any] = [shown, loaded.classes_[best]]
    if proba:
        names += [f"p({name})" for name in loaded.classes_]
        columns += list(made.T)
    else:
        names.append("probability")
        columns.append(np.round(made[np.arange(len(made)), best].astype(float), 4))
    return named(names, columns)


def listed(loaded: Any, files: Sequence[str]) -> list[Path]:
    """The files, and those in the folders among them."""
    endings = getattr(loaded, "endings", image_files.EXTENSIONS)
    paths: list[Path] = []
    for name in files:
        path = Path(name)
        inside = files_in(path, endings) if path.is_dir() else [path]
        if not inside:
            raise DataError(f"{name} has no file that ends in {', '.join(endings)}")
        paths += inside
    return paths


def labelled(loaded: Any, data: str) -> tuple[Any, Any]:
    """Inputs and labels of a folder of class folders, or of an NPZ file as in the training.

    Of a file that says what is for the test, only that.
    """
    path = Path(data)
    if path.suffix.lower() != ".npz":
        X, y = loaded._labelled(data, None)
        return X, pd.Series(np.asarray(y))
    if hasattr(loaded, "sample_rate_"):
        sounds, names, is_test = audio_datasets.read_audio_arrays(path)
        kept = np.arange(len(names)) if is_test is None else np.flatnonzero(is_test)
        if not len(kept):
            raise DataError(f"{data} holds no recording to score by")
        return [sounds[k] for k in kept], pd.Series([names[k] for k in kept])
    held = image_files.read_image_arrays(path)
    if len(held) == 4:
        held = held[2:]
    if len(held[0]) != len(held[1]):
        raise DataError(f"{data} has {len(held[0])} inputs and {len(held[1])} labels: one each")
    return held[0], pd.Series(np.ravel(held[1]))
