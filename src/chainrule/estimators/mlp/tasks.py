"""scikit-learn's own callbacks (`set_callbacks`, since 1.9): told of a fit, and of its epochs."""

from __future__ import annotations

from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn before 1.9: estimators have no `set_callbacks`
    CallbackSupportMixin = type("CallbackSupportMixin", (), {})
Watched: Any = CallbackSupportMixin


class Tasks:
    """One call of `fit` as scikit-learn's callbacks see it: a task, and one below it an epoch.

    Parameters
    ----------
    model : CompiledPerceptron
    x, y, w : array
        As they were given to `fit`.
    """

    def __init__(self, model: Any, x: Any, y: Any, w: Any) -> None:
        metadata = None if w is None else {"sample_weight": w}
        self.given = {"estimator": model, "X": x, "y": y, "metadata": metadata}
        self.root: Any = None
        self.epoch: Any = None
        if hasattr(model, "_init_callback_context"):
            epochs = 0 if model.solver == "lbfgs" else model.max_iter
            self.root = model._init_callback_context(max_subtasks=epochs)
            self.root.call_on_fit_task_begin(**self.given)
        self.watched = bool(getattr(model, "_skl_callbacks", None))

    def epoch_begins(self, fitted: dict[str, Any]) -> None:
        """Before an epoch; `fitted` are the attributes that the model would keep if it ended."""
        if self.root is not None and self.watched:
            self.epoch = self.root.subcontext(task_name="epoch")
            self.epoch.call_on_fit_task_begin(**self.given, reconstruction_attributes=fitted)

    def epoch_ends(self, fitted: dict[str, Any]) -> bool:
        """After an epoch; whether a callback asks to stop."""
        if self.epoch is None:
            return False
        return bool(self.epoch.call_on_fit_task_end(**self.given, reconstruction_attributes=fitted))

    def end(self) -> None:
        """The model is fitted."""
        if self.root is not None:
            self.root.call_on_fit_task_end(**self.given, reconstruction_attributes={})
