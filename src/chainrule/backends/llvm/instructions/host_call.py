"""Nodes without native code: NumPy computes them, or calls the user's function, in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ....graph.node import Node
from ..codegen.emitter import Emitter
from ..layout.frame import FAILED, HOST_CALLBACK, STATUS
from ..layout.view import Buffer, View
from .base import Instruction


@dataclass(frozen=True, eq=False)
class HostCall(Instruction):
    """A call back into Python, which evaluates a node by its number.

    Attributes
    ----------
    node : Node
    number : int
        Its position among the calls of the plan.
    inputs, outputs : sequence of View
    rare : bool
        Whether it is called only where native code fails.
    """

    node: Node
    number: int
    inputs: Sequence[View]
    outputs: Sequence[View]
    rare: bool = False

    def buffers(self) -> Iterator[Buffer]:
        for view in (*self.inputs, *self.outputs):
            yield view.buffer

    def results(self) -> Sequence[View]:
        return self.outputs

    def summary(self) -> str:
        return f"NumPy: {self.node.primitive.name} {self.node.type}"

    def emit(self, emitter: Emitter) -> None:
        """Call the callback of the frame, unless an index was out of bounds before.

        It says in the frame that it succeeded. What it returns says nothing: ctypes returns any
        number where a signal handler raised before its first line.
        """
        f, addresses = emitter.f, emitter.addresses
        self._leave_if_failed(emitter)
        function = addresses.load_word(HOST_CALLBACK)
        addresses.store_word(STATUS, FAILED)
        f.emit(f"call void {function}(ptr %frame, i64 {self.number})")
        self._leave_if_failed(emitter)

    def _leave_if_failed(self, emitter: Emitter) -> None:
        f = emitter.f
        failed = f.name(f"icmp ne i64 {emitter.addresses.load_word(STATUS, 'i64')}, 0")
        go_on = f.fresh("on")
        f.branch(failed, "exit", go_on)
        f.label(go_on)
