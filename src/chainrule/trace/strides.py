"""How NumPy would have laid an array out in memory, which decides what is a view and what a copy.

`x.reshape(-1)` is a view if the strides of `x` allow it, else a copy; writing into the one changes
the other only in the first case. A node has no memory, but it knows what it was made of, and from
that NumPy's rules give the strides that the user's array would have had. They are asked for only
when it matters: when a reshaped array or its parent is written.

Strides are counted in entries, not bytes. None means that no rule is known here, and then a
write that depends on it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph.node import CONSTANT, INPUT, ITEM, Node, constant
from ..primitives.declare import ELEMENTWISE_FAMILIES

Strides = tuple[int, ...]
StridesRule = Callable[[Node, Sequence["Strides | None"]], "Strides | None"]


def c_order(shape: Sequence[int]) -> Strides:
    """Return strides of an array whose last axis runs fastest."""
    strides = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def set_layout_like(node: Node, before: Node) -> None:
    """Note that `node` is written into the memory that `before` lay in."""
    node.order = before


def set_not_contiguous(node: Node) -> None:
    """Note that the entries do not lie side by side; of several axes, the order is not known."""
    node.order = (2,) if len(node.shape) == 1 else None


def set_strides(node: Node, strides: Strides | None) -> None:
    """Note the strides of a new array; None if they are not known."""
    node.order = strides


def set_layout_unknown(node: Node) -> None:
    """Note that there is no rule here for how NumPy lays this new array out."""
    node.order = c_order(node.shape) if _is_one_dimensional(node.shape) else None


def set_layout_of(node: Node, array: Any) -> None:
    """Note that an input lies in memory as this array does."""
    node.order = constant(array.view())  # read only if the strides are asked for


def strides_of(node: Node) -> Strides | None:
    """Return the strides that NumPy's array would have, or None if that is not known."""
    stack = [node]
    while stack:
        top = stack[-1]
        order = getattr(top, "order", _UNASKED)
        if order is not _UNASKED and not isinstance(order, Node):
            stack.pop()
            continue
        needed = (order,) if isinstance(order, Node) else top.inputs if _rule_of(top) else ()
        missing = [x for x in needed if not was_asked(x)]
        if missing:
            stack.extend(missing)
            continue
        if isinstance(order, Node):
            top.order = order.order
        else:
            top.order = _infer_strides(top, [x.order for x in needed])
        stack.pop()
    return node.order  # type: ignore[no-any-return]


_UNASKED: Any = object()


def was_asked(node: Node) -> bool:
    """Return whether the node's strides were asked for, because some decision depended on them."""
    order = getattr(node, "order", _UNASKED)
    return order is not _UNASKED and not isinstance(order, Node)


def _rule_of(node: Node) -> StridesRule | None:
    item = node.primitive is ITEM
    family = (node.inputs[0] if item else node).primitive.spec.get("family")
    if family in ELEMENTWISE_FAMILIES:
        return _elementwise
    if family == "linalg":
        return _of_lapack
    return _in_new_memory if item else _RULES.get(node.primitive.name)


def _infer_strides(node: Node, inputs: Sequence[Strides | None]) -> Strides | None:
    if node.dtype is None:
        return None
    if node.primitive is INPUT or node.primitive is CONSTANT:
        return c_order(node.shape) if node.value is None else strides_of_array(node.value)
    rule = _rule_of(node)
    return None if rule is None else rule(node, inputs)


def strides_of_array(x: Any) -> Strides | None:
    """Return an array's strides in entries; a broadcast number stands for a filled array."""
    if not any(x.strides):
        return c_order(x.shape)
    if any(step % x.itemsize for step in x.strides):
        return None
    return tuple(step // x.itemsize for step in x.strides)


def is_c_order(shape: Sequence[int], strides: Strides) -> bool:
    """Return whether the last axis runs fastest and nothing lies between."""
    wanted = c_order(shape)
    return 0 in shape or all(
        a == b for a, b, n in zip(strides, wanted, shape, strict=True) if n > 1
    )


# What NumPy does


def _of_operand(rule: Callable[[Node, Strides], Strides | None]) -> StridesRule:
    """Make a rule of the first operand's strides; what follows from unknown ones is unknown."""

    def strides_rule(node: Node, inputs: Sequence[Strides | None]) -> Strides | None:
        strides = inputs[0]
        return None if strides is None else rule(node, strides)

    return strides_rule


def _of_new_array(rule: StridesRule) -> StridesRule:
    """Make a rule for an array that NumPy allocates: one that can lie in one way only does."""

    def strides_rule(node: Node, inputs: Sequence[Strides | None]) -> Strides | None:
        return c_order(node.shape) if _is_one_dimensional(node.shape) else rule(node, inputs)

    return strides_rule


@_of_new_array
def _elementwise(node: Node, inputs: Sequence[Strides | None]) -> Strides | None:
    """Return a ufunc's strides: axes in the order that the operands agree on, else C (nditer)."""
    if any(strides is None for strides in inputs):
        return None
    aligned = [_aligned(x.shape, s, node.shape) for x, s in zip(node.inputs, inputs, strict=True)]
    order = _common_order(len(node.shape), aligned)
    return _packed(node.shape, order)


def _is_one_dimensional(shape: Sequence[int]) -> bool:
    """Return whether a new array can lie in one way only."""
    return sum(n > 1 for n in shape) <= 1


def _aligned(shape: Sequence[int], strides: Any, to: Sequence[int]) -> Strides:
    """Return strides of an operand along the axes of the result; 0 where it is repeated."""
    lead = (0,) * (len(to) - len(shape))
    return lead + tuple(0 if size == 1 else s for size, s in zip(shape, strides, strict=True))


def _common_order(n: int, operands: Sequence[Strides]) -> list[int]:
    """Return axes from the slowest to the fastest.

    NumPy sorts by insertion, from the last axis on; where operands contradict each other, C order
    wins (`npyiter_find_best_axis_ordering`, numpy/_core/src/multiarray/nditer_constr.c).
    """
    order = list(range(n))[::-1]  # from the fastest
    for k in range(1, n):
        axis = order[k]
        position = k
        for j in range(k - 1, -1, -1):
            ambiguous, swap = True, False
            for strides in operands:
                mine, other = abs(strides[axis]), abs(strides[order[j]])
                if mine and other:
                    if other <= mine:
                        swap = False
                    elif ambiguous:
                        swap = True
                    ambiguous = False
            if not ambiguous:
                if not swap:
                    break
                position = j
        order.insert(position, order.pop(k))
    return order[::-1]


def _packed(shape: Sequence[int], order: Sequence[int]) -> Strides:
    """Return strides of a new array whose axes lie in the given order, the slowest first."""
    strides = [0] * len(shape)
    step = 1
    for axis in reversed(order):
        strides[axis] = step
        step *= max(shape[axis], 1)
    return tuple(strides)


def _in_new_memory(node: Node, _inputs: Sequence[Strides | None]) -> Strides | None:
    """Return the strides of what a loop or a branch returns."""
    return c_order(node.shape)


@_of_new_array
def _of_lapack(_node: Node, _inputs: Sequence[Strides | None]) -> Strides | None:
    """Return no strides: NumPy gives C order, SciPy as a rule Fortran's, and both make nodes."""
    return None


@_of_new_array
@_of_operand
def _copied(node: Node, strides: Strides) -> Strides:
    """Return the strides of `np.copy` and `astype`: axes sorted by stride (order="K")."""
    if is_c_order(node.shape, strides):
        return c_order(node.shape)
    order = sorted(range(len(strides)), key=lambda k: -abs(strides[k]))
    return _packed(node.shape, order)


@_of_operand
def _transposed(node: Node, strides: Strides) -> Strides:
    return tuple(strides[k] for k in node.params["axes"])


@_of_operand
def _sliced(node: Node, strides: Strides) -> Strides:
    steps = [1 if part.step is None else part.step for part in node.params["index"]]
    return tuple(s * step for s, step in zip(strides, steps, strict=True))


@_of_operand
def _broadcast(node: Node, strides: Strides) -> Strides:
    return _aligned(node.inputs[0].shape, strides, node.shape)


@_of_operand
def _reshaped(node: Node, strides: Strides) -> Strides:
    view_strides = reshaped_strides(node.inputs[0].shape, strides, node.shape)
    return c_order(node.shape) if view_strides is None else view_strides


def reshaped_strides(old: Sequence[int], strides: Strides, new: Sequence[int]) -> Strides | None:
    """Return the strides of a view of another shape, or None if NumPy has to copy.

    Axes of size 1 aside, runs of old and new axes with equal products must pair up, and an old
    run must lie in memory as one axis (`_attempt_nocopy_reshape`, numpy/_core).
    """
    if 0 in old:
        return c_order(new)
    axes = [(n, s) for n, s in zip(old, strides, strict=True) if n != 1]
    result: list[int] = []
    start = i = j = 0
    sizes = [n for n, _ in axes]
    while start < len(axes):
        have, want = sizes[i], new[j] if j < len(new) else 1
        first = j
        while have != want:
            if have < want:
                i += 1
                have *= sizes[i]
            else:
                j += 1
                want *= new[j]
        for k in range(start, i):
            if axes[k][1] != axes[k + 1][1] * axes[k + 1][0]:
                return None
        run = [axes[i][1]]
        for k in range(j, first, -1):
            run.append(run[-1] * new[k])
        result.extend(reversed(run))
        i += 1
        j += 1
        start = i
    step = result[-1] if result else 1
    result.extend([step] * (len(new) - len(result)))
    return tuple(result)


@_of_new_array
@_of_operand
def _reduced(node: Node, strides: Strides) -> Strides:
    """Return a reduction's strides, which keep the order of the axes that remain."""
    reduced = node.params["axes"] if "axes" in node.params else (node.params["axis"],)
    remaining = tuple(s for k, s in enumerate(strides) if k not in reduced)
    return _packed(node.shape, _common_order(len(remaining), [remaining]))


@_of_operand
def _like_operand(_node: Node, strides: Strides) -> Strides:
    return strides


@_of_operand
def _accumulated(node: Node, strides: Strides) -> Strides:
    return _packed(node.shape, _common_order(len(strides), [strides]))


def _if_all_c(node: Node, inputs: Sequence[Strides | None]) -> Strides | None:
    """Return C order if all operands have it; what other operands give is not known."""
    pairs = zip(node.inputs, inputs, strict=True)
    plain = all(s is not None and is_c_order(x.shape, s) for x, s in pairs)
    return c_order(node.shape) if plain else None


def _matmul_strides(node: Node, inputs: Sequence[Strides | None]) -> Strides | None:
    # one axis of a batch lies outside of the matrices; several lie as the operands' do
    return c_order(node.shape) if len(node.shape) <= 3 else _if_all_c(node, inputs)


def _gathered(node: Node, inputs: Sequence[Strides | None]) -> Strides | None:
    """Return the strides of advanced indexing: the index arrays' axes lie outermost in memory."""
    pattern = node.params["pattern"]
    axes = [k for k, part in enumerate(pattern) if isinstance(part, int)]
    pairs = list(zip(node.inputs, inputs, strict=True))
    if not all(s is not None and is_c_order(x.shape, s) for x, s in pairs):
        return None
    wide = len(np.broadcast_shapes(*[x.shape for x in node.inputs[1:]]))
    together = axes == list(range(axes[0], axes[-1] + 1))
    first = axes[0] if together else 0
    order = [*range(first, first + wide), *range(first), *range(first + wide, len(node.shape))]
    return _packed(node.shape, order)


_RULES: dict[str, StridesRule] = {
    "cast": _copied, "identity": _copied, "stop_gradient": _like_operand,
    "transpose": _transposed, "slice": _sliced, "broadcast_to": _broadcast, "reshape": _reshaped,
    "sum": _reduced, "max": _reduced, "prod": _reduced, "argmax": _reduced,
    "cumsum": _accumulated, "cumprod": _accumulated,
    "scatter": _like_operand, "scatter_add": _like_operand,
    "concatenate": _if_all_c, "pad": _if_all_c, "argsort": _if_all_c, "conv": _if_all_c,
    "matmul": _matmul_strides, "gather": _gathered,
}  # fmt: skip
