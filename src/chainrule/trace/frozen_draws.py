"""A warning where a function that is traced once draws random numbers that NumPy or Python makes.

They are drawn while it is traced, and are constants of the graph from then on: each call of the
compiled function, and each iteration of a loop, would have the same ones.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from ..errors import FrozenRandomWarning, warn_user


@contextmanager
def frozen_draws(function: Callable[..., Any]) -> Iterator[None]:
    """Warn if the function draws while the context lasts."""
    sources = _sources(function)
    before = [_state(source) for source in sources]
    yield
    drawn = [
        source for source, state in zip(sources, before, strict=True) if _state(source) != state
    ]
    if drawn:
        warn_user(
            f"{_name(drawn[0])} draws random numbers in a function that is traced once (by jit, "
            "scan or another loop): they are the same ones in every call and iteration. Use "
            "chainrule.random with a key that is an argument",
            FrozenRandomWarning,
        )


def _sources(function: Callable[..., Any]) -> list[Any]:
    """Return the global generators, and those in the function's closure, globals or object."""
    shared = _global_state()
    sources: dict[int, Any] = {id(shared): shared, id(random): random}
    for value in _reached(function):
        if isinstance(value, (np.random.Generator, np.random.RandomState, random.Random)):
            sources[id(value)] = value
    return list(sources.values())


def _global_state() -> np.random.RandomState:
    """Return the generator behind the functions of `np.random`, which NumPy loads at first use."""
    return np.random.mtrand._rand


def _reached(function: Any, depth: int = 4) -> Iterator[Any]:
    """Yield the values in the closures, globals and objects of a function and of those it calls."""
    if isinstance(function, partial):
        yield from function.args
        yield from function.keywords.values()
        yield from _reached(function.func, depth)
    elif isinstance(function, MethodType):
        yield from getattr(function.__self__, "__dict__", {}).values()
        yield from _reached(function.__func__, depth)
    elif isinstance(function, FunctionType):
        values = list(function.__defaults__ or ())
        for cell in function.__closure__ or ():
            with suppress(ValueError):  # a name that is not bound yet
                values.append(cell.cell_contents)
        names = function.__globals__
        values += [names[name] for name in function.__code__.co_names if name in names]
        yield from values
        if depth:
            for value in values:
                if isinstance(value, (FunctionType, MethodType, partial)):
                    yield from _reached(value, depth - 1)
    else:  # an object that is called, such as a module
        yield from getattr(function, "__dict__", {}).values()
    inner = getattr(function, "__wrapped__", None)
    if inner is not None and depth:
        yield from _reached(inner, depth - 1)


def _state(source: Any) -> Any:
    if source is random or isinstance(source, random.Random):
        return source.getstate()
    if isinstance(source, np.random.Generator):
        return _comparable(source.bit_generator.state)
    return _comparable(source.get_state(legacy=False))


def _comparable(state: Any) -> Any:
    if isinstance(state, dict):
        return {name: _comparable(value) for name, value in state.items()}
    return state.tobytes() if isinstance(state, np.ndarray) else state


def _name(source: Any) -> str:
    if source is random:
        return "Python's random"
    if source is _global_state():
        return "np.random"
    return f"a {type(source).__module__.partition('.')[0]}.random.{type(source).__name__}".replace(
        "random.random", "random"
    )
