"""Backpropagation, compiled: differentiate the NumPy you already have, and train with it.

>>> import numpy as np
>>> import chainrule as cr
>>> def loss(w):
...     return np.sum(np.tanh(w) ** 2)
>>> cr.grad(loss)(np.array([0.0, 1.0])).round(6).tolist()
[0.0, 0.6397]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .starting import ends_loading as _ends_loading  # first: from here on Ctrl-C ends the command

# isort: split
from . import errors, tree
from . import scipy_rules as _scipy_rules  # noqa: F401 (says where SciPy's rules are)
from .backends import get_num_threads, set_num_threads
from .config import config, configured
from .explain import explain
from .lazy import load_module
from .trace.function_table import logsumexp
from .transforms import LATER as _TRANSFORMS
from .transforms import (
    ShapeDtypeStruct,
    check_grads,
    cond,
    fori_loop,
    grad,
    io_callback,
    jit,
    jvp,
    make_graph,
    pure_callback,
    scan,
    stop_gradient,
    value_and_grad,
    vjp,
    while_loop,
)
from .version import __version__

if TYPE_CHECKING:
    from . import data, debug, estimators, export, losses, nn, optim, random, rl, signal, train
    from .estimators import (
        AnomalyDetector,
        AudioClassifier,
        Forecaster,
        ImageClassifier,
        MLPClassifier,
        MLPRegressor,
        TabularClassifier,
        TabularRegressor,
        TextClassifier,
        TimeSeriesClassifier,
        TimeSeriesRegressor,
        load,
    )
    from .solvers import curve_fit, least_squares, minimize, odeint, root
    from .transforms import (
        associative_scan,
        checkpoint,
        custom_jvp,
        custom_vjp,
        hessian,
        hvp,
        implicit_fixed_point,
        implicit_root,
        jacfwd,
        jacobian,
        jacrev,
        linearize,
        remat,
        switch,
        vmap,
    )

# Imported at first use: whoever differentiates need not load what trains.
LAZY = (
    "data",
    "debug",
    "estimators",
    "export",
    "losses",
    "nn",
    "optim",
    "random",
    "rl",
    "signal",
    "train",
)
ESTIMATORS = (
    "AnomalyDetector",
    "AudioClassifier",
    "Forecaster",
    "ImageClassifier",
    "MLPClassifier",
    "MLPRegressor",
    "ShapeDtypeStruct",
    "TabularClassifier",
    "TabularRegressor",
    "TextClassifier",
    "TimeSeriesClassifier",
    "TimeSeriesRegressor",
    "load",
)
SOLVERS = ("curve_fit", "least_squares", "minimize", "odeint", "root")


_HOMES = {
    **dict.fromkeys(ESTIMATORS, "estimators"),
    **dict.fromkeys(SOLVERS, "solvers"),
    **dict.fromkeys(_TRANSFORMS, "transforms"),
}


def __getattr__(name: str) -> Any:
    if name in LAZY:
        return load_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    value = getattr(load_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value  # the next time it is there
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, "__doc__", "__file__", "__name__", "__path__"})


__all__ = [
    "AnomalyDetector",
    "AudioClassifier",
    "Forecaster",
    "ImageClassifier",
    "MLPClassifier",
    "MLPRegressor",
    "ShapeDtypeStruct",
    "TabularClassifier",
    "TabularRegressor",
    "TextClassifier",
    "TimeSeriesClassifier",
    "TimeSeriesRegressor",
    "__version__",
    "associative_scan",
    "check_grads",
    "checkpoint",
    "cond",
    "config",
    "configured",
    "curve_fit",
    "custom_jvp",
    "custom_vjp",
    "data",
    "debug",
    "errors",
    "estimators",
    "explain",
    "export",
    "fori_loop",
    "get_num_threads",
    "grad",
    "hessian",
    "hvp",
    "implicit_fixed_point",
    "implicit_root",
    "io_callback",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "least_squares",
    "linearize",
    "load",
    "logsumexp",
    "losses",
    "make_graph",
    "minimize",
    "nn",
    "odeint",
    "optim",
    "pure_callback",
    "random",
    "remat",
    "rl",
    "root",
    "scan",
    "set_num_threads",
    "signal",
    "stop_gradient",
    "switch",
    "train",
    "tree",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]

_ends_loading()
