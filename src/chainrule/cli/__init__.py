"""Layer 12: the `chainrule` command. Thin: it reads options, calls the layers below, and prints."""

from .app import main

__all__ = ["main"]
