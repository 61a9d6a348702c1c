"""Views of buffers against NumPy's own strides."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.backends.llvm.layout.view import Buffer, View, contiguous_strides


def view_of(x: np.ndarray, base: np.ndarray) -> View:
    """The view of a buffer that `x` is of its base."""
    offset = (x.ctypes.data - base.ctypes.data) // x.itemsize
    strides = tuple(stride // x.itemsize for stride in x.strides)
    return View(Buffer(base.size, base.dtype), offset, x.shape, strides)


BASE = np.arange(120.0).reshape(2, 3, 4, 5)
WHOLE = View.whole(Buffer(120, BASE.dtype), BASE.shape)


def same(view: View | None, x: np.ndarray) -> bool:
    """Whether a view shows what NumPy's shows."""
    assert view is not None
    other = view_of(x, BASE)
    return (view.offset, view.shape, view.strides) == (other.offset, other.shape, other.strides)


def test_transposed_and_sliced() -> None:
    """Offsets and strides are NumPy's, counted in numbers."""
    assert same(WHOLE.transposed((2, 0, 3, 1)), BASE.transpose(2, 0, 3, 1))
    index = (slice(1, 2), slice(None, None, -1), slice(0, 4, 2), slice(1, 4))
    assert same(WHOLE.sliced(index), BASE[index])
    assert same(WHOLE.broadcast((7, 2, 3, 4, 5)), np.broadcast_to(BASE, (7, 2, 3, 4, 5)))


@pytest.mark.parametrize("shape", [(6, 20), (2, 12, 5), (120,), (2, 3, 2, 2, 5), (1, 2, 3, 20)])
def test_reshape_of_a_contiguous_view(shape: tuple[int, ...]) -> None:
    """Always a view."""
    reshaped = WHOLE.reshaped(shape)
    assert reshaped is not None and reshaped.is_contiguous
    assert reshaped.strides == contiguous_strides(shape)


def test_reshape_of_a_strided_view() -> None:
    """A view if runs of axes stay together, else None: a copy is needed."""
    part = BASE[:, :, :, 1:3]
    view = view_of(part, BASE)
    reshaped = view.reshaped((6, 4, 2))
    assert reshaped is not None and reshaped.strides == (20, 5, 1)
    assert view.reshaped((2, 3, 8)) is None
    assert WHOLE.transposed((1, 0, 2, 3)).reshaped((6, 20)) is None


def test_axes_by_stride() -> None:
    """Decreasing strides; what is broadcast has no order in memory."""
    assert WHOLE.transposed((2, 0, 3, 1)).axes_by_stride == (1, 3, 0, 2)
    assert WHOLE.broadcast((7, 2, 3, 4, 5)).axes_by_stride == (0, 1, 2, 3, 4)
    ordered = View.whole(Buffer(24, BASE.dtype), (2, 3, 4), order=(1, 2, 0))
    assert ordered.shape == (2, 3, 4) and ordered.axes_by_stride == (1, 2, 0)
