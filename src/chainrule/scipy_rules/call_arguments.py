"""The arguments of a call as SciPy reads them, and its results as traced ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from inspect import Signature, signature
from typing import Any

import numpy as np

from ..errors import AbstractValueError, UnsupportedError, at_user_line
from ..graph.types import Type
from .derived_graphs import FLOAT

COUNT = Type((), np.dtype(np.int64))
TRUTH = Type((), np.dtype(bool))


@lru_cache(maxsize=128)
def _signature(function: Any) -> Signature:
    return signature(function)


def arguments_of(function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by name."""
    named = dict(_signature(function).bind(*args, **kwargs).arguments)
    for parameter in _signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            named.update(named.pop(parameter.name, {}))
    return named


def as_tuple(args: Any) -> tuple[Any, ...]:
    """Return ``args=`` as a tuple, as SciPy does."""
    return args if isinstance(args, tuple) else (args,)


class Unavailable:
    """Stands for a field of a result that a trace cannot have: whatever is done with it raises."""

    def __init__(self, name: str, reason: str, abstract: bool = False) -> None:
        self.__dict__["_refusal"] = name, reason, abstract

    def _raise(self, *_args: Any, **_kwargs: Any) -> Any:
        name, reason, abstract = self.__dict__["_refusal"]
        raise (AbstractValueError if abstract else UnsupportedError)(
            at_user_line(f"the result's {name} {reason}")
        )

    def __repr__(self) -> str:
        return f"<{self.__dict__['_refusal'][0]}: not available>"

    __getattr__ = __call__ = __array__ = __bool__ = __iter__ = __len__ = __getitem__ = _raise
    __eq__ = __str__ = __matmul__ = __rmatmul__ = __float__ = _raise
    __hash__ = None  # type: ignore[assignment]


UNDER_JIT = "is not known under jit, where SciPy runs later: read it outside of jit"


def float_type(shape: tuple[int, ...]) -> Type:
    """Return the type of an array of float64."""
    return Type(tuple(shape), FLOAT)
