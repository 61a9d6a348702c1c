"""Calls whose first argument is the same immutable tree again and again, such as a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from weakref import ref

from ... import tree
from ...backends import FastCall


class ModelCall:
    """The fast call of a trace with the leaves of one model, which need not be walked again.

    Neither the model nor its arrays are kept alive: `forget` is called when the model is gone.
    """

    def __init__(
        self, model: Any, leaves: Sequence[Any], fast_call: FastCall, out_treedef: tree.TreeDef,
        forget: Callable[[Any], None],
    ) -> None:  # fmt: skip
        self.model = ref(model, forget)
        self._fast_call = partial(fast_call, *leaves)
        self._unflatten = tree.unflatten_results(out_treedef)

    def __call__(self, args: tuple[Any, ...]) -> tuple[Any] | None:
        """Return the result in a tuple; None if the other arguments are not just right."""
        results = self._fast_call(*args[1:])
        return None if results is None else (self._unflatten(results),)


class ModelCalls:
    """The last model that a function was called with, and its call if it came twice."""

    def __init__(self) -> None:
        self.last: ModelCall | None = None
        # The identity of the last first argument; None once there was one of which nothing is kept
        self._seen: int | None = 0

    def __call__(self, args: tuple[Any, ...]) -> tuple[Any] | None:
        """Return the result in a tuple, if the first argument is the model of the last call."""
        call = self.last
        if call is None or not args or call.model() is not args[0]:
            return None
        result = call(args)
        if result is None:  # other arguments, or a program for another number of threads
            self.last = None
        return result

    def see(
        self, args: tuple[Any, ...], leaves: Sequence[Any], fast_call: FastCall,
        out_treedef: tree.TreeDef,
    ) -> None:  # fmt: skip
        """Take note of a call that succeeded; make a `ModelCall` for a model that comes twice."""
        model = args[0]
        if self._seen is None:
            return
        if self._seen != id(model):
            self._seen = id(model)
            return
        self._seen = 0
        if type(model) is tuple or not tree.is_immutable(model):  # a tuple has no weak references
            self._seen = None
            return
        if all(map(tree.is_leaf, args[1:])):
            of_model = leaves[: len(leaves) - len(args) + 1]
            self.last = ModelCall(model, of_model, fast_call, out_treedef, self.forget)

    def forget(self, _: Any = None) -> None:
        """Drop the model's arrays."""
        self.last = None
