"""Trees of arrays: nested tuples, lists, dicts and modules, taken apart and put together.

A tree's *leaves* are whatever is not a registered container: arrays, numbers, tracers. ``None``
holds no leaf. Dicts are walked in the order of their sorted keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import optree

from .errors import ShapeError

NAMESPACE = "chainrule"

TreeDef = optree.PyTreeSpec
"""The shape of a tree without its leaves: hashable, comparable, printable."""

_IMMUTABLE: set[type] = {tuple}


def flatten(tree: Any) -> tuple[list[Any], TreeDef]:
    """Return the leaves of a tree and the structure that puts them together again.

    Examples
    --------
    >>> from chainrule import tree
    >>> leaves, structure = tree.flatten({"w": [1.0, 2.0], "b": (3.0, None)})
    >>> leaves
    [3.0, 1.0, 2.0]
    >>> tree.unflatten(structure, leaves)
    {'w': [1.0, 2.0], 'b': (3.0, None)}
    """
    return optree.tree_flatten(tree, namespace=NAMESPACE)


def unflatten(treedef: TreeDef, leaves: Iterable[Any]) -> Any:
    """Return the tree of structure `treedef` that holds `leaves`; the inverse of `flatten`."""
    leaves = list(leaves)
    if len(leaves) != treedef.num_leaves:
        raise ShapeError(f"{len(leaves)} leaves for a tree of {treedef.num_leaves}: {treedef}")
    return optree.tree_unflatten(treedef, leaves)


def unflatten_results(treedef: TreeDef) -> Callable[[list[Any]], Any]:
    """Return the fastest function that puts as many leaves together as there are."""
    return _first if treedef.is_leaf() else treedef.unflatten


def _first(leaves: list[Any]) -> Any:
    return leaves[0]


def leaves(tree: Any) -> list[Any]:
    """Return the leaves of a tree, in the order of `flatten`."""
    return optree.tree_leaves(tree, namespace=NAMESPACE)


def structure(tree: Any) -> TreeDef:
    """Return the structure of a tree, without its leaves."""
    return optree.tree_structure(tree, namespace=NAMESPACE)


def map(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply `function` leaf by leaf to one tree, or to several of one structure.

    Where a tree of `rest` goes deeper than `tree`, `function` receives its whole branch.

    Examples
    --------
    >>> from chainrule import tree
    >>> tree.map(lambda a, b: a - b, {"w": 5.0, "b": [1.0]}, {"w": 2.0, "b": [4.0]})
    {'w': 3.0, 'b': [-3.0]}
    """
    first, treedef = flatten(tree)
    try:
        columns = [treedef.flatten_up_to(other) for other in rest]
    except (ValueError, TypeError) as error:
        raise ShapeError(f"trees of different structure: {error}") from None
    return unflatten(treedef, [function(*row) for row in zip(first, *columns, strict=True)])


def transpose(outer: TreeDef, inner: TreeDef, tree: Any) -> Any:
    """Turn a tree of trees inside out: an `outer` of `inner` becomes an `inner` of `outer`."""
    rows = [inner.flatten_up_to(branch) for branch in outer.flatten_up_to(tree)]
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else []
    return unflatten(inner, [unflatten(outer, column) for column in columns])


def paths(tree: Any) -> list[tuple[Any, ...]]:
    """Return for each leaf the keys that lead to it: dict keys, positions, and field names.

    Examples
    --------
    >>> from chainrule import tree
    >>> tree.paths({"layers": [1.0, {"weight": 2.0}]})
    [('layers', 0), ('layers', 1, 'weight')]
    """
    return list(optree.tree_paths(tree, namespace=NAMESPACE))


def names(tree: Any) -> list[str]:
    """Return for each leaf its dotted name, such as ``layers.0.weight``: unique and readable."""
    return [".".join(str(key) for key in path) for path in paths(tree)]


def is_leaf(tree: Any) -> bool:
    """Return whether something is a leaf: no container, and not None."""
    return optree.tree_is_leaf(tree, namespace=NAMESPACE)


def is_immutable(tree: Any) -> bool:
    """Return whether a container, and each one in it, has the same children for ever.

    Examples
    --------
    >>> from chainrule import tree
    >>> tree.is_immutable((1.0, (2.0, 3.0))), tree.is_immutable((1.0, [2.0, 3.0]))
    (True, False)
    """
    nodes = [structure(tree)]
    for node in nodes:
        if not node.is_leaf() and node.type not in _IMMUTABLE and node.num_nodes > 1:
            return False
        nodes += node.children()
    return not nodes[0].is_leaf()


def register(
    cls: type,
    flatten: Callable[[Any], tuple[Any, ...]],
    unflatten: Callable[[Any, Any], Any],
    immutable: bool = False,
) -> type:
    """Make instances of `cls` containers whose children are walked.

    Parameters
    ----------
    cls : type
        The class to register; each class once.
    flatten : callable
        ``flatten(instance)`` gives ``(children, auxiliary)`` or ``(children, auxiliary, keys)``;
        `auxiliary` is hashable and part of the structure.
    unflatten : callable
        ``unflatten(auxiliary, children)`` gives the instance again.
    immutable : bool
        Whether an instance always has the same children. Default False.

    Returns
    -------
    type
        `cls`.
    """
    optree.register_pytree_node(cls, flatten, unflatten, namespace=NAMESPACE)
    if immutable:
        _IMMUTABLE.add(cls)
    return cls
