"""Activations: plain NumPy formulas that neither overflow nor lose their digits.

Where a formula has two branches, each sees only arguments of its own side, so that the branch
that was not chosen does not overflow.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from ..lazy import LazyModule
from ..trace.elementwise_table import logistic
from ..trace.tracer import Tracer
from ..transforms import stop_gradient
from ..typing import Array

_special = LazyModule("scipy.special")


def sigmoid(x: Any) -> Array:
    """``1 / (1 + exp(-x))``, between 0 and 1.

    Its derivative is computed from its value y alone, as ``y * (1 - y)``, so that a layer need not
    keep x: it is 0 where y rounds to 1. (That of `scipy.special.expit` keeps its digits there.)

    Examples
    --------
    >>> import numpy as np
    >>> sigmoid(np.array([-1000.0, 0.0, 2.0])).round(4).tolist()
    [0.0, 0.5, 0.8808]
    """
    return logistic(x) if isinstance(x, Tracer) else _special.expit(x)


def tanh(x: Any) -> Array:
    """Hyperbolic tangent, between -1 and 1.

    Examples
    --------
    >>> float(tanh(0.5).round(4))
    0.4621
    """
    return np.tanh(x)


def relu(x: Any) -> Array:
    """``max(x, 0)``; the derivative at 0 is 0, and a nan stays a nan.

    References
    ----------
    V. Nair, G. E. Hinton: "Rectified linear units improve restricted Boltzmann machines" (2010).

    Examples
    --------
    >>> import numpy as np
    >>> relu(np.array([-2.0, 3.0])).tolist()
    [0.0, 3.0]
    """
    return np.where(x <= 0, 0, x)


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Array:
    """``x`` above 0, ``negative_slope * x`` below; the derivative at 0 is `negative_slope`.

    References
    ----------
    A. L. Maas, A. Y. Hannun, A. Y. Ng: "Rectifier nonlinearities improve neural network acoustic
    models" (2013).

    Examples
    --------
    >>> import numpy as np
    >>> leaky_relu(np.array([-2.0, 3.0])).tolist()
    [-0.02, 3.0]
    """
    return np.where(x > 0, x, negative_slope * x)


def elu(x: Any, alpha: float = 1.0) -> Array:
    """``x`` above 0, ``alpha * (exp(x) - 1)`` below.

    References
    ----------
    D.-A. Clevert, T. Unterthiner, S. Hochreiter: "Fast and accurate deep network learning by
    exponential linear units (ELUs)", arXiv:1511.07289 (2015).

    Examples
    --------
    >>> import numpy as np
    >>> elu(np.array([-1.0, 3.0])).round(4).tolist()
    [-0.6321, 3.0]
    """
    return np.where(x > 0, x, alpha * np.expm1(np.where(x > 0, 0, x)))


def gelu(x: Any, approximate: bool = False) -> Array:
    """``x * P(z <= x)`` for a standard normal z.

    Parameters
    ----------
    x : array
    approximate : bool
        Whether to use ``x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x**3)))``, which is off by up
        to 5e-4, in place of the exact ``x/2 * (1 + erf(x / sqrt(2)))``. Default False.

    References
    ----------
    D. Hendrycks, K. Gimpel: "Gaussian error linear units (GELUs)", arXiv:1606.08415 (2016).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([-1.0, 2.0])
    >>> gelu(x).round(5).tolist(), gelu(x, approximate=True).round(5).tolist()
    ([-0.15866, 1.9545], [-0.15881, 1.9546])
    """
    if approximate:
        return 0.5 * x * (1.0 + np.tanh(sqrt(2.0 / pi) * (x + 0.044715 * (x * x * x))))
    return 0.5 * x * (1.0 + _special.erf(x / sqrt(2.0)))


def silu(x: Any) -> Array:
    """``x * sigmoid(x)``, also known as swish.

    References
    ----------
    S. Elfwing, E. Uchibe, K. Doya: "Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning", Neural Networks 107 (2018).

    Examples
    --------
    >>> import numpy as np
    >>> silu(np.array([-1.0, 2.0])).round(4).tolist()
    [-0.2689, 1.7616]
    """
    return x * sigmoid(x)


def softplus(x: Any) -> Array:
    """``log(1 + exp(x))``, a smooth `relu`; its derivative is `sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> softplus(np.array([-1000.0, 0.0, 1000.0])).round(4).tolist()
    [0.0, 0.6931, 1000.0]
    """
    return np.logaddexp(x, 0.0)


def softmax(x: Any, axis: int = -1) -> Array:
    """``exp(x) / sum(exp(x))`` along an axis: numbers between 0 and 1 that add up to 1.

    Examples
    --------
    >>> import numpy as np
    >>> softmax(np.array([1000.0, 1000.0, 999.0])).round(4).tolist()
    [0.4223, 0.4223, 0.1554]
    """
    powers = np.exp(_below_zero(x, axis))
    return powers * (1 / np.sum(powers, axis=axis, keepdims=True))  # one division for each row


def log_softmax(x: Any, axis: int = -1) -> Array:
    """``log(softmax(x))``, right also where `softmax` rounds to 0.

    Examples
    --------
    >>> import numpy as np
    >>> log_softmax(np.array([1000.0, 1000.0, 0.0])).round(4).tolist()
    [-0.6931, -0.6931, -1000.6931]
    """
    shifted = _below_zero(x, axis)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def _below_zero(x: Any, axis: int) -> Any:
    """x less its largest entry, which cancels in the result and hence in its derivative."""
    return x - stop_gradient(np.max(x, axis=axis, keepdims=True))
