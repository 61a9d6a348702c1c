"""Trees of arrays: nested tuples, lists, dicts and modules, taken apart and put together.

A tree's *leaves* are whatever is not a registered container: arrays, numbers, tracers. ``None``
holds no leaf. Dicts are walked in the order of their sorted keys. Data classes and attrs classes
are containers of their fields: those that hold arrays or fractions are walked, all others (texts,
options, counts) belong to the structure.
"""

from __future__ import annotations

import builtins
import dataclasses
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .errors import ShapeError, at_user_line
from .lazy import LazyModule

if TYPE_CHECKING:
    import optree

    TreeDef: TypeAlias = optree.PyTreeSpec
    """The shape of a tree without its leaves: hashable, comparable, printable."""
else:
    optree = LazyModule("optree")

NAMESPACE = "chainrule"

_IMMUTABLE: set[type] = {tuple}
_leaf_types: set[type] = {float, int, bool, np.ndarray}  # those that are known to be no container


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
    if type(tree) in _leaf_types:
        return [tree], _leaf_structure()
    leaves, treedef = optree.tree_flatten(tree, namespace=NAMESPACE)
    if not _leaf_types.issuperset(builtins.map(type, leaves)) and _register_classes(leaves):
        return flatten(tree)
    return leaves, treedef


@lru_cache(maxsize=1)
def _leaf_structure() -> TreeDef:
    leaf: Any = 0.0
    return optree.tree_structure(leaf, namespace=NAMESPACE)


def _register_classes(leaves: list[Any]) -> bool:
    """Register the classes among the types of the leaves that have fields; False if none has."""
    new = {type(leaf) for leaf in leaves} - _leaf_types
    with_fields = {cls for cls in new if _fields(cls) and not cls.__module__.startswith(NAMESPACE)}
    _leaf_types.update(new - with_fields)
    for cls in with_fields:
        register(cls, _flatten_fields, partial(_with_fields, cls))
    return bool(with_fields)


def _fields(cls: type) -> tuple[str, ...]:
    """Return the names of the fields of a data class or an attrs class."""
    if dataclasses.is_dataclass(cls):
        return tuple(field.name for field in dataclasses.fields(cls))
    attributes = getattr(cls, "__attrs_attrs__", ())
    return tuple(attribute.name for attribute in attributes)


def _flatten_fields(x: Any) -> tuple[Any, ...]:
    values = {name: getattr(x, name) for name in _fields(type(x)) if hasattr(x, name)}
    walked = {name: value for name, value in values.items() if _is_walked(value)}
    others = tuple((name, value) for name, value in values.items() if name not in walked)
    return tuple(walked.values()), (tuple(walked), others), tuple(walked)


def _is_walked(value: Any) -> bool:
    """Return whether a field holds arrays or fractions, perhaps in containers."""
    leaves = optree.tree_leaves(value, namespace=NAMESPACE)
    return any(
        hasattr(leaf, "dtype") or isinstance(leaf, float) or _fields(type(leaf)) for leaf in leaves
    )


def _with_fields(cls: type, structure: Any, children: Iterable[Any]) -> Any:
    """Return an instance with these fields; nothing of the class's own runs."""
    names, others = structure
    x: Any = object.__new__(cls)
    for name, value in (*zip(names, children, strict=True), *others):
        object.__setattr__(x, name, value)
    return x


def unflatten(treedef: TreeDef, leaves: Iterable[Any]) -> Any:
    """Return the tree of structure `treedef` that holds `leaves`; the inverse of `flatten`."""
    leaves = list(leaves)
    if treedef is _leaf_structure() and len(leaves) == 1:
        return leaves[0]
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
    return flatten(tree)[0]


def structure(tree: Any) -> TreeDef:
    """Return the structure of a tree, without its leaves."""
    return flatten(tree)[1]


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


def broadcast_prefix(prefix: Any, treedef: TreeDef, name: str = "prefix") -> list[Any]:
    """Return an entry for each leaf of `treedef`, of a tree that may end above the leaves.

    Whatever is no tuple, list or dict in `prefix` stands for all leaves below; so does None.

    Parameters
    ----------
    prefix
        As `treedef`, with entries in place of branches or leaves.
    treedef : TreeDef
    name : str
        How the prefix is called in errors.

    Raises
    ------
    TypeError
        If the prefix has another structure.

    Examples
    --------
    >>> from chainrule import tree
    >>> tree.broadcast_prefix((0, None), tree.structure(([1.0, 2.0], {"w": 3.0})))
    [0, 0, None]
    """
    if not isinstance(prefix, (tuple, list, dict)):
        return [prefix] * treedef.num_leaves
    children, keys = treedef.children(), treedef.entries()
    branches: Any = None
    if isinstance(prefix, dict):
        if treedef.type is not None and issubclass(treedef.type, dict) and {*prefix} == {*keys}:
            branches = [prefix[key] for key in keys]
    elif treedef.type is type(prefix) and len(prefix) == len(children):
        branches = prefix
    if branches is None:
        raise TypeError(at_user_line(f"{name} is {prefix!r:.60} where the tree is {treedef!s:.80}"))
    pairs = zip(branches, children, strict=True)
    return [entry for branch, child in pairs for entry in broadcast_prefix(branch, child, name)]


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
    _leaf_types.discard(cls)
    if immutable:
        _IMMUTABLE.add(cls)
    return cls
