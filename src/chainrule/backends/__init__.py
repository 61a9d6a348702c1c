"""Layer 6: how graphs are run."""

from .base import Backend, Program
from .numpy import NumpyBackend

BACKENDS: dict[str, Backend] = {"numpy": NumpyBackend()}
DEFAULT = "numpy"

__all__ = ["BACKENDS", "DEFAULT", "Backend", "Program"]
