"""Errors of chainrule itself: another way is taken, and a report asked for."""

from __future__ import annotations

import platform
import warnings
from os.path import basename

from .errors import InternalErrorWarning
from .lazy import LazyModule
from .version import __version__

_metadata = LazyModule("importlib.metadata")
_warned: set[str] = set()


def ask_for_report(error: Exception, consequence: str) -> None:
    """Warn once for each line of code at which an internal error arises.

    Parameters
    ----------
    error : Exception
        As it was caught.
    consequence : str
        What happens instead.
    """
    last = error.__traceback__
    assert last is not None
    while last.tb_next is not None:
        last = last.tb_next
    code = last.tb_frame.f_code
    location = f"{basename(code.co_filename)}:{last.tb_lineno}"
    if location in _warned:
        return
    message = f": {error}" if str(error) else ""
    warnings.warn(
        f"an internal error of chainrule, {type(error).__name__}{message} (at {location}, in "
        f"{code.co_name}): {consequence}. Please report it, with the function if you can, and with "
        f"these versions: {_versions()}",
        InternalErrorWarning,
        stacklevel=2,
    )
    _warned.add(location)  # not where warnings are errors: then each one is raised


def _versions() -> str:
    """Return the versions that a report needs."""
    versions = [f"chainrule {__version__}", f"Python {platform.python_version()}"]
    for name in ("numpy", "llvmlite"):
        try:
            versions.append(f"{name} {_metadata.version(name)}")
        except ModuleNotFoundError:  # also of a package without its metadata
            versions.append(f"no {name}")
    return ", ".join([*versions, f"{platform.system()} {platform.machine()}"])
