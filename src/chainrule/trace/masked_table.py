"""NumPy's functions of masked arrays, for traced ones of which nothing is masked."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.ma.core
import numpy.ma.extras

from ..errors import UnsupportedError, at_user_line
from .interception import intercepts
from .masked import note_masked
from .nested import array_of
from .operands import check_plain, unmasked
from .tracer import FUNCTIONS, Tracer
from .tracing import tracing


class _NothingMasked:
    """The mask of an array that is traced: whether it has one entry or many is not known."""

    def any(self, axis: Any = None, out: Any = None, **_options: Any) -> bool:
        """Return that nothing is masked."""
        return self._only_as_whole(axis, out)

    def all(self, axis: Any = None, out: Any = None, **_options: Any) -> bool:
        """Return that not all is masked."""
        return self._only_as_whole(axis, out)

    def __bool__(self) -> bool:
        return False

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise UnsupportedError(
            at_user_line(
                "the mask of a traced array, of which nothing is masked, is asked for its entries: "
                "write np.ma.getmaskarray(x)"
            )
        )

    def _only_as_whole(self, axis: Any, out: Any) -> bool:
        return False if axis is None and out is None else bool(np.any(self))


@intercepts("numpy.ma.core", "getmask")
def _getmask(a: Any) -> Any:
    return np.ma.nomask if tracing.masked_since is None else _NothingMasked()


@intercepts("numpy.ma.core", "isMaskedArray")
def _is_masked_array(x: Any) -> bool:
    if tracing.masked_since is None:
        return False
    raise UnsupportedError(
        at_user_line(
            "np.ma.isMaskedArray(x) of a traced array, after a masked one met a traced one in this "
            "trace: write np.ma.getmaskarray(x).any() to ask whether anything is masked"
        )
    )


def _as_unmasked(x: Any) -> Any:
    """Return what can be read of an argument of a function of masked arrays."""
    if isinstance(x, (list, tuple)):
        return array_of(x)
    x = unmasked(x)
    check_plain(x)
    return x


@intercepts(
    "numpy.ma.core", "_MaskedUnaryOperation.__call__", "_MaskedBinaryOperation.__call__",
    "_DomainedBinaryOperation.__call__",
)  # fmt: skip
def _masked_operation(self: Any, *operands: Any, **options: Any) -> Any:
    note_masked()
    with np.errstate(divide="ignore", invalid="ignore"):
        return self.f(*map(_as_unmasked, operands), **options)


@intercepts("numpy.ma.core", "power")
def _power(a: Any, b: Any, third: Any = None) -> Any:
    note_masked()
    if third is not None:
        raise np.ma.MaskError(at_user_line("3-argument power not supported."))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.power(_as_unmasked(a), _as_unmasked(b))


@intercepts("numpy.ma.core", "MaskedArray._comparison")
def _comparison(self: Any, other: Any, compare: Any) -> Any:
    note_masked()
    return compare(_as_unmasked(self), _as_unmasked(other))


@intercepts("numpy.ma.core", "array", "asarray", "asanyarray")
def _masked_array(a: Any, dtype: Any = None, copy: bool = False, order: Any = None,
                  **options: Any) -> Any:  # fmt: skip
    mask = options.pop("mask", np.ma.nomask)
    known = type(mask) is _NothingMasked or (not isinstance(mask, Tracer) and not np.any(mask))
    if options or not known:
        raise UnsupportedError(
            at_user_line(
                "np.ma.array of traced numbers with a mask, or with other options than dtype, copy "
                "and order: use np.where with the mask"
            )
        )
    note_masked()
    return FUNCTIONS[np.array](a, dtype, copy=copy or None, order=order or "K")


def _of_more_axes(name: str) -> None:
    function = getattr(np, name)

    @intercepts("numpy.ma.extras", name)
    def rule(*arrays: Any) -> Any:
        note_masked()
        return function(*map(_as_unmasked, arrays))


for _name in ("atleast_1d", "atleast_2d", "atleast_3d"):
    _of_more_axes(_name)
