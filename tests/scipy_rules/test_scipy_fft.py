"""`scipy.fft` and `scipy.signal.hilbert` of traced arrays."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.fft
import scipy.signal

sys.path.append(str(Path(__file__).parent.parent / "trace"))
from complex_agreement import draw, holds, holds_twice, same

from chainrule.errors import UnsupportedError
from chainrule.transforms.compiling.jit import jit
from chainrule.transforms.differentiating.gradient import vjp

KINDS = [1, 2, 3, 4]
COSINES_AND_SINES = ["dct", "dst", "idct", "idst"]


def _signal(name: str, *shape: int) -> Any:
    z = draw(*shape)
    return z.real.copy() if name.startswith(("rfft", "ihfft")) else z


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_transforms_along_one_axis(name: str) -> None:
    """As `np.fft`'s, with SciPy's options, of which some say nothing of the value."""
    x = _signal(name, 4, 6)
    holds(lambda x: getattr(scipy.fft, name)(x, norm="ortho", workers=1), x)
    holds(lambda x: getattr(scipy.fft, name)(x.copy(), 5, axis=0, overwrite_x=True), x)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft"])
def test_transforms_along_several_axes(name: str) -> None:
    """Lengths and axes may also be single numbers."""
    x = _signal(name, 4, 3)
    holds(lambda x: getattr(scipy.fft, name + "2")(x), x)
    holds(lambda x: getattr(scipy.fft, name + "n")(x, s=5, axes=0), x)
    holds(lambda x: getattr(scipy.fft, name + "n")(x, s=(3, -1), norm="forward"), x)


@pytest.mark.parametrize("orthogonalize", [None, True, False])
@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
@pytest.mark.parametrize("name", COSINES_AND_SINES)
def test_scaling_of_cosine_and_sine_transforms(name: str, norm: Any, orthogonalize: Any) -> None:
    """All kinds with all ways to scale them."""
    x = draw(2, 5).real
    for kind in KINDS:
        f = lambda x, k=kind: getattr(scipy.fft, name)(  # noqa: E731
            x, k, norm=norm, orthogonalize=orthogonalize
        )
        same(vjp(f, x)[0], f(x), rtol=1e-13)
    holds(f, x)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", COSINES_AND_SINES)
def test_cosine_and_sine_transforms(name: str, kind: int) -> None:
    """Cut, padded, along other axes and several; of complex numbers both parts."""

    def f(x: Any, *options: Any) -> Any:
        return getattr(scipy.fft, name)(x, *options)

    def several(x: Any, *options: Any, **named: Any) -> Any:
        return getattr(scipy.fft, name + "n")(x, *options, **named)

    x = draw(4, 5).real
    holds(lambda x: np.concatenate([f(x, kind, 3, 0), f(x, kind, 6, 0)]), x)
    holds(lambda x: several(x, kind, norm="ortho"), x)
    holds(lambda x: several(x, kind, s=(3,), axes=[0]), draw(4, 2))
    value, pullback = vjp(lambda x: f(x, kind), x.astype(np.float32))
    same(value, f(x.astype(np.float32), kind), rtol=1e-6)
    assert pullback(value)[0].dtype == np.float32
    same(jit(lambda x: f(x, kind))(np.arange(4)), f(np.arange(4), kind), rtol=1e-13)


def test_second_derivatives() -> None:
    """Through a product of two transforms."""
    holds_twice(lambda x: scipy.fft.dct(x * x) * scipy.fft.dst(np.sin(x), 3), draw(5).real)


@pytest.mark.parametrize("N", [None, 1, 2, 4, 9])
def test_hilbert(N: int | None) -> None:
    """The analytic signal, whose real part is the signal."""
    holds(lambda x: scipy.signal.hilbert(x, N), draw(2, 6).real)
    holds(lambda x: np.abs(scipy.signal.hilbert(x, axis=0)), draw(5, 2).real)


def test_shifts_and_frequencies() -> None:
    """Of traced arrays and a traced spacing."""
    holds(scipy.fft.fftshift, draw(3, 4).real)
    holds(lambda x: scipy.fft.ifftshift(x, axes=1), draw(3, 4))
    holds(lambda d: scipy.fft.rfftfreq(6, d), np.float64(0.3))


@pytest.mark.parametrize("f, error", [
    (lambda x: scipy.fft.dct(x, 5), ValueError),
    (lambda x: scipy.fft.dct(x[:1, :1], 1), RuntimeError),
    (lambda x: scipy.fft.fftn(x, s=(2,), axes=(0, 1)), ValueError),
    (lambda x: scipy.fft.fftn(x, s=(2, 3, 4)), ValueError),
    (lambda x: scipy.fft.fftn(x, axes=(0, 0)), ValueError),
    (lambda x: scipy.fft.fft(x, plan=1), NotImplementedError),
    (lambda x: scipy.fft.rfft(x * 1j), TypeError),
    (lambda x: scipy.fft.fft(x, 0), ValueError),
    (lambda x: scipy.signal.hilbert(x, 0), ValueError),
])  # fmt: skip
def test_wrong_arguments(f: Any, error: type[Exception]) -> None:
    """SciPy's types of errors."""
    x = draw(4, 3).real
    with pytest.raises(error):
        f(x)
    for way in (lambda x: vjp(f, x), jit(f)):
        with pytest.raises(error):
            way(x)


def test_no_axis_is_refused() -> None:
    """SciPy returns complex numbers then."""
    with pytest.raises(UnsupportedError, match="no axis"):
        vjp(lambda x: scipy.fft.fftn(x, axes=()), draw(3).real)
