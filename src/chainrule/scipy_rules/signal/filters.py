"""Recursive filters: loops over the samples, which native code runs as such.

Coefficients may be traced as well as signals and initial states.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import at_user_line
from ...primitives.banded import solve_banded
from ...trace.operands import record
from ...transforms import scan
from ..arrays import asarray, known, makes_new, refuse
from ..correlation import correlate_along
from .convolution import MODULE

# One filter


def _coefficients(c: Any, name: str) -> Any:
    c = asarray(c)
    c = c.reshape(1) if not c.ndim else c
    if c.ndim != 1 or not c.shape[0]:
        raise ValueError(
            at_user_line(f"Parameter {name} is not a non-empty 1d array, since shape={c.shape}!")
        )
    return c


def _common_dtype(*xs: Any) -> np.dtype[Any]:
    dtype = np.result_type(*[x.dtype for x in xs])
    if dtype.kind == "c":
        refuse("a filter of scipy.signal", "complex signals have no rule: filter both parts")
    if dtype == np.float16:
        raise NotImplementedError(at_user_line(f"input type '{dtype}' not supported"))
    return dtype if dtype.kind == "f" else np.dtype(float)


@makes_new(MODULE, "lfilter")
def lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """Return the filtered signal, with the last state if there is a first one."""
    b, a, x = _coefficients(b, "b"), _coefficients(a, "a"), asarray(x)
    if not x.ndim:
        raise ValueError(at_user_line("x must be at least 1-D"))
    operands = [b, a, x] if zi is None else [b, a, x, asarray(zi)]
    dtype = _common_dtype(*operands)
    b, a, x = (asarray(c, dtype) for c in (b, a, x))
    first = known(a[0])
    if first is not None and first == 0:
        raise ValueError(at_user_line("lfilter: a[0] must not be 0"))
    b, a = b / a[0], a / a[0]
    order = max(a.shape[0], b.shape[0]) - 1
    rows = np.moveaxis(x, axis, 0)
    shape = (order, *rows.shape[1:])
    state = np.zeros(shape, dtype)
    if zi is not None:
        state = np.broadcast_to(np.moveaxis(asarray(zi, dtype), axis, 0), shape)
    width = int(np.prod(rows.shape[1:]))
    columns = (rows.reshape(rows.shape[0], width), state.reshape(order, width))
    filtered = _finite(b, *columns) if a.shape[0] == 1 else _recursive(b, a, *columns)
    y = np.moveaxis(filtered[0].reshape(rows.shape), 0, axis)
    return y if zi is None else (y, np.moveaxis(filtered[1].reshape(shape), 0, axis))


def _finite(b: Any, x: Any, state: Any) -> tuple[Any, Any]:
    n = x.shape[0]
    y = _convolved(b, x, state.shape[0]) + np.pad(state, ((0, n), (0, 0)))
    return y[:n], y[n:]


def _convolved(c: Any, x: Any, more: int) -> Any:
    """Return the convolution of all columns, with so many samples more than they have."""
    reach = c.shape[0] - 1
    y = correlate_along(np.pad(x, ((reach, reach), (0, 0))), c[::-1], 0)
    return np.pad(y, ((0, more - reach), (0, 0)))


def _recursive(b: Any, a: Any, x: Any, state: Any) -> tuple[Any, Any]:
    if all(known(part) is not None for part in (b, a, x, state)):
        return _by_equations(b, a, x, state)
    order = state.shape[0]
    b, a = (np.pad(c, (0, order + 1 - c.shape[0])) for c in (b, a))
    zero = np.zeros((1, x.shape[1]), x.dtype)

    def step(z: Any, sample: Any) -> tuple[Any, Any]:
        y = b[0] * sample + z[0]
        raised = np.concatenate([z[1:], zero])
        return raised + b[1:, None] * sample - a[1:, None] * y, y

    last, y = scan(step, state, x)
    return y, last


def _by_equations(b: Any, a: Any, x: Any, state: Any) -> tuple[Any, Any]:
    """Solve the recursion as equations with few diagonals: without compiled code, no slow loop."""
    n, order = x.shape[0], state.shape[0]
    driven = _convolved(b, x, order) + np.pad(state, ((0, n), (0, 0)))
    reach = min(a.shape[0], max(n, 1)) - 1
    bands = np.broadcast_to(a[: reach + 1, None], (reach + 1, n))
    y = record(solve_banded, bands, driven[:n], bandwidth=(reach, 0), trans=False)
    return y, (driven - _convolved(a, y, order))[n:]


@makes_new(MODULE, "lfilter_zi")
def lfilter_zi(b: Any, a: Any) -> Any:
    """Return the state in which a filter answers a step with a constant."""
    b, a = _coefficients(b, "b"), _coefficients(a, "a")
    values = known(a)
    while values is not None and len(values) > 1 and values[0] == 0:
        a, values = a[1:], values[1:]
    dtype = _common_dtype(b, a)
    b, a = asarray(b, dtype) / a[0], asarray(a, dtype) / a[0]
    n = max(a.shape[0], b.shape[0])
    b, a = (np.pad(c, (0, n - c.shape[0])) for c in (b, a))
    if n == 1:
        return b[1:]
    # row by row, the sum of the first k equations of the state that repeats itself
    change = b[1:] - a[1:] * b[0]
    first = np.sum(change) / np.sum(a)
    sums = np.cumsum(a)[:-1] * first - np.concatenate([np.zeros(1, dtype), np.cumsum(change)[:-1]])
    return sums


@makes_new(MODULE, "filtfilt")
def _filtfilt(b: Any, a: Any, x: Any, axis: int = -1, padtype: Any = "odd", padlen: Any = None,
              method: str = "pad", irlen: Any = None) -> Any:  # fmt: skip
    if method != "pad":
        if method != "gust":
            raise ValueError(at_user_line("method must be 'pad' or 'gust'."))
        refuse("scipy.signal.filtfilt(method='gust')", "use method='pad'")
    b, a = _coefficients(b, "b"), _coefficients(a, "a")
    zi = lfilter_zi(b, a)[:, None]
    ntaps = max(a.shape[0], b.shape[0])
    return _both_ways(x, axis, padtype, padlen, ntaps,
                      lambda x, start: lfilter(b, a, x, 0, zi * start)[0])  # fmt: skip


def _both_ways(x: Any, axis: int, padtype: Any, padlen: Any, ntaps: int, filtered: Any) -> Any:
    """Filter forward and backward, from states that suit the first samples."""
    rows = np.moveaxis(asarray(x), axis, 0)
    columns = rows.reshape(rows.shape[0], -1)
    if padtype not in ("even", "odd", "constant", None):
        raise ValueError(
            at_user_line("padtype must be 'even', 'odd', 'constant', or None, not "
                         f"{padtype!r}.")
        )  # fmt: skip
    edge = 0 if padtype is None else ntaps * 3 if padlen is None else int(padlen)
    if rows.shape[0] <= edge:
        raise ValueError(
            at_user_line(
                f"The length of the input vector x must be greater than padlen, which is {edge}."
            )
        )
    y = _extended(columns, edge, padtype)
    for _ in range(2):
        y = filtered(y, y[:1])[::-1]
    return np.moveaxis(y[edge : y.shape[0] - edge].reshape(rows.shape), 0, axis)


def _extended(x: Any, edge: int, padtype: Any) -> Any:
    if not edge:
        return x
    first, last = x[:1], x[-1:]
    if padtype == "constant":
        before, after = (np.repeat(end, edge, axis=0) for end in (first, last))
    else:
        n = x.shape[0]
        before, after = (
            x[edge:0:-1],
            x[n - 2 : n - 2 - edge : -1] if n - 2 >= edge else x[n - 2 :: -1],
        )
        if padtype == "odd":
            before, after = 2 * first - before, 2 * last - after
    return np.concatenate([before, x, after])


# Cascades of filters of order two


def _sections(sos: Any) -> Any:
    sos = asarray(sos)
    sos = sos[None] if sos.ndim == 1 else sos
    if sos.ndim != 2 or sos.shape[1] != 6:
        raise ValueError(at_user_line("sos array must be shape (n_sections, 6)"))
    numbers = known(sos)
    if numbers is not None and not (numbers[:, 3] == 1).all():
        raise ValueError(at_user_line("sos[:, 3] should be all ones"))
    return sos


@makes_new(MODULE, "sosfilt")
def sosfilt(sos: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """Return the filtered signal, with the sections' last states if there are first ones."""
    sos, x = _sections(sos), asarray(x)
    dtype = _common_dtype(*([sos, x] if zi is None else [sos, x, asarray(zi)]))
    sos, x = asarray(sos, dtype), asarray(x, dtype)
    axis %= x.ndim
    rows, n = np.moveaxis(x, axis, 0), sos.shape[0]
    shape = (n, 2, *rows.shape[1:])
    states = np.zeros(shape, dtype)
    if zi is not None:
        zi = asarray(zi, dtype)
        expected = (n, *x.shape[:axis], 2, *x.shape[axis + 1 :])
        if zi.shape != expected:
            raise ValueError(
                at_user_line(f"Invalid zi shape: must have shape {expected}, got {zi.shape}.")
            )
        states = np.moveaxis(zi, axis + 1, 1)
    width = int(np.prod(rows.shape[1:]))
    states = states.reshape(n, 2, width)
    columns = rows.reshape(rows.shape[0], width)
    last: Any = []
    if all(known(part) is not None for part in (sos, states, columns)):
        for k in range(n):
            columns, state = _by_equations(sos[k, :3], sos[k, 3:], columns, states[k])
            last.append(state)
        return _sosfilt_results(columns, np.stack(last), rows.shape, shape, axis, zi is not None)
    carry = [(states[k, 0], states[k, 1]) for k in range(n)]

    def step(carry: Any, sample: Any) -> tuple[Any, Any]:
        after = []
        for k, (z0, z1) in enumerate(carry):
            b0, b1, b2, _, a1, a2 = (sos[k, j] for j in range(6))
            y = b0 * sample + z0
            after.append((b1 * sample - a1 * y + z1, b2 * sample - a2 * y))
            sample = y
        return after, sample

    last, y = scan(step, carry, columns)
    last = np.stack([np.stack(pair) for pair in last])
    return _sosfilt_results(y, last, rows.shape, shape, axis, zi is not None)


def _sosfilt_results(
    y: Any, last: Any, rows: tuple[int, ...], states: tuple[int, ...], axis: int, both: bool
) -> Any:
    y = np.moveaxis(y.reshape(rows), 0, axis)
    return (y, np.moveaxis(last.reshape(states), 1, axis + 1)) if both else y


@makes_new(MODULE, "sosfilt_zi")
def sosfilt_zi(sos: Any) -> Any:
    """Return the states in which the sections answer a step with a constant."""
    sos = _sections(sos)
    sos = asarray(sos, _common_dtype(sos))
    scale: Any = 1.0
    states = []
    for k in range(sos.shape[0]):
        states.append(scale * lfilter_zi(sos[k, :3], sos[k, 3:]))
        scale = scale * (np.sum(sos[k, :3]) / np.sum(sos[k, 3:]))
    return np.stack(states)


@makes_new(MODULE, "sosfiltfilt")
def _sosfiltfilt(sos: Any, x: Any, axis: int = -1, padtype: Any = "odd",
                 padlen: Any = None) -> Any:  # fmt: skip
    sos = _sections(sos)
    numbers = known(sos)
    if numbers is None and padlen is None:
        refuse("scipy.signal.sosfiltfilt under jit with traced sos",
               "give padlen=, which follows from the zeros in it")  # fmt: skip
    ntaps = 0
    if numbers is not None:
        zeros = min((numbers[:, 2] == 0).sum(), (numbers[:, 5] == 0).sum())
        ntaps = int(2 * len(numbers) + 1 - zeros)
    zi = sosfilt_zi(sos)[:, :, None]
    return _both_ways(x, axis, padtype, padlen, ntaps,
                      lambda x, start: sosfilt(sos, x, 0, zi * start)[0])  # fmt: skip
