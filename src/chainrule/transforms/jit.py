"""jit: trace once, run the graph ever after."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Hashable, Sequence
from functools import partial, update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

import numpy as np

from .. import tree
from ..backends import NOTHING_DONATED, Donated, FastCall
from ..config import config
from ..errors import at_user_line
from ..forks import changing
from ..graph.graph import Graph
from ..trace.capture import as_array, capture
from ..trace.operands import is_weak
from .bound import BoundFunction, traced_step
from .compiled import CompiledFunction, TracedFunction, layout
from .donation import check_donated, donated_leaves, match_outputs
from .model_call import ModelCalls
from .static import split_arguments, static_arguments

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
T = TypeVar("T")
_NONE: frozenset[int] = frozenset()


class JitFunction(Generic[P, R]):
    """A function that is traced once for each kind of argument; see `jit`."""

    def __init__(
        self, f: Callable[P, R], static_argnums: Sequence[int] = (),
        static_argnames: Sequence[str] = (), tiered: bool = False, changes_state: bool = False,
        donate_argnums: Sequence[int] = (),
    ) -> None:  # fmt: skip
        update_wrapper(self, f)
        self.function, self.tiered, self.changes_state = f, tiered, changes_state
        static = static_arguments(f, static_argnums, static_argnames)
        self.static_argnums, self.static_argnames = static
        self.donate_argnums = tuple(donate_argnums)
        self.cache: dict[Hashable, TracedFunction] = {}
        self._last_traced: dict[Hashable, TracedFunction] = {}
        self._fast_single: FastCall | None = None
        self._fast_single_owner: TracedFunction | None = None
        self._models = ModelCalls()
        self._uses = itertools.count(1)
        self._step: JitFunction[P, R] | None = None  # the function as `bind` runs it

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> JitFunction[P, R]: ...

    @overload
    def __get__(
        self: JitFunction[Concatenate[T, Q], R], instance: T, owner: type | None = None
    ) -> Callable[Q, R]: ...

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Bind as a method does."""
        if instance is None:
            return self
        return lambda *args, **kwargs: self(instance, *args, **kwargs)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        fast_single = self._fast_single
        if fast_single is not None and not kwargs:  # arrays to array, as in the call before?
            result: R | None = fast_single(*args)
            if result is not None:
                return result
        if self._models.last is not None and not kwargs:
            repeated = self._models(args)
            if repeated is not None:
                return repeated[0]  # type: ignore[no-any-return]
        if self.donate_argnums:
            return self._call_donating(args, kwargs)  # type: ignore[no-any-return]
        static: tuple[Any, ...] = ()
        dynamic: tuple[Any, ...] = args
        named: dict[str, Any] = kwargs
        if self.static_argnums or self.static_argnames:
            dynamic, named, static = self._split(args, kwargs)
        leaves, treedef = tree.flatten((dynamic, named) if named else dynamic)
        last = self._last_traced.get((treedef, static) if static else treedef)
        if last is not None:  # most calls are like the one before: let the program see for itself
            results = None if last.scalars else last.fast_call(*leaves)
            if results is None:
                results = last.fast_call_with_numbers(leaves)
            if results is not None:
                if dynamic and not (static or named or last.scalars):
                    self._models.see(dynamic, leaves, last.fast_call, last.out_treedef)
                return last.out_treedef.unflatten(results)  # type: ignore[no-any-return]
        return self._slow_call(leaves, treedef, static, bool(named))  # type: ignore[no-any-return]

    def _slow_call(
        self, leaves: list[Any], treedef: Any, static: tuple[Any, ...], named: bool
    ) -> Any:
        """Find, or make, the trace for these arguments, and run it."""
        arrays = [as_array(x) for x in leaves]
        structure = (treedef, static) if static else treedef
        before = self._last_traced.get(structure)
        if before is not None:  # it was used until now by fast calls, which do not record it
            before.last_used = next(self._uses)
        traced = self._find_or_trace(leaves, arrays, treedef, static, named)
        result = traced(arrays)
        if traced.program is not None and traced.allows_fast_call:
            self._last_traced[structure] = traced
            flat = not (static or named) and all(type(x) is np.ndarray for x in leaves)
            if flat and treedef.num_nodes == 1 + len(leaves) and traced.out_treedef.is_leaf():
                self._fast_single, self._fast_single_owner = traced.fast_call_single, traced
        return result

    def _call_donating(self, args: Any, kwargs: Any) -> Any:
        """Call, and return donated arrays as the results that were written into them."""
        dynamic, named, static = self._split(args, kwargs)
        leaves, treedef = tree.flatten((dynamic, named))
        arrays = [as_array(x) for x in leaves]
        traced = self._find_or_trace(leaves, arrays, treedef, static, True)
        if not traced.is_part(leaves):
            check_donated(arrays, traced.donated, tree.names((dynamic, named)))
        return traced(arrays)

    def _find_or_trace(
        self, leaves: list[Any], arrays: list[Any], treedef: Any, static: tuple[Any, ...],
        named: bool,
    ) -> TracedFunction:  # fmt: skip
        """Return the trace for arguments like these."""
        types = [(x.shape, x.dtype, is_weak(y)) for x, y in zip(arrays, leaves, strict=True)]
        signature = (treedef, static, tuple(types))
        zero_dim = _NONE
        for k, x in enumerate(arrays):
            if not x.shape and isinstance(x, np.ndarray):
                zero_dim |= {k}
        key: Hashable = (*signature, zero_dim)
        either_key: Hashable = key
        traced = self.cache.get(key)
        if traced is None:  # what treats arrays without axes as numbers serves for both
            either_key = (*signature, "either")
            traced = self.cache.get(either_key)
            if traced is not None and not zero_dim <= traced.zero_dim_arguments:
                traced = None
        if traced is not None and traced.layouts and not traced.has_layout_of(arrays):
            key = either_key = (key, tuple(map(layout, arrays)))
            traced = self.cache.get(key)
        if traced is None:
            traced = self._trace(arrays, leaves, treedef, static, named)
            traced.zero_dim_arguments = zero_dim
            if not traced.outside:  # what it read of an outer trace is gone by the next call
                same_for_scalars = zero_dim and not traced.distinguishes_scalars
                self._store(either_key if same_for_scalars else key, traced)
        traced.last_used = next(self._uses)
        return traced

    def _store(self, key: Hashable, traced: TracedFunction) -> None:
        """Cache a trace, and drop the least recently used one if the cache is full.

        Native code goes with the last reference: a call that runs it in another thread has one.
        """
        with changing:
            for last in list(self._last_traced.values()):  # each may be used at any time
                last.last_used = next(self._uses)
            while len(self.cache) >= max(1, config.programs):
                oldest = min(self.cache, key=lambda key: self.cache[key].last_used)
                dropped = self.cache.pop(oldest)
                for structure, last in list(self._last_traced.items()):
                    if last is dropped:
                        del self._last_traced[structure]
                if self._fast_single_owner is dropped:
                    self._fast_single = self._fast_single_owner = None
                self._models.forget()
            self.cache[key] = traced

    def compile(self, *args: P.args, **kwargs: P.kwargs) -> CompiledFunction[P, R]:
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
        dynamic, named, static = self._split(args, kwargs)
        if self.donate_argnums:
            raise TypeError(at_user_line("compile takes no donated arguments: see bind"))
        if static:
            raise TypeError(
                at_user_line(
                    "compile takes no static arguments: close over their values, as in "
                    "jit(lambda x: f(x, 3)).compile(x)"
                )
            )
        leaves, treedef = tree.flatten((dynamic, named))
        arrays = [as_array(x) for x in leaves]
        return CompiledFunction(self._find_or_trace(leaves, arrays, treedef, (), True), treedef)

    def bind(self, state: Any) -> BoundFunction:
        """Return the step with a state of its own, which each call changes where it lies.

        Nothing of the state is copied in a call, and nothing allocated for it: parameters,
        an optimiser's state, or a buffer of a million rows of which a step writes one.

        Parameters
        ----------
        state : tree of arrays, or BoundFunction
            Copied; another step's state is shared with it, such as by one that acts and one that
            learns. A function that is bound to several states is compiled once for all of a kind.
            The function takes the state first, and returns ``(new state, result)``, as
            `scan`'s does, with a new state of the same structure, shapes and dtypes.

        Returns
        -------
        BoundFunction
            Called with the other arguments, it returns the result. Its `state` is a copy, and can
            be set. If a call fails in the middle, for instance by Ctrl-C, the state is lost:
            further calls raise a `StateLostError` until `state` is set.

        Examples
        --------
        >>> import numpy as np
        >>> @jit
        ... def write(buffer, x):
        ...     rows, count = buffer["rows"], buffer["count"]
        ...     rows[count] = x
        ...     return {"rows": rows, "count": count + 1}, np.sum(rows)
        >>> step = write.bind({"rows": np.zeros(4), "count": 0})
        >>> float(step(1.5)), float(step(2.0))
        (1.5, 3.5)
        >>> step.state["rows"].tolist()
        [1.5, 2.0, 0.0, 0.0]
        """
        if self.static_argnums or self.static_argnames:
            raise TypeError(at_user_line("bind takes no static arguments: close over their values"))
        if not {*self.donate_argnums} <= {0}:  # the state is, whether it is said or not
            message = f"bind donates the state alone, and donate_argnums is {self.donate_argnums}"
            raise TypeError(
                at_user_line(f"{message}: make what is to be changed a part of the state")
            )
        if self._step is None:  # one for all states that it is bound to: they share traces
            self._step = JitFunction(self.function, tiered=self.tiered, changes_state=True)
        return BoundFunction(partial(self._step._find_or_trace, static=(), named=False), state)

    def graph(self, *args: P.args, **kwargs: P.kwargs) -> Graph:
        """Return the graph that a call with these arguments would run, before simplification."""
        dynamic, named, static = self._split(args, kwargs)
        leaves, treedef = tree.flatten((dynamic, named))
        return self._capture([as_array(x) for x in leaves], leaves, treedef, static, True).graph

    def _split(self, args: Any, kwargs: Any) -> tuple[Any, Any, tuple[Any, ...]]:
        return split_arguments(args, kwargs, self.static_argnums, self.static_argnames)

    def _trace(
        self, arrays: Any, leaves: Any, treedef: Any, static: tuple[Any, ...], named: bool
    ) -> TracedFunction:
        if config.debug:
            name = getattr(self.function, "__qualname__", repr(self.function))
            why = "first call" if not self.cache else "new shapes, dtypes or static values"
            print(f"chainrule: tracing {name} ({why})", file=sys.stderr)
        traced = self._capture(arrays, leaves, treedef, static, named)
        if config.debug >= 3:
            print(traced.graph, file=sys.stderr)
        return traced

    def _capture(
        self, arrays: Any, leaves: Any, treedef: Any, static: tuple[Any, ...], named: bool
    ) -> TracedFunction:
        positional = {name: value for name, _, value in static if isinstance(name, int)}
        static_kwargs = {name: value for name, _, value in static if isinstance(name, str)}

        def call(*arguments: Any) -> Any:
            dynamic, by_name = arguments if named else (arguments, {})
            rest = iter(dynamic)
            count = len(dynamic) + len(positional)
            args = [positional[k] if k in positional else next(rest) for k in range(count)]
            return self.function(*args, **by_name, **static_kwargs)

        call.__wrapped__ = self.function  # type: ignore[attr-defined]
        weak = [is_weak(x) for x in leaves]
        captured = capture(call, arrays, treedef, weak, arrays, copy_results=True)
        if self.changes_state:
            return traced_step(captured, leaves, arrays, treedef, self.tiered)
        donated: Donated = NOTHING_DONATED
        if self.donate_argnums:
            positions = donated_leaves(treedef.children()[0].children(), self.donate_argnums)
            donated = match_outputs(captured.graph, positions)
        return TracedFunction(captured, leaves, arrays, self.tiered, donated)


@overload
def jit(
    f: Callable[P, R],
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    donate_argnums: int | Sequence[int] = (),
    tiered: bool = False,
) -> JitFunction[P, R]: ...


@overload
def jit(
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    donate_argnums: int | Sequence[int] = (),
    tiered: bool = False,
) -> Callable[[Callable[P, R]], JitFunction[P, R]]: ...


def jit(
    f: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    donate_argnums: int | Sequence[int] = (),
    tiered: bool = False,
) -> Any:
    """Make a function that traces `f` once for each kind of argument and then runs the graph.

    Parameters
    ----------
    f : callable, optional
        Takes and returns pytrees of arrays and numbers. Without it, ``jit(static_argnums=1)`` is a
        decorator. It runs only while it is traced, on
        arrays without numbers: what it prints or stores it prints or stores once. Arrays that it
        reads from outside are constants of the graph.
    static_argnums : int or sequence of int
        Positions of arguments that `f` receives as they are, such as a size or a flag. They
        must be hashable; each new value is a new trace.
    static_argnames : str or sequence of str
        The same by name.
    donate_argnums : int or sequence of int
        Positions of arguments whose memory results take, the first one of the same type each: the
        array that comes back is the one that was given, and its old contents are gone, also if the
        call fails. A read-only array, a view, and memory that another argument shares are refused.
        Not together with static arguments. See `JitFunction.bind` for a state that stays.
    tiered : bool
        If optimised compilation is estimated to take more than 50 ms, start with unoptimised code
        and switch to the optimised code, compiled in a background thread, between two iterations
        of a loop (tiered compilation). Results are bit-identical. For functions that run long,
        such as a training epoch. Default False.

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
    if f is None:
        return partial(
            jit, static_argnums=static_argnums, static_argnames=static_argnames,
            donate_argnums=donate_argnums, tiered=tiered,
        )  # fmt: skip
    nums = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    names = (static_argnames,) if isinstance(static_argnames, str) else tuple(static_argnames)
    donate = (donate_argnums,) if isinstance(donate_argnums, int) else tuple(donate_argnums)
    if donate and (nums or names):
        raise TypeError(at_user_line("jit takes static or donated arguments, and not both"))
    return JitFunction(f, nums, names, tiered, donate_argnums=donate)
