"""A schedule as text, one instruction a line: what ``CHAINRULE_DEBUG=4`` prints."""

from __future__ import annotations

from collections.abc import Iterator

from ..instructions.base import Instructions
from ..layout.view import Arena, View
from ..schedule.schedule import Schedule


def plan_text(schedule: Schedule) -> str:
    """Return all instructions, those of bodies indented: what each writes, and where."""
    head = f"plan: {schedule.n_words} words, arena of {schedule.arena.nbytes} bytes"
    return "\n".join([head, *_lines(schedule.instructions, schedule.arena, "  ")])


def _lines(instructions: Instructions, arena: Arena, indent: str) -> Iterator[str]:
    for step in instructions:
        if step.bodies():
            for heading, body in zip(step.headings(), step.bodies(), strict=True):
                yield indent + heading
                yield from _lines(body, arena, indent + "  ")
        else:
            results = ", ".join(_location(view, arena) for view in step.results())
            yield f"{indent}{results} = {step.summary()}"


def _location(view: View, arena: Arena) -> str:
    word, array = view.buffer.word, f"{view.dtype}{list(view.shape)}"
    return f"{array} @{arena.offsets[view.buffer]}" if word is None else f"{array} word {word}"
