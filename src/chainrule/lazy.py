"""Modules that load at first use: what a bare ``import chainrule`` need not pay for."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any


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
        """The module itself, imported now if it was not yet."""
        try:
            return importlib.import_module(self._name)
        except ModuleNotFoundError as error:
            if self._extra is None or not self._name.startswith(error.name or "\0"):
                raise
            raise ModuleNotFoundError(
                f"this needs {self._name}: pip install 'chainrule[{self._extra}]'",
                name=error.name,
            ) from None

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self.load(), attribute)
        setattr(self, attribute, value)
        return value
