"""What is exchanged while functions are traced, in all modules and threads, and put back after."""

from __future__ import annotations

import builtins
import inspect
import sys
from collections.abc import Callable
from functools import lru_cache
from operator import is_
from types import CodeType, FunctionType, ModuleType
from typing import Any
from weakref import ReferenceType, ref

from ..errors import refusals
from ..forks import intercepting
from .tracer import HOOKS

Namespace = dict[str, Any]
Alias = tuple[Namespace, Namespace, Namespace, int]  # the names in it: new, old; its size

# Code objects


_ANY = "*args, **kwargs", "args", "kwargs"


@lru_cache(maxsize=256)
def _template(names: tuple[str, ...], parameters: str, args: str, kwargs: str) -> CodeType:
    """Return code that hands all arguments to a hook, for a function with these free variables.

    A function's new code must have as many as the old one.
    """
    text = f"def outer({', '.join(names)}):\n def inner({parameters}):\n"
    text += "".join(f"  {name}\n" for name in names)
    text += f"  _hook_ = 'HOOK'\n  return _hook_({args}, {kwargs})\n return inner\n"
    scope: Namespace = {}
    exec(compile(text, __file__, "exec"), scope)
    code: CodeType = scope["outer"](*names).__code__
    return code


def _parameters(code: CodeType) -> tuple[str, str, str]:
    """Return a function's parameters as text, and how all are handed on."""
    names = code.co_varnames
    first, more = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
    by_position, by_name, rest = names[:first], names[first:more], list(names[more:])
    args = [f"*{rest.pop(0)}"] if code.co_flags & inspect.CO_VARARGS else []
    kwargs = [f"**{rest[0]}"] if code.co_flags & inspect.CO_VARKEYWORDS else []
    heads = list(by_position)
    if code.co_posonlyargcount:
        heads.insert(code.co_posonlyargcount, "/")
    star = args or (["*"] if by_name else [])
    entries = [*(f"{name!r}: {name}" for name in by_name), *kwargs]
    return (
        ", ".join([*heads, *star, *by_name, *kwargs]),
        f"({''.join(f'{x}, ' for x in (*by_position, *args))})",
        f"{{{', '.join(entries)}}}",
    )


def with_code(function: FunctionType, code: CodeType) -> FunctionType:
    """Return a function that differs from another one in its code alone."""
    other = FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    other.__kwdefaults__ = function.__kwdefaults__
    other.__dict__.update(function.__dict__)
    return other


def dispatching_code(function: FunctionType, hook: Any, signature: bool) -> CodeType:
    names = function.__code__.co_freevars
    code = _template(names, *(_parameters(function.__code__) if signature else _ANY))
    constants = tuple(hook if x == "HOOK" else x for x in code.co_consts)
    return code.replace(co_consts=constants, co_name=function.__name__)


# Arming

_NOT_SEARCHED = {
    "IPython", "_pytest", "chainrule", "hypothesis", "jax", "llvmlite", "matplotlib", "numpy",
    "optree", "pandas", "pytest", "scipy", "sklearn", "torch", *sys.stdlib_module_names,
} - {"__main__"}  # fmt: skip


def _twin_of(module: ModuleType) -> ModuleType:
    """Return a module in which some objects have others in their stead, whatever its names are."""

    class Twin(ModuleType):
        """Looks each name up in the module as it is now."""

        # not `__getattr__`, which is asked after a search that fails at a cost
        def __getattribute__(self, name: str) -> Any:
            value = getattr(module, name)
            if type(value) is ModuleType:  # NumPy loads some of its modules when they are named
                patches.admit_loaded()
            return patches.instead.get(id(value), value)

        def __setattr__(self, name: str, value: Any) -> None:
            setattr(module, name, value)

        def __dir__(self) -> list[str]:
            return dir(module)

    return Twin(module.__name__)


class Patches:
    """All that is exchanged while functions are traced, and by how many traces of all threads."""

    def __init__(self) -> None:
        self.depth = 0
        self.codes: list[tuple[FunctionType, CodeType, CodeType]] = []
        self.rewritten: dict[int, tuple[ReferenceType[FunctionType], CodeType, CodeType]] = {}
        self.once: list[tuple[FunctionType, CodeType, CodeType]] = []
        self.twins: dict[str, ModuleType] = {}
        # By each other's ids; both are alive here, so that no other object has such an id
        self.instead: dict[int, Any] = {}
        self.originals: dict[int, Any] = {}
        self.aliases: dict[int, Alias] = {}
        self.sizes: dict[int, int] = {}
        self.alone: Alias | None = None
        self.loaded = -1
        self.rules: dict[str, Callable[[], Any]] = {}

    def add_code(self, function: FunctionType, hook: Any) -> None:
        code = dispatching_code(function, hook, signature=False)
        self.codes.append((function, function.__code__, code))

    def exchange_code(self, function: FunctionType, old: CodeType, new: CodeType) -> None:
        """Have a function of the user's run other code, unless it gets a third one meanwhile."""
        key, rewritten = id(function), self.rewritten
        rewritten[key] = ref(function, lambda _: rewritten.pop(key, None)), old, new

    def add_name(self, module: str, function: Any, instead: Any) -> None:
        self.twin(module)
        self._replace(function, instead)

    def twin(self, name: str) -> ModuleType:
        twin = self.twins.get(name)
        if twin is None:
            twin = self.twins[name] = _twin_of(sys.modules[name])
            self._replace(sys.modules[name], twin)
            parent = name.rpartition(".")[0]
            if parent:
                self.twin(parent)
        return twin

    def _replace(self, original: Any, instead: Any) -> None:
        self.instead[id(original)] = instead
        self.originals[id(instead)] = original
        self.sizes.clear()
        self.loaded = -1

    # Modules that came since

    def refresh(self) -> None:
        """Load the rules of modules that were loaded since, and search these for aliases."""
        if len(sys.modules) != self.loaded:
            self.load_rules()
            self.loaded = len(sys.modules)
            for name, module in list(sys.modules.items()):
                if is_searched(name) and not _is_compiled(module):
                    self.search(getattr(module, "__dict__", None))
        self.search(vars(sys.modules["__main__"]))

    def load_rules(self) -> None:
        while names := [name for name in self.rules if _is_loaded(name)]:
            for name in names:  # which may bring more of them
                self.rules.pop(name)()

    def search(self, namespace: Any) -> None:
        """Note the names in a module that stand for what is replaced."""
        if not isinstance(namespace, dict) or self.sizes.get(id(namespace)) == len(namespace):
            return
        self.sizes[id(namespace)] = len(namespace)
        alias = self.names_in(namespace)
        if alias is not None:
            self.aliases[id(namespace)] = alias

    def names_in(self, namespace: Namespace) -> Alias | None:
        """Return the names in a namespace that are to be bound anew: to what, and to what later."""
        before, replaced = {}, {}
        for key, x in list(namespace.items()):
            if id(x) in self.instead:
                before[key], replaced[key] = x, self.instead[id(x)]
            elif type(x) is CachedFunction:
                before[key], replaced[key] = x, HOOKS["without_cache"](x)
        return (namespace, replaced, before, len(namespace)) if before else None

    def search_globals(self, function: Any) -> None:
        """Search the module of a function, which may have other names than when it was loaded."""
        inner = function
        while inner is not None:  # the transforms wrap the user's
            function, inner = inner, getattr(inner, "__wrapped__", None)
        namespace = getattr(function, "__globals__", None)
        if namespace is None:
            return
        known = self.aliases.get(id(namespace), _NO_ALIAS)[2]
        for name in getattr(getattr(function, "__code__", None), "co_names", ()):
            x = namespace.get(name)
            if id(x) in self.instead and known.get(name) is not x:  # was bound to something else
                self.sizes.pop(id(namespace), None)
        if self.sizes.get(id(namespace)) == len(namespace):
            return
        if not is_searched(namespace.get("__name__")):  # NumPy's or SciPy's function itself
            return
        module = sys.modules.get(namespace.get("__name__", ""))
        if getattr(module, "__dict__", None) is namespace:
            self.search(namespace)
        else:  # of `exec`: not to be kept
            self.alone = self.names_in(namespace)

    # On and off

    def arm(self) -> None:
        builtins.__import__ = self._import
        for namespace, replaced, before, _ in self.aliases.values():
            _exchange(namespace, replaced, before)
        if self.alone:
            _exchange(*self.alone[:3])
        for function, _, code in self.codes:
            function.__code__ = code
        for reference, old, new in list(self.rewritten.values()):
            _exchange_code(reference(), old, new)

    def disarm(self) -> None:
        for function, code, _ in self.codes:
            function.__code__ = code
        for reference, old, new in list(self.rewritten.values()):
            _exchange_code(reference(), new, old)
        for function, old, new in reversed(self.once):
            _exchange_code(function, new, old)
        self.once.clear()
        for alias in self.aliases.values():
            self._restore(*alias)
        if self.alone:
            self._restore(*self.alone)
            self.alone = None
        builtins.__import__ = _import

    def _restore(self, namespace: Namespace, replaced: Namespace, before: Namespace,
                 size: int) -> None:  # fmt: skip
        if not _exchange(namespace, before, replaced) or len(namespace) != size:
            self._restore_new_names(namespace)

    def _restore_new_names(self, namespace: Namespace) -> None:
        """Give names that a traced function bound in its module the originals."""
        for key, x in list(namespace.items()):
            if id(x) in self.originals:
                namespace[key] = self.originals[id(x)]

    def _import(self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (),
                level: int = 0) -> Any:  # fmt: skip
        """Import for a function that is traced: the twin of a module that has one."""
        module = _import(name, globals, locals, fromlist, level)
        at_module_level = globals is None or locals is globals
        if not refusals.depth or at_module_level or not is_searched(globals.get("__name__")):
            return module
        self.admit_loaded()
        return self.instead.get(id(module), module)

    def admit_loaded(self) -> None:
        """Have modules take part at once that were loaded while a function is traced."""
        if refusals.depth and len(sys.modules) != self.loaded:
            with intercepting:
                self.refresh()
                self.arm()


def _exchange_code(function: FunctionType | None, old: CodeType, new: CodeType) -> None:
    if function is not None and function.__code__ is old:
        function.__code__ = new


def _is_loaded(name: str) -> bool:
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return name in sys.modules and not getattr(spec, "_initializing", False)


def is_searched(name: Any) -> bool:
    return str(name).partition(".")[0] not in _NOT_SEARCHED


def _is_compiled(module: Any) -> bool:
    """Return whether a module's functions are no functions of Python, and need arrays of memory."""
    return str(getattr(module, "__file__", None)).endswith((".so", ".pyd"))


def _exchange(namespace: Namespace, new: Namespace, old: Namespace) -> bool:
    """Replace the old values by the new ones; False if a name was bound to another one."""
    if all(map(is_, map(namespace.get, old), old.values())):
        namespace.update(new)
        return True
    for key, x in old.items():
        if namespace.get(key) is x:
            namespace[key] = new[key]
    return False


CachedFunction = type(lru_cache(len))
_NO_ALIAS: Alias = ({}, {}, {}, 0)
_import = builtins.__import__
patches = Patches()


def exchange_code(function: FunctionType, code: CodeType, once: bool = False) -> None:
    """Have a function run other code while anything is traced, beginning now.

    With `once` until the present trace ends, or the next one: of functions that are many.
    """
    with intercepting:
        before = function.__code__
        if once and id(function) not in patches.rewritten:
            patches.once.append((function, before, code))
            function.__code__ = code
            return
        for user, old, new in patches.once:
            if user is function and new is before:
                before = old
        if id(function) in patches.rewritten:
            _, old, new = patches.rewritten[id(function)]
            before = old if before is new else before
        patches.exchange_code(function, before, code)
        function.__code__ = code


def code_in_traces(function: FunctionType) -> CodeType:
    """Return the code that a function runs, or will run, while anything is traced."""
    code = function.__code__
    entry = patches.rewritten.get(id(function))
    return entry[2] if entry is not None and entry[1] is code else code
