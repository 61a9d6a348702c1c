"""The `chainrule` command. Thin: it reads options, calls the layers below, and prints."""

from ..starting import begins_loading, ends_loading

begins_loading()

from .app import main  # noqa: E402

ends_loading()

__all__ = ["main"]
