"""jit: trace once, run the graph ever after."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial, update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload
from weakref import ref

from ... import tree
from ...backends import FastCall
from ...errors import at_user_line
from ...graph.graph import Graph
from ...trace.capture import as_array
from ...tracebacks import filter_traceback, filters_traceback
from .bound import BoundFunction
from .compiled import CompiledFunction, TracedFunction
from .donation import check_donated
from .model_call import ModelCalls
from .path_info import PathInfo
from .paths import Paths
from .static import split_arguments, static_arguments
from .traces import CallArguments, Traces

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
T = TypeVar("T")


class JitFunction(Generic[P, R]):
    """A function that is traced once for each kind of argument; see `jit`."""

    def __init__(
        self, f: Callable[P, R], static_argnums: Sequence[int] = (),
        static_argnames: Sequence[str] = (), tiered: bool = False,
        donate_argnums: Sequence[int] = (), strict: bool = False,
    ) -> None:  # fmt: skip
        update_wrapper(self, f)
        self.function, self.tiered, self.strict = f, tiered, strict
        static = static_arguments(f, static_argnums, static_argnames)
        self.static_argnums, self.static_argnames = static
        self.donate_argnums = tuple(donate_argnums)
        self._traces = Traces(f, tiered, False, self.donate_argnums, ref(self))
        self._last_traced: dict[Hashable, TracedFunction] = {}
        self._last_paths: dict[Hashable, Paths] = {}
        self._fast_single: FastCall | None = None
        self._fast_single_owner: TracedFunction | Paths | None = None
        self._models = ModelCalls()
        self._steps: Traces | None = None  # of the function as `bind` runs it

    @property
    def cache(self) -> dict[Hashable, TracedFunction | Paths]:
        """The traces, by the arguments that they are for."""
        return self._traces.cache

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
        try:
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
            if last is not None:  # most calls are like the one before: let the program see
                results = None if last.scalars else last.fast_call(*leaves)
                if results is None:
                    results = last.fast_call_with_numbers(leaves)
                if results is not None:
                    if dynamic and not (static or named or last.scalars):
                        self._models.see(dynamic, leaves, last.fast_call, last.out_treedef)
                    return last.out_treedef.unflatten(results)  # type: ignore[no-any-return]
            elif self._last_paths:
                paths = self._last_paths.get((treedef, static) if static else treedef)
                one = None if paths is None else paths.fast(leaves)
                if one is not None:
                    return one[0]  # type: ignore[no-any-return]
            value: R = self._slow_call(leaves, treedef, static, bool(named))
            return value
        except Exception as error:
            filter_traceback(error)
            raise

    def _slow_call(
        self, leaves: list[Any], treedef: Any, static: tuple[Any, ...], named: bool
    ) -> Any:
        """Find, or make, the trace for these arguments, and run it."""
        arrays = [as_array(x) for x in leaves]
        call = CallArguments(leaves, arrays, treedef, static, named)
        structure = (treedef, static) if static else treedef
        before = self._last_traced.get(structure)
        if before is not None:  # it was used until now by fast calls, which do not record it
            self._traces.note_use(before)
        if self.strict:
            known: TracedFunction | Paths = self._traces.strict(call)
        elif call.is_nested:
            traced = self._traces.find_nested(call)
            return self._traces.inlined(call) if traced is None else traced(arrays)
        else:
            known, result = self._traces.find(call)
            if result is not None:
                return result[0]
        flat = not (static or named) and treedef.num_nodes == 1 + len(leaves)
        if isinstance(known, Paths):
            result = known(leaves, arrays)
            self._last_traced.pop(structure, None)
            self._last_paths[structure] = known
            if flat and known.takes_unseen(leaves):
                self._fast_single, self._fast_single_owner = known.fast_single, known
            return result
        result = known(arrays)
        if known.program is not None and known.allows_fast_call:
            self._last_traced[structure] = known
            if flat and known.out_treedef.is_leaf() and known.takes_unseen(leaves):
                self._fast_single, self._fast_single_owner = known.fast_call_single, known
        return result

    def in_use(self) -> list[TracedFunction | Paths]:
        """Return what calls may use without looking it up."""
        return [*self._last_traced.values(), *self._last_paths.values()]

    def forget(self, dropped: TracedFunction | Paths) -> None:
        """Use it no longer: it was dropped."""
        for lasting in (self._last_traced, self._last_paths):
            for structure, last in list(lasting.items()):
                if last is dropped:
                    del lasting[structure]
        if self._fast_single_owner is dropped:
            self._fast_single = self._fast_single_owner = None
        self._models.forget()

    def _call_donating(self, args: Any, kwargs: Any) -> Any:
        """Call, and return donated arrays as the results that were written into them."""
        dynamic, named, static = self._split(args, kwargs)
        leaves, treedef = tree.flatten((dynamic, named))
        arrays = [as_array(x) for x in leaves]
        traced = self._traces.strict(CallArguments(leaves, arrays, treedef, static, True))
        if not traced.is_part(leaves):
            check_donated(arrays, traced.donated, tree.names((dynamic, named)))
        return traced(arrays)

    @filters_traceback
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
        traced = self._traces.strict(CallArguments(leaves, arrays, treedef, named=True))
        return CompiledFunction(traced, treedef)

    @filters_traceback
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
        if self._steps is None:  # one for all states that it is bound to: they share traces
            self._steps = Traces(self.function, self.tiered, changes_state=True)
        steps = self._steps
        return BoundFunction(lambda *call: steps.strict(CallArguments(*call)), state)

    @filters_traceback
    def graph(self, *args: P.args, **kwargs: P.kwargs) -> Graph:
        """Return the graph that a call with these arguments would run, before simplification."""
        dynamic, named, static = self._split(args, kwargs)
        leaves, treedef = tree.flatten((dynamic, named))
        arrays = [as_array(x) for x in leaves]
        return self._traces.captured(CallArguments(leaves, arrays, treedef, static, True)).graph

    def paths(self) -> list[PathInfo]:
        """Return the paths that calls took through branches on values, those with most calls first.

        Examples
        --------
        >>> f = jit(lambda x: x * 2.0 if x > 0.0 else -x)
        >>> for x in (1.0, 2.0, 3.0, -1.0):
        ...     _ = f(x)
        >>> [(path.calls, path.compiled) for path in f.paths()]
        [(3, True), (1, False)]
        """
        paths = [x for x in self.cache.values() if isinstance(x, Paths)]
        return sorted([info for x in paths for info in x.info()], key=lambda path: -path.calls)

    def _split(self, args: Any, kwargs: Any) -> tuple[Any, Any, tuple[Any, ...]]:
        return split_arguments(args, kwargs, self.static_argnums, self.static_argnames)


@overload
def jit(
    f: Callable[P, R],
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    donate_argnums: int | Sequence[int] = (),
    tiered: bool = False,
    strict: bool = False,
) -> JitFunction[P, R]: ...


@overload
def jit(
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    donate_argnums: int | Sequence[int] = (),
    tiered: bool = False,
    strict: bool = False,
) -> Callable[[Callable[P, R]], JitFunction[P, R]]: ...


def jit(
    f: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    donate_argnums: int | Sequence[int] = (),
    tiered: bool = False,
    strict: bool = False,
) -> Any:
    """Make a function that traces `f` once for each kind of argument and then runs the graph.

    A trace follows the numbers of the call through branches on values (``if x > 0``, ``while``,
    ``int(x)``, ``x[x > 0]``), and the compiled program checks that they come out the same. A call
    that goes another way is traced in its turn, so that each way through the function becomes a
    program when it is taken for the second time: see `JitFunction.paths`.

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
    strict : bool
        Whether branches on values are refused, so that there is one program for all numbers.
        Default False. `JitFunction.compile`, `JitFunction.bind` and donated arguments are strict.

    Returns
    -------
    callable
        It keeps one trace, with its program, for each structure, shapes, dtypes and static values
        of its arguments: at most 256 (``CHAINRULE_PROGRAMS``), of which the one that was not used
        for longest is dropped. Its results never share memory with its arguments.

    Raises
    ------
    AbstractValueError
        If `f` asks a traced array for its numbers where they are not known: in the body of a loop,
        or, with `strict`, in an ``if``.
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
            donate_argnums=donate_argnums, tiered=tiered, strict=strict,
        )  # fmt: skip
    nums = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    names = (static_argnames,) if isinstance(static_argnames, str) else tuple(static_argnames)
    donate = (donate_argnums,) if isinstance(donate_argnums, int) else tuple(donate_argnums)
    if donate and (nums or names):
        raise TypeError(at_user_line("jit takes static or donated arguments, and not both"))
    return JitFunction(f, nums, names, tiered, donate, strict)
