"""Tables of calls of NumPy's functions, and one check for each: values, both modes, two orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from agreement import agrees, leaves

from chainrule import tree
from chainrule.transforms.compiling.jit import jit
from chainrule.transforms.differentiating.check import check_grads
from chainrule.transforms.differentiating.gradient import vjp


class Case(NamedTuple):
    """A call, the arrays that it is made with, and what may be asked of it.

    Attributes
    ----------
    smooth : bool
        Whether it has derivatives there.
    abstract : bool
        Whether it needs no numbers while it is traced.
    """

    function: Callable[..., Any]
    arrays: tuple[Any, ...]
    smooth: bool = True
    abstract: bool = True
    rtol: float = 1e-12


def smooth(function: Callable[..., Any], *arrays: Any, rtol: float = 1e-12) -> Case:
    """A case with derivatives."""
    return Case(function, arrays, rtol=rtol)


def flat(function: Callable[..., Any], *arrays: Any, rtol: float = 1e-12) -> Case:
    """A case whose values alone are compared."""
    return Case(function, arrays, smooth=False, rtol=rtol)


def eager(function: Callable[..., Any], *arrays: Any, smooth: bool = True) -> Case:
    """A case whose result has a shape that follows from numbers."""
    return Case(function, arrays, smooth=smooth, abstract=False)


def check(case: Case) -> None:
    """NumPy's values, shapes and dtypes; first derivatives are the slopes."""
    agrees(case.function, *case.arrays, rtol=case.rtol, smooth=case.smooth, abstract=case.abstract)


def check_second_order(case: Case) -> None:
    """The derivatives of a curved function of the results, and those of these."""
    if not case.smooth or any(np.asarray(a).dtype != np.float64 for a in case.arrays):
        return

    def curved(*arrays: Any) -> Any:
        return [np.sin(y) for y in _results(case.function(*arrays)) if y.dtype.kind == "f"]

    check_grads(curved, case.arrays, atol=1e-6, rtol=1e-6)


def _results(result: Any) -> Any:
    return list(result) if isinstance(result, (tuple, list)) else [result]


def check_compiled(case: Case) -> None:
    """What compiled code gives, and its derivatives."""
    if not case.abstract:
        return
    with np.errstate(all="ignore"):
        expected = leaves(case.function(*[np.array(a) for a in case.arrays]))
        actual = leaves(jit(case.function)(*case.arrays))
        _compare(actual, expected, max(case.rtol, 1e-11))
        if not case.smooth or any(np.asarray(a).dtype != np.float64 for a in case.arrays):
            return

        def pulled(*arrays: Any) -> Any:
            results, pullback = vjp(case.function, *arrays)
            return pullback(tree.map(lambda y: np.cos(3 * y), results))

        _compare(leaves(jit(pulled)(*case.arrays)), leaves(pulled(*case.arrays)), 1e-8)


def _compare(actual: list[Any], expected: list[Any], rtol: float) -> None:
    for a, e in zip(actual, expected, strict=True):
        assert (a.shape, a.dtype) == (e.shape, e.dtype)
        np.testing.assert_allclose(a, e, rtol=rtol, atol=rtol)


def case_tests(cases: dict[str, Case], second: int, compiled: int) -> tuple[Any, Any, Any, Any]:
    """The tests of a table: all values and slopes, every so many further ones, and slowly all."""
    quiet = pytest.mark.filterwarnings("ignore::RuntimeWarning")
    curved = [name for name, case in cases.items() if case.smooth]

    @pytest.mark.parametrize("name", cases)
    @quiet
    def test_case(name: str) -> None:
        """NumPy's values with and without numbers, and the slopes."""
        check(cases[name])

    @pytest.mark.parametrize("name", curved[::second])
    def test_second_order(name: str) -> None:
        """Derivatives of derivatives, in both modes."""
        check_second_order(cases[name])

    @pytest.mark.parametrize("name", list(cases)[::compiled])
    @quiet
    def test_compiled(name: str) -> None:
        """What compiled code gives."""
        check_compiled(cases[name])

    @pytest.mark.slow
    @quiet
    @pytest.mark.parametrize("name", cases)
    def test_every_case(name: str) -> None:
        """All of the above, of all."""
        check_second_order(cases[name])
        check_compiled(cases[name])

    return test_case, test_second_order, test_compiled, test_every_case
