"""From a graph to a program that runs it, with the reference as a fallback."""

from __future__ import annotations

import platform
import sys
import warnings
from pathlib import Path

from ..config import config
from ..errors import ChainruleError, CompileError, InternalErrorWarning
from ..graph.graph import Graph
from ..graph.stages import stage, take_stages
from ..lazy import LazyModule
from ..memory import collections_paused
from ..simplify import simplify
from ..simplify.loops import find_loops
from ..simplify.unrolled import warn_of_unrolled_loops
from ..version import __version__
from .base import NOTHING_DONATED, Backend, Donated, Program
from .native import NativeBackend
from .numpy import NumpyBackend

BACKENDS: dict[str, Backend] = {"numpy": NumpyBackend(), "llvm": NativeBackend()}
_metadata = LazyModule("importlib.metadata")
_warned: set[str] = set()


def compile_graph(
    graph: Graph, tiered: bool = False, donated: Donated = NOTHING_DONATED
) -> Program:
    """Simplify a graph and compile it with the backend of `config`.

    If native code cannot be made, the reference takes over, with one warning. So it does after an
    internal error of a rewrite or of the compiler, with a warning that asks for a report. Errors of
    the user are raised, and so is everything under ``CHAINRULE_CHECK=1``.
    """
    try:
        with collections_paused():
            program = BACKENDS[config.backend].compile(_simplified(graph), tiered, donated)
        if config.debug >= 1:
            print(f"chainrule: milliseconds: {take_stages()}", file=sys.stderr)
        return program
    except CompileError as error:
        if config.backend not in _warned:
            _warned.add(config.backend)
            print(f"chainrule: no native code, NumPy computes instead: {error}", file=sys.stderr)
        return BACKENDS["numpy"].compile(_simplified(graph), donated=donated)
    except (ChainruleError, MemoryError):
        raise
    except Exception as error:
        if config.check:
            raise
        _ask_for_report(error)
        # As it was traced: a rewrite may be at fault
        return BACKENDS["numpy"].compile(graph, donated=donated)


def _simplified(graph: Graph) -> Graph:
    with stage("find loops"):
        graph = find_loops(graph)
    with stage("simplify"):
        graph = simplify(graph)
        warn_of_unrolled_loops(graph)
    return graph


def _ask_for_report(error: Exception) -> None:
    """Warn once for each line of code at which an internal error arises."""
    last = error.__traceback__
    assert last is not None
    while last.tb_next is not None:
        last = last.tb_next
    code = last.tb_frame.f_code
    location = f"{Path(code.co_filename).name}:{last.tb_lineno}"
    if location in _warned:
        return
    message = f": {error}" if str(error) else ""
    warnings.warn(
        f"an internal error of chainrule, {type(error).__name__}{message} (at {location}, in "
        f"{code.co_name}): no native code is made for this function, NumPy computes it, slower. "
        "Please report it, with the function if you can, and with these versions: "
        f"{_versions()}",
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
