"""A model file read: which class it is of, and the estimator that was saved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...container import checked_path, loads, read
from ...errors import ModelFileError
from .estimator import from_state


def read_estimator(path: str | Path, classes: Mapping[str, Any], otherwise: str) -> Any:
    """The estimator of a model file.

    Parameters
    ----------
    path : str or Path
    classes : mapping of str to class
        Those that may be in it, by their names.
    otherwise : str
        What to do about another class.

    Raises
    ------
    ModelFileError
        If the file is absent, damaged, foreign, or of another class.
    """
    data = read(checked_path(path, "load"))
    try:
        description, arrays = loads(data)
        name = description.get("class")
        if name == "Stream":
            raise ModelFileError(
                "it holds the state of a stream: load its detector, and call "
                "detector.stream(restore=path)"
            )
        if not isinstance(name, str) or name not in classes:
            raise ModelFileError(f"it holds a {name!r:.40}, {otherwise}")
        return from_state(classes[name], description, arrays)
    except ModelFileError as error:
        raise ModelFileError(f"cannot load {path}: {error}") from error.__cause__
    except MemoryError:
        raise ModelFileError(f"cannot load {path}: there is not enough memory") from None
