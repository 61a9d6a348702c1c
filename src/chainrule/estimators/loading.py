"""`load`: a model file as the estimator that it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..container import checked_path, loads, read
from ..errors import ModelFileError
from .anomaly.detector import AnomalyDetector
from .forecast.forecaster import Forecaster
from .mlp.estimators import MLPClassifier, MLPRegressor
from .raw.audio import AudioClassifier
from .raw.images import ImageClassifier
from .raw.text import TextClassifier
from .serialization.estimator import from_state
from .tabular.estimators import TabularClassifier, TabularRegressor

CLASSES: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        AnomalyDetector,
        AudioClassifier,
        Forecaster,
        ImageClassifier,
        MLPClassifier,
        MLPRegressor,
        TabularClassifier,
        TabularRegressor,
        TextClassifier,
    )
}


def load(path: str | Path) -> Any:
    """The fitted estimator that `save` wrote.

    Files need not be trusted: nothing in one is run, and each value is checked.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    estimator
        Of the class that was saved: an `AnomalyDetector`, `AudioClassifier`, `Forecaster`,
        `ImageClassifier`, `MLPClassifier`, `MLPRegressor`, `TabularClassifier`,
        `TabularRegressor` or `TextClassifier`. It answers with the same bits; `card_` holds what
        was told of it.

    Raises
    ------
    ModelFileError
        If the file is absent, truncated, changed, foreign, or written by a newer version; with
        what to do about it.

    Examples
    --------
    See `MLPClassifier.save`.
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
        if not isinstance(name, str) or name not in CLASSES:
            raise ModelFileError(
                f"it holds a {name!r:.40}, and this version knows {', '.join(CLASSES)}: update "
                "chainrule"
            )
        return from_state(CLASSES[name], description, arrays)
    except ModelFileError as error:
        raise ModelFileError(f"cannot load {path}: {error}") from error.__cause__
    except MemoryError:
        raise ModelFileError(f"cannot load {path}: there is not enough memory") from None
