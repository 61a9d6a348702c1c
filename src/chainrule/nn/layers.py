"""Basic layers: dense layers, functions, sequences of layers, residual connections, the MLP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from ..errors import ShapeError, at_user_line
from ..random import fold_in, split
from ..typing import Array
from .activations import relu
from .initializers import Initializer, glorot_uniform, zeros
from .module import Module
from .training import apply_train
from .validation import check_dtype, check_int, check_last_axis

Activation: TypeAlias = Callable[[Any], Any]


class Dense(Module):
    """The affine map ``x @ weight + bias``.

    Parameters
    ----------
    in_features, out_features : int
        Sizes of the last axis of the input and of the output.
    key : uint32[2]
        From `chainrule.random`: the weight is drawn with it.
    bias : bool
        Whether to add a bias. Default True.
    weight_init : callable
        ``weight_init(key, shape, dtype)``. Default `glorot_uniform`.
    bias_init : callable
        ``bias_init(key, shape, dtype, fan_in)``, with another key and `in_features` as the fan-in.
        Default `zeros`.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    weight : array of shape (in_features, out_features)
    bias : array of shape (out_features,), or None

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.Dense(3, 2, key=random.key(0), weight_init=nn.ones)
    >>> layer
    Dense(weight=f32[3,2], bias=f32[2])
    >>> layer(np.array([[1.0, 2.0, 3.0]], np.float32)).tolist()
    [[6.0, 6.0]]
    """

    weight: Any
    bias: Any

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        key: Any,
        bias: bool = True,
        weight_init: Initializer = glorot_uniform,
        bias_init: Initializer = zeros,
        dtype: DTypeLike = np.float32,
    ) -> None:
        shape = (check_int("in_features", in_features), check_int("out_features", out_features))
        self.weight = weight_init(key, shape, check_dtype(dtype))
        bias_key = key if bias_init is zeros else fold_in(key, 1)  # zeros reads no key
        self.bias = bias_init(bias_key, shape[1:], dtype, shape[0]) if bias else None

    def __call__(self, x: Any) -> Array:
        check_last_axis("Dense", x, self.weight.shape[0])
        y = x @ self.weight
        return y if self.bias is None else y + self.bias


class Lambda(Module):
    """A function without parameters as a module, such as ``nn.Lambda(np.tanh)``."""

    function: Activation

    def __call__(self, x: Any) -> Array:
        return self.function(x)

    def __repr__(self) -> str:
        return str(getattr(self.function, "__name__", self.function))


class Flatten(Module):
    """Merge all axes after the first: (rows, ...) becomes (rows, features).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> nn.Flatten()(np.zeros((2, 5, 4, 3))).shape
    (2, 60)
    """

    def __call__(self, x: Any) -> Array:
        if np.ndim(x) < 1:
            raise ShapeError(
                at_user_line("Flatten takes arrays of shape (rows, ...), not a number")
            )
        return x.reshape(x.shape[0], prod(x.shape[1:]))


class Sequential(Module):
    """Modules and functions, each applied to the output of the one before it.

    Parameters
    ----------
    *layers : Module or callable

    See Also
    --------
    apply_train : what `Sequential.train` calls for each layer.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> first, last = random.split(random.key(0))
    >>> nn.Sequential(nn.Dense(4, 8, key=first), np.tanh, nn.Dense(8, 1, key=last))
    Sequential(
      layers=(Dense(weight=f32[4,8], bias=f32[8]), tanh, Dense(weight=f32[8,1], bias=f32[1]))
    )
    """

    layers: tuple[Any, ...]

    def __init__(self, *layers: Any) -> None:
        self.layers = tuple(
            _as_module(f"layer {k} of Sequential", layer) for k, layer in enumerate(layers)
        )

    def __call__(self, x: Any) -> Array:
        for layer in self.layers:
            x = layer(x)
        return x

    def train(self, x: Any, key: Any) -> tuple[Any, Self]:
        """Apply each layer in training mode, with its own key.

        Parameters
        ----------
        x : array
        key : uint32[2]
            From `chainrule.random`, a new one at each step.

        Returns
        -------
        y : array
        new_layer : Sequential
            With the updated batch statistics of its layers.
        """
        new_layers = []
        for layer, layer_key in zip(self.layers, split(key, len(self.layers)), strict=True):
            x, new_layer = apply_train(layer, x, layer_key)
            new_layers.append(new_layer)
        return x, self.replace(layers=tuple(new_layers))


class Residual(Module):
    """A residual connection: ``shortcut(x) + inner(x)``.

    Parameters
    ----------
    inner : Module or callable
    shortcut : Module or callable, optional
        Replaces x in the sum where `inner` changes the shape, such as a 1 x 1 convolution.

    Raises
    ------
    ShapeError
        If the two shapes differ.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun: "Deep residual learning for image recognition",
    arXiv:1512.03385 (2015).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> nn.Residual(np.square)(np.array([1.0, 2.0, 3.0])).tolist()
    [2.0, 6.0, 12.0]
    """

    inner: Any
    shortcut: Any

    def __init__(self, inner: Any, shortcut: Any = None) -> None:
        self.inner = _as_module("Residual's inner", inner)
        self.shortcut = None if shortcut is None else _as_module("Residual's shortcut", shortcut)

    def __call__(self, x: Any) -> Array:
        return _add(x if self.shortcut is None else self.shortcut(x), self.inner(x))

    def train(self, x: Any, key: Any) -> tuple[Any, Self]:
        """Apply both branches in training mode.

        Parameters
        ----------
        x : array
        key : uint32[2]
            From `chainrule.random`, a new one at each step.

        Returns
        -------
        y : array
        new_layer : Residual
            With the updated batch statistics of its layers.
        """
        inner_key, shortcut_key = split(key)
        y, inner = apply_train(self.inner, x, inner_key)
        if self.shortcut is None:
            return _add(x, y), self.replace(inner=inner)
        shortcut_output, shortcut = apply_train(self.shortcut, x, shortcut_key)
        return _add(shortcut_output, y), self.replace(inner=inner, shortcut=shortcut)


def _add(x: Any, y: Any) -> Any:
    if np.shape(x) != np.shape(y):
        raise ShapeError(
            at_user_line(
                f"Residual: the inner layer makes {np.shape(y)}, and {np.shape(x)} is to be added: "
                "give a shortcut that changes the shape alike"
            )
        )
    return x + y


def _as_module(name: str, layer: Any) -> Module:
    if not callable(layer):
        raise TypeError(
            at_user_line(
                f"{name} is a {type(layer).__name__}, which cannot be called: give modules and "
                "functions, one argument each"
            )
        )
    return layer if isinstance(layer, Module) else Lambda(layer)


class MLP(Module):
    """The multilayer perceptron: dense layers with an activation between them.

    No activation follows the last layer, so its outputs are unbounded numbers or logits.

    Parameters
    ----------
    in_features : int
        The number of columns of the data.
    hidden_layer_sizes : sequence of int
        Sizes of the hidden layers; empty for a linear model.
    out_features : int
        The number of predicted numbers, or of classes.
    activation : callable
        Default `relu`.
    key : uint32[2]
        From `chainrule.random`.
    weight_init, bias_init : callable
        Of each layer; see `Dense`. Default `glorot_uniform` and `zeros`.
    dtype : floating dtype
        Default float32.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> model = nn.MLP(64, (100,), 10, key=random.key(0))
    >>> model(np.ones((5, 64), np.float32)).shape
    (5, 10)
    >>> model.layers[0]
    Dense(weight=f32[64,100], bias=f32[100])
    """

    layers: tuple[Dense, ...]
    activation: Activation

    def __init__(
        self,
        in_features: int,
        hidden_layer_sizes: Sequence[int],
        out_features: int,
        activation: Activation = relu,
        *,
        key: Any,
        weight_init: Initializer = glorot_uniform,
        bias_init: Initializer = zeros,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if not isinstance(hidden_layer_sizes, Sequence):
            raise TypeError(
                at_user_line(
                    f"hidden_layer_sizes={hidden_layer_sizes!r:.40}: give a tuple, such as (100,)"
                )
            )
        sizes = [in_features, *hidden_layer_sizes, out_features]
        options: dict[str, Any] = {
            "weight_init": weight_init, "bias_init": bias_init, "dtype": dtype
        }  # fmt: skip
        self.layers = tuple(
            Dense(n, m, key=layer_key, **options)
            for n, m, layer_key in zip(sizes, sizes[1:], split(key, len(sizes) - 1), strict=False)
        )
        self.activation = activation

    def __call__(self, x: Any) -> Array:
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)
