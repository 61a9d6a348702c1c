"""Layers: an affine map, functions one after another, and the multilayer perceptron."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from ..errors import at_user_line
from ..random import split
from .activations import relu
from .arguments import check_columns, floating, whole
from .initializers import Initializer, glorot_uniform
from .module import Module

Activation: TypeAlias = Callable[[Any], Any]


class Dense(Module):
    """The affine map ``x @ weight + bias``.

    Parameters
    ----------
    inputs, outputs : int
        Sizes of the last axis of what comes and what goes.
    key : uint32[2]
        From `chainrule.random`: what the weight is drawn with.
    bias : bool
        Whether to add a bias, which begins as 0. Default True.
    weight_init : callable
        ``weight_init(key, shape, dtype)``. Default `glorot_uniform`.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    weight : array of shape (inputs, outputs)
    bias : array of shape (outputs,), or None

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
        inputs: int,
        outputs: int,
        *,
        key: Any,
        bias: bool = True,
        weight_init: Initializer = glorot_uniform,
        dtype: DTypeLike = np.float32,
    ) -> None:
        shape = (whole("inputs", inputs), whole("outputs", outputs))
        self.weight = weight_init(key, shape, floating(dtype))
        self.bias = np.zeros(shape[1], dtype) if bias else None

    def __call__(self, x: Any) -> Any:
        check_columns("Dense", x, self.weight.shape[0])
        y = x @ self.weight
        return y if self.bias is None else y + self.bias


class Function(Module):
    """A function without parameters as a module, such as ``nn.Function(np.tanh)``."""

    function: Activation

    def __call__(self, x: Any) -> Any:
        return self.function(x)

    def __repr__(self) -> str:
        return str(getattr(self.function, "__name__", self.function))


class Sequential(Module):
    """Modules and functions, each applied to what the one before it returned.

    Parameters
    ----------
    *layers : Module or callable

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
        for k, layer in enumerate(layers):
            if not callable(layer):
                raise TypeError(
                    at_user_line(
                        f"layer {k} of Sequential is a {type(layer).__name__}, which cannot be "
                        "called: give modules and functions, one argument each"
                    )
                )
        self.layers = tuple(f if isinstance(f, Module) else Function(f) for f in layers)

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x


class MLP(Module):
    """The multilayer perceptron: dense layers with an activation between them.

    The last layer has none, so that its outputs are numbers of any size or logits.

    Parameters
    ----------
    inputs : int
        Columns of the data.
    hidden : sequence of int
        Sizes of the hidden layers; empty for a linear model.
    outputs : int
        Numbers to predict, or classes.
    activation : callable
        Default `relu`.
    key : uint32[2]
        From `chainrule.random`.
    weight_init : callable
        Default `glorot_uniform`.
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
        inputs: int,
        hidden: Sequence[int],
        outputs: int,
        activation: Activation = relu,
        *,
        key: Any,
        weight_init: Initializer = glorot_uniform,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if not isinstance(hidden, Sequence):
            raise TypeError(
                at_user_line(f"hidden={hidden!r:.40}: give a tuple of sizes, such as (100,)")
            )
        sizes = [inputs, *hidden, outputs]
        self.layers = tuple(
            Dense(n, m, key=each, weight_init=weight_init, dtype=dtype)
            for n, m, each in zip(sizes, sizes[1:], split(key, len(sizes) - 1), strict=False)
        )
        self.activation = activation

    def __call__(self, x: Any) -> Any:
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)
