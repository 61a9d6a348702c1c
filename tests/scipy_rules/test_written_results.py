"""What SciPy's functions return is an array of its own, which can be written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import test_interpolate
import test_ndimage
import test_scipy_signal
import test_spatial
from same_as_scipy import Case
from scipy import ndimage

import chainrule as cr

TABLES = (test_ndimage.ALL, test_scipy_signal.ALL, test_interpolate.ALL, test_spatial.ALL)
EACH_TENTH = {name: c for table in TABLES for name, c in list(table.items())[::10]}


def _written(c: Case, *args: Any) -> Any:
    """The first result, with an entry exchanged, all of them doubled."""
    result = c.f(*args)
    result = result[0] if isinstance(result, tuple) else result
    if np.ndim(result):
        result[(0,) * result.ndim] = 3.0
        result += result
    return result


@pytest.mark.filterwarnings("ignore::chainrule.errors.GradientWarning")  # of what is flat
@pytest.mark.parametrize("name", EACH_TENTH)
def test_results_are_written(name: str) -> None:
    """As SciPy's own."""
    c = EACH_TENTH[name]
    with np.errstate(all="ignore"):
        expected = _written(c, *[np.array(x)[()] for x in c.args])
        value = cr.vjp(lambda *args: _written(c, *args), *c.args)[0]
    np.testing.assert_allclose(value, expected, rtol=max(1e-8, c.rtol), atol=1e-9)


def test_images_lie_in_c_order() -> None:
    """So that a flat array shares their memory, which a turned one does not."""

    def f(x: Any) -> Any:
        y = ndimage.gaussian_filter(x, 1.0)
        y.reshape(-1)[3] = 5.0
        y.T.reshape(-1)[1] = 7.0
        return y

    x = np.arange(12.0).reshape(3, 4) ** 2
    np.testing.assert_allclose(cr.vjp(f, x)[0], f(x), rtol=1e-12)
