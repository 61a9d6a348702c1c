"""The private names of scikit-learn that the estimators lean on, all of them in one place.

Tested with scikit-learn 1.8 and 1.9. None of them is promised to stay: where a version moves one,
it is mended here, and no other file imports a private name (`tests/test_architecture.py`). Beside
these, `MLPClassifier` and `MLPRegressor` replace methods of scikit-learn's classes of that name
(`_fit`, `_validate_input`, `_predict`, `_forward_pass_fast`, `_check_solver`,
`_get_param_names`), which its public methods call.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from inspect import signature
from typing import Any, TypeVar

from sklearn.base import _fit_context
from sklearn.neural_network import MLPClassifier
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.optimize import _check_optimize_result as check_optimize_result
from sklearn.utils.parallel import _get_threadpool_controller as threadpool_controller
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _check_y as check_y

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn before 1.9: estimators have no `set_callbacks`
    CallbackSupportMixin = type("CallbackSupportMixin", (), {})

MLP_CONSTRAINTS: dict[str, Any] = MLPClassifier._parameter_constraints
CallbackSupport: Any = CallbackSupportMixin
Fit = TypeVar("Fit", bound=Callable[..., Any])


def validated_fit(fit: Fit) -> Fit:
    """A `fit` before which the parameters are checked; type checkers see its own types."""
    validated: Fit = _fit_context(prefer_skip_nested_validation=True)(fit)
    return validated


def fit_task(model: Any, epochs: int) -> tuple[Any, bool]:
    """The task of a `fit` for scikit-learn's callbacks, and whether the model has any.

    The task is None before scikit-learn 1.9, which has no callbacks.
    """
    if not hasattr(model, "_init_callback_context"):
        return None, False
    task = model._init_callback_context(max_subtasks=epochs)
    return task, bool(getattr(model, "_skl_callbacks", None))


@lru_cache(maxsize=64)
def parameter_names(cls: Any) -> tuple[str, ...]:
    """The names of the parameters of a class of estimators: read from its signature only once."""
    return tuple(sorted(signature(cls).parameters))


def validate_parameters(model: Any) -> None:
    """Raise a ValueError if a parameter is out of its range."""
    model._validate_params()


__all__ = [
    "MLP_CONSTRAINTS",
    "CallbackSupport",
    "Interval",
    "StrOptions",
    "check_optimize_result",
    "check_sample_weight",
    "check_y",
    "fit_task",
    "parameter_names",
    "safe_indexing",
    "threadpool_controller",
    "validate_parameters",
    "validated_fit",
]
