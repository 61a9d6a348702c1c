"""associative_scan: all partial results of an associative operation, in few steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from ... import tree
from ...errors import ShapeError, at_user_line
from ...trace.capture import as_array
from ...trace.function_rules import as_int
from ...tracebacks import filters_traceback
from ..batching.axes import normal_axis

T = TypeVar("T")


@filters_traceback
def associative_scan(fn: Callable[[T, T], T], elems: T, reverse: bool = False, axis: int = 0) -> T:
    """Combine the first 1, 2, ... n elements along an axis, by an associative operation.

    Entry k of the result is ``e[0] * e[1] * ... * e[k]``, with ``a * b`` for ``fn(a, b)``. `fn` is
    called some ``2 log2(n)`` times, each time for many pairs at once, with twice the work of a
    loop in all: where a `scan` must take one element after the other, these are whole-array
    operations. The order of operations differs from a loop's, and so does rounding. As
    `jax.lax.associative_scan`.

    Parameters
    ----------
    fn : callable
        ``fn(a, b)`` takes two trees like `elems`, with m elements along the axis, combines them
        pair by pair, and returns such a tree. It must be associative; it need not commute.
    elems : pytree of arrays
        All with one size n along the axis.
    reverse : bool
        Whether entry k combines the elements from the last down to k, ``e[n-1] * ... * e[k]``.
        Default False.
    axis : int
        Default 0.

    Returns
    -------
    pytree of arrays
        Like `elems`.

    Raises
    ------
    ShapeError
        If arrays differ in size along the axis or have none, or `fn` returns another structure or
        other shapes.

    References
    ----------
    G. E. Blelloch, "Prefix sums and their applications", CMU-CS-90-190 (1990).

    Examples
    --------
    >>> import numpy as np
    >>> associative_scan(np.multiply, np.array([1.0, 2.0, 3.0, 4.0])).tolist()
    [1.0, 2.0, 6.0, 24.0]

    The states of ``s[t] = a[t] * s[t-1] + b[t]``, from s = 0:

    >>> def compose(first, then):
    ...     return then[0] * first[0], then[0] * first[1] + then[1]
    >>> a, b = np.array([0.5, 0.5, 0.5]), np.array([1.0, 1.0, 1.0])
    >>> associative_scan(compose, (a, b))[1].tolist()
    [1.0, 1.5, 1.75]
    """
    leaves, treedef = tree.flatten(elems)
    arrays = [as_array(x, "elems") for x in leaves]
    if not arrays:
        raise ShapeError(at_user_line("associative_scan: there are no arrays in elems"))
    wanted = as_int(axis, "axis")
    axes = [normal_axis(wanted, len(x.shape), "axis", "elems") for x in arrays]
    sizes = sorted({x.shape[k] for x, k in zip(arrays, axes, strict=True)})
    if len(sizes) != 1:
        raise ShapeError(
            at_user_line(f"associative_scan: arrays of different sizes {sizes} along axis {wanted}")
        )
    scanned = _Scan(fn, treedef, axes)
    if reverse:
        arrays = scanned.flipped(arrays)
    results = scanned.partial_results(arrays)
    return tree.unflatten(treedef, scanned.flipped(results) if reverse else results)  # type: ignore[no-any-return]


class _Scan:
    """The operation, applied to lists of arrays along their axes."""

    def __init__(self, fn: Callable[..., Any], treedef: tree.TreeDef, axes: Sequence[int]) -> None:
        self.fn, self.treedef, self.axes = fn, treedef, axes

    def partial_results(self, xs: list[Any]) -> list[Any]:
        """Return all partial results: those of pairs first, then the ones between."""
        size = xs[0].shape[self.axes[0]]
        if size < 2:
            return xs
        pairs = self._combined(self._sliced(xs, 0, size - 1, 2), self._sliced(xs, 1, None, 2))
        odd = self.partial_results(pairs)
        if size == 2:
            return self._joined(self._sliced(xs, 0, 1), odd)
        before = self._sliced(odd, 0, -1) if size % 2 == 0 else odd
        even = self._joined(
            self._sliced(xs, 0, 1), self._combined(before, self._sliced(xs, 2, None, 2))
        )
        return self._interleaved(even, odd)

    def flipped(self, xs: list[Any]) -> list[Any]:
        """Return the arrays from the last element to the first."""
        return self._sliced(xs, None, None, -1)

    def _combined(self, a: list[Any], b: list[Any]) -> list[Any]:
        pair = tree.unflatten(self.treedef, a), tree.unflatten(self.treedef, b)
        leaves, structure = tree.flatten(self.fn(*pair))
        if structure != self.treedef:
            raise ShapeError(
                at_user_line(
                    f"associative_scan: elems is {self.treedef}, and the function returned "
                    f"{structure}"
                )
            )
        results = [as_array(x, "a result of the function of associative_scan") for x in leaves]
        for x, y in zip(b, results, strict=True):
            if x.shape != y.shape:
                raise ShapeError(
                    at_user_line(
                        f"associative_scan: the function returned an array of shape {y.shape} for "
                        f"two of shape {x.shape}"
                    )
                )
        return results

    def _sliced(
        self, xs: Sequence[Any], start: int | None, stop: int | None, step: int | None = None
    ) -> list[Any]:
        cut = slice(start, stop, step)
        return [x[(*[slice(None)] * k, cut)] for x, k in zip(xs, self.axes, strict=True)]

    def _joined(self, *parts: list[Any]) -> list[Any]:
        columns = zip(*parts, strict=True)
        return [np.concatenate(xs, axis=k) for xs, k in zip(columns, self.axes, strict=True)]

    def _interleaved(self, even: list[Any], odd: list[Any]) -> list[Any]:
        """Return even[0], odd[0], even[1], ...; there may be one more even entry."""
        count = odd[0].shape[self.axes[0]]
        rows = []
        for x, y, k in zip(self._sliced(even, 0, count), odd, self.axes, strict=True):
            paired = np.stack([x, y], axis=k + 1)
            rows.append(np.reshape(paired, (*y.shape[:k], 2 * count, *y.shape[k + 1 :])))
        return (
            self._joined(rows, self._sliced(even, count, None))
            if (even[0].shape[self.axes[0]] > count)
            else rows
        )
