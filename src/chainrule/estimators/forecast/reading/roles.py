"""Which column of a table is what: series, time, target and covariates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Never, TypeAlias

from ....errors import DataError
from ....lazy import LazyModule

pd = LazyModule("pandas")

Frame: TypeAlias = Any

ID, TIME, TARGET = "unique_id", "ds", "y"  # Nixtla's names


@dataclass(frozen=True)
class Roles:
    """The columns of a table of series.

    Attributes
    ----------
    id : str or None
        The series that a row belongs to; None where there is one series, or a column for each.
    time : str or None
        None where rows have no times.
    target : str
        What is forecast.
    known, past, static : tuple of str
        Covariates that are known ahead, such as prices and holidays; that are known only once the
        step is over; and that are the same in all rows of a series.
    """

    id: str | None
    time: str | None
    target: str
    known: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    static: tuple[str, ...] = ()


def as_names(columns: Any, argument: str) -> tuple[str, ...]:
    """Return names of columns: one, or several."""
    if columns is None:
        return ()
    if isinstance(columns, str):
        return (columns,)
    if not isinstance(columns, Iterable):
        raise TypeError(f"{argument}={columns!r}: give names of columns, such as ['price']")
    return tuple(str(name) for name in columns)


def find_roles(
    frame: Frame,
    id: str | None,
    time: str | None,
    target: str | None,
    known: tuple[str, ...] = (),
    past: tuple[str, ...] = (),
    static: tuple[str, ...] = (),
) -> Roles:
    """Return the roles of the columns of a long table; Nixtla's names are those by default.

    Raises
    ------
    DataError
        For a column that is absent, or has two roles.
    """
    columns = list(frame.columns)
    lists = {"known": known, "past": past, "static": static}
    taken = {name for names in lists.values() for name in names} | {id, time, target}
    id = ID if id is None and ID in columns and ID not in taken else id
    time = TIME if time is None and TIME in columns and TIME not in taken else time
    if target is None:
        target = _only_target(columns, {*taken, id, time})
    roles = Roles(id, time, str(target), **lists)
    singles = {"id": id, "time": time, "target": target}
    uses = [(role, name) for role, name in singles.items() if name is not None]
    uses += [(role, name) for role, names in lists.items() for name in names]
    seen: dict[str, str] = {}
    for role, name in uses:
        if name not in columns:
            absent(name, columns, role)
        if name in seen:
            raise DataError(f"column {name!r} is both {seen[name]} and {role}: give it one role")
        seen[name] = role
    return roles


def _only_target(columns: list[str], taken: set[str | None]) -> str:
    """The column to forecast where none is named: "y", or the only one that is left."""
    left = [name for name in columns if name not in taken]
    if TARGET in left:
        return TARGET
    if len(left) != 1:
        raise DataError(
            f"which column is to be forecast? There are {listed(left)}: give target="
            if left else "there is no column to forecast: give target="
        )  # fmt: skip
    return left[0]


def absent(name: str, columns: list[str], role: str) -> Never:
    """Raise the error of a column that is not there."""
    near = get_close_matches(name, columns, 1)
    hint = f" (is it {near[0]!r}?)" if near else ""
    raise DataError(f"{role}={name!r}: there is no such column{hint}; there are {listed(columns)}")


def listed(names: Iterable[Any], most: int = 8) -> str:
    """Return the first names for a message.

    Examples
    --------
    >>> listed(["a", "b", "c"], most=2)
    "'a', 'b', ..."
    """
    quoted = [repr(name) for name in names]
    return ", ".join(quoted[:most]) + ", ..." * (len(quoted) > most)
