"""jit: trace once, run the graph ever after."""

from __future__ import annotations

import inspect
import itertools
import sys
from collections.abc import Callable, Hashable, Sequence
from functools import update_wrapper
from typing import Any

import numpy as np

from .. import tree
from ..backends import FastCall
from ..config import config
from ..errors import at_user_line
from ..forks import changing
from ..graph.graph import Graph
from ..trace.capture import as_array, capture
from ..trace.operands import is_weak
from .compiled import Compiled, CompiledFunction, layout

_NONE: frozenset[int] = frozenset()


class Jitted:
    """A function that is traced once for each kind of argument; see `jit`."""

    def __init__(
        self, f: Callable[..., Any], static_argnums: Sequence[int] = (),
        static_argnames: Sequence[str] = (), tiered: bool = False,
    ) -> None:  # fmt: skip
        update_wrapper(self, f)
        self.function, self.tiered = f, tiered
        self.static_argnums, self.static_argnames = _static(f, static_argnums, static_argnames)
        self.cache: dict[Hashable, Compiled] = {}
        self._last: dict[Hashable, Compiled] = {}
        self._direct: FastCall | None = None
        self._direct_of: Compiled | None = None
        self._uses = itertools.count(1)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Bind as a method does."""
        if instance is None:
            return self
        return lambda *args, **kwargs: self(instance, *args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        direct = self._direct
        if direct is not None and not kwargs:  # arrays to array, as in the call before?
            result = direct(*args)
            if result is not None:
                return result
        fixed: tuple[Any, ...] = ()
        dynamic, named = args, kwargs
        if self.static_argnums or self.static_argnames:
            dynamic, named, fixed = self._split(args, kwargs)
        leaves, treedef = tree.flatten((dynamic, named) if named else dynamic)
        last = self._last.get((treedef, fixed) if fixed else treedef)
        if last is not None:  # most calls are like the one before: let the program see for itself
            results = None if last.scalars else last.quick(*leaves)
            if results is None:
                results = last.with_numbers(leaves)
            if results is not None:
                return last.out_treedef.unflatten(results)
        return self._call(leaves, treedef, fixed, bool(named))

    def _call(self, leaves: list[Any], treedef: Any, fixed: tuple[Any, ...], named: bool) -> Any:
        """Find, or make, the trace for these arguments, and run it."""
        arrays = [as_array(x) for x in leaves]
        place = (treedef, fixed) if fixed else treedef
        before = self._last.get(place)
        if before is not None:  # it was used until now, which nobody wrote down
            before.used = next(self._uses)
        compiled = self._found(leaves, arrays, treedef, fixed, named)
        result = compiled(arrays)
        if compiled.program is not None and compiled.hasty:
            self._last[place] = compiled
            flat = not (fixed or named) and all(type(x) is np.ndarray for x in leaves)
            if flat and treedef.num_nodes == 1 + len(leaves) and compiled.out_treedef.is_leaf():
                self._direct, self._direct_of = compiled.direct, compiled
        return result

    def _found(
        self, leaves: list[Any], arrays: list[Any], treedef: Any, fixed: tuple[Any, ...],
        named: bool,
    ) -> Compiled:  # fmt: skip
        """The trace for arguments like these."""
        types = [(x.shape, x.dtype, is_weak(y)) for x, y in zip(arrays, leaves, strict=True)]
        like = (treedef, fixed, tuple(types))
        unsized = _NONE
        for k, x in enumerate(arrays):
            if not x.shape and isinstance(x, np.ndarray):
                unsized |= {k}
        key: Hashable = (*like, unsized)
        either: Hashable = key
        compiled = self.cache.get(key)
        if compiled is None:  # what treats arrays without axes as numbers serves for both
            either = (*like, "either")
            compiled = self.cache.get(either)
            if compiled is not None and not unsized <= compiled.unsized:
                compiled = None
        if compiled is not None and compiled.layouts and not compiled.laid_out_as(arrays):
            key = either = (key, tuple(map(layout, arrays)))
            compiled = self.cache.get(key)
        if compiled is None:
            compiled = self._trace(arrays, leaves, treedef, fixed, named)
            compiled.unsized = unsized
            if not compiled.outside:  # what it read of an outer trace is gone by the next call
                self._keep(either if unsized and not compiled.kinds else key, compiled)
        compiled.used = next(self._uses)
        return compiled

    def _keep(self, key: Hashable, compiled: Compiled) -> None:
        """Keep a trace; the one that was not used for longest makes room for it.

        Native code goes with the last reference: a call that runs it in another thread has one.
        """
        with changing:
            for last in list(self._last.values()):  # of each structure: it may be used at any time
                last.used = next(self._uses)
            while len(self.cache) >= max(1, config.programs):
                oldest = min(self.cache, key=lambda key: self.cache[key].used)
                dropped = self.cache.pop(oldest)
                for place, last in list(self._last.items()):
                    if last is dropped:
                        del self._last[place]
                if self._direct_of is dropped:
                    self._direct = self._direct_of = None
            self.cache[key] = compiled

    def compile(self, *args: Any, **kwargs: Any) -> CompiledFunction:
        """Trace and compile for arguments like these, without running.

        The result skips the search for a trace, which is most of the time of a small call: with
        arrays as arguments and one as the result, a call takes a quarter of a microsecond more
        than its work. Other shapes or dtypes are errors.

        Parameters
        ----------
        *args, **kwargs
            As for a call; only structure, shapes and dtypes matter.

        Returns
        -------
        CompiledFunction

        Examples
        --------
        >>> import numpy as np
        >>> w = np.array([[1.0, 2.0], [3.0, 4.0]])
        >>> predict = jit(lambda x: np.tanh(x @ w)).compile(np.zeros(2))
        >>> predict(np.array([0.5, -0.25])).round(4).tolist()
        [-0.2449, 0.0]
        >>> predict.memory_bytes < 1000
        True
        """
        dynamic, named, fixed = self._split(args, kwargs)
        if fixed:
            raise TypeError(
                at_user_line(
                    "compile takes no static arguments: close over their values, as in "
                    "jit(lambda x: f(x, 3)).compile(x)"
                )
            )
        leaves, treedef = tree.flatten((dynamic, named))
        arrays = [as_array(x) for x in leaves]
        return CompiledFunction(self._found(leaves, arrays, treedef, (), True), treedef)

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
        return dynamic, named, tuple((name, _exact(value), value) for name, value in fixed)

    def _trace(
        self, arrays: Any, leaves: Any, treedef: Any, fixed: tuple[Any, ...], named: bool
    ) -> Compiled:
        if config.debug:
            name = getattr(self.function, "__qualname__", repr(self.function))
            why = "first call" if not self.cache else "new shapes, dtypes or static values"
            print(f"chainrule: tracing {name} ({why})", file=sys.stderr)
        compiled = self._capture(arrays, leaves, treedef, fixed, named)
        if config.debug >= 3:
            print(compiled.graph, file=sys.stderr)
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

        call.__wrapped__ = self.function  # type: ignore[attr-defined]
        weak = [is_weak(x) for x in leaves]
        captured = capture(call, arrays, treedef, weak, arrays, fresh=True)
        return Compiled(captured, leaves, arrays, self.tiered)


def _exact(value: Any) -> Any:
    """What tells values apart that are equal but make different graphs: 1, 1.0, True; 0.0, -0.0."""
    kind = type(value)
    if kind in (tuple, frozenset):
        return (kind, kind(map(_exact, value)))
    return (kind, str(value)) if issubclass(kind, (float, np.floating)) else kind


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
    tiered: bool = False,
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
    tiered : bool
        If optimised compilation is estimated to take more than 50 ms, start with unoptimised code
        and switch to the optimised code, compiled in a background thread, between two iterations
        of a loop. Results are bit-identical. For functions that run long, such as an epoch of a
        training. Default False.

    Returns
    -------
    callable
        It keeps one trace, with its program, for each structure, shapes, dtypes and static values
        of its arguments: at most 256 (``CHAINRULE_PROGRAMS``), of which the one that was not used
        for longest is dropped. Its results never share memory with its arguments.

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
    return Jitted(f, nums, names, tiered)


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
    return Jitted(f).graph
