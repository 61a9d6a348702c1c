"""`np.fft` on tracers: NumPy's values, dtypes and errors; derivatives; native code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from complex_agreement import draw, holds, holds_twice, same

from chainrule import scan
from chainrule.config import config
from chainrule.errors import UnsupportedError
from chainrule.primitives import fourier
from chainrule.transforms.compiling.jit import jit
from chainrule.transforms.differentiating.gradient import grad, vjp

REAL = ["rfft", "ihfft"]
ALONG_ONE = ["fft", "ifft", "irfft", "hfft", *REAL]
ALONG_SEVERAL = ["fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn"]


def signal(name: str, *shape: int) -> Any:
    """What the transform is of: real numbers for `rfft` and `ihfft`."""
    z = draw(*shape)
    return z.real.copy() if name.startswith(("rfft", "ihfft")) else z


@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
@pytest.mark.parametrize("n", [None, 3, 9])
@pytest.mark.parametrize("name", ALONG_ONE)
def test_transforms_along_one_axis(name: str, n: int | None, norm: Any) -> None:
    """Cut or padded, along the last axis and another one, scaled in all three ways."""
    transform = getattr(np.fft, name)
    holds(lambda x: transform(x, n, norm=norm), signal(name, 2, 6))
    if norm is None:
        holds(lambda x: transform(x, n, axis=0), signal(name, 5, 2))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 30])
@pytest.mark.parametrize("name", ALONG_ONE)
def test_lengths(name: str, size: int) -> None:
    """Odd and even lengths, primes; of one number only where NumPy takes that."""
    if size == 1 and name in ("irfft", "hfft"):
        with pytest.raises(ValueError, match="data points"):
            vjp(getattr(np.fft, name), signal(name, 1))
        return
    holds(getattr(np.fft, name), signal(name, size))


@pytest.mark.slow
@pytest.mark.parametrize("name", ALONG_ONE)
def test_second_derivatives(name: str) -> None:
    """Of a power spectrum, or its like."""
    holds_twice(lambda x: np.abs(getattr(np.fft, name)(x * x)) ** 2, signal(name, 6))


@pytest.mark.parametrize("name", ALONG_SEVERAL)
def test_transforms_along_several_axes(name: str) -> None:
    """All axes, some of them in another order, and with lengths."""
    transform, x = getattr(np.fft, name), signal(name, 4, 3, 2)
    holds(transform, x)
    holds(lambda x: transform(x, axes=(1, 0), norm="ortho"), x)
    holds(lambda x: transform(x, s=(3, -1), axes=(0, 1)), x)


@pytest.mark.parametrize("name", ["fft", "ifft", "irfft", "fftn", "irfftn", "fft2"])
def test_real_numbers_where_complex_ones_are_expected(name: str) -> None:
    """The cotangent of a real argument is the real part."""
    holds(getattr(np.fft, name), draw(4, 3).real)


@pytest.mark.parametrize("dtype", ["f4", "f2", "c8", "i4", "?"])
@pytest.mark.parametrize("name", ["fft", "ifft", "irfft", "rfft"])
def test_dtypes(name: str, dtype: str) -> None:
    """Single precision stays, whole numbers become double precision."""
    x = np.array([1, 0, 3, 2, 1]).astype(dtype)
    if name == "rfft" and dtype == "c8":
        with pytest.raises(TypeError):
            jit(np.fft.rfft)(x)
        return
    expected = getattr(np.fft, name)(x)
    same(jit(getattr(np.fft, name))(x), expected, rtol=1e-6)
    if x.dtype.kind in "fc":
        value, pullback = vjp(getattr(np.fft, name), x)
        same(value, expected, rtol=1e-6)
        assert pullback(value)[0].dtype == x.dtype


@pytest.mark.parametrize("f", [np.fft.fftshift, np.fft.ifftshift])
@pytest.mark.parametrize("axes", [None, 0, (1,), (0, 1)])
def test_shifts(f: Any, axes: Any) -> None:
    """Of odd and even sizes."""
    holds(lambda x: f(x, axes), draw(3, 4).real)
    holds(lambda x: f(x, axes), draw(3, 4))


@pytest.mark.parametrize("f", [np.fft.fftfreq, np.fft.rfftfreq])
def test_frequencies_of_a_traced_spacing(f: Any) -> None:
    """They are inversely proportional to it."""
    holds(lambda d: f(6, d), np.float64(0.3))


def test_wrong_arguments() -> None:
    """NumPy's types of errors."""
    x = draw(4, 3)
    cases: list[tuple[Callable[[Any], Any], type[Exception]]] = [
        (lambda x: np.fft.fft(x, 0), ValueError),
        (lambda x: np.fft.fft(x, 2.5), TypeError),
        (lambda x: np.fft.fft(x, norm="x"), ValueError),
        (lambda x: np.fft.fft(x, axis=2), IndexError),
        (lambda x: np.fft.fft(x[0, 0]), IndexError),
        (lambda x: np.fft.fft(x[:0], axis=0), ValueError),
        (lambda x: np.fft.fftn(x, s=(2,), axes=(0, 1)), ValueError),
        (lambda x: np.fft.rfftn(x.real, axes=()), IndexError),
    ]
    for f, error in cases:
        with pytest.raises(error):
            f(x)
        for way in (lambda x, f=f: vjp(f, x), jit(f)):
            with pytest.raises(error):
                way(x)


def test_out() -> None:
    """Written where NumPy writes it; where it only says that it does, there is an error."""
    transforms: list[Callable[..., Any]] = [
        np.fft.fft, np.fft.ihfft, np.fft.fft2, np.fft.ifftn, np.fft.irfftn, np.fft.rfft2,
    ]  # fmt: skip
    for f in transforms:
        x = signal(f.__name__.rstrip("2n"), 4, 3)

        def written(x: Any, f: Any = f) -> Any:
            like = f(x)
            out = np.zeros_like(x, like.dtype, shape=like.shape)
            f(x, out=out)
            return out

        holds(written, x)
        assert np.any(written(x))
    ignoring: list[Callable[..., Any]] = [
        lambda x, out: np.fft.hfft(x, 3, out=out),
        lambda x, out: np.fft.hfft(x, 3, 1, None, out),
        lambda x, out: np.fft.irfft2(x, (4, 3), out=out),
        lambda x, out: np.fft.ifft2(x, out=out),
        lambda x, out: np.fft.fftn(x, axes=(), out=out),
    ]
    for ignores in ignoring:
        out = np.zeros((4, 3), complex)
        ignores(draw(4, 3).real, out)
        assert not out.any()
        for way in (jit, lambda f: lambda x: vjp(f, x)):
            with pytest.raises(UnsupportedError, match="out="):
                way(lambda x, f=ignores: f(x, np.zeros_like(x, complex)))(draw(4, 3).real)


def test_convolution_theorem() -> None:
    """A gradient through three transforms is that of the convolution itself."""
    x, kernel = draw(16).real, draw(16, seed=1).real

    def by_transforms(x: Any) -> Any:
        return np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(kernel), 16)

    def directly(x: Any) -> Any:
        return np.stack([np.sum(x * np.roll(kernel[::-1], k + 1)) for k in range(16)])

    weight = draw(16, seed=2).real
    expected = grad(lambda x: directly(x) ** 2 @ weight)(x)
    for way in (grad, lambda f: jit(grad(f))):
        np.testing.assert_allclose(way(lambda x: by_transforms(x) ** 2 @ weight)(x), expected,
                                   rtol=1e-12, atol=1e-12)  # fmt: skip


def test_transforms_in_a_loop() -> None:
    """The split-step method for Schroedinger's equation, differentiated by its potential."""
    n = 16
    grid = np.arange(n) - n / 2
    kinetic = np.exp(-0.05j * (2 * np.pi * np.fft.fftfreq(n)) ** 2)

    def step(psi: Any, depth: Any) -> Any:
        psi = np.fft.ifft(kinetic * np.fft.fft(psi * np.exp(-0.1j * depth * grid**2)))
        return psi, np.abs(psi[n // 2]) ** 2

    def f(depths: Any) -> Any:
        psi, middle = scan(step, np.exp(-(grid**2) / 8) + 0j, depths)
        return np.sum(middle) + np.abs(psi[3])

    holds(f, np.array([0.3, 0.1, 0.2]), rtol=1e-11)


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
@pytest.mark.parametrize("primitive", [fourier.dct, fourier.dst])
def test_transposes_of_cosine_and_sine_transforms(primitive: Any, kind: int) -> None:
    """The cotangent is the transposed matrix times that of the result."""
    matrix = primitive(np.eye(5), kind=kind, axis=0)
    (pulled,) = primitive.vjp(np.eye(5), None, np.eye(5), kind=kind, axis=0)
    np.testing.assert_allclose(pulled, matrix.T, atol=1e-14)


@pytest.mark.skipif(config.backend != "llvm", reason="of native code")
def test_native_code_calls_numpys_loops() -> None:
    """Without Python in between, where NumPy is laid out as expected."""
    from chainrule.backends.llvm.kernels.fourier import loops

    assert len(loops()) == 10
