"""Covariates as numbers: numbers as they are, texts as one column for each level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....container import damaged
from ....data.cells import check_cells
from ....data.column_values import as_numbers, as_texts, is_date, is_numeric
from ....errors import DataError, warn_user
from ....lazy import LazyModule
from ...serialization.schema import each, fields, flag, text
from .data_warning import SeriesDataWarning
from .roles import Roles, listed

pd = LazyModule("pandas")

Frame: TypeAlias = Any
Series: TypeAlias = Any
Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

MAX_LEVELS = 32
ROLES = ("known", "past", "static")
_CHECK = each(
    fields({"name": text, "levels": each(text, 0, MAX_LEVELS), "is_text": flag})
)  # fmt: skip


@dataclass(frozen=True)
class Encoder:
    """How one column becomes numbers.

    Attributes
    ----------
    name : str
    levels : tuple of str
        Of a column of texts: those that have a column of 0 and 1 each, in order.
    is_text : bool
    """

    name: str
    levels: tuple[str, ...] = ()
    is_text: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns of numbers, such as "holiday=Easter"."""
        return tuple(f"{self.name}={level}" for level in self.levels) if self.is_text else (
            self.name,
        )  # fmt: skip

    def __call__(self, column: Series, is_training: bool = False) -> Floats:
        """The numbers of a column, shape (n, width): NaN for an empty number, zeros for no text.

        Of unknown levels a warning says so, but where the encoder was learned from these rows.
        """
        if not self.is_text:
            return _numbers(column)[:, None]
        texts = as_texts(column)
        unknown = sorted({level for level in texts if level is not None} - set(self.levels))
        if unknown and not is_training:
            warn_user(
                f"column {self.name!r} has values that the training did not have or had too "
                f"rarely ({listed(unknown, 3)}): they count as none of its levels",
                SeriesDataWarning,
            )
        is_level = texts[:, None] == np.array(self.levels, object)[None, :]
        return np.asarray(is_level, np.float64)


@dataclass(frozen=True)
class Encoders:
    """How all covariates become numbers, by role."""

    known: tuple[Encoder, ...] = ()
    past: tuple[Encoder, ...] = ()
    static: tuple[Encoder, ...] = ()

    def encode(self, frame: Frame, role: str, is_training: bool = False) -> Floats:
        """The numbers of the covariates of a role, shape (n, width)."""
        parts = [one(frame[one.name], is_training) for one in getattr(self, role)]
        return np.concatenate([np.zeros((len(frame), 0)), *parts], axis=1)

    def names(self, role: str) -> tuple[str, ...]:
        """The names of the columns of `encode`."""
        return tuple(name for encoder in getattr(self, role) for name in encoder.names)

    def is_level(self, role: str) -> Flags:
        """Which columns of `encode` are levels of a text, which have no missing values."""
        flags = [encoder.is_text for encoder in getattr(self, role) for _ in encoder.names]
        return np.array(flags, np.bool_)

    def to_state(self) -> dict[str, Any]:
        """Plain JSON values, which `from_state` reads."""
        return {
            role: [
                {"name": one.name, "levels": list(one.levels), "is_text": one.is_text}
                for one in getattr(self, role)
            ]
            for role in ROLES
        }

    @classmethod
    def from_state(cls, state: Any, where: str = "encoders") -> Encoders:
        """The encoders of `to_state`; a `ModelFileError` for anything else."""
        checked = fields(dict.fromkeys(ROLES, _CHECK))(state, where)
        for entry in (entry for role in ROLES for entry in checked[role]):
            if entry["levels"] and not entry["is_text"]:
                raise damaged(f"{where} has levels of a column of numbers")
            entry["levels"] = tuple(entry["levels"])
        return cls(**{role: tuple(Encoder(**one) for one in checked[role]) for role in ROLES})


def learn_encoders(frame: Frame, roles: Roles) -> Encoders:
    """Return the encoders of the covariates of a table.

    Raises
    ------
    DataError
        For a column of dates or lists, and for one of numbers with texts among them.
    """
    return Encoders(
        **{role: tuple(_learn(frame[name]) for name in getattr(roles, role)) for role in ROLES}
    )


def _learn(column: Series) -> Encoder:
    name = str(column.name)
    check_cells(column)
    if is_date(column):
        raise DataError(
            f"covariate {name!r} holds dates: give numbers (such as the days until then) or texts"
        )
    if not isinstance(column.dtype, pd.CategoricalDtype) and is_numeric(column):
        return Encoder(name)
    texts = [level for level in as_texts(column) if level is not None]
    levels, counts = np.unique(np.array(texts, object), return_counts=True)
    if len(levels) > MAX_LEVELS:
        warn_user(
            f"column {name!r} has {len(levels)} levels: the {MAX_LEVELS} most frequent have a "
            "column of numbers each, the others none",
            SeriesDataWarning,
        )
        levels = np.sort(levels[np.argsort(-counts, kind="stable")[:MAX_LEVELS]])
    return Encoder(name, tuple(levels.tolist()), True)


def _numbers(column: Series) -> Floats:
    """The numbers of a column, NaN where empty; True is 1."""
    check_cells(column)
    if pd.api.types.is_bool_dtype(column.dtype) and column.isna().any():
        column = column.astype("Float64")
    return plain_numbers(column, f"covariate {str(column.name)!r}")


def plain_numbers(column: Series, role: str) -> Floats:
    """Return the numbers of a column; a `DataError` names the first cell that is none."""
    check_cells(column)
    if is_date(column) and not pd.api.types.is_numeric_dtype(column.dtype):
        raise DataError(f"the {role} holds dates, which are no numbers")
    try:
        return as_numbers(column)
    except DataError as error:
        raise DataError(f"{role}: {str(error).partition(', or use')[0]}") from None
