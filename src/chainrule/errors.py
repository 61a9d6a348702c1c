"""Every exception that chainrule raises on purpose, and the user's line for its message."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from types import CodeType, FrameType
from typing import ClassVar

PACKAGE = os.path.dirname(__file__)
_LIBRARIES = ("/numpy/", "/scipy/", "/optree/", "/pandas/")
_STANDARD = os.path.dirname(os.__file__) + "/"
_internal: dict[int, bool] = {}  # by the id of code, whose hash takes longer than the look-up
_codes: list[CodeType] = []  # that have been asked for, so that no other one gets the id


class ChainruleError(Exception):
    """Base class of all errors that chainrule raises on purpose."""


class ShapeError(ChainruleError, ValueError):
    """Arrays whose shapes do not fit each other or the operation."""


class DtypeError(ChainruleError, TypeError):
    """A dtype that the operation or the transformation cannot take."""


class Refusal(ChainruleError):
    """What NumPy can do and a trace cannot: raised, and not to be passed over.

    A function that catches it and goes another way would have gone on with NumPy. So the
    transformation that is tracing the function raises it again in the end.

    Attributes
    ----------
    code : CodeType or None
        The user's code that asked for what a trace has not, if other code might not have to.
    at_write : bool
        Whether it writes into a plain array, which might be one of the trace.
    """

    code: CodeType | None = None
    at_write = False

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        if refusals.depth:
            refusals.latest = self


class _Refusals(local):
    """The last refusal in the function that is being traced, and how many such calls there are.

    `of_threads` holds those that threads met which a traced function started: they have no trace.
    """

    depth = 0
    latest: Refusal | None = None
    of_threads: ClassVar[list[Refusal]] = []


refusals = _Refusals()


@contextmanager
def outside_of_traces() -> Iterator[None]:
    """While it lasts, this thread's code is plain Python: a function that is called back."""
    saved = refusals.depth, refusals.latest
    refusals.depth, refusals.latest = 0, None
    try:
        yield
    finally:
        refusals.depth, refusals.latest = saved


class UnsupportedError(Refusal, NotImplementedError):
    """A NumPy function, option or dtype that chainrule does not differentiate."""


class UnsupportedDtypeError(Refusal, DtypeError):
    """A dtype that NumPy computes with and chainrule does not: longdouble, objects."""


class AbstractValueError(Refusal, TypeError):
    """A number asked for while tracing, when only shapes and dtypes are known."""


class CompileError(ChainruleError, RuntimeError):
    """Native code that cannot be made or loaded here."""


class StateLostError(ChainruleError, RuntimeError):
    """A step failed in the middle, and left arrays that it changes where they lie half changed."""


class InternalErrorWarning(RuntimeWarning):
    """A fault of chainrule itself, after which the reference computes: please report it."""


class GradientError(Refusal, TypeError):
    """A derivative that does not exist or cannot be formed."""


class CheckError(ChainruleError, AssertionError):
    """A graph that breaks an invariant, or a derivative that central differences contradict."""


class DataError(ChainruleError, ValueError):
    """Data that cannot be used as given: missing file, column, class, or number."""


class EnvironmentCheckError(ChainruleError, ValueError):
    """An environment of reinforcement learning that breaks the protocol."""


class EnvironmentStepError(ChainruleError, RuntimeError):
    """An environment of reinforcement learning that failed in the middle of a training."""


class ModelFileError(ChainruleError, ValueError):
    """A model file that is truncated, foreign, newer than this version, or damaged."""


class NonFiniteError(ChainruleError, FloatingPointError):
    """A result with nan, or infinities, inside ``debug.nans()``: the message says where from.

    Attributes
    ----------
    operation : str
        The operation that made the first one of those that reach the result; empty if they came
        in with an argument, or nothing is known.
    filename, line : str, int
        The user's line; empty and 0 if none is known.
    in_derivative : bool
        Whether it arose in the derivative of that line.
    iterations : tuple of int
        In which iteration of each loop around it, the outermost first.
    """

    operation = ""
    filename = ""
    line = 0
    in_derivative = False
    iterations: tuple[int, ...] = ()


class TrainingError(ChainruleError, ArithmeticError):
    """A training that cannot go on, such as a loss that is no longer finite.

    Attributes
    ----------
    result : FitResult or None
        What there was before: the best weights and the history.
    """

    def __init__(self, message: str, result: object = None) -> None:
        super().__init__(message)
        self.result = result


class GradientWarning(UserWarning):
    """A derivative that is zero because nothing that it is taken by reaches the result."""


class PerformanceWarning(UserWarning):
    """Code that runs rightly, and much slower than the same computation in another form would."""


class FrozenRandomWarning(UserWarning):
    """Random numbers that were drawn once, while a function was traced, and stay the same."""


def is_internal(code: CodeType) -> bool:
    """Return whether `code` belongs to us, to Python or to a library that calls us: not to the
    user.
    """
    known = _internal.get(id(code))
    if known is None:
        name = code.co_filename
        known = name.startswith((PACKAGE, "<frozen")) or any(part in name for part in _LIBRARIES)
        known = known or (name.startswith(_STANDARD) and "-packages" not in name)
        _codes.append(code)
        _internal[id(code)] = known
    return known


def user_frame(depth: int = 1) -> FrameType | None:
    """Return the innermost frame that is not ours, a library's that we know, or Python's own.

    The search begins with the caller, or so many frames further out.
    """
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        code = frame.f_code
        internal = _internal.get(id(code))  # asked here, because each traced operation comes by
        if not (is_internal(code) if internal is None else internal):
            break
        frame = frame.f_back
    return frame


def at_user_line(message: str) -> str:
    """Prefix `message` with the user's file and line."""
    frame = user_frame()
    where = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "<unknown line>"
    return f"{where}: {message}"


def warn_user(message: str, category: type[Warning]) -> None:
    """Warn at the user's line, so that each line warns once."""
    frame = user_frame()
    if frame is None:
        warnings.warn(message, category, stacklevel=2)
        return
    registry = frame.f_globals.setdefault("__warningregistry__", {})
    warnings.warn_explicit(
        message, category, frame.f_code.co_filename, frame.f_lineno, registry=registry
    )
