"""Tiered compilation: a program starts with unoptimised code and is promoted to better code.

The better code is made in a background thread, from the same IR, hence with the same bits.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextvars import copy_context
from dataclasses import dataclass
from threading import Thread
from time import perf_counter

from ...config import config
from ...errors import CompileError
from ...forks import compiling
from ...graph.node import Node
from .cache import disk
from .program.native import NativeProgram
from .program.serialize import to_bytes
from .target.assembler import assemble

_SECONDS_PER_LINE = 16e-6  # that optimised code generation takes for a line of IR
_WORTH_TIERING = 0.05  # seconds of code generation that nobody should wait for


@dataclass(frozen=True, eq=False)
class Promotion:
    """A program whose better code is being made, the IR, and where to store the code."""

    program: NativeProgram
    text: str
    key: str
    nodes: Sequence[Node]


_running: list[Promotion] = []
_abandoned: list[Promotion] = []  # their threads do not exist in this child of a fork


def _after_fork() -> None:
    _abandoned.extend(_running)
    _running.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def is_worth_tiering(text: str) -> bool:
    """Whether optimised code generation is estimated to take too long to wait for."""
    return text.count("\n") * _SECONDS_PER_LINE > _WORTH_TIERING


def resume_abandoned() -> None:
    """Start again what was running when this process was forked."""
    while _abandoned:
        promote_in_background(_abandoned.pop())


def promote_in_background(promotion: Promotion) -> None:
    """Make better code in a thread, under the same configuration."""
    _running.append(promotion)
    run = copy_context().run
    Thread(target=run, args=(_promote, promotion), name="chainrule tier-up").start()


def _promote(promotion: Promotion) -> None:
    """Make better code, have the program use it, and store it."""
    program, start = promotion.program, perf_counter()
    try:
        with compiling:  # no fork comes in between
            try:
                code = assemble(promotion.text)
                program.promote(code)
            finally:
                _running.remove(promotion)
    except CompileError as error:  # the program goes on with the code it has
        print(f"chainrule: {error}", file=sys.stderr)
        return
    if not program.executable.guarded:
        disk.store(promotion.key, to_bytes(program.executable, code, promotion.nodes))
    if config.debug >= 1:
        spent = 1e3 * (perf_counter() - start)
        print(f"chainrule: optimised code after {spent:.0f} ms more", file=sys.stderr)
