"""Dense layers of many models at once: one product of matrices for all members of an ensemble.

The first axis of inputs and outputs enumerates the members. If the loss is the sum of the members'
losses, and not the loss of their mean prediction, each member learns as if it were trained alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..errors import ShapeError, at_user_line
from ..random import bernoulli, split
from ..typing import Array
from .initializers import Initializer, glorot_uniform, ones
from .module import Module
from .validation import check_dtype, check_int


def signs(key: Any, shape: Sequence[int], dtype: DTypeLike = np.float32) -> Array:
    """-1 or 1, equally likely: an initialiser of `BatchEnsembleDense`.

    Examples
    --------
    >>> from chainrule import random
    >>> signs(random.key(0), (5,)).tolist()
    [1.0, -1.0, -1.0, -1.0, -1.0]
    """
    return np.where(bernoulli(key, 0.5, shape), 1.0, -1.0).astype(dtype)


class BatchedDense(Module):
    """A `Dense` layer for each member: ``x[k] @ weight[k] + bias[k]``.

    Parameters
    ----------
    num_members : int
        The number of models in the ensemble.
    in_features, out_features : int
        Sizes of the last axis of the input and of the output.
    key : uint32[2]
        From `chainrule.random`: each member's weight is drawn with its own key.
    bias : bool
        Whether to add a bias, which begins as 0. Default True.
    weight_init : callable
        ``weight_init(key, shape, dtype)`` for one member. Default `glorot_uniform`.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    weight : array of shape (num_members, in_features, out_features)
    bias : array of shape (num_members, out_features), or None

    Raises
    ------
    ShapeError
        If x is neither of shape (num_members, rows, in_features) nor of shape (rows, in_features),
        which all members share.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.BatchedDense(2, 3, 1, key=random.key(0), weight_init=nn.ones)
    >>> layer = layer.replace(bias=np.float32([[0.0], [10.0]]))
    >>> layer(np.ones((2, 4, 3), np.float32)).shape
    (2, 4, 1)
    >>> layer(np.array([[1.0, 2.0, 3.0]], np.float32)).tolist()
    [[[6.0]], [[16.0]]]
    """

    weight: Any
    bias: Any

    def __init__(
        self,
        num_members: int,
        in_features: int,
        out_features: int,
        *,
        key: Any,
        bias: bool = True,
        weight_init: Initializer = glorot_uniform,
        dtype: DTypeLike = np.float32,
    ) -> None:
        shape, parameter_dtype = (
            (check_int("in_features", in_features), check_int("out_features", out_features)),
            check_dtype(dtype),
        )
        keys = split(key, check_int("num_members", num_members))
        self.weight = np.stack(
            [weight_init(member_key, shape, parameter_dtype) for member_key in keys]
        )
        self.bias = np.zeros((len(keys), shape[1]), parameter_dtype) if bias else None

    def __call__(self, x: Any) -> Array:
        members, inputs, _ = self.weight.shape
        _check_members("BatchedDense", x, members, inputs)
        y = x @ self.weight
        return y if self.bias is None else y + self.bias[:, None, :]


class BatchEnsembleDense(Module):
    """One weight for all members, with input and output scales for each member.

    ``((x[k] * input_scale[k]) @ weight) * output_scale[k] + bias[k]``: an ensemble of almost the
    size of one model. As TabM does, begin the first layer of a network with random signs, and all
    others with ``input_init=nn.ones``; BatchEnsemble begins both scales of all layers with signs.

    Parameters
    ----------
    num_members : int
        The number of models in the ensemble; TabM's are 32.
    in_features, out_features : int
        Sizes of the last axis of the input and of the output.
    key : uint32[2]
        From `chainrule.random`.
    bias : bool
        Whether to add a bias for each member, which begins as 0. Default True.
    weight_init : callable
        ``weight_init(key, shape, dtype)``. Default `glorot_uniform`.
    input_init, output_init : callable
        The same for the scales. Default `signs` and `ones`.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    weight : array of shape (in_features, out_features)
    input_scale : array of shape (num_members, in_features)
    output_scale : array of shape (num_members, out_features)
    bias : array of shape (num_members, out_features), or None

    Raises
    ------
    ShapeError
        If x is neither of shape (num_members, rows, in_features) nor of shape (rows, in_features),
        which all members share.

    References
    ----------
    Y. Wen, D. Tran, J. Ba: "BatchEnsemble: an alternative approach to efficient ensemble and
    lifelong learning", arXiv:2002.06715 (2020); Y. Gorishniy, A. Kotelnikov, A. Babenko: "TabM:
    advancing tabular deep learning with parameter-efficient ensembling", arXiv:2410.24210 (2024).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.BatchEnsembleDense(2, 3, 1, key=random.key(0), weight_init=nn.ones)
    >>> layer.input_scale.tolist()
    [[-1.0, -1.0, 1.0], [1.0, 1.0, 1.0]]
    >>> layer(np.array([[1.0, 2.0, 4.0]], np.float32)).tolist()
    [[[1.0]], [[7.0]]]
    """

    weight: Any
    input_scale: Any
    output_scale: Any
    bias: Any

    def __init__(
        self,
        num_members: int,
        in_features: int,
        out_features: int,
        *,
        key: Any,
        bias: bool = True,
        weight_init: Initializer = glorot_uniform,
        input_init: Initializer = signs,
        output_init: Initializer = ones,
        dtype: DTypeLike = np.float32,
    ) -> None:
        members, parameter_dtype = check_int("num_members", num_members), check_dtype(dtype)
        shape = (check_int("in_features", in_features), check_int("out_features", out_features))
        weight_key, input_scale_key, output_scale_key = split(key, 3)
        self.weight = weight_init(weight_key, shape, parameter_dtype)
        self.input_scale = input_init(input_scale_key, (members, shape[0]), parameter_dtype)
        self.output_scale = output_init(output_scale_key, (members, shape[1]), parameter_dtype)
        self.bias = np.zeros((members, shape[1]), parameter_dtype) if bias else None

    def __call__(self, x: Any) -> Array:
        members, inputs = self.input_scale.shape
        _check_members("BatchEnsembleDense", x, members, inputs)
        y = (x * self.input_scale[:, None, :]) @ self.weight * self.output_scale[:, None, :]
        return y if self.bias is None else y + self.bias[:, None, :]


def _check_members(layer: str, x: Any, num_members: int, in_features: int) -> None:
    shape = np.shape(x)
    if (
        len(shape) not in (2, 3)
        or shape[-1] != in_features
        or (len(shape) == 3 and shape[0] != num_members)
    ):
        raise ShapeError(
            at_user_line(
                f"{layer} takes arrays of shape ({num_members}, rows, {in_features}), or (rows, "
                f"{in_features}) for all members, and was given {shape}"
            )
        )
