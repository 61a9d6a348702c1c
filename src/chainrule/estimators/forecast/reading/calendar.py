"""How the times of all series go on: as whole-number positions, and back in the user's form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....container import damaged
from ....errors import DataError
from ....lazy import LazyModule
from ...serialization.schema import each, fields, maybe, one_of, text, whole
from .frequencies import grid_of, name_of, period_freq, single_offset
from .grids import (
    GRIDS,
    EvenGrid,
    Grid,
    TradingGrid,
    days_of,
)
from .inference import infer_grid
from .seasons import seasons_of
from .stamps import CHECK_FORM, DAY, Form, Stamps, read_stamps, to_local, to_utc, written

pd = LazyModule("pandas")

Ints: TypeAlias = NDArray[np.int64]

KINDS = ("steps", "dates", "trading")
FARTHEST = 9.1e9  # seconds from 1970
LARGEST = 2**63 - 1
INTEGER = whole(-LARGEST)
GRID_FIELDS = {
    "even": {"step": whole(1), "phase": INTEGER},
    "days": {"step": whole(1), "phase": INTEGER, "clock": whole(0, DAY)},
    "weekdays": {"mask": text, "clock": whole(0, DAY), "step": whole(1), "phase": INTEGER},
    "months": {"step": whole(1), "phase": INTEGER, "day": whole(1, 31), "clock": whole(0, DAY)},
    "trading": {"days": each(whole(-200_000, 200_000), 1), "mask": text, "clock": whole(0, DAY)},
    "listed": {"freq": text, "step": whole(1), "phase": INTEGER, "clock": whole(0, DAY)},
}  # fmt: skip


@dataclass(frozen=True)
class Calendar:
    """The common steps of all series.

    A position is a whole number; equal positions of two series are the same time, and the next
    step has the next position. Steps of a day and longer follow the calendar and the clocks of the
    time zone: a time that a change of the clocks skips is the first that exists, and of one that
    comes twice it is the first. Steps shorter than a day are of equal length.

    Attributes
    ----------
    kind : {"steps", "dates", "trading"}
        "steps" for whole numbers and rows without times. "trading" for days of which weekends and
        holidays are missing: positions count the days that some series has, and future days are
        those weekdays that at least half of the last 52 weeks have. *Future holidays are not
        known*, unless future rows say which days there are (`with_days`).
    freq : str or None
        The frequency as pandas names it, such as "h", "W-SUN" or "MS"; None for other kinds.
    form : Form
        How the user writes times.
    grid : Grid
        From times to positions.

    Examples
    --------
    >>> calendar = infer_calendar(["2024-03-30", "2024-03-31", "2024-04-01"], freq="D")
    >>> positions = calendar.positions(["2024-04-01"])
    >>> str(calendar.stamps(positions + 1)[0]), calendar.freq, calendar.seasons()
    ('2024-04-02 00:00:00', 'D', (7, 365))
    """

    kind: str
    freq: str | None
    form: Form
    grid: Grid

    def positions(self, stamps: Any) -> Ints:
        """Return the positions of times.

        Parameters
        ----------
        stamps : Stamps, pandas.Index, pandas.Series or array (n,)
            In the form, and the time zone if any, of those that the calendar was learned from.

        Returns
        -------
        array (n,) of int64

        Raises
        ------
        DataError
            For times of another form or zone, and for the first that is not on the calendar.
        """
        times = stamps if isinstance(stamps, Stamps) else read_stamps(stamps)
        self._check_form(times.form)
        return _positions(self, times)

    def stamps(self, positions: Any) -> Any:
        """Return the times of positions, as an index of pandas in the user's form.

        Parameters
        ----------
        positions : array (n,) of int64
        """
        return self.form.index(self._values(np.asarray(positions, np.int64)))

    def text(self, position: int) -> str:
        """Return the time of a position for a message."""
        return written(self.form, int(self._values(np.array([position], np.int64))[0]))

    def _values(self, positions: Ints) -> Ints:
        if self.kind != "steps" and len(positions):
            first = int(self.grid.index(np.zeros(1, np.int64))[0])
            ends = max(first - int(positions.min()), int(positions.max()) - first)
            if ends * self.grid.seconds() > FARTHEST:
                raise DataError(
                    f"{ends} steps of {self.freq or 'trading days'} from 1970 are beyond the years "
                    "1682 to 2258, which dates in nanoseconds reach"
                )
        times = self.grid.times(positions)
        return times if self.grid.absolute else to_utc(times, self.form.zone)

    def _check_form(self, form: Form) -> None:
        """Refuse times that are of another kind or zone than those of the training."""
        mine = self.form
        if {form.kind, mine.kind} in ({"dates"}, {"dates", "periods"}, {"periods"}):
            if form.zone == mine.zone or _same_zone(form.zone, mine.zone):
                return
            zones = [zone or "no time zone" for zone in (form.zone, mine.zone)]
            raise DataError(
                f"the times are of {zones[0]}, those of the training of {zones[1]}: convert them "
                "(dt.tz_convert, or dt.tz_localize where there is no zone)"
            )
        if {form.kind, mine.kind} <= {"none", "integers"}:
            return
        names = {"none": "row numbers", "integers": "whole numbers", "dates": "dates",
                 "periods": "periods"}  # fmt: skip
        raise DataError(
            f"the times are {names[form.kind]}, those of the training {names[mine.kind]}"
        )

    @property
    def seconds(self) -> float | None:
        """The length of a step in seconds, on average; None for steps without a length."""
        return None if self.kind == "steps" else self.grid.seconds()

    def seasons(self) -> tuple[int, ...]:
        """Return lengths of seasons in steps that the calendar suggests, shortest first.

        Hours have (24, 168, 8766): days, weeks and years; days (7, 365), months (12,). Empty for
        years and for steps without dates.
        """
        return () if self.kind == "steps" else seasons_of(self.grid)

    def with_days(self, stamps: Stamps) -> Calendar:
        """Return the calendar with days after its last one, which rows say are traded.

        Of other kinds than "trading" it is the same calendar.
        """
        grid = self.grid
        if not isinstance(grid, TradingGrid):
            return self
        self._check_form(stamps.form)
        days = np.unique(days_of(stamps.local(), grid.clock))
        later = days[days > grid.days[-1]]
        return replace(self, grid=replace(grid, days=(*grid.days, *later.tolist())))

    def to_state(self) -> dict[str, Any]:
        """Return plain JSON values, which `from_state` reads."""
        name = next(name for name, kind in GRIDS.items() if type(self.grid) is kind)
        grid = {key: getattr(self.grid, key) for key in GRID_FIELDS[name]}
        if "days" in grid:
            grid["days"] = list(grid["days"])
        return {
            "kind": self.kind,
            "freq": self.freq,
            "form": asdict(self.form),
            "grid": {"name": name, **grid},
        }

    @classmethod
    def from_state(cls, state: Any, where: str = "calendar") -> Calendar:
        """Return the calendar of `to_state`; a `ModelFileError` for anything else."""
        return _from_state(state, where)


def infer_calendar(
    stamps: Any, freq: Any = None, groups: Any = None, names: Sequence[Any] = ()
) -> Calendar:
    """Return the calendar that times are on.

    The usual step, over all series, is taken for the step, and other times must be on it: a few
    may be missing. Days of which some weekdays have (nearly) no row are business days, where all
    from Monday to Friday have one, or else the days that some series has (kind "trading").

    Parameters
    ----------
    stamps : pandas.Index, pandas.Series or array (n,)
        Times in any order.
    freq : str or pandas offset, optional
        The frequency, which is then only checked.
    groups : array (n,) of int64, optional
        The series that each time belongs to; by default all are of one.
    names : sequence, optional
        Those of the series, for messages.

    Raises
    ------
    DataError
        Where no step is regular, where the frequency changes, and for the first time that is not
        on the frequency.

    Examples
    --------
    >>> calendar = infer_calendar(["2024-01-31", "2024-02-29", "2024-03-31"])
    >>> calendar.freq, calendar.stamps(calendar.positions(["2024-03-31"]) + 1)[0].day
    ('ME', 30)
    >>> infer_calendar(["2024-01-01", "2024-02-01", "2024-03-01"], freq="ME")
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: the time 2024-01-01 is not on freq='ME' (beside it is 2024-01-31); \
the times are on freq='MS'
    """
    times = stamps if isinstance(stamps, Stamps) else read_stamps(stamps)
    groups = np.zeros(len(times.values), np.int64) if groups is None else np.asarray(groups)
    if not len(times.values):
        raise DataError("there are no times: give one row at least")
    order = np.lexsort((times.values, groups))
    times, groups = times.take(order), groups[order]
    if times.form.kind == "none":
        return Calendar("steps", None, times.form, EvenGrid(1, 0))
    if times.form.kind == "integers":
        return _of_integers(times, groups, freq, names)
    if times.form.kind == "periods":
        single = freq is None and len(np.unique(times.values)) == 1
        freq = times.form.period if single else freq
        freq = period_freq(freq) if isinstance(freq, str) else freq
    if freq is None:
        grid = infer_grid(times, groups, names)
        name = name_of(grid)
    else:
        grid, name = grid_of(freq, times.values, times.local())
    trading = isinstance(grid, TradingGrid)
    calendar = Calendar(
        "trading" if trading else "dates", None if trading else name, times.form, grid
    )
    _check_on_grid(calendar, times, groups, freq)
    return calendar


def _of_integers(times: Stamps, groups: Ints, freq: Any, names: Sequence[Any]) -> Calendar:
    """The calendar of whole numbers."""
    if freq is None:
        return Calendar("steps", None, times.form, infer_grid(times, groups, names))
    if isinstance(freq, bool) or not isinstance(freq, (int, np.integer)) or freq < 1:
        raise DataError(f"freq={freq!r} for times that are whole numbers: give one, from 1")
    grid = EvenGrid(int(freq), int(times.values[0] % freq))
    calendar = Calendar("steps", None, times.form, grid)
    _positions(calendar, times)
    return calendar


def _check_on_grid(calendar: Calendar, times: Stamps, groups: Ints, freq: Any) -> None:
    """Refuse times that are not on a calendar; where another one fits them, name it."""
    try:
        _positions(calendar, times)
    except DataError as error:
        if freq is None:
            raise
        try:
            other = infer_grid(times, groups)
            _positions(replace(calendar, grid=other), times)
        except DataError:
            raise error from None
        raise DataError(f"{error}; the times are on freq={name_of(other)!r}") from None


def _positions(calendar: Calendar, times: Stamps) -> Ints:
    """The positions of times; a `DataError` names the first that is not on the calendar."""
    grid, zone = calendar.grid, calendar.form.zone
    local = times.local() if not grid.absolute else times.values
    positions = grid.index(local)
    nominal = grid.times(positions)
    wrong = nominal != local
    if wrong.any() and zone is not None and not grid.absolute:
        # A time that clocks skip may be written as any of those after it.
        shifted = to_local(to_utc(nominal[wrong], zone), zone)
        skipped = shifted != nominal[wrong]
        wrong[wrong] = ~(skipped & (np.abs(local[wrong] - nominal[wrong]) <= DAY // 12))
    if wrong.any():
        row = int(np.argmax(wrong))
        near = calendar.text(int(positions[row]))
        named = "the days of the training" if calendar.freq is None else f"freq={calendar.freq!r}"
        if calendar.kind == "steps":
            named = f"steps of {getattr(grid, 'step', 1)}"
        clocks = grid.absolute and zone is not None
        hint = ": steps shorter than a day are of equal length, where clocks change too" * clocks
        raise DataError(f"the time {times.text(row)} is not on {named} (beside it is {near}){hint}")
    return positions


def _same_zone(first: str | None, second: str | None) -> bool:
    return {first, second} <= {"UTC", "Etc/UTC", "UTC+00:00", "Zulu"}


def _from_state(state: Any, where: str) -> Calendar:
    check = fields({"kind": one_of(*KINDS), "freq": maybe(text), "form": CHECK_FORM,
                    "grid": lambda value, _: value})  # fmt: skip
    checked = check(state, where)
    grid = checked["grid"]
    name = grid.get("name") if isinstance(grid, dict) else None
    if (
        not isinstance(name, str)
        or name not in GRIDS
        or (name == "trading") != (checked["kind"] == "trading")
    ):
        raise damaged(f"{where}.grid is no grid of times")
    values = fields({"name": text, **GRID_FIELDS[name]})(grid, f"{where}.grid")
    del values["name"]
    mask = values.get("mask", "1111111")
    if len(mask) != 7 or not set(mask) <= {"0", "1"} or "1" not in mask:
        raise damaged(f"{where}.grid.mask is no choice of weekdays")
    if "days" in values:
        values["days"] = tuple(values["days"])
        if (np.diff(values["days"]) <= 0).any():
            raise damaged(f"{where}.grid.days are not in order")
    form = Form(**checked["form"])
    try:
        if name == "listed" and not single_offset(values["freq"]):
            raise ValueError("its frequency has a formula")
        calendar = Calendar(checked["kind"], checked["freq"], form, GRIDS[name](**values))
        calendar.stamps(calendar.grid.index(np.zeros(1, np.int64)))
    except (ValueError, TypeError, KeyError) as error:
        raise damaged(f"{where} is no calendar ({error})") from error
    return calendar
