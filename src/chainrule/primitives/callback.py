"""`callback`: a Python function that is called while a graph runs.

Its first input and its first result are *tokens*: a number that says nothing, which each call with
effects takes from the one before (as in JAX). So calls are ordered, none is the same as another
one, and none is superfluous while the last token is a result of the graph: whatever respects what
nodes read from each other respects effects. A token is never known while a function is traced, so
no callback is called then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import tree
from ..errors import DtypeError, GradientError, ShapeError, at_user_line, outside_of_traces
from ..graph.node import Node, Unbatched, items
from ..graph.types import Type, is_inexact
from .declare import declared

TOKEN = Type((), np.dtype(np.uint8))
FIRST_TOKEN: Any = np.uint8(0)
_NUMBERS = (bool, int, float, complex)


@dataclass(frozen=True, eq=False)
class HostFunction:
    """A function of plain arrays, with the structure of what it takes and gives.

    Attributes
    ----------
    function : callable
    arguments, results : TreeDef
    types : tuple of Type
        One a leaf of the results.
    pure : bool
        Whether it computes and does nothing else.
    line : str
        The user's line that calls it.
    """

    function: Callable[..., Any]
    arguments: tree.TreeDef
    results: tree.TreeDef
    types: tuple[Type, ...]
    pure: bool
    line: str

    @property
    def name(self) -> str:
        """The function's name."""
        return str(getattr(self.function, "__qualname__", type(self.function).__name__))

    def __repr__(self) -> str:  # no address: the text is a part of the key of compiled code
        return f"{'' if self.pure else 'io '}{self.name}"

    def __call__(self, arrays: Sequence[Any]) -> list[Any]:
        """Return the leaves of the function's results for copies of these arrays."""
        arguments = tree.unflatten(self.arguments, [np.array(x) for x in arrays])
        with outside_of_traces():
            result = self.function(*arguments)
        leaves, structure = tree.flatten(result)
        if structure != self.results:
            raise ShapeError(
                f"{self._said} {structure}, where result_shapes is {self.results}: return the same "
                "containers, with a NumPy array where the latter has *"
            )
        return [self._checked(k, leaf) for k, leaf in enumerate(leaves)]

    def no_derivative(self) -> GradientError:
        """Return the error for whoever asks for a derivative by the arguments."""
        kind = "pure_callback" if self.pure else "io_callback"
        return GradientError(
            at_user_line(
                f"{kind}({self.name}, ...) at {self.line} has no derivative, and one is asked for "
                f"by its arguments: where it is meant to be zero, call {kind} with "
                "chainrule.stop_gradient(x) in place of an argument x"
            )
        )

    @property
    def _said(self) -> str:
        return f"{self.line}: the callback {self.name} returned"

    def _checked(self, k: int, leaf: Any) -> Any:
        """Return a copy of a result if it is of its type; a Python number takes the dtype."""
        wanted = self.types[k]
        if not isinstance(leaf, (np.ndarray, np.generic, *_NUMBERS)):
            raise DtypeError(
                f"{self._said} {type(leaf).__name__} {leaf!r:.40} as result {k}, where "
                f"result_shapes is {wanted}: return a NumPy array or a number"
            )
        array = np.asarray(leaf)
        if array.shape != wanted.shape:
            raise ShapeError(
                f"{self._said} an array of shape {array.shape} as result {k}, where result_shapes "
                f"is {wanted}"
            )
        weak = type(leaf) in _NUMBERS and np.can_cast(array.dtype, wanted.dtype, "same_kind")
        if array.dtype != wanted.dtype and not weak:
            raise DtypeError(
                f"{self._said} an array of dtype {array.dtype} as result {k}, where result_shapes "
                f"is {wanted}: return x.astype(np.{wanted.dtype}), or declare {array.dtype}"
            )
        return np.array(leaf, wanted.dtype)


@dataclass(frozen=True, eq=False)
class HostFunctionOfBatch(HostFunction):
    """A host function that is called for one example of a batch after the other.

    Attributes
    ----------
    example : HostFunction
        Of one example.
    batched : tuple of bool
        Which arguments have a leading axis of examples; the results have one.
    size : int
    """

    example: HostFunction
    batched: tuple[bool, ...]
    size: int

    def __repr__(self) -> str:
        axes = "".join("x" if b else "-" for b in self.batched)
        return f"{self.example!r} of each of {self.size} ({axes})"

    def __call__(self, arrays: Sequence[Any]) -> list[Any]:
        """Return the stacked results."""
        stacks: list[Any] = [np.empty(t.shape, t.dtype) for t in self.types]
        for k in range(self.size):
            results = self.example(
                [x[k] if b else x for x, b in zip(arrays, self.batched, strict=True)]
            )
            for stack, y in zip(stacks, results, strict=True):
                stack[k] = y
        return stacks


class NoTangent:
    """Stands for the tangent of a call's result: whoever needs it raises `error`.

    Parameters
    ----------
    call
        Whose ``no_derivative()`` gives the error: a `HostFunction`, or an algorithm of SciPy.
    """

    def __init__(self, call: Any) -> None:
        self.call = call

    @property
    def error(self) -> GradientError:
        """The error to raise."""
        return self.call.no_derivative()  # type: ignore[no-any-return]


def _evaluate(_xp: Any, token: Any, *arrays: Any, call: HostFunction) -> tuple[Any, ...]:
    return (token, *call(arrays))


def _infer(token: Type, *_types: Type, call: HostFunction) -> tuple[Type, ...]:
    return (token, *call.types)


def _vjp(_g: Any, _results: Any, *_inputs: Any, call: HostFunction) -> list[Any]:
    raise call.no_derivative()


def _jvp(_tangents: Any, _results: Any, *_inputs: Any, call: HostFunction) -> list[Any]:
    return [None, *[NoTangent(call) if is_inexact(t.dtype) else None for t in call.types]]


def _batch(
    size: int, batched: Sequence[bool], token: Any, *arrays: Any, call: HostFunction
) -> list[Any]:
    types = tuple(Type((size, *t.shape), t.dtype) for t in call.types)
    of_batch = HostFunctionOfBatch(
        call.function, call.arguments, call.results, types, call.pure, call.line,
        call, tuple(batched[1:]), size,
    )  # fmt: skip
    results = callback(token, *arrays, call=of_batch)
    new_token, *values = items(results) if isinstance(results, Node) else results
    return [Unbatched(new_token), *values]


callback = declared(
    "callback", _evaluate, _infer, _vjp, _jvp, family="control", multiple=True, batch=_batch,
    doc="A Python function that is called while the graph runs.",
)  # fmt: skip
