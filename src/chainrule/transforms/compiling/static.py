"""Arguments that a function receives as they are: which they are, and what tells them apart."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from ...errors import at_user_line


def split_arguments(
    args: Any, kwargs: Any, argnums: Sequence[int], argnames: Collection[str]
) -> tuple[Any, Any, tuple[Any, ...]]:
    """Split a call into traced positional and named arguments, and a key of the static ones."""
    static_positions = {k % len(args) for k in argnums if -len(args) <= k < len(args)}
    dynamic = tuple(x for k, x in enumerate(args) if k not in static_positions)
    named = {name: x for name, x in kwargs.items() if name not in argnames}
    static = tuple(
        [(k, args[k]) for k in sorted(static_positions)]
        + [(name, kwargs[name]) for name in sorted(kwargs.keys() - named.keys())]
    )
    for name, value in static:
        try:
            hash(value)
        except TypeError:
            raise TypeError(
                at_user_line(
                    f"static argument {name!r} is a {type(value).__name__}, which has no "
                    "hash: give a number, a text or a tuple, or do not declare it static"
                )
            ) from None
    return dynamic, named, tuple((name, _exact(value), value) for name, value in static)


def _exact(value: Any) -> Any:
    """Return what distinguishes equal values that trace differently: 1, 1.0, True; 0.0, -0.0."""
    kind = type(value)
    if kind in (tuple, frozenset):
        return (kind, kind(map(_exact, value)))
    return (kind, str(value)) if issubclass(kind, (float, np.floating)) else kind


def static_arguments(
    f: Callable[..., Any], argnums: Sequence[int], argnames: Sequence[str]
) -> tuple[tuple[int, ...], frozenset[str]]:
    """Return positions and names of static arguments; one given either way is static both ways."""
    try:
        names = [
            p.name
            for p in inspect.signature(f).parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        known = set(inspect.signature(f).parameters)
    except (TypeError, ValueError):  # a builtin without a signature
        return tuple(argnums), frozenset(argnames)
    takes_any = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(f).parameters.values())
    for name in argnames:
        if name not in known and not takes_any:
            raise TypeError(at_user_line(f"static_argnames: {name!r} is no argument of {f}"))
    positions = {*argnums, *[k for k, name in enumerate(names) if name in argnames]}
    named = {*argnames, *[names[k] for k in argnums if -len(names) <= k < len(names)]}
    return tuple(sorted(positions)), frozenset(named)
