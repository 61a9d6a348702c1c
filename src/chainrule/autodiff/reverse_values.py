"""Reverse mode on plain arrays: the rules of `reverse`, with as little around them as may be."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from ..graph.node import ITEM, Node
from ..graph.watching import LARGE
from ..primitives.declare import REGISTRY, unbroadcast
from .array_rules import ARRAY_RULES
from .flow import SOURCES, flows_of
from .large_values import accumulate, accumulate_products
from .rules import accumulate_item, cotangents_by_rule

# Their rules compute with whatever comes; others may call Python, or refuse a nan
_INDIFFERENT = {"elementwise", "special", "complex", "linear", "flat", "bilinear", "indexing",
                "reduction"}  # fmt: skip
_PRODUCT = REGISTRY["mul"]
_BLOCKING = SOURCES | {REGISTRY["slice"]}


def reverse_values(
    outputs: Sequence[Node], inputs: Sequence[Node], cotangents: Sequence[Any],
    path: Sequence[Node], wanted: Collection[Node],
) -> list[Any] | None:  # fmt: skip
    """Return the cotangents of `inputs`; None if something must be known that is not.

    That is, where no derivative flows (`flow.py`). It matters only where slopes are infinite, and
    then nan arrives at an input; or where a rule would refuse a nan on its way.
    """
    total: dict[Node, Any] = {}
    for node, g in zip(outputs, cotangents, strict=True):
        if g is not None:
            total[node] = total[node] + g if node in total else g
    active = {*path, *wanted}
    flows_everywhere = False
    for node in reversed(path):
        g = total.pop(node, None)
        if g is None:
            continue
        primitive = node.primitive
        partials = primitive.partials
        if partials is None:
            direct = ARRAY_RULES.get(primitive)
            if direct is not None:
                received = [g]
                g = contribution = None
                direct(total, node, received, active)
                continue
            if primitive.spec.get("family") not in _INDIFFERENT and not flows_everywhere:
                flows_everywhere = flows_of(path, wanted, True) is None
                if not flows_everywhere:
                    return None
            if primitive is ITEM:
                accumulate_item(total, node, g)
                continue
            y, *x = [n.value if type(n) is Node else n for n in (node, *node.inputs)]
            passed = list(cotangents_by_rule(node, g, active, y, x))
            g = contribution = y = None
            x.clear()
            for child in node.inputs:
                if passed[0] is not None and child in active:
                    accumulate(total, child, passed)
                del passed[0]
            continue
        if g.size > LARGE:
            received = [g]
            g = contribution = None
            accumulate_products(total, node, received, active)
            continue
        children = node.inputs
        if primitive is _PRODUCT:
            slopes: Sequence[Any] = (children[1].value, children[0].value)
        else:
            rule = partials[node.params.get("slope")]
            slopes = rule(node.value, *[x.value for x in children])
        for child, slope in zip(children, slopes, strict=True):
            if slope is None or child not in active:
                continue
            kind = type(slope)
            if kind is float:
                contribution = g if slope == 1.0 else -g if slope == -1.0 else g * slope
            elif kind is FunctionType:
                contribution = g * slope()
            else:
                contribution = g * slope
            if contribution.shape != child.shape or contribution.dtype is not child.dtype:
                contribution = unbroadcast(contribution, child)
            before = total.get(child)
            total[child] = contribution if before is None else before + contribution
    results = [total.get(node) for node in inputs]
    if flows_everywhere or _BLOCKING.isdisjoint([node.primitive for node in path]):
        return results
    has_nan = any(g is not None and _may_have_nan(g) for g in results)
    return None if has_nan and flows_of(path, wanted, True) is not None else results


def _may_have_nan(g: Any) -> bool:
    total = np.add.reduce(g, axis=None)
    return bool(total != total)  # nan, or the sum of opposite infinities
