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
from .dropout import dropout as dropped
from .layers import Activation
from .module import Module
from .validation import check_fraction, check_int


class _Recurrent(Module):
    """Cells over sequences; a state of several arrays is a tuple, as the cell has it."""

    kind: ClassVar[Callable[..., Cell]]

    cells: tuple[tuple[Any, ...], ...]
    dropout: float

    def __init__(
        self, input_size: int, hidden_size: int, key: Any, num_layers: int, bidirectional: bool,
        dropout: float, **options: Any,
    ) -> None:  # fmt: skip
        self.dropout = check_fraction("dropout", dropout)
        directions = 2 if bidirectional else 1
        layers = check_int("num_layers", num_layers)
        keys = iter(split(key, layers * directions))
        sizes = [input_size, *[directions * check_int("hidden_size", hidden_size)] * (layers - 1)]
        self.cells = tuple(
            tuple(
                self.kind(size, hidden_size, key=next(keys), **options) for _ in range(directions)
            )
            for size in sizes
        )

    def __call__(self, x: Any, initial_state: Any = None, lengths: Any = None) -> tuple[Any, Any]:
        return self._run(x, initial_state, lengths, None)

    def train(
        self, x: Any, key: Any, initial_state: Any = None, lengths: Any = None
    ) -> tuple[tuple[Any, Any], Self]:
        """As when called, with dropout between the layers.

        Parameters
        ----------
        x : array of shape (rows, steps, input_size)
        key : uint32[2]
            From `chainrule.random`, a new one at each step of training.
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
        alive = None if lengths is None else _alive(name, lengths, rows, steps)
        keys = [None] * len(self.cells) if key is None else split(key, len(self.cells))
        y = np.swapaxes(x, 0, 1)  # steps first: a product's rows are then in the loop's order
        last: list[Any] = []
        for depth, (pair, own) in enumerate(zip(self.cells, keys, strict=True)):
            if depth and own is not None:
                y = dropped(y, self.dropout, own)
            outputs = []
            for direction, cell in enumerate(pair):
                first = self._first(name, cell, initial_state, len(last), rows)
                state, output = _over_steps(cell, y, first, alive, reverse=direction == 1)
                outputs.append(output)
                last.append(state)
            y = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=-1)
        return np.swapaxes(y, 0, 1), tree.map(lambda *states: np.stack(states), *last)

    def _first(self, name: str, cell: Cell, initial_state: Any, index: int, rows: int) -> Any:
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


def _over_steps(cell: Cell, x: Any, first: Any, alive: Any, reverse: bool) -> tuple[Any, Any]:
    """One cell over x of shape (steps, rows, input_size)."""
    projected = cell.project(x)
    if first is None:
        zeros = np.zeros((projected.shape[1], cell.hidden_size), projected.dtype)
        first = tree.map(lambda _: zeros, cell.initial_state(0))
    if alive is None:
        return scan(cell.step, first, projected, reverse=reverse)

    def step(state: Any, now: Any) -> tuple[Any, Any]:
        inside, gates = now
        after, y = cell.step(state, gates)
        kept = tree.map(lambda new, old: np.where(inside, new, old), after, state)
        return kept, np.where(inside, y, 0)

    return scan(step, first, (alive, projected), reverse=reverse)


def _alive(name: str, lengths: Any, rows: int, steps: int) -> Any:
    """Whether a step is one of a row's, of shape (steps, rows, 1)."""
    lengths = lengths if hasattr(lengths, "dtype") else np.asarray(lengths)
    if lengths.shape != (rows,):
        raise ShapeError(
            at_user_line(f"{name}: lengths are one number for each of {rows} rows, not "
                         f"of shape {lengths.shape}")
        )  # fmt: skip
    if lengths.dtype.kind not in "iu":
        raise DtypeError(at_user_line(f"{name}: lengths are whole numbers, not {lengths.dtype}"))
    return np.arange(steps)[:, None, None] < lengths[None, :, None]


class LSTM(_Recurrent):
    """Long short-term memory over sequences: `LSTMCell`, stacked, in one or both directions.

    Parameters
    ----------
    input_size, hidden_size : int
        Numbers that come in at a step, and numbers in an output of one direction.
    key : uint32[2]
        From `chainrule.random`.
    num_layers : int
        How many are stacked, each reading the outputs of the one before. Default 1.
    bidirectional : bool
        Whether a second cell runs from the end to the start, whose outputs stand after the
        first one's. Default False.
    dropout : float
        With what probability `train` drops each number between two layers. Default 0.
    bias : bool
        Whether cells have one. Default True.
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

    kind: ClassVar[Callable[..., Cell]] = LSTMCell

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
        super().__init__(
            input_size, hidden_size, key, num_layers, bidirectional, dropout, bias=bias, dtype=dtype
        )


class GRU(_Recurrent):
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

    kind: ClassVar[Callable[..., Cell]] = GRUCell

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
        super().__init__(
            input_size, hidden_size, key, num_layers, bidirectional, dropout, bias=bias, dtype=dtype
        )


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

    kind: ClassVar[Callable[..., Cell]] = RNNCell

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
        super().__init__(
            input_size,
            hidden_size,
            key,
            num_layers,
            bidirectional,
            dropout,
            activation=activation,
            bias=bias,
            dtype=dtype,
        )
