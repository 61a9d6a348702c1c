"""Every exception that chainrule raises on purpose, and the user's line for its message."""

from __future__ import annotations

import sys
from pathlib import Path
from types import CodeType, FrameType

PACKAGE = str(Path(__file__).parent)
_LIBRARIES = ("/numpy/", "/scipy/", "/optree/")
_internal: dict[CodeType, bool] = {}


class ChainruleError(Exception):
    """Base class of all errors that chainrule raises on purpose."""


class ShapeError(ChainruleError, ValueError):
    """Arrays whose shapes do not fit each other or the operation."""


class DtypeError(ChainruleError, TypeError):
    """A dtype that the operation or the transformation cannot take."""


class UnsupportedError(ChainruleError, NotImplementedError):
    """A NumPy function, option or dtype that chainrule does not differentiate."""


class AbstractValueError(ChainruleError, TypeError):
    """A number asked for while tracing, when only shapes and dtypes are known."""


class CompileError(ChainruleError, RuntimeError):
    """Native code that cannot be made or loaded here."""


class GradientError(ChainruleError, TypeError):
    """A derivative that does not exist or cannot be formed."""


class CheckError(ChainruleError, AssertionError):
    """A graph that breaks an invariant, or a derivative that central differences contradict."""


class DataError(ChainruleError, ValueError):
    """Data that cannot be used as given: missing file, column, class, or number."""


class ModelFileError(ChainruleError, ValueError):
    """A model file that is truncated, foreign, newer than this version, or damaged."""


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


def is_internal(code: CodeType) -> bool:
    """Whether `code` belongs to this package (and not to the user)."""
    known = _internal.get(code)
    if known is None:
        name = code.co_filename
        known = name.startswith((PACKAGE, "<frozen")) or any(part in name for part in _LIBRARIES)
        _internal[code] = known
    return known


def user_frame() -> FrameType | None:
    """The innermost frame that is not ours, NumPy's, SciPy's or optree's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        internal = _internal.get(code)  # asked here first, because each traced operation comes by
        if not (is_internal(code) if internal is None else internal):
            break
        frame = frame.f_back
    return frame


def at_user_line(message: str) -> str:
    """`message` with the user's file and line in front."""
    frame = user_frame()
    where = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "<unknown line>"
    return f"{where}: {message}"
