"""`Module`: a dataclass that is a tree of arrays, and its rules for fields."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import Enum
from functools import partial
from inspect import get_annotations
from textwrap import indent
from types import BuiltinFunctionType, FunctionType, NoneType, UnionType
from typing import Any, ClassVar, Literal, Self, Union, dataclass_transform, get_args, get_origin

import numpy as np

from .. import tree
from ..errors import at_user_line
from ..graph.types import Type

WIDTH = 88
_STATIC = "static"


def static(*, default: Any = MISSING, default_factory: Any = MISSING) -> Any:
    """Mark a field that is no array: it is part of the structure, not a leaf.

    Two models with different static fields are different programs, so the value must be hashable
    and comparable. Fields annotated as int, float, bool, str, Callable, a Literal, an Enum, a
    dtype, or as tuples or unions of these, are static without the mark.

    Parameters
    ----------
    default : object, optional
        The field's default.
    default_factory : callable, optional
        Makes the field's default.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, tree
    >>> class Power(nn.Module):
    ...     weight: np.ndarray
    ...     exponent: object = nn.static(default=2)
    >>> tree.leaves(Power(np.float32(3.0)))
    [np.float32(3.0)]
    """
    return field(default=default, default_factory=default_factory, metadata={_STATIC: True})


@dataclass_transform(field_specifiers=(field, static))
class Module:
    """Base class of everything that carries parameters.

    Every subclass becomes a dataclass and a pytree. Its fields are children: arrays, modules, and
    lists, tuples and dicts of them; fields marked with `static` are part of the structure instead.
    ``__call__`` is plain NumPy code. An `__init__` of its own may set each field once; after that
    the module is immutable, and `replace` returns a changed copy.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> from chainrule.transforms import grad
    >>> class Scale(nn.Module):
    ...     factor: np.ndarray
    ...     power: int = 1
    ...
    ...     def __call__(self, x):
    ...         return self.factor * x**self.power
    >>> model = Scale(np.array([2.0, 3.0]), power=2)
    >>> model
    Scale(factor=f64[2], power=2)
    >>> grad(lambda m: np.sum(m(4.0)))(model).factor.tolist()
    [16.0, 16.0]
    """

    batch_stats: ClassVar[tuple[str, ...]] = ()  # fields that `train` updates, not the optimiser
    _children: ClassVar[tuple[str, ...]] = ()
    _structure: ClassVar[tuple[str, ...]] = ()
    _defines_init: ClassVar[bool] = False

    def __init_subclass__(cls, init: bool = True, **kwargs: Any) -> None:
        """Make the subclass a dataclass and a pytree.

        A class that inherits an `__init__` written by hand keeps it; ``init=False`` tells type
        checkers, which would otherwise expect the generated one.
        """
        super().__init_subclass__(**kwargs)
        cls._defines_init = cls._defines_init or not init or "__init__" in cls.__dict__
        dataclass(init=not cls._defines_init, repr=False, eq=False)(cls)
        declared = fields(cls)  # type: ignore[arg-type]
        fixed = [_STATIC in f.metadata or _is_static(_hint(cls, f.name)) for f in declared]
        marked = list(zip([f.name for f in declared], fixed, strict=True))
        cls._children = tuple(name for name, is_fixed in marked if not is_fixed)
        cls._structure = tuple(name for name, is_fixed in marked if is_fixed)
        tree.register(cls, _flatten, partial(_unflatten, cls), immutable=True)

    def __setattr__(self, name: str, value: Any) -> None:
        class_name = type(self).__name__
        if name in self.__dict__:
            raise AttributeError(
                at_user_line(
                    f"{class_name}.{name} is set and does not change: use replace({name}=...)"
                )
            )
        if name in self._structure:
            _check_static(f"{class_name}.{name}", value)
        elif name not in self._children:
            raise AttributeError(
                at_user_line(
                    f"{class_name} has no field {name!r}: declare it in the class, {name}: type"
                )
            )
        elif isinstance(value, (str, bytes, type, FunctionType, BuiltinFunctionType, np.ufunc)):
            raise TypeError(
                at_user_line(
                    f"{class_name}.{name} is {value!r:.60}, which is no array: declare the field "
                    f"as {name}: Any = nn.static() (or nn.Lambda(f) for a function in a list)"
                )
            )
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        raise AttributeError(at_user_line(f"{type(self).__name__}.{name} cannot be deleted"))

    def replace(self, **changes: Any) -> Self:
        """The same module with some fields changed; `__init__` does not run.

        Examples
        --------
        >>> from chainrule import nn, random
        >>> layer = nn.Dense(2, 1, key=random.key(0))
        >>> layer.replace(bias=None)
        Dense(weight=f32[2,1], bias=None)
        """
        module = object.__new__(type(self))
        for name in (*self._children, *self._structure):
            setattr(module, name, changes.pop(name) if name in changes else getattr(self, name))
        for name, value in changes.items():
            setattr(module, name, value)  # raises: there is no such field
        return module

    def __repr__(self) -> str:
        names = [f.name for f in fields(self)]  # type: ignore[arg-type]
        parts = [f"{name}={_format_value(self.__dict__.get(name))}" for name in names]
        return _format_parts(f"{type(self).__name__}(", parts, ")")


def child_names(module: Module) -> tuple[str, ...]:
    """Return the names of the fields that hold arrays or modules, in their order."""
    return module._children


def _flatten(module: Module) -> tuple[list[Any], tuple[Any, ...], tuple[str, ...]]:
    attributes = module.__dict__
    names = module._children
    try:
        return (
            [attributes[n] for n in names],
            tuple([attributes[n] for n in module._structure]),
            names,
        )
    except KeyError as error:
        class_name = type(module).__name__
        raise AttributeError(
            at_user_line(
                f"{class_name}.{error.args[0]} was never set: set it in {class_name}.__init__"
            )
        ) from None


def _unflatten(cls: type[Module], structure: tuple[Any, ...], children: Any) -> Module:
    module = object.__new__(cls)
    attributes = module.__dict__
    attributes.update(zip(cls._children, children, strict=True))
    attributes.update(zip(cls._structure, structure, strict=True))
    return module


_PLAIN = (int, float, bool, str, bytes, type, NoneType, Enum, np.dtype)


def _hint(cls: type, name: str) -> Any:
    """Return a field's annotation, evaluated if it is text; Any if a name in it is not defined."""
    for base in cls.__mro__:
        hint = get_annotations(base).get(name)
        if isinstance(hint, str):
            try:
                return eval(hint, dict(vars(sys.modules[base.__module__])), dict(vars(base)))
            except (NameError, AttributeError, TypeError, KeyError, SyntaxError):
                return Any
        if hint is not None:
            return hint
    return Any


def _is_static(hint: Any) -> bool:
    """Return whether an annotation excludes arrays and everything that may hold one."""
    if hint is None or hint is Callable:
        return True
    origin = get_origin(hint)
    if origin is None:  # np.float64 is a float, but an array's entry
        plain = isinstance(hint, type) and issubclass(hint, _PLAIN)
        return plain and not issubclass(hint, np.generic)
    if origin in (Union, UnionType, tuple, frozenset):
        return all(_is_static(part) for part in get_args(hint) if part is not ...)
    return origin in (Callable, Literal, type, np.dtype)


def _check_static(name: str, value: Any) -> None:
    """Raise if a static field's value holds parameters or cannot be compared."""
    parts = value if isinstance(value, tuple) else (value,)
    if any(isinstance(part, Module) for part in parts):
        raise TypeError(
            at_user_line(
                f"{name} is static by its annotation, so the module in it would not be trained: "
                "annotate the field as nn.Module or Any"
            )
        )
    try:
        hash(value)
    except TypeError:
        raise TypeError(
            at_user_line(
                f"{name} is static and holds a {type(value).__name__}, which has no hash: give a "
                "number, a text, a function or a tuple, or annotate the field as an array"
            )
        ) from None


def _format_value(value: Any) -> str:
    if isinstance(value, Module):
        return repr(value)
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return str(Type(value.shape, value.dtype))
    if isinstance(value, Mapping):
        return _format_parts("{", [f"{key!r}: {_format_value(x)}" for key, x in value.items()], "}")
    if isinstance(value, (list, tuple)):
        opening, closing = ("[", "]") if isinstance(value, list) else ("(", ")")
        return _format_parts(opening, [_format_value(x) for x in value], closing)
    if callable(value):
        return str(getattr(value, "__name__", value))
    return repr(value)


def _format_parts(opening: str, parts: list[str], closing: str) -> str:
    """Join the parts on one line if they fit, otherwise one part per line."""
    line = opening + ", ".join(parts) + closing
    if len(line) <= WIDTH and "\n" not in line:
        return line
    return opening + "\n" + indent(",\n".join(parts), "  ") + "\n" + closing
