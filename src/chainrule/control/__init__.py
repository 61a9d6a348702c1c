"""Primitives that hold graphs, and how their bodies are differentiated."""

from .cond import cond
from .scan import scan
from .while_loop import while_loop

__all__ = ["cond", "scan", "while_loop"]
