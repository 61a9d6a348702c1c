"""A function as its users call it: eagerly and under jit, through the interception of calls."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from agreement import agrees, with_values, without_values

import chainrule as cr
from chainrule.errors import Refusal


def _numpys_own(f: Callable[..., Any], arrays: tuple[Any, ...]) -> Any:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return f(*arrays)  # which lie in memory as they do: a copy might not
        except Exception as error:
            return error


def same_as_numpy(
    f: Callable[..., Any], *arrays: Any, order: int = 2, abstract: bool = True, rtol: float = 1e-12
) -> None:
    """NumPy's values, dtypes and kinds in both ways, or its error; derivatives up to an order."""
    expected = _numpys_own(f, arrays)
    ways: dict[str, Callable[[], Any]] = {"eager": lambda: cr.vjp(f, *arrays)[0]}
    if abstract:
        ways["jit"] = lambda: cr.jit(f)(*arrays)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for way, run in ways.items():
            if isinstance(expected, Exception):
                try:
                    run()
                except type(expected):
                    continue
                raise AssertionError(f"{way}: NumPy raises {expected!r}")
            found = run()
            for a, e in zip(cr.tree.leaves(found), cr.tree.leaves(expected), strict=True):
                assert np.shape(a) == np.shape(e), way
                assert np.asarray(a).dtype == np.asarray(e).dtype, way
                np.testing.assert_allclose(a, e, rtol=rtol, atol=rtol, err_msg=way)
        if order and not isinstance(expected, Exception):
            cr.check_grads(f, arrays, order=order)


def agrees_or_fails(f: Callable[..., Any], *arrays: Any, **options: Any) -> bool:
    """`agrees` or a refusal where NumPy has a value, else NumPy's error; tell whether it agreed."""
    expected = _numpys_own(f, arrays)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not isinstance(expected, Exception):
            try:
                agrees(f, *arrays, **options)
            except Refusal:
                return False
            return True
        for way in (with_values, without_values):
            try:
                way(f, *arrays)
            except (type(expected), ValueError, TypeError, IndexError, Refusal):
                continue
            raise AssertionError(f"NumPy raises {expected!r}")
    return False
