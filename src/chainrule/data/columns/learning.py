"""Learn how the columns of a table are read: each alone, and what is ambiguous by the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from ...errors import DataError
from ...lazy import LazyModule
from ..cells import check_cells
from .distinct_cells import DistinctCells
from .drafts import Draft
from .kinds import KINDS, Customs, check_kinds
from .reading import Reading
from .text_columns import draft_of_texts
from .typed_columns import draft_of_typed

pd = LazyModule("pandas")

Frame: TypeAlias = Any  # a pandas DataFrame
Series: TypeAlias = Any

NO_CUSTOMS = Customs()
UNREAD = "it cannot be read as what it looks like"  # why it is one of text


def learn_reading(
    column: Series, kind: str | None = None, customs: Customs = NO_CUSTOMS
) -> Reading:
    """Learn how to read a column; `kind` overrides what its cells look like.

    Parameters
    ----------
    column : pandas.Series
    kind : str, optional
        One of `KINDS`. A column that is said to hold numbers has no sentinels: -999 is a number.
    customs : Customs, optional
        How other columns of the table are written: they decide what is ambiguous in this one.

    Raises
    ------
    DataError
        If a cell is not of the kind asked for, or a text stands among numbers or dates; with the
        first such row.

    Examples
    --------
    >>> import pandas as pd
    >>> reading = learn_reading(pd.Series(["$1,200", "n/a", "$90", "$1,450.50"], name="price"))
    >>> reading.kind, reading.missing
    ('number', 0.25)
    >>> reading.values(pd.Series(["$1,300", "-"])).tolist()
    [1300.0, nan]
    """
    draft = _draft(column, kind, customs)
    if draft.fault is not None:
        raise draft.fault
    return draft.reading


def learn_readings(
    frame: Frame, kinds: Mapping[str, str] | None = None, refuse: bool = True
) -> tuple[Reading, ...]:
    """Learn how to read all columns of a table.

    Parameters
    ----------
    frame : pandas.DataFrame
    kinds : mapping of str to str, optional
        Kinds of some columns, whatever their cells look like.
    refuse : bool
        Whether a column that cannot be read, such as one of numbers with a few texts, raises its
        error. Without, its reading is one of text with the error as its first note. Default True.

    Raises
    ------
    DataError
        If a kind or a column does not exist, or a column cannot be read.
    """
    return tuple(draft.reading for draft in _drafts(frame, kinds, refuse, with_values=False))


def typed_frame(
    frame: Frame,
    kinds: Mapping[str, str] | None = None,
    refuse: bool = True,
    with_ignored: bool = False,
) -> tuple[Frame, tuple[Reading, ...]]:
    """Return a table with each column as its `Reading` has it, and the readings.

    Columns that have a dtype of numbers, truth values or dates keep it where nothing is to be done;
    those that `kinds` says to ignore are left out, or stay as they are `with_ignored`. See
    `learn_readings` for the other parameters.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"id": ["007", "012"], "day": ["31/12/2026", "2/1/2027"]})
    >>> typed, readings = typed_frame(frame, {"id": "ignore"})
    >>> typed["day"].dt.day.tolist(), [reading.kind for reading in readings]
    ([31, 2], ['ignore', 'date'])
    """
    drafts = _drafts(frame, kinds, refuse, with_values=True)
    ignored = {str(name) for name, kind in (kinds or {}).items() if kind == "ignore"}
    columns = {
        name: draft.values
        for name, draft in zip(frame.columns, drafts, strict=True)
        if with_ignored or draft.reading.name not in ignored
    }
    copy = None if pd.__version__.startswith("2.") else False  # later ones copy where one writes
    typed = pd.DataFrame(columns, index=frame.index, copy=copy)
    return typed, tuple(draft.reading for draft in drafts)


def check_readable(readings: Iterable[Reading], names: Collection[str] | None = None) -> None:
    """Raise the error of the first column that was not refused and cannot be read.

    Parameters
    ----------
    readings : iterable of Reading
        Of `typed_frame` without `refuse`.
    names : collection of str, optional
        The columns that are used. Default: all.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"x": ["1.5", "2.5", "3.5x"], "y": ["1", "2", "3"]})
    >>> readings = typed_frame(frame, refuse=False)[1]
    >>> check_readable(readings, {"y"})
    """
    for reading in readings:
        if reading.why == UNREAD and (names is None or reading.name in names):
            raise DataError(reading.notes[0])


def as_typed(column: Series, reading: Reading, cells: DistinctCells | None = None) -> Series:
    """Return a column as its reading has it, with its dtype if that says the same already.

    Who has its different `cells` already gives them as well.
    """
    kind = column.dtype.kind if hasattr(column.dtype, "kind") else "O"
    if reading.kind in ("number", "time", "duration") and kind in "iufb" and not reading.sentinels:
        return column
    return reading.values(column, cells)


def _drafts(
    frame: Frame, kinds: Mapping[str, str] | None, refuse: bool, with_values: bool
) -> list[Draft]:
    """Learn all columns of a table, with their values or without."""
    chosen = {str(name): kind for name, kind in (kinds or {}).items()}
    names = [str(name) for name in frame.columns]
    check_kinds(chosen, names)
    columns = [column for _, column in frame.items()]
    drafts = [
        _complete(column, _draft(column, chosen.get(name), NO_CUSTOMS), with_values)
        for name, column in zip(names, columns, strict=True)
    ]
    if any(draft.ambiguous for draft in drafts):
        customs = _customs(drafts)
        drafts = [
            _complete(column, _draft(column, chosen.get(name), customs), with_values, True)
            if draft.ambiguous else draft
            for draft, name, column in zip(drafts, names, columns, strict=True)
        ]  # fmt: skip
    for draft in drafts:
        if draft.fault is not None and refuse:
            raise draft.fault
    return [
        draft if draft.fault is None else _complete(column, Draft(_unread(draft)), with_values)
        for column, draft in zip(columns, drafts, strict=True)
    ]


def _complete(column: Series, draft: Draft, with_values: bool, is_last: bool = False) -> Draft:
    """A draft with the values of its column, or without what it took to learn them."""
    if not with_values or draft.fault is not None or (draft.ambiguous and not is_last):
        return replace(draft, values=None, cells=None)
    values = draft.values
    if values is None:
        values = as_typed(column, draft.reading, draft.cells)
    return replace(draft, values=values, cells=None)


def _draft(column: Series, kind: str | None, customs: Customs) -> Draft:
    """Learn one column, with what speaks against it."""
    if kind is not None and kind not in KINDS:
        raise DataError(f"{kind!r} is no kind of column: give one of {', '.join(KINDS)}")
    if kind == "ignore":
        return Draft(Reading(str(column.name), kind, "it is left out, as asked for"))
    check_cells(column, spans=True)
    dtype = column.dtype
    is_plain = isinstance(dtype, np.dtype)
    texts = (
        dtype.kind == "O" if is_plain
        else isinstance(dtype, (pd.CategoricalDtype, pd.StringDtype))
        or (isinstance(dtype, pd.ArrowDtype) and not _is_typed(dtype))
    )  # fmt: skip
    return (draft_of_texts if texts else draft_of_typed)(column, kind, customs)


def _is_typed(dtype: Any) -> bool:
    """Whether a dtype of Arrow says itself what its cells are."""
    types = pd.api.types
    return bool(
        types.is_numeric_dtype(dtype) or types.is_bool_dtype(dtype) or dtype.kind == "m"
        or types.is_datetime64_any_dtype(dtype)
    )  # fmt: skip


def _unread(draft: Draft) -> Reading:
    """A column that cannot be read, as texts: whoever uses it meets the error."""
    return replace(
        draft.reading, kind="text", why=UNREAD, form=None,
        sentinels=(), notes=(str(draft.fault), *draft.reading.notes),
    )  # fmt: skip


def _customs(drafts: Sequence[Draft]) -> Customs:
    """How the columns of a table are written that are not ambiguous."""
    sure = [draft for draft in drafts if not draft.ambiguous and draft.fault is None]
    decimals = Counter(draft.decimal for draft in sure if draft.decimal)
    orders = Counter(draft.day_first for draft in sure if draft.day_first is not None)
    decimal, day_first = _commonest(decimals), _commonest(orders)
    return Customs(decimal or "", day_first)


def _commonest(counts: Counter[Any]) -> Any:
    """The commonest of them; None if there is none, or several are."""
    first = counts.most_common(2)
    if not first or (len(first) > 1 and first[0][1] == first[1][1]):
        return None
    return first[0][0]
