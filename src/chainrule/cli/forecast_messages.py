"""Messages of the forecaster in the words of the command: `--target`, not `target=`."""

from __future__ import annotations

import re
import shlex
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from .. import estimators
from ..errors import DataError, UnsupportedError
from ..lazy import LazyModule
from .console import complain

data_warning = LazyModule("chainrule.estimators.forecast.reading.data_warning")
forecast_warning = LazyModule("chainrule.estimators.forecast.forecast_warning")

OPTIONS = {
    "id": "id", "time": "time", "target": "target", "known": "known", "past": "past",
    "static": "static", "freq": "freq", "fill_gaps": "fill-gaps", "duplicates": "duplicates",
    "season_length": "season", "horizon": "horizon", "levels": "levels", "n_windows": "windows",
    "step": "step", "refit": "refit", "kind": "kind", "future": "future", "members": "members",
}  # fmt: skip
VALUE = r"""'[^']*'|"[^"]*"|\[[^\]]*\]|-?\w[\w.]*"""
CALL = re.compile(r"predict\(future=\.\.\.\)")
WORD = re.compile(rf"(?<![\w'\"-])({'|'.join(OPTIONS)})=({VALUE})?(?=\W|$)")


def as_options(message: str) -> str:
    """A message of the forecaster in which parameters are options of the command.

    Examples
    --------
    >>> as_options("target='unit': there is no such column; say fill_gaps='zero', or give past=")
    '--target unit: there is no such column; say --fill-gaps zero, or give --past'
    >>> as_options("give n_windows=3 at most; predict(future=...) must hold the next 2 steps")
    'give --windows 3 at most; --future must hold the next 2 steps'
    """
    text = WORD.sub(_option, CALL.sub("--future", message))
    return text.replace("leave --levels out", "give --levels none")


def _option(match: re.Match[str]) -> str:
    name, value = f"--{OPTIONS[match[1]]}", match[2]
    if value is None:
        return name
    bare = value[1:-1] if value[0] in "'\"[" else value
    return f"{name} {shlex.quote(bare) if bare else repr(bare)}"


@contextmanager
def in_words_of_the_command() -> Iterator[None]:
    """Print warnings about data as notes, each once, and let errors name options."""
    about_data = (
        data_warning.SeriesDataWarning, forecast_warning.FewOriginsWarning,
        forecast_warning.LeakWarning, estimators.FewRowsWarning,
    )  # fmt: skip
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except (DataError, UnsupportedError) as error:
            raise type(error)(as_options(str(error))) from error.__cause__
    notes: dict[str, None] = {}
    for warning in caught:
        if issubclass(warning.category, about_data):
            notes[as_options(str(warning.message))] = None
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    for note in notes:
        complain(f"note: {note}")
