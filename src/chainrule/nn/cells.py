"""Recurrent cells: one step of a sequence, written as what `scan` repeats.

A cell maps ``(state, x)`` to ``(next state, output)``, so ``scan(cell, cell.initial_state(n), xs)``
runs it over xs of shape (steps, n, input_size). The products of all gates are one matrix product,
in two parts: `project` multiplies the input and can be computed for all steps at once, `step`
multiplies the state.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from ..random import split, uniform
from ..typing import Array
from .activations import sigmoid, tanh
from .layers import Activation
from .module import Module
from .validation import check_dtype, check_int, check_last_axis


class Cell(Module):
    """Base class of recurrent cells; see `RNNCell`, `LSTMCell` and `GRUCell`.

    Attributes
    ----------
    input_weight : array of shape (input_size, gates * hidden_size)
    hidden_weight : array of shape (hidden_size, gates * hidden_size)
    bias : array of shape (gates * hidden_size,), or None
    """

    gates: ClassVar[int] = 1

    input_weight: Any
    hidden_weight: Any
    bias: Any

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        key: Any,
        bias: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        size = check_int("hidden_size", hidden_size)
        bound = size**-0.5
        input_key, hidden_key = split(key)
        columns, parameter_dtype = self.gates * size, check_dtype(dtype)
        shape = (check_int("input_size", input_size), columns)
        self.input_weight = uniform(input_key, shape, parameter_dtype, -bound, bound)
        self.hidden_weight = uniform(hidden_key, (size, columns), parameter_dtype, -bound, bound)
        self.bias = self._initial_bias(size, parameter_dtype) if bias else None

    def __call__(self, state: Any, x: Any) -> tuple[Any, Any]:
        return self.step(state, self.project(x))

    @property
    def hidden_size(self) -> int:
        """The number of features of an output."""
        size: int = self.hidden_weight.shape[0]
        return size

    def initial_state(self, batch_size: int) -> Array:
        """Return the state before the first step: zeros of shape (batch_size, hidden_size)."""
        return np.zeros((batch_size, self.hidden_size), self.hidden_weight.dtype)

    def project(self, x: Any) -> Any:
        """Multiply an input (..., input_size) by the weights: (..., gates * hidden_size)."""
        check_last_axis(type(self).__name__, x, self.input_weight.shape[0])
        return x @ self.input_weight

    def step(self, state: Any, projected: Any) -> tuple[Any, Any]:
        """Return the next state and the output; `projected` is the result of `project`."""
        raise NotImplementedError

    def _biased(self, gates: Any) -> Any:
        """Add the bias after the products, where it is fused with the functions that follow."""
        return gates if self.bias is None else gates + self.bias

    def _initial_bias(self, size: int, dtype: Any) -> Any:
        return np.zeros(self.gates * size, dtype)


class RNNCell(Cell):
    """The plain recurrent cell: ``h = tanh(x @ input_weight + h @ hidden_weight + bias)``.

    Parameters
    ----------
    input_size, hidden_size : int
        Features of an input step, and features of the state.
    key : uint32[2]
        From `chainrule.random`. Weights are drawn uniformly within ``1 / sqrt(hidden_size)``.
    activation : callable
        In place of tanh. Default `tanh`.
    bias : bool
        Whether to add a bias, which begins as 0. Default True.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    input_weight : array of shape (input_size, hidden_size)
    hidden_weight : array of shape (hidden_size, hidden_size)
    bias : array of shape (hidden_size,), or None

    Notes
    -----
    PyTorch's weights are ours transposed, ``weight_ih.T`` and ``weight_hh.T``, and the bias is
    the sum of its two, ``bias_ih + bias_hh``.

    References
    ----------
    J. L. Elman: "Finding structure in time", Cognitive Science 14 (1990).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> from chainrule.transforms import scan
    >>> cell = nn.RNNCell(1, 1, key=random.key(0))
    >>> cell = cell.replace(input_weight=np.float32([[1.0]]), hidden_weight=np.float32([[0.5]]))
    >>> state, outputs = scan(cell, cell.initial_state(1), np.ones((3, 1, 1), np.float32))
    >>> [round(float(h), 3) for h in outputs.ravel()]
    [0.762, 0.881, 0.894]
    """

    activation: Activation

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        key: Any,
        activation: Activation = tanh,
        bias: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__(input_size, hidden_size, key=key, bias=bias, dtype=dtype)
        self.activation = activation

    def step(self, state: Any, projected: Any) -> tuple[Any, Any]:
        h = self.activation(self._biased(projected + state @ self.hidden_weight))
        return h, h


class LSTMCell(Cell, init=False):
    """Long short-term memory: a state of two, output and memory, and three gates.

    With ``i, f, g, o`` the four parts of ``x @ input_weight + h @ hidden_weight + bias``::

        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)

    Parameters
    ----------
    input_size, hidden_size : int
        Features of an input step, and features of each half of the state ``(h, c)``.
    key : uint32[2]
        From `chainrule.random`. Weights are drawn uniformly within ``1 / sqrt(hidden_size)``.
    bias : bool
        Whether to add a bias, which begins as 1 for the forget gate f, else 0. Default True.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    input_weight : array of shape (input_size, 4 * hidden_size)
    hidden_weight : array of shape (hidden_size, 4 * hidden_size)
    bias : array of shape (4 * hidden_size,), or None

    Notes
    -----
    The order of gates i, f, g, o is PyTorch's, whose weights are ours transposed, ``weight_ih.T``
    and ``weight_hh.T``, and the bias is the sum of its two, ``bias_ih + bias_hh``.

    References
    ----------
    S. Hochreiter, J. Schmidhuber: "Long short-term memory", Neural Computation 9 (1997).
    F. A. Gers, J. Schmidhuber, F. Cummins: "Learning to forget", Neural Computation 12 (2000).
    R. Jozefowicz, W. Zaremba, I. Sutskever: "An empirical exploration of recurrent network
    architectures" (2015), for the first bias of the forget gate.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> cell = nn.LSTMCell(2, 3, key=random.key(0))
    >>> cell
    LSTMCell(input_weight=f32[2,12], hidden_weight=f32[3,12], bias=f32[12])
    >>> (h, c), output = cell(cell.initial_state(5), np.ones((5, 2), np.float32))
    >>> output.shape, c.shape
    ((5, 3), (5, 3))
    """

    gates: ClassVar[int] = 4

    def initial_state(self, batch_size: int) -> Array:
        """Return the state ``(h, c)`` before the first step: two arrays of zeros."""
        return super().initial_state(batch_size), super().initial_state(batch_size)

    def step(self, state: Any, projected: Any) -> tuple[Any, Any]:
        h, c = state
        gates = self._biased(projected + h @ self.hidden_weight)
        i, f, g, o = np.split(gates, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        return (h, c), h

    def _initial_bias(self, size: int, dtype: Any) -> Any:
        bias = np.zeros((4, size), dtype)
        bias[1] = 1.0
        return bias.ravel()


class GRUCell(Cell):
    """The gated recurrent unit: how much of the state is replaced, and by what.

    With ``r, z, n`` the three parts of ``x @ input_weight + bias``, and ``u, v, m`` those of
    ``h @ hidden_weight``::

        n = tanh(n + sigmoid(r + u) * (m + hidden_bias))
        h = n + sigmoid(z + v) * (h - n)

    Parameters
    ----------
    input_size, hidden_size : int
        Features of an input step, and features of the state.
    key : uint32[2]
        From `chainrule.random`. Weights are drawn uniformly within ``1 / sqrt(hidden_size)``.
    bias : bool
        Whether to add biases, which begin as 0. Default True.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    input_weight : array of shape (input_size, 3 * hidden_size)
    hidden_weight : array of shape (hidden_size, 3 * hidden_size)
    bias : array of shape (3 * hidden_size,), or None
    hidden_bias : array of shape (hidden_size,), or None

    Notes
    -----
    The order of gates r, z, n is PyTorch's, and so is where r is applied: after the product. Its
    weights are ours transposed, ``weight_ih.T`` and ``weight_hh.T``. Of its biases, those of r and
    z are added, ``bias_ih + bias_hh``; the last third of ``bias_hh`` is `hidden_bias`.

    References
    ----------
    K. Cho et al.: "Learning phrase representations using RNN encoder-decoder for statistical
    machine translation", arXiv:1406.1078 (2014).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> cell = nn.GRUCell(2, 3, key=random.key(0))
    >>> state, output = cell(cell.initial_state(5), np.ones((5, 2), np.float32))
    >>> state.shape, output is state
    ((5, 3), True)
    """

    gates: ClassVar[int] = 3

    hidden_bias: Any

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        key: Any,
        bias: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__(input_size, hidden_size, key=key, bias=bias, dtype=dtype)
        self.hidden_bias = np.zeros(self.hidden_size, dtype) if bias else None

    def step(self, state: Any, projected: Any) -> tuple[Any, Any]:
        r, z, n = np.split(self._biased(projected), 3, axis=-1)
        u, v, m = np.split(state @ self.hidden_weight, 3, axis=-1)
        m = m if self.hidden_bias is None else m + self.hidden_bias
        n = tanh(n + sigmoid(r + u) * m)
        h = n + sigmoid(z + v) * (state - n)
        return h, h
