"""`scipy.fftpack` of traced arrays, with its own packing of real transforms."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.fftpack

sys.path.append(str(Path(__file__).parent.parent / "trace"))
from complex_agreement import draw, holds, same

from chainrule.transforms.differentiating.gradient import vjp


@pytest.mark.parametrize("name", ["fft", "ifft"])
def test_complex_transforms(name: str) -> None:
    """Along one axis, two and several."""
    z = draw(4, 3)
    for suffix, options in (("", {"n": 5, "axis": 0}), ("2", {}), ("n", {"shape": (3, 4)})):
        holds(lambda x, o=options, s=suffix: getattr(scipy.fftpack, name + s)(x, **o), z)
    holds(getattr(scipy.fftpack, name), z.real)


@pytest.mark.parametrize("count", [None, 1, 2, 3, 6, 7])
@pytest.mark.parametrize("name", ["rfft", "irfft"])
def test_packed_transforms(name: str, count: Any) -> None:
    """Odd and even lengths, cut and lengthened."""
    x = draw(3, 4).real
    holds(lambda x: getattr(scipy.fftpack, name)(x, count), x)
    holds(lambda x: getattr(scipy.fftpack, name)(x, count, axis=0), x)


@pytest.mark.parametrize("norm", [None, "ortho"])
@pytest.mark.parametrize("name", ["dct", "dst", "idct", "idst"])
def test_cosine_and_sine_transforms(name: str, norm: Any) -> None:
    """All kinds; without a norm an inverse one is not scaled."""
    x = draw(2, 5).real
    for kind in (1, 2, 3, 4):
        f = lambda x, k=kind: getattr(scipy.fftpack, name)(x, k, norm=norm)  # noqa: E731
        same(vjp(f, x)[0], f(x), rtol=1e-13)
        several = lambda x, k=kind: getattr(scipy.fftpack, name + "n")(x, k, norm=norm)  # noqa: E731
        same(vjp(several, x)[0], several(x), rtol=1e-13)
    holds(f, x)


def test_whole_numbers_become_floating_ones() -> None:
    """As SciPy reads them."""
    x = np.arange(4)
    same(vjp(lambda w: scipy.fftpack.rfft(x * w), 2.0)[0], scipy.fftpack.rfft(x * 2.0), 1e-13)
