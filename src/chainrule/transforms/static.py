"""Arguments that a function receives as they are: which they are, and what tells them apart."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import at_user_line


def exact(value: Any) -> Any:
    """Return what distinguishes equal values that trace differently: 1, 1.0, True; 0.0, -0.0."""
    kind = type(value)
    if kind in (tuple, frozenset):
        return (kind, kind(map(exact, value)))
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
