"""Tracers, the tables of NumPy's functions, and capture of user code as a graph."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from .interception import register_rules

register_rules({"numpy": partial(import_module, f"{__name__}.tables")})  # at the first trace
