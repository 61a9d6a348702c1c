"""A plan in words, one instruction a line: what ``CHAINRULE_DEBUG=4`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..expressions.expression import Apply, parts
from ..instructions.base import (
    Along,
    Call,
    Convolution,
    Either,
    Instruction,
    Map,
    Plan,
    Product,
    Reduce,
    Region,
    Scatter,
    Sort,
    Turns,
    While,
)
from ..layout.view import View


def plan_text(plan: Plan) -> str:
    """All instructions, those of loops indented; what each writes, and where."""
    head = f"plan: {plan.slots} slots, arena of {plan.arena} bytes"
    return "\n".join([head, *_lines(plan.instructions, "  ")])


def _lines(instructions: Sequence[Instruction], indent: str) -> Iterator[str]:
    for step in instructions:
        if isinstance(step, Turns):
            yield f"{indent}{step.length} turns{', backwards' if step.reverse else ''}:"
            yield from _lines(step.body, indent + "  ")
        elif isinstance(step, Region):
            yield f"{indent}{_chunks(step)} of {step.chunk} of {step.rows} rows:"
            yield from _lines(step.steps, indent + "  ")
        elif isinstance(step, While):
            yield f"{indent}while:"
            yield from _lines(step.asks, indent + "  ")
            yield f"{indent}do:"
            yield from _lines(step.body, indent + "  ")
        elif isinstance(step, Either):
            for name, branch in (("if", step.yes), ("else", step.no)):
                yield f"{indent}{name}:"
                yield from _lines(branch, indent + "  ")
        else:
            yield f"{indent}{', '.join(map(_place, _written(step)))} = {describe(step)}"


def _chunks(step: Product | Convolution | Region) -> str:
    """How many chunks threads share, maybe."""
    return f"{step.chunks} chunks" + (", if that pays," if step.near and step.chunks > 1 else "")


def _written(step: Instruction) -> list[View]:
    if isinstance(step, Map):
        return [view for _, view in step.stores]
    if isinstance(step, Call):
        return list(step.results)
    found = getattr(step, "view", None)
    return [] if found is None else [found]


def _place(view: View) -> str:
    where = f"@{view.buffer.offset}" if view.buffer.slot is None else f"slot {view.buffer.slot}"
    return f"{view.dtype}{list(view.shape)} {where}"


def describe(step: Instruction) -> str:
    """An instruction in a few words."""
    if isinstance(step, Region):
        return f"{_chunks(step)} of rows: " + "; ".join(map(describe, step.steps))
    if isinstance(step, Product):
        rows, columns = step.view.shape[-2:]
        return f"product {rows} x {step.left.shape[-1]} x {columns}, {_chunks(step)}".rstrip(",")
    if isinstance(step, Convolution):
        kernel = " x ".join(map(str, step.right.shape))
        return f"convolution {list(step.view.shape)} by {kernel}, {_chunks(step)}"
    if isinstance(step, Call):
        return f"NumPy: {step.node.primitive.name} {step.node.type}"
    if isinstance(step, Sort):
        return f"order of {list(step.keys.shape)}"
    roots: list[Any] = []
    if isinstance(step, Map):
        roots = [expression for expression, _ in step.stores]
    elif isinstance(step, (Reduce, Along)):
        roots = [step.expression]
    elif isinstance(step, Scatter):
        roots = [step.value]
    names = [e.node.primitive.name for e in parts(roots) if isinstance(e, Apply)]
    shape = list(getattr(step, "domain", ()))
    return f"{type(step).__name__.lower()} {shape} {' '.join(names[:8])}".rstrip()
