"""What each fitted estimator can do with files: `save`, `load`, `to_onnx`, `save_onnx`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from ...container import checked_path, dumps, write
from ...errors import ModelFileError
from ...files import write_atomically
from .estimator import from_state, to_state
from .exporting import onnx_model
from .reading import read_estimator


class SaveMixin:
    """Methods that the estimators inherit."""

    def _set(self, arguments: dict[str, Any]) -> None:
        """Set the arguments of a constructor, which are the locals of `__init__`, as attributes."""
        for name, value in arguments.items():
            if name not in ("self", "__class__"):
                setattr(self, name, value)

    def save(self, path: str | Path, card: Mapping[str, Any] | None = None) -> None:
        """Write the fitted estimator to one file, which `chainrule.load` reads.

        The file is in the safetensors format: arrays, and a description in JSON. No code is in it
        and none is run when it is read, so a file from elsewhere can do no harm. Saving the same
        model again gives the same bytes. It is written whole, or not at all: whatever fails, an
        older file stays.

        Parameters
        ----------
        path : str or Path
        card : dict, optional
            What you want to be known of the model, as JSON holds it; `load` gives it back as
            `card_`. Default: the `card_` of a model that was loaded, or nothing.

        Raises
        ------
        ModelFileError
            If the place cannot be written, or a setting cannot be kept: functions given as
            `activation` or `loss`, classes that are neither text nor numbers.

        Notes
        -----
        What is kept answers with the same bits, and tells of its training (`loss_curve_`,
        `validation_scores_`, ...). Not kept are `callbacks`, `checkpoint`, a `random_state` that is
        a generator, and the optimiser's state: `partial_fit`, and `fit` with ``warm_start=True``,
        go on from the weights with an optimiser that starts anew.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> import numpy as np
        >>> import chainrule as cr
        >>> x = np.linspace(-1.0, 1.0, 50).reshape(-1, 1)
        >>> model = cr.MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", random_state=0)
        >>> model = model.fit(x, x[:, 0] ** 2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "square.safetensors")
        ...     model.save(path, card={"target": "square"})
        ...     again = cr.load(path)
        >>> again.card_, bool((again.predict(x) == model.predict(x)).all())
        ({'target': 'square'}, True)
        """
        checked_path(path, "save")
        description, arrays = to_state(self, card)
        try:
            from_state(type(self), description, arrays)
        except ModelFileError as error:
            raise ModelFileError(
                f"this {type(self).__name__} cannot be saved: its weights do not belong to its "
                "settings; were those changed since `fit`? Then fit it again"
            ) from error
        write(path, dumps(description, arrays))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The fitted estimator of this class that `save` wrote; see `chainrule.load`.

        Raises
        ------
        ModelFileError
            Also if the file holds an estimator of another class, which `chainrule.load` reads.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> import chainrule as cr
        >>> model = cr.MLPClassifier((2,), solver="lbfgs", random_state=0)
        >>> model = model.fit([[0.0], [1.0]], ["no", "yes"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "small.safetensors")
        ...     model.save(path)
        ...     cr.MLPClassifier.load(path).predict([[1.0]]).tolist()
        ['yes']
        """
        name = cls.__name__
        estimator: Self = read_estimator(
            path, {name: cls}, f"which is no {name}: use chainrule.load"
        )
        return estimator

    def to_onnx(self, dtype: Any = None) -> Any:
        """The fitted estimator as an ONNX model, from the columns to the answer.

        The inputs of a perceptron are one matrix, "X"; those of a table are one for each column
        that the model reads, under its name and of shape (rows, 1): numbers, with NaN for an empty
        cell, and 0 and 1 for truth values; or text, written as in the training, with "" for an
        empty cell. Strip texts before: `predict` takes "a " for "a", but ONNX has no operator for
        that, and "a " is an unknown value there; the file says so, too. A classifier's outputs are
        "label" and "probabilities", a regressor's is "prediction" (with ``loss="gaussian_nll"``
        also "deviation").

        Parameters
        ----------
        dtype : "float32" or "float64", optional
            Of the numbers that go in. Default: that of the weights; float64 for tables, whose
            columns are scaled in it.

        Returns
        -------
        onnx.ModelProto
            Opset 18, with the class, the version and `card_` among its metadata.

        Raises
        ------
        UnsupportedError
            If a column holds dates: give their parts as columns of numbers; or if an `activation`
            cannot be exported.
        """
        return onnx_model(self, dtype)

    def save_onnx(self, path: str | Path, dtype: Any = None) -> None:
        """Write the model of `to_onnx` to a file, whole or not at all."""
        checked_path(path, "save_onnx")
        data = self.to_onnx(dtype).SerializeToString(deterministic=True)
        try:
            write_atomically(path, data)
        except OSError as error:
            raise ModelFileError(
                f"cannot write {path}: {error.strerror or error}; choose another place"
            ) from error
