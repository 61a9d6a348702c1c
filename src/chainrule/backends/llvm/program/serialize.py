"""A compiled program as bytes: a line of JSON, then the object code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....graph.node import Node
from ..instructions.base import Call, Plan
from ..layout.view import Buffer, View


def pack(plan: Plan, code: bytes, nodes: Sequence[Node]) -> bytes:
    """What running a plan needs, and its code; nodes are named by their places."""
    number = {node: k for k, node in enumerate(nodes)}
    head = {
        "slots": plan.slots,
        "arena": plan.arena,
        "parallel": plan.parallel,
        "long": plan.long,
        "threads": plan.threads,
        "turns": plan.turns,
        "symbols": plan.symbols,
        "constants": [[number[node], slot] for node, slot in plan.constants.items()],
        "sites": [number[node] for node in plan.sites],
        "calls": [
            [number[c.node], [_of(v) for v in c.inputs], [_of(v) for v in c.results]]
            for c in plan.calls
        ],
    }
    return json.dumps(head).encode() + b"\n" + code


def unpack(payload: bytes, nodes: Sequence[Node]) -> tuple[Plan, bytes]:
    """The plan, without its instructions, and the code.

    Raises
    ------
    ValueError, KeyError, IndexError, TypeError
        If the bytes are something else.
    """
    line, code = payload.split(b"\n", 1)
    head = json.loads(line)
    calls = [
        Call(nodes[n], k, [_view(v) for v in inputs], [_view(v) for v in results])
        for k, (n, inputs, results) in enumerate(head["calls"])
    ]
    constants = {nodes[n]: int(slot) for n, slot in head["constants"]}
    sites = [nodes[n] for n in head["sites"]]
    plan = Plan([], head["slots"], head["arena"], constants, calls, sites, head["parallel"])
    plan.long = bool(head["long"])
    plan.threads = int(head["threads"])
    plan.turns = [int(slot) for slot in head["turns"]]
    plan.symbols = [str(name) for name in head["symbols"]]
    return plan, code


def _of(view: View) -> list[Any]:
    b = view.buffer
    return [b.size, b.dtype.str, b.slot, b.offset, view.offset, view.shape, view.strides]


def _view(fields: list[Any]) -> View:
    size, dtype, slot, place, offset, shape, strides = fields
    buffer = Buffer(size, np.dtype(dtype), slot, place)
    return View(buffer, offset, tuple(shape), tuple(strides))
