"""An error of ours never reaches a user: the reference takes over, and one warning says so."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import faults
from chainrule.backends import compiling
from chainrule.backends.llvm import compiler
from chainrule.config import configured
from chainrule.errors import InternalErrorWarning, ShapeError

X = np.array([0.5, -1.0, 2.0])


def broken(*_args: object, **_options: object) -> Any:
    """What stands for a fault of the compiler, or of a rewrite."""
    raise AssertionError("a buffer that nobody has")


def function(x: Any) -> Any:
    """Some function of a user."""
    return np.sum(np.tanh(x) * x)


@pytest.fixture(params=["plan", "simplify"])
def fault(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiler, or a rewrite, that fails for every graph."""
    monkeypatch.setattr(faults, "_warned", set())
    if request.param == "plan":
        monkeypatch.setattr(compiler, "plan", broken)
    else:
        monkeypatch.setattr(compiling, "simplify", broken)


@pytest.mark.usefixtures("fault")
def test_the_reference_takes_over_with_one_warning() -> None:
    """The numbers are right; the warning names the error, where it arose, and the versions."""
    slope = 1.0 - np.tanh(X) ** 2
    with configured(check=0), warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        np.testing.assert_allclose(cr.jit(function)(X), function(X), rtol=1e-15)
        np.testing.assert_allclose(cr.jit(cr.grad(function))(X), slope * X + np.tanh(X), rtol=1e-14)
        np.testing.assert_allclose(cr.grad(cr.jit(function))(X), slope * X + np.tanh(X), rtol=1e-14)
        f = cr.jit(function).compile(X)
        np.testing.assert_allclose([f(X), f(X)], [function(X)] * 2, rtol=1e-15)
    (warning,) = seen
    assert warning.category is InternalErrorWarning
    for part in ("AssertionError", "a buffer that nobody has", "test_internal_errors.py:", "report",
                 f"chainrule {cr.__version__}", f"numpy {np.__version__}", "llvmlite"):  # fmt: skip
        assert part in str(warning.message)


@pytest.mark.usefixtures("fault")
def test_in_tests_it_fails() -> None:
    """Where graphs are checked the error itself is raised, and a warning is one in pytest."""
    with configured(check=1), pytest.raises(AssertionError, match="nobody has"):
        cr.jit(function)(X)
    for _ in range(2):
        with configured(check=0), pytest.raises(InternalErrorWarning):
            cr.jit(function)(X)


def test_errors_of_users_are_raised() -> None:
    """Those of a trace, of an index that is out of range, and of what NumPy computes inside."""
    with configured(check=0):
        with pytest.raises(ShapeError, match="test_internal_errors"):
            cr.jit(lambda x: x + np.ones(2))(X)
        with pytest.raises(IndexError, match="out of bounds"):
            cr.jit(lambda x, i: x[i])(X, np.array([7]))
        with pytest.raises(ValueError, match="negative integer powers"):
            cr.jit(lambda x, y: x**y)(np.array([2]), np.array([-1]))
        with pytest.raises(ZeroDivisionError):
            cr.jit(lambda x: x * (1 / 0))(X)


def test_no_room_to_compile_is_no_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A MemoryError is passed on."""

    def full(*_args: object) -> Any:
        raise MemoryError

    monkeypatch.setattr(compiler, "plan", full)
    with configured(check=0), pytest.raises(MemoryError):
        cr.jit(function)(X)
