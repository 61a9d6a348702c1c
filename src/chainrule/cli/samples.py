"""Files of pictures or recordings, one a sample, for models that read such."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data import images as image_files
from ..data.folders import files_in
from ..errors import DataError
from ..lazy import LazyModule
from .models import card
from .predictions import named
from .train_audio import labelled_recordings
from .train_images import labelled_images

pd = LazyModule("pandas")


def predicted(loaded: Any, files: Sequence[str], proba: bool) -> Any:
    """A table: each file, its likeliest class, and the probability of it, or of each class."""
    paths = listed(loaded, files)
    probabilities = loaded.predict_proba(paths)
    best = np.argmax(probabilities, axis=1)
    names = ["file", "class"]
    file_names = [str(path).encode(errors="backslashreplace").decode() for path in paths]
    columns: list[Any] = [file_names, loaded.classes_[best]]
    if proba:
        names += [f"p({name})" for name in loaded.classes_]
        columns += list(probabilities.T)
    else:
        names.append("probability")
        columns.append(
            np.round(probabilities[np.arange(len(probabilities)), best].astype(float), 4)
        )
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
    read = labelled_recordings if hasattr(loaded, "sample_rate_") else labelled_images
    names = {name: card(loaded)[name] for name in ("x", "y") if name in card(loaded)}
    everything, test = read(data, **names) if data.lower().endswith(".npz") else read(data)
    samples = everything if test is None else test
    count, labels = len(samples.inputs), len(samples.labels)
    if not count:
        raise DataError(f"{data} holds no sample to score by")
    if count != labels:
        raise DataError(f"{data} has {count} inputs and {labels} labels: one each")
    return samples.inputs, pd.Series(samples.labels)
