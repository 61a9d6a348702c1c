"""Normalisation to mean 0 and variance 1, over a row, a group of features or a batch.

Layers are immutable. `BatchNorm` holds its running statistics as arrays beside its parameters, and
`BatchNorm.train` returns a new layer with the updated statistics.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike

from ..errors import ShapeError, at_user_line
from ..transforms import stop_gradient
from ..typing import Array
from .module import Module
from .validation import check_dtype, check_fraction, check_int, check_last_axis, check_positive


class LayerNorm(Module):
    """Each row less its mean, over its standard deviation, times `scale`, plus `shift`.

    ``(x - mean(x)) / sqrt(var(x) + eps) * scale + shift`` along the last axis, where `var` divides
    by the number of entries. A row's result depends on no other row.

    Parameters
    ----------
    num_features : int
        Size of the last axis.
    eps : float
        Keeps rows of equal entries finite; positive. Default 1e-5.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    scale : array of shape (num_features,), at first 1
    shift : array of shape (num_features,), at first 0

    Raises
    ------
    ShapeError
        If the last axis of the input has another size.

    References
    ----------
    J. L. Ba, J. R. Kiros, G. E. Hinton: "Layer normalization", arXiv:1607.06450 (2016).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> nn.LayerNorm(3)(np.array([[1.0, 2.0, 3.0], [10.0, 10.0, 40.0]])).round(3).tolist()
    [[-1.225, 0.0, 1.225], [-0.707, -0.707, 1.414]]
    """

    scale: Any
    shift: Any
    eps: float

    def __init__(
        self, num_features: int, eps: float = 1e-5, *, dtype: DTypeLike = np.float32
    ) -> None:
        size, parameter_dtype = check_int("num_features", num_features), check_dtype(dtype)
        self.scale, self.shift = np.ones(size, parameter_dtype), np.zeros(size, parameter_dtype)
        self.eps = check_positive("eps", eps)

    def __call__(self, x: Any) -> Array:
        check_last_axis("LayerNorm", x, self.scale.shape[0])
        centred = x - np.mean(x, axis=-1, keepdims=True)
        variance = np.mean(centred * centred, axis=-1, keepdims=True)
        return centred * (1 / np.sqrt(variance + self.eps)) * self.scale + self.shift


class RMSNorm(Module):
    """Each row over the root of its mean square, times `scale`: `LayerNorm` without the mean.

    ``x / sqrt(mean(x ** 2) + eps) * scale`` along the last axis.

    Parameters
    ----------
    num_features : int
        Size of the last axis.
    eps : float
        Keeps rows of zeros finite; positive. Default 1e-6.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    scale : array of shape (num_features,), at first 1

    Raises
    ------
    ShapeError
        If the last axis of the input has another size.

    References
    ----------
    B. Zhang, R. Sennrich: "Root mean square layer normalization", arXiv:1910.07467 (2019).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> nn.RMSNorm(2)(np.array([[3.0, 4.0], [0.0, 0.0]])).round(4).tolist()
    [[0.8485, 1.1314], [0.0, 0.0]]
    """

    scale: Any
    eps: float

    def __init__(
        self, num_features: int, eps: float = 1e-6, *, dtype: DTypeLike = np.float32
    ) -> None:
        self.scale = np.ones(check_int("num_features", num_features), check_dtype(dtype))
        self.eps = check_positive("eps", eps)

    def __call__(self, x: Any) -> Array:
        check_last_axis("RMSNorm", x, self.scale.shape[0])
        return x * (1 / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + self.eps)) * self.scale


class GroupNorm(Module):
    """Groups of features less their mean, over their deviation, times `scale`, plus `shift`.

    Statistics are computed over all positions of a row and over the neighbouring features of one
    group; `scale` and `shift` are per feature. No row depends on another, so batches may be small.

    Parameters
    ----------
    num_groups : int
        The number of groups, a divisor of `num_features`: 1 normalises all features of a row
        together, `num_features` each feature by itself.
    num_features : int
        Size of the last axis.
    eps : float
        Keeps groups of equal entries finite; positive. Default 1e-5.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    scale : array of shape (num_features,), at first 1
    shift : array of shape (num_features,), at first 0

    Raises
    ------
    ShapeError
        If the input is not of shape (rows, ..., num_features).

    References
    ----------
    Y. Wu, K. He: "Group normalization", arXiv:1803.08494 (2018).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> nn.GroupNorm(2, 4)(np.array([[1.0, 3.0, 10.0, 50.0]])).round(3).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    scale: Any
    shift: Any
    num_groups: int
    eps: float

    def __init__(
        self,
        num_groups: int,
        num_features: int,
        eps: float = 1e-5,
        *,
        dtype: DTypeLike = np.float32,
    ) -> None:
        size, parameter_dtype = check_int("num_features", num_features), check_dtype(dtype)
        self.num_groups = check_int("num_groups", num_groups)
        if size % self.num_groups:
            raise ValueError(
                at_user_line(
                    f"GroupNorm: num_groups={num_groups} does not divide "
                    f"num_features={num_features}"
                )
            )
        self.scale, self.shift = np.ones(size, parameter_dtype), np.zeros(size, parameter_dtype)
        self.eps = check_positive("eps", eps)

    def __call__(self, x: Any) -> Array:
        columns = self.scale.shape[0]
        check_last_axis("GroupNorm", x, columns)
        if x.ndim < 2:
            raise ShapeError(
                at_user_line(f"GroupNorm takes arrays of shape (rows, ..., {columns}): x[None]")
            )
        centred = x - self._mean(x)
        variance = self._mean(centred * centred)
        return centred * (self.scale / np.sqrt(variance + self.eps)) + self.shift

    def _mean(self, x: Any) -> Any:
        """Return each group's mean, repeated for its channels, of shape (rows, 1, ..., channels).

        The mean over positions is computed first, along contiguous channels.
        """
        rows, columns = x.shape[0], x.shape[-1]
        channel_means = np.mean(x, axis=tuple(range(1, x.ndim - 1))).reshape(
            rows, self.num_groups, columns // self.num_groups
        )
        group_means = np.broadcast_to(
            np.mean(channel_means, axis=2, keepdims=True), channel_means.shape
        )
        return group_means.reshape(rows, *(1,) * (x.ndim - 2), columns)


class BatchNorm(Module):
    """Each column less its mean, over its standard deviation, times `scale`, plus `shift`.

    ``layer(x)`` uses the running statistics: ``(x - mean) / sqrt(var + eps) * scale + shift``.
    ``layer.train(x)`` uses the statistics of the batch, and returns the layer with new running
    statistics as well: ``momentum * running + (1 - momentum) * batch``. As in the paper, the
    batch's variance divides by its number of rows n where it normalises, and by n - 1 where it is
    averaged.

    Parameters
    ----------
    num_features : int
        Size of the last axis; statistics are computed over all other axes.
    momentum : float
        The weight of the old running statistics at each batch, in ``0 ... 1``, as in Keras and
        Flax (PyTorch's momentum is one minus this). Default 0.9.
    eps : float
        Keeps constant columns finite; positive. Default 1e-5.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    scale : array of shape (num_features,), at first 1
    shift : array of shape (num_features,), at first 0
    mean, var : arrays of shape (num_features,), at first 0 and 1
        Running statistics. Their gradient is 0, but updates that change all arrays of a model,
        such as weight decay, change them too; `nn.with_batch_stats` restores them after an update.

    Raises
    ------
    ShapeError
        If the last axis of the input has another size, or `train` is given fewer than 2 rows.

    References
    ----------
    S. Ioffe, C. Szegedy: "Batch normalization: accelerating deep network training by reducing
    internal covariate shift", arXiv:1502.03167 (2015).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> from chainrule.transforms import value_and_grad
    >>> norm = nn.BatchNorm(2, dtype=np.float64)
    >>> x = np.array([[1.0, 10.0], [3.0, 50.0]])
    >>> y, new_norm = norm.train(x)
    >>> y.round(3).tolist(), new_norm.mean.round(3).tolist(), new_norm.var.round(3).tolist()
    ([[-1.0, -1.0], [1.0, 1.0]], [0.2, 3.0], [1.1, 80.9])
    >>> new_norm(x).round(3).tolist()
    [[0.763, 0.778], [2.67, 5.225]]

    A step of training gives the layer with its new statistics beside the loss:

    >>> def loss(norm):
    ...     y, new_norm = norm.train(x)
    ...     return np.sum((y - 1.0) ** 2), new_norm
    >>> (value, new_norm), gradient = value_and_grad(loss, has_aux=True)(norm)
    >>> norm = new_norm.replace(shift=norm.shift - 0.1 * gradient.shift)
    >>> norm.shift.round(3).tolist(), norm.mean.round(3).tolist()
    ([0.4, 0.4], [0.2, 3.0])
    """

    batch_stats: ClassVar[tuple[str, ...]] = ("mean", "var")
    scale: Any
    shift: Any
    mean: Any
    var: Any
    momentum: float
    eps: float

    def __init__(
        self,
        num_features: int,
        momentum: float = 0.9,
        eps: float = 1e-5,
        *,
        dtype: DTypeLike = np.float32,
    ) -> None:
        size, parameter_dtype = check_int("num_features", num_features), check_dtype(dtype)
        self.scale, self.shift = np.ones(size, parameter_dtype), np.zeros(size, parameter_dtype)
        self.mean, self.var = np.zeros(size, parameter_dtype), np.ones(size, parameter_dtype)
        self.momentum = check_fraction("momentum", momentum)
        self.eps = check_positive("eps", eps)

    def __call__(self, x: Any) -> Array:
        check_last_axis("BatchNorm", x, self.scale.shape[0])
        mean, var = stop_gradient((self.mean, self.var))
        return (x - mean) * (self.scale / np.sqrt(var + self.eps)) + self.shift

    def train(self, x: Any) -> tuple[Any, Self]:
        """Normalise by the batch's own statistics.

        Parameters
        ----------
        x : array of shape (..., num_features)
            2 rows or more.

        Returns
        -------
        y : array of the same shape
            Its derivative flows through the batch's mean and variance.
        new_layer : BatchNorm
            This layer with the updated running statistics.
        """
        columns = self.scale.shape[0]
        check_last_axis("BatchNorm", x, columns)
        rows = x.size // columns
        if rows < 2:
            raise ShapeError(
                at_user_line(
                    f"BatchNorm.train of shape {x.shape}: the variance of a batch needs 2 rows; "
                    "call the layer itself to use the running statistics"
                )
            )
        axes = tuple(range(x.ndim - 1))
        mean = np.mean(x, axis=axes)
        centred = x - mean
        variance = np.mean(centred * centred, axis=axes)
        y = centred * (self.scale / np.sqrt(variance + self.eps)) + self.shift
        unbiased = variance * (rows / (rows - 1))
        return y, self.replace(
            mean=self._updated(self.mean, mean), var=self._updated(self.var, unbiased)
        )

    def _updated(self, running: Any, new: Any) -> Any:
        old, batch = stop_gradient((running, new))
        return self.momentum * old + (1.0 - self.momentum) * batch.astype(running.dtype)
