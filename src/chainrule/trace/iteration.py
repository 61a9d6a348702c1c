"""Iterators over tracers: np.nditer, np.ndenumerate (by `x.flat`) and np.broadcast."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..primitives.structure import broadcast_to
from .copy_table import filled
from .grid_table import as_whole_array
from .interception import intercepts
from .tracer import ArrayTracer, Tracer
from .views import known_strides, view

_FLAGS = {"multi_index", "c_index", "f_index", "refs_ok", "zerosize_ok", "common_dtype"}
_OPERAND_FLAGS = {"readonly", "readwrite", "writeonly", "allocate", "no_broadcast"}


@intercepts("numpy", "nditer")
class NestedIterator:
    """Entries of one or several arrays in step, as 0-d arrays (`numpy.nditer`).

    Attributes
    ----------
    operands : tuple
        The arrays; what was None is one that was made for results.
    finished : bool
        Whether all entries were given.
    """

    def __init__(self, op: Any, flags: Any = None, op_flags: Any = None, op_dtypes: Any = None,
                 order: str = "K", casting: str = "safe", op_axes: Any = None,
                 itershape: Any = None, buffersize: int = 0) -> None:  # fmt: skip
        self._flags = set(flags or ())
        named = {"op_dtypes": op_dtypes, "op_axes": op_axes, "itershape": itershape}
        refused = [name for name, option in named.items() if option is not None]
        refused += sorted(self._flags - _FLAGS | self._flags & {"common_dtype"})
        if refused:
            raise UnsupportedError(
                at_user_line(
                    f"np.nditer with {', '.join(refused)} of traced arrays: write a loop over "
                    "np.ndindex(x.shape), or elementwise functions"
                )
            )
        several = isinstance(op, (list, tuple))
        self._single = not several or len(op) == 1
        arrays = [None if x is None else as_whole_array(x) for x in (op if several else [op])]
        self.shape = np.broadcast_shapes(*[x.shape for x in arrays if x is not None])
        self._kinds = _operand_kinds(op_flags, arrays)
        dtype = np.result_type(*[x.dtype for x in arrays if x is not None])
        self.operands = tuple(filled(dtype.type(0), self.shape) if x is None else x for x in arrays)
        self._views = [
            self._repeated(x, kind) for x, kind in zip(self.operands, self._kinds, strict=True)
        ]
        self._indices = self._in_order(order)
        self.itersize, self.ndim, self.nop = len(self._indices), len(self.shape), len(arrays)
        if not self.itersize and "zerosize_ok" not in self._flags:
            raise ValueError(at_user_line("np.nditer: iteration of zero-sized operands"))
        self.reset()

    def _repeated(self, x: Any, kind: str) -> Any:
        """Return an operand in the iterator's shape, which can be written if it is said so."""
        if kind != "readonly":
            if x.shape != self.shape:
                raise ValueError(
                    at_user_line(f"np.nditer: an operand of shape {x.shape} is written as one of "
                                 f"{self.shape}")
                )  # fmt: skip
            return x
        if not isinstance(x, Tracer):
            return np.broadcast_to(x, self.shape)
        return view(x, lambda node: broadcast_to(node, shape=self.shape), None)

    def _in_order(self, order: str) -> list[tuple[int, ...]]:
        axes, flipped = list(range(len(self.shape))), [False] * len(self.shape)
        if order == "F":
            axes = axes[::-1]
        elif order == "K":
            axes, flipped = self._memory_order()
        elif order != "C":
            raise UnsupportedError(at_user_line(f"np.nditer(order={order!r}): give 'C' or 'F'"))
        indices = []
        for drawn in np.ndindex(tuple(self.shape[axis] for axis in axes)):
            index = [0] * len(axes)
            for k, axis in zip(drawn, axes, strict=True):
                index[axis] = self.shape[axis] - 1 - k if flipped[axis] else k
            indices.append(tuple(index))
        return indices

    def _memory_order(self) -> tuple[list[int], list[bool]]:
        """Return the axes from the slowest in memory to the fastest, and which run backwards."""
        strides = [known_strides(x) for x in self.operands]
        n = len(self.shape)
        wide = [
            (0,) * (n - len(s))
            + tuple(0 if size == 1 else k for size, k in zip(x.shape, s, strict=True))
            for x, s in zip(self.operands, strides, strict=True)
        ]
        flipped = [all(s[k] <= 0 for s in wide) and any(s[k] < 0 for s in wide) for k in range(n)]
        orders = {
            tuple(sorted(range(n), key=lambda k: -abs(s[k])))
            for s in wide
            if all(step or self.shape[k] == 1 for k, step in enumerate(s))
        }
        if len(orders) > 1 or (not orders and n > 1):
            raise UnsupportedError(
                at_user_line(
                    "np.nditer of arrays that lie in memory in several ways: give order='C' or "
                    "order='F'"
                )
            )
        return list(orders.pop()) if orders else list(range(n)), flipped

    def reset(self) -> None:
        """Go back to the first entry."""
        self._count, self._started = 0, False

    @property
    def finished(self) -> bool:
        """Whether all entries were given."""
        return self._count >= self.itersize

    def iternext(self) -> bool:
        """Go on by one entry; tell whether there is one."""
        self._count += 1
        return not self.finished

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._started:
            self._count += 1
        self._started = True
        if self.finished:
            raise StopIteration
        return self.value

    @property
    def multi_index(self) -> tuple[int, ...]:
        """Where the entry stands."""
        if "multi_index" not in self._flags:
            raise ValueError(at_user_line("np.nditer is not tracking a multi_index"))
        return self._indices[self._count]

    @property
    def index(self) -> int:
        """The entry's number, in C order or in Fortran's."""
        chosen = self._flags & {"c_index", "f_index"}
        if not chosen:
            raise ValueError(at_user_line("np.nditer does not have an index"))
        order: Any = "C" if chosen == {"c_index"} else "F"
        return int(np.ravel_multi_index(self._indices[self._count], self.shape, order=order))

    def __len__(self) -> int:
        return self.nop

    def __getitem__(self, k: Any) -> Any:
        entries = [x[(*self._indices[self._count], ...)] for x in self._views]
        return entries[k]

    def __setitem__(self, k: int, value: Any) -> None:
        self[k][...] = value

    @property
    def value(self) -> Any:
        """The entry, or a tuple of those of all operands."""
        entries = tuple(self[k] for k in range(self.nop))
        return entries[0] if self._single else entries

    def close(self) -> None:
        """Write what is not written yet: nothing."""

    def __enter__(self) -> NestedIterator:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _operand_kinds(op_flags: Any, arrays: list[Any]) -> list[str]:
    """Return for each operand whether it is "readonly", "readwrite" or "writeonly"."""
    if op_flags is None:
        return ["writeonly" if x is None else "readonly" for x in arrays]
    listed = list(op_flags)
    if listed and isinstance(listed[0], str):
        listed = [listed] * len(arrays)
    kinds = []
    for flags, x in zip(listed, arrays, strict=True):
        unknown = set(flags) - _OPERAND_FLAGS
        if unknown:
            raise UnsupportedError(at_user_line(f"np.nditer with op_flags {sorted(unknown)}"))
        written = [flag for flag in flags if flag in ("readonly", "readwrite", "writeonly")]
        if len(written) != 1:
            raise ValueError(at_user_line("np.nditer: an operand is readonly, readwrite or "
                                          "writeonly"))  # fmt: skip
        kinds.append("writeonly" if x is None else written[0])
    return kinds


@intercepts("numpy", "broadcast")
class Broadcast:
    """What arrays become beside each other (`numpy.broadcast`): a shape, and tuples of entries."""

    def __init__(self, *args: Any) -> None:
        self._arrays = np.broadcast_arrays(*args)
        self.shape: tuple[int, ...] = self._arrays[0].shape
        self.nd = self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape))
        self.numiter = len(args)
        self.reset()

    def reset(self) -> None:
        """Go back to the first entries."""
        self.index = 0

    @property
    def iters(self) -> tuple[Any, ...]:
        """An iterator over each array, repeated."""
        return tuple(x.flat for x in self._arrays)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> tuple[Any, ...]:
        if self.index >= self.size:
            raise StopIteration
        position = np.unravel_index(self.index, self.shape)
        self.index += 1
        return tuple(x[position] for x in self._arrays)


@intercepts("numpy", "ndenumerate")
def _ndenumerate(arr: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    x = as_whole_array(arr)
    assert isinstance(x, ArrayTracer)
    return ((index, x[index]) for index in np.ndindex(x.shape))
