"""Recurrent layers: cells over whole sequences, stacked, in both directions, of any lengths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike

from .. import tree
from ..errors import DtypeError, ShapeError, at_user_line
from ..random import split
from ..transforms import scan
from .activations import tanh
from .cells import Cell, GRUCell, LSTMCell, RNNCell
from .dropout import dropout as apply_dropout
from .layers import Activation
from .module import Module
from .validation import check_fraction, check_int


class _Recurrent(Module):
    """Base class of recurrent layers; the state of a cell is an array or a tuple of arrays."""

    cell_class: ClassVar[Callable[..., Cell]]

    cells: tuple[tuple[Any, ...], ...]
    dropout: float

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        key: Any,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        bias: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.dropout = check_fraction("dropout", dropout)
        self.cells = self._make_cells(
            input_size, hidden_size, key, num_layers, bidirectional, bias=bias, dtype=dtype
        )

    def _make_cells(
        self, input_size: int, hidden_size: int, key: Any, num_layers: int, bidirectional: bool,
        **options: Any,
    ) -> tuple[tuple[Cell, ...], ...]:  # fmt: skip
        """Return ``cells[layer][direction]``; a layer reads the outputs of the one before."""
        directions = 2 if bidirectional else 1
        layers = check_int("num_layers", num_layers)
        keys = iter(split(key, layers * directions))
        deeper_size = directions * check_int("hidden_size", hidden_size)
        return tuple(
            tuple(
                self.cell_class(size, hidden_size, key=next(keys), **options)
                for _ in range(directions)
            )
            for size in [input_size, *[deeper_size] * (layers - 1)]
        )

    def __call__(self, x: Any, initial_state: Any = None, lengths: Any = None) -> tuple[Any, Any]:
        return self._run(x, initial_state, lengths, None)

    def train(
        self, x: Any, key: Any, initial_state: Any = None, lengths: Any = None
    ) -> tuple[tuple[Any, Any], Self]:
        """Run the layer with dropout between stacked layers.

        Parameters
        ----------
        x : array of shape (rows, steps, input_size)
        key : uint32[2]
            From `chainrule.random`, a new one at each training step.
        initial_state : array or tuple of arrays, optional
        lengths : integers of shape (rows,), optional

        Returns
        -------
        (outputs, state) : tuple
        new_layer : the layer itself
            A recurrent layer has no batch statistics.
        """
        return self._run(x, initial_state, lengths, key if self.dropout else None), self

    def _run(self, x: Any, initial_state: Any, lengths: Any, key: Any) -> tuple[Any, Any]:
        name = type(self).__name__
        if np.ndim(x) != 3:
            raise ShapeError(
                at_user_line(f"{name} takes (rows, steps, input_size), and was given {np.shape(x)}")
            )
        rows, steps, _ = np.shape(x)
        active = None if lengths is None else _active_steps(name, lengths, rows, steps)
        keys = [None] * len(self.cells) if key is None else split(key, len(self.cells))
        y = np.swapaxes(x, 0, 1)  # steps first: a product's rows are then in the loop's order
        final_states: list[Any] = []
        for depth, (cells, layer_key) in enumerate(zip(self.cells, keys, strict=True)):
            if depth and layer_key is not None:
                y = apply_dropout(y, self.dropout, layer_key)
            outputs = []
            for direction, cell in enumerate(cells):
                first = self._first_state(name, cell, initial_state, len(final_states), rows)
                state, output = _scan_cell(cell, y, first, active, reverse=direction == 1)
                outputs.append(output)
                final_states.append(state)
            y = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=-1)
        stacked = tree.map(lambda *states: np.stack(states), *final_states)
        return np.swapaxes(y, 0, 1), stacked

    def _first_state(self, name: str, cell: Cell, initial_state: Any, index: int, rows: int) -> Any:
        """Return the initial state of cell number `index`; None for zeros."""
        if initial_state is None:
            return None
        expected = (len(self.cells) * len(self.cells[0]), rows, cell.hidden_size)
        if tree.structure(initial_state) != tree.structure(cell.initial_state(rows)):
            raise ShapeError(
                at_user_line(f"{name}: a first state is as the last one that is returned")
            )
        for array in tree.leaves(initial_state):
            if np.shape(array) != expected:
                raise ShapeError(
                    at_user_line(f"{name} starts with states of {expected}, not {np.shape(array)}")
                )
        return tree.map(lambda array: array[index], initial_state)


def _scan_cell(cell: Cell, x: Any, first: Any, active: Any, reverse: bool) -> tuple[Any, Any]:
    """Scan one cell over x of shape (steps, rows, input_size).

    Where `active` (steps, rows, 1) is False, the state stays as it is and the output is 0.
    """
    projected = cell.project(x)
    if first is None:
        zeros = np.zeros((projected.shape[1], cell.hidden_size), projected.dtype)
        first = tree.map(lambda _: zeros, cell.initial_state(0))
    if active is None:
        return scan(cell.step, first, projected, reverse=reverse)

    def step(state: Any, inputs: Any) -> tuple[Any, Any]:
        is_active, gates = inputs
        next_state, y = cell.step(state, gates)
        state = tree.map(lambda new, old: np.where(is_active, new, old), next_state, state)
        return state, np.where(is_active, y, 0)

    return scan(step, first, (active, projected), reverse=reverse)


def _active_steps(name: str, lengths: Any, rows: int, steps: int) -> Any:
    """Return which steps are within each row's length, of shape (steps, rows, 1)."""
    lengths = lengths if hasattr(lengths, "dtype") else np.asarray(lengths)
    if lengths.shape != (rows,):
        raise ShapeError(
            at_user_line(f"{name}: lengths are one number for each of {rows} rows, not "
                         f"of shape {lengths.shape}")
        )  # fmt: skip
    if lengths.dtype.kind not in "iu":
        raise DtypeError(at_user_line(f"{name}: lengths are whole numbers, not {lengths.dtype}"))
    return np.arange(steps)[:, None, None] < lengths[None, :, None]


class LSTM(_Recurrent, init=False):
    """Long short-term memory over sequences: `LSTMCell`, stacked, in one or both directions.

    Parameters
    ----------
    input_size, hidden_size : int
        Features of an input step, and features of an output step in one direction.
    key : uint32[2]
        From `chainrule.random`.
    num_layers : int
        The number of stacked layers, each of which reads the outputs of the one before. Default 1.
    bidirectional : bool
        Whether a second cell runs over the steps in reverse; its outputs are concatenated to those
        of the first. Default False.
    dropout : float
        The probability with which `train` drops each number between two layers. Default 0.
    bias : bool
        Whether cells have a bias. Default True.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    cells : tuple of tuples of LSTMCell
        ``cells[layer][direction]``: the weights, and how they relate to PyTorch's.

    Raises
    ------
    ShapeError
        When called: if x, the first state or the lengths do not fit.
    DtypeError
        When called: if lengths are not whole numbers, or the first state's dtype is not that of
        ``x @ weight``.

    Notes
    -----
    ``layer(x, initial_state=None, lengths=None)`` takes x of shape (rows, steps, input_size), an
    initial state (default zeros), and the number of steps of each row (integers of shape (rows,),
    default all). It returns outputs of shape (rows, steps, directions * hidden_size) and the final
    state ``(h, c)``, each array of shape (num_layers * directions, rows, hidden_size) as in
    PyTorch; `initial_state` is such a pair, too.

    A row's state stays as it is after its last step, its outputs there are 0, and the second
    direction begins at its last step, as in PyTorch with packed sequences. Entries of x after a
    row's last step have no influence.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.LSTM(3, 5, key=random.key(0), bidirectional=True)
    >>> x = np.ones((2, 7, 3), np.float32)
    >>> outputs, (h, c) = layer(x, lengths=np.array([7, 4]))
    >>> outputs.shape, h.shape
    ((2, 7, 10), (2, 2, 5))
    >>> bool(np.any(outputs[1, 4:])), bool(np.all(h[0, 1] == outputs[1, 3, :5]))
    (False, True)
    """

    cell_class: ClassVar[Callable[..., Cell]] = LSTMCell


class GRU(_Recurrent, init=False):
    """Gated recurrent units over sequences: `GRUCell`, stacked, in one or both directions.

    Parameters, calls and results are those of `LSTM`, but that the state is one array h.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.GRU(3, 5, key=random.key(0), num_layers=2, dropout=0.5)
    >>> x = np.ones((2, 7, 3), np.float32)
    >>> outputs, h = layer(x)
    >>> outputs.shape, h.shape
    ((2, 7, 5), (2, 2, 5))
    >>> (noisy, _), _ = layer.train(x, random.key(1))
    >>> bool(np.all(noisy == outputs))
    False
    """

    cell_class: ClassVar[Callable[..., Cell]] = GRUCell


class RNN(_Recurrent):
    """Plain recurrent layers: `RNNCell` over sequences, stacked, in one or both directions.

    Parameters, calls and results are those of `LSTM`, but that the state is one array h, and that
    there is a parameter more: `activation`, which stands in place of `tanh`.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.RNN(3, 5, key=random.key(0), activation=nn.relu)
    >>> outputs, h = layer(np.ones((2, 7, 3), np.float32))
    >>> bool(np.all(outputs >= 0)), bool(np.all(h[0] == outputs[:, -1]))
    (True, True)
    """

    cell_class: ClassVar[Callable[..., Cell]] = RNNCell

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        key: Any,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        activation: Activation = tanh,
        bias: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.dropout = check_fraction("dropout", dropout)
        self.cells = self._make_cells(
            input_size, hidden_size, key, num_layers, bidirectional,
            activation=activation, bias=bias, dtype=dtype,
        )  # fmt: skip
