"""jit: trace once, run the graph ever after."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Hashable, Sequence
from functools import update_wrapper
from typing import Any

from .. import tree
from ..backends import Attempt, Program, compile_graph
from ..config import config
from ..errors import at_user_line
from ..graph.evaluate import inline
from ..graph.graph import Graph
from ..graph.node import Node
from ..simplify import simplify
from ..trace.capture import as_array, capture, finish
from ..trace.tracer import Tracer, is_weak, node_of


class Compiled:
    """One trace of a function: its graph and, once it has run, its program."""

    def __init__(self, graph: Graph, out_treedef: Any, outside: Sequence[Node]) -> None:
        self.graph = graph
        self.out_treedef = out_treedef
        self.outside = tuple(outside)
        self.program: Program | None = None

    def attempt(self, leaves: list[Any]) -> list[Any] | None:
        """The results, if the program runs and these are just the arrays that it is for."""
        tried: Attempt | None = getattr(self.program, "attempt", None)
        return None if tried is None else tried(leaves)

    def __call__(self, leaves: Sequence[Any]) -> Any:
        """The function's result for these leaves of its arguments."""
        if self.outside or any(isinstance(x, Tracer) for x in leaves):
            nodes = [
                node_of(x, t.dtype) for x, t in zip(leaves, self.graph.input_types, strict=False)
            ]
            results: list[Any] = inline(self.graph, [*nodes, *self.outside])
        else:
            if self.program is None:
                self.program = compile_graph(simplify(self.graph))
            results = self.program(leaves)
        return tree.unflatten(self.out_treedef, [finish(x) for x in results])


class Jitted:
    """A function that is traced once for each kind of argument; see `jit`."""

    def __init__(
        self, f: Callable[..., Any], static_argnums: Sequence[int], static_argnames: Sequence[str]
    ) -> None:
        update_wrapper(self, f)
        self.function = f
        self.static_argnums, self.static_argnames = _static(f, static_argnums, static_argnames)
        self.cache: dict[Hashable, Compiled] = {}
        self._last: dict[Hashable, Compiled] = {}

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Bind as a method does."""
        if instance is None:
            return self
        return lambda *args, **kwargs: self(instance, *args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        fixed: tuple[Any, ...] = ()
        dynamic, named = args, kwargs
        if self.static_argnums or self.static_argnames:
            dynamic, named, fixed = self._split(args, kwargs)
        leaves, treedef = tree.flatten((dynamic, named) if named else dynamic)
        last = self._last.get((treedef, fixed) if fixed else treedef)
        if last is not None:  # most calls are like the one before: let the program see for itself
            results = last.attempt(leaves)
            if results is not None:
                return last.out_treedef.unflatten(results)
        return self._call(leaves, treedef, fixed, bool(named))

    def _call(self, leaves: list[Any], treedef: Any, fixed: tuple[Any, ...], named: bool) -> Any:
        """Find, or make, the trace for these arguments, and run it."""
        arrays = [as_array(x) for x in leaves]
        key = (
            treedef,
            fixed,
            tuple([(x.shape, x.dtype, is_weak(y)) for x, y in zip(arrays, leaves, strict=True)]),
        )
        compiled = self.cache.get(key)
        if compiled is None:
            compiled = self._trace(key, arrays, leaves, treedef, fixed, named)
        if not compiled.outside and not any(map(is_weak, leaves)):
            self._last[(treedef, fixed) if fixed else treedef] = compiled
        return compiled(arrays)

    def graph(self, *args: Any, **kwargs: Any) -> Graph:
        """The graph that a call with these arguments would run, before simplification."""
        dynamic, named, fixed = self._split(args, kwargs)
        leaves, treedef = tree.flatten((dynamic, named))
        return self._capture([as_array(x) for x in leaves], leaves, treedef, fixed, True).graph

    def _split(self, args: Any, kwargs: Any) -> tuple[Any, Any, tuple[Any, ...]]:
        """Traced positional and named arguments, and the static ones as a key."""
        chosen = {k % len(args) for k in self.static_argnums if -len(args) <= k < len(args)}
        dynamic = tuple(x for k, x in enumerate(args) if k not in chosen)
        named = {name: x for name, x in kwargs.items() if name not in self.static_argnames}
        fixed = tuple(
            [(k, args[k]) for k in sorted(chosen)]
            + [(name, kwargs[name]) for name in sorted(kwargs.keys() - named.keys())]
        )
        for name, value in fixed:
            try:
                hash(value)
            except TypeError:
                raise TypeError(
                    at_user_line(
                        f"static argument {name!r} is a {type(value).__name__}, which has no "
                        "hash: give a number, a text or a tuple, or do not declare it static"
                    )
                ) from None
        # 1, 1.0 and True are equal but make different graphs.
        return dynamic, named, tuple((name, type(value), value) for name, value in fixed)

    def _trace(
        self, key: Hashable, arrays: Any, leaves: Any, treedef: Any, fixed: tuple[Any, ...],
        named: bool,
    ) -> Compiled:  # fmt: skip
        if config.debug:
            name = getattr(self.function, "__qualname__", repr(self.function))
            why = "first call" if not self.cache else "new shapes, dtypes or static values"
            print(f"chainrule: tracing {name} ({why})", file=sys.stderr)
        compiled = self._capture(arrays, leaves, treedef, fixed, named)
        if config.debug >= 3:
            print(compiled.graph, file=sys.stderr)
        if not compiled.outside:  # what it read of an outer trace is gone by the next call
            self.cache[key] = compiled
        return compiled

    def _capture(
        self, arrays: Any, leaves: Any, treedef: Any, fixed: tuple[Any, ...], named: bool
    ) -> Compiled:
        positional = {name: value for name, _, value in fixed if isinstance(name, int)}
        given = {name: value for name, _, value in fixed if isinstance(name, str)}

        def call(*traced: Any) -> Any:
            dynamic, by_name = traced if named else (traced, {})
            rest = iter(dynamic)
            count = len(dynamic) + len(positional)
            args = [positional[k] if k in positional else next(rest) for k in range(count)]
            return self.function(*args, **by_name, **given)

        return Compiled(*capture(call, arrays, treedef, [is_weak(x) for x in leaves]))


def _static(
    f: Callable[..., Any], argnums: Sequence[int], argnames: Sequence[str]
) -> tuple[tuple[int, ...], frozenset[str]]:
    """Positions and names of static arguments: one given either way is static both ways."""
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


def jit(
    f: Callable[..., Any],
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
) -> Jitted:
    """Make a function that traces `f` once for each kind of argument and then runs the graph.

    Parameters
    ----------
    f : callable
        Takes and returns pytrees of arrays and numbers. It runs only while it is traced, on
        arrays without numbers: what it prints or stores it prints or stores once. Arrays that it
        reads from outside are constants of the graph.
    static_argnums : int or sequence of int
        Positions of arguments that `f` receives as they are, such as a size or a flag. They
        must be hashable; each new value is a new trace.
    static_argnames : str or sequence of str
        The same by name.

    Returns
    -------
    callable
        It keeps one trace for each structure, shapes, dtypes and static values of its
        arguments. Its results never share memory with its arguments.

    Raises
    ------
    AbstractValueError
        If `f` asks a traced array for its numbers, for instance in an ``if``.
    DtypeError
        If an argument that is not static is neither a number nor an array.

    Examples
    --------
    >>> import numpy as np
    >>> @jit
    ... def step(w, x):
    ...     return w - 0.1 * np.sum(x) * w
    >>> float(step(1.0, np.ones(3)))
    0.7
    """
    nums = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    names = (static_argnames,) if isinstance(static_argnames, str) else tuple(static_argnames)
    return Jitted(f, nums, names)


def make_graph(f: Callable[..., Any]) -> Callable[..., Graph]:
    """Make a function that returns the `Graph` of a call to `f`; ``print`` shows it as text.

    Examples
    --------
    >>> import numpy as np
    >>> print(make_graph(lambda x: np.tanh(x) * 2.0)(np.ones(3)))
    graph(%0: f64[3]):
      %1: f64[3] = tanh %0
      %2: f64[] = constant 2.0
      %3: f64[3] = mul %1, %2
      return %3
    """
    return Jitted(f, (), ()).graph
