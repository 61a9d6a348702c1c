"""What a server needs beside chainrule: the extra `web`."""

from __future__ import annotations

from ..lazy import LazyModule

PACKAGES = ("starlette", "uvicorn")


def check_installed() -> None:
    """Raise a `ModuleNotFoundError` that names the extra, if a package is not installed."""
    for name in PACKAGES:
        LazyModule(name, "web").load()
