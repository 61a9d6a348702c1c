"""Nodes without native code: NumPy computes them, or calls the user's function, in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ....graph.node import Node
from ..codegen.emitter import Emitter
from ..layout.frame import COMPUTED, FAILED, HOST_CALLBACK
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
    """

    node: Node
    number: int
    inputs: Sequence[View]
    outputs: Sequence[View]

    def buffers(self) -> Iterator[Buffer]:
        for view in (*self.inputs, *self.outputs):
            yield view.buffer

    def results(self) -> Sequence[View]:
        return self.outputs

    def summary(self) -> str:
        return f"NumPy: {self.node.primitive.name} {self.node.type}"

    def emit(self, emitter: Emitter) -> None:
        """Call the callback of the frame; if that fails, the program ends."""
        f = emitter.f
        function = emitter.addresses.load_word(HOST_CALLBACK)
        status = f.name(f"call i64 {function}(ptr %frame, i64 {self.number})")
        emitter.stop_if(f.name(f"icmp ne i64 {status}, {COMPUTED}"), FAILED)
