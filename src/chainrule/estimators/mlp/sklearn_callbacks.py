"""The callbacks of scikit-learn (`set_callbacks`, since 1.9), called for a fit and its epochs."""

from __future__ import annotations

from typing import Any

from ..sklearn_private import fit_task


class FitTask:
    """One call of `fit` as scikit-learn's callbacks see it: a task, and one below it an epoch.

    Parameters
    ----------
    model : CompiledPerceptron
    x, y, sample_weight : array
        As they were given to `fit`.
    """

    def __init__(self, model: Any, x: Any, y: Any, sample_weight: Any) -> None:
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self.arguments = {"estimator": model, "X": x, "y": y, "metadata": metadata}
        epochs = 0 if model.solver == "lbfgs" else model.max_iter
        self.task, self.has_callbacks = fit_task(model, epochs)
        self.epoch: Any = None
        if self.task is not None:
            self.task.call_on_fit_task_begin(**self.arguments)

    def begin_epoch(self, attributes: dict[str, Any]) -> None:
        """Before an epoch; `attributes` are those that the model keeps if training ends now."""
        if self.has_callbacks:
            self.epoch = self.task.subcontext(task_name="epoch")
            self.epoch.call_on_fit_task_begin(
                **self.arguments, reconstruction_attributes=attributes
            )

    def end_epoch(self, attributes: dict[str, Any]) -> bool:
        """After an epoch; whether a callback asks to stop."""
        if self.epoch is None:
            return False
        answer = self.epoch.call_on_fit_task_end(
            **self.arguments, reconstruction_attributes=attributes
        )
        return bool(answer)

    def end(self) -> None:
        """The model is fitted."""
        if self.task is not None:
            self.task.call_on_fit_task_end(**self.arguments, reconstruction_attributes={})
