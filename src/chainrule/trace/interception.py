"""How a trace sees calls that NumPy's protocols do not announce: `math.sin(x)`, `np.asarray(x)`,
`scipy.linalg.solve(a, b)`.

While a function is traced, SciPy's functions of Python take another code object, so that all their
names, bound methods and frozen objects see it. What has no code object (C functions, instances) and
NumPy's functions are replaced by name: modules that imported `numpy`, or names from it, have a twin
of it meanwhile, which differs in these names; libraries that we know and compiled modules keep the
original. Replacements look for a traced argument and leave all else to the original. All is as
before when the last trace of any thread is over. Limits: an original C function in a list, a
default value, a closure or a class attribute is not seen; it refuses tracers by itself.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from ..errors import outside_of_traces, refusals
from ..forks import intercepting
from ..graph.node import REFERENCE
from .complex_readiness import of_real_numbers
from .foreign import array_within
from .nested import CONTAINERS, SIMPLE, is_traced, tracers_in
from .patches import patches, with_code
from .plain_numbers import carries_derivative
from .tracer import HOOKS, Tracer
from .tracing import tracing

Function = Callable[..., Any]

# Of NumPy's functions those that programs hand around and compare by `is` take other code as well:
# to exchange the code of all would cost more than a small gradient should
_COMPARED = {"all", "amax", "amin", "any", "average", "max", "mean", "median", "min", "nanmax",
             "nanmean", "nanmin", "nansum", "prod", "std", "sum", "var"}  # fmt: skip
# What these give becomes an array of the trace where the function that calls them writes entries
_MAKE_ARRAYS = {"arange", "array", "asanyarray", "asarray", "concatenate", "diag", "diagflat",
                "hstack", "outer", "repeat", "stack", "tile", "vander", "vstack"}  # fmt: skip
_OF_NUMBERS = SIMPLE | {np.ndarray, np.float64, np.float32, np.int64}


def _any_traced(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    for x in (*args, *kwargs.values()) if kwargs else args:
        kind = type(x)
        if kind not in _OF_NUMBERS and (
            issubclass(kind, Tracer)
            or (is_traced(x) if issubclass(kind, CONTAINERS) else array_within(x) is not None)
        ):
            return True
    return False


# Rules


class _Target(NamedTuple):
    """What a rule stands for.

    Attributes
    ----------
    member : object
        What the module or the class has under the name.
    function : function or None
        The function of Python that it runs, which takes other code.
    same : callable
        What to call where nothing is traced: a function with the code of now, or `member`.
    is_method : bool
    """

    member: Any
    function: Any
    same: Callable[..., Any]
    is_method: bool


_rules: dict[tuple[str, str], tuple[Function, _Target]] = {}


def intercepts(module: str, *names: str, closures: bool = False) -> Callable[[Function], Function]:
    """Enter a rule for functions of a module, or methods (``"PPoly.__call__"``).

    It has the function's own signature, and is called instead while an argument, or an entry of a
    list, tuple or dictionary among them, is traced; of a method also if an attribute of its object
    is. Where all of them are known numbers that carry no derivative the original is called.

    With `closures` the rule is called always, since a function among its arguments may see what is
    traced.
    """

    def enter(rule: Function) -> Function:
        for name in names:
            target = _target(import_module(module), name)
            if target is not None:  # this version of the library has it
                _rules[module, name] = rule, target
                checked = rule if module == "numpy" else of_real_numbers(f"{module}.{name}", rule)
                _enter(module, name, checked, target, closures)
        return rule

    return enter


def replaces(module: str, *names: str) -> Callable[[Function], Function]:
    """Enter what stands for functions of a module in all calls by a function that is traced.

    Its first argument is the original.
    """

    def enter(rule: Function) -> Function:
        for name in names:
            target = _target(import_module(module), name)
            if target is not None:
                _rules[module, name] = rule, target
                patches.add_name(module, target.member, _replacement(target, rule))
        return rule

    return enter


def original(module: str, name: str) -> Any:
    """Return the function that is called where nothing is traced."""
    return _rules[module, name][1].same


def rules() -> dict[tuple[str, str], Function]:
    """Return all rules by the module and the name of what they stand for."""
    return {key: rule for key, (rule, _) in sorted(_rules.items())}


def twin(module: str) -> ModuleType:
    """Return a module as a function that is traced sees it: with what stands for its functions."""
    return patches.twin(module)


def _target(module: ModuleType, name: str) -> _Target | None:
    *classes, last = name.split(".")
    owner: Any = module
    for part in classes:
        owner = getattr(owner, part, None)
    if classes:
        bases = getattr(owner, "__mro__", ())
        member = next((vars(kind)[last] for kind in bases if last in vars(kind)), None)
    else:
        member = getattr(owner, last, None)
    if member is None:
        return None
    function = getattr(member, "__func__", member)  # of a static or class method
    if type(member) is type(np.sum) and last in _COMPARED:
        function = getattr(member, "_implementation", member)  # after NumPy's protocol was asked
    if not isinstance(function, FunctionType):
        return _Target(member, None, member, bool(classes))
    return _Target(member, function, with_code(function, function.__code__), bool(classes))


def _enter(module: str, name: str, rule: Function, target: _Target, closures: bool) -> None:
    if target.function is None:
        makes_array = module == "numpy" and name in _MAKE_ARRAYS
        patches.add_name(module, target.member, _wrapper(target.member, rule, makes_array))
    else:
        patches.add_code(target.function, _hook(target, rule, closures))
        if module == "numpy" and "." not in name:  # the evaluator needs not ask
            setattr(REFERENCE, name, target.same)


class _StandIn:
    """What has a function's name meanwhile: equal to it, as a key of a dictionary too."""

    def __init__(self, function: Any, call: Function) -> None:
        self.__wrapped__ = function
        self.__call = call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__call(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __eq__(self, other: object) -> bool:
        return other is self or other is self.__wrapped__

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __reduce__(self) -> Any:
        return getattr, (sys.modules[self.__module__], self.__name__)


class _ClassStandIn(type):
    """The type of what stands for a class: it has the class's instances."""

    same: type
    call: Callable[..., Any]

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls.call(*args, **kwargs)

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, cls.same)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is cls.same

    def __hash__(cls) -> int:
        return hash(cls.same)


def _wrapper(function: Any, rule: Function, makes_array: bool) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        if refusals.depth and _any_traced(args, kwargs):
            return rule(*args, **kwargs)
        result = function(*args, **kwargs)
        if makes_array and refusals.depth and type(result) is np.ndarray:
            return HOOKS["if_written"](result, args, sys._getframe(2).f_code)
        return result

    if isinstance(function, type):
        return _ClassStandIn(function.__name__, (), {"same": function, "call": staticmethod(call)})
    return _StandIn(function, call)


def _replacement(target: _Target, rule: Function) -> Any:
    function = target.member

    def call(*args: Any, **kwargs: Any) -> Any:
        if refusals.depth:
            return rule(function, *args, **kwargs)
        return function(*args, **kwargs)

    return _StandIn(function, call)


def _hook(
    target: _Target, rule: Function, closures: bool
) -> Callable[[tuple[Any, ...], dict[str, Any]], Any]:
    """Return what a function of Python runs while anything is traced."""
    same = target.same

    def hook(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not refusals.depth:
            return same(*args, **kwargs)
        in_object = target.is_method and any(map(_attributes_traced, args))
        if closures or in_object:
            return rule(*args, **kwargs)
        if not _any_traced(args, kwargs):
            return same(*args, **kwargs)
        if any(map(_needs_rule, tracers_in((args, kwargs)))):
            return rule(*args, **kwargs)
        return _with_numbers(same, args, kwargs)

    return hook


def _with_numbers(function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function with the numbers of tracers; what it writes into them they hold after."""
    copies: list[tuple[Tracer, Any]] = []
    result = function(
        *[_plain(x, copies) for x in args], **{key: _plain(x, copies) for key, x in kwargs.items()}
    )
    before = [tracer.node.value for tracer, _ in copies]
    for (tracer, copy), value in zip(copies, before, strict=True):
        if not np.array_equal(copy, value, equal_nan=copy.dtype.kind in "fc"):
            tracer[...] = copy
    return next((tracer for tracer, copy in copies if copy is result), result)


def _needs_rule(x: Tracer) -> bool:
    return x.node.value is None or carries_derivative(x.node)


def _attributes_traced(x: Any) -> bool:
    if issubclass(type(x), Tracer):  # of a static method
        return False
    attributes = getattr(x, "__dict__", None)
    return isinstance(attributes, dict) and any(map(is_traced, attributes.values()))


def _plain(x: Any, copies: list[tuple[Tracer, Any]]) -> Any:
    """Replace tracers of known numbers by these, and note the copies of arrays."""
    if issubclass(type(x), Tracer):
        if not x.node.shape:
            return x.node.value
        copy = next((copy for tracer, copy in copies if tracer is x), None)
        if copy is None:
            copy = x.node.value.copy()
            copies.append((x, copy))
        return copy
    if not isinstance(x, CONTAINERS) or not is_traced(x):
        return x
    if isinstance(x, dict):
        return {key: _plain(entry, copies) for key, entry in x.items()}
    entries = [_plain(entry, copies) for entry in x]
    return type(x)(*entries) if hasattr(x, "_fields") else type(x)(entries)


def _without_cache(function: Any) -> Any:
    """Return what stands for a function of `functools.lru_cache`: tracers are no keys of its own.

    They are in a cache of one trace, by identity, so that a recursion stays as short as it is.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        key = (function, _by_identity(args), _by_identity(tuple(sorted(kwargs.items()))))
        if key not in tracing.cache:
            # with the arguments, so that no other objects take their numbers
            tracing.cache[key] = function.__wrapped__(*args, **kwargs), args, kwargs
        return tracing.cache[key][0]

    def plain(*args: Any, **kwargs: Any) -> Any:
        if not refusals.depth:
            return function(*args, **kwargs)
        if _any_traced(args, kwargs):
            return call(*args, **kwargs)
        with outside_of_traces():  # what is stored is for numbers
            return function(*args, **kwargs)

    return _StandIn(function, plain)


def _by_identity(x: Any) -> Any:
    if isinstance(x, tuple):
        return tuple(map(_by_identity, x))
    return (Tracer, id(x)) if issubclass(type(x), Tracer) else (type(x), x)


# While functions are traced

HOOKS["load_rules"] = patches.load_rules
HOOKS["without_cache"] = _without_cache


def register_rules(load: Mapping[str, Callable[[], Any]]) -> None:
    """Say how the rules for a module are loaded, once that module is there itself."""
    patches.rules.update(load)
    patches.loaded = -1


def call_intercepted(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Call a function that is traced; while it runs, calls on tracers are seen."""
    with intercepting:
        if not patches.depth:
            patches.refresh()
            patches.search_globals(function)
            patches.arm()
            HOOKS["exchange_calls"](inspect.unwrap(function) if callable(function) else function)
        patches.depth += 1
    function = HOOKS["seeing_calls"](function)
    tracing.begin()
    try:
        return function(*args, **kwargs)
    finally:
        tracing.cache.clear()
        tracing.formatted.clear()
        with intercepting:
            patches.depth -= 1
            if not patches.depth:
                patches.disarm()
