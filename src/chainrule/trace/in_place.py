"""`plain += traced`: whether a name may be bound anew because nothing else sees the plain array.

NumPy would write into the array, and every other name, list, dictionary or view of it would see
that. A plain array cannot hold a traced value, but where only the one name knows it, binding that
name to a traced array comes to the same. Python counts the references to an object; what the count
is when there is one name and nothing else is measured, in the same way, at the first use. Where an
interpreter lends references without counting them (3.14 does for local names), other counts than
the measured one are taken as another reference: then the write is refused.
"""

from __future__ import annotations

import dis
import sys
from functools import lru_cache
from types import FrameType
from typing import Any
from weakref import getweakrefcount

import numpy as np


def is_in_place(frame: FrameType | None) -> bool:
    """Return whether the code in `frame` is at an in-place operator such as ``+=``."""
    if frame is None:
        return False
    return dis.opname[frame.f_code.co_code[frame.f_lasti]] in ("BINARY_OP", "INPLACE_ADD")


def count_references(kwargs: dict[str, Any], inputs: tuple[Any, ...]) -> int:
    """Count the references to the array in ``array += other``, seen from `__array_ufunc__`."""
    return sys.getrefcount(inputs[0]) if "out" in kwargs else 0


class _Probe:
    """The right side of ``array += probe``: counts as a traced array would."""

    references = 0

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        self.references = count_references(kwargs, inputs)
        return inputs[0]


@lru_cache(maxsize=1)
def _alone() -> tuple[int, int]:
    """Count references to an array that one local name knows, and to memory that one view knows."""
    probe = _Probe()
    array = np.empty(1)
    array += probe  # type: ignore[call-overload]
    view = np.empty(2)[:]
    return probe.references, _base_references(view)


def _base_references(view: Any) -> int:
    base = view.base
    return sys.getrefcount(base)


def seen_elsewhere(array: Any, references: int) -> bool:
    """Return whether anything but the one name could see a write into the array."""
    alone, base_alone = _alone()
    if references > alone or getweakrefcount(array):
        return True
    base = array.base
    if base is None:
        return not array.flags.owndata
    owned = type(base) is np.ndarray and base.base is None and base.flags.owndata
    del base
    return not owned or _base_references(array) > base_alone


SEEN_ELSEWHERE = (
    "a plain array, which cannot hold traced numbers, is written in place by traced ones, and "
    "another name, a list, a dictionary, a view or the caller may see it too. Write a = a + ... to "
    "bind the name to a new array, or make it a traced one: a = np.asarray(a, like=x)"
)
