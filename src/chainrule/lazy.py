"""Modules that load at first use: what a bare ``import chainrule`` need not pay for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, Generic, TypeVar, overload

from .forks import importing

T = TypeVar("T")


def load_module(name: str) -> ModuleType:
    """Import a module if it was not yet, while no fork can leave it half imported."""
    with importing:
        return importlib.import_module(name)


class LazyModule:
    """A module that is imported when an attribute of it is first read.

    Parameters
    ----------
    name : str
        The module's dotted name.
    extra : str, optional
        The extra of chainrule that installs it; named in the error when it is absent.
    """

    def __init__(self, name: str, extra: str | None = None) -> None:
        self._name = name
        self._extra = extra

    def load(self) -> ModuleType:
        """Return the module itself, imported now if it was not yet."""
        try:
            return load_module(self._name)
        except ModuleNotFoundError as error:
            if self._extra is None or not self._name.startswith(error.name or "\0"):
                raise
            raise ModuleNotFoundError(
                f"this needs {self._name}: pip install 'chainrule[{self._extra}]'",
                name=error.name,
            ) from None

    def __getattr__(self, attribute: str) -> Any:
        if attribute == "__wrapped__":  # `inspect` asks all that it meets; no module has it
            raise AttributeError(attribute)
        value = getattr(self.load(), attribute)
        setattr(self, attribute, value)
        return value


class computed(Generic[T]):
    """An attribute that is computed when it is first read, and kept.

    As `functools.cached_property`, whose lock in Python 3.11 is shared by all objects, and which a
    fork would leave locked. Here two threads may compute the same at once.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute, self._name = compute, compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> computed[T]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        value = self._compute(instance)
        instance.__dict__[self._name] = value  # which is looked at first from now on
        return value
