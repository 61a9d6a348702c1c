"""A panel as a description in JSON and arrays, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....container import damaged
from ...serialization.perceptron import ArrayReader
from ...serialization.schema import (
    anything,
    each,
    fields,
    from_json,
    maybe,
    one_of,
    text,
    to_json,
)
from .calendar import Calendar
from .encoders import ROLES, Encoders
from .gaps import RULES
from .panel import OneSeries, Panel
from .pieces import DUPLICATES
from .roles import Roles
from .tables import LAYOUTS

Ints: TypeAlias = NDArray[np.int64]

LONGEST = 2**40  # steps
PREFIX = "panel."  # of the names of arrays
_ROLES = fields(
    {"id": maybe(text), "time": maybe(text), "target": text, "known": each(text),
     "past": each(text), "static": each(text)}
)  # fmt: skip
_PANEL = fields(
    {"calendar": anything, "roles": _ROLES, "names": each(anything, 1), "encoders": anything,
     "layout": one_of(*LAYOUTS), "fill_gaps": one_of(*RULES), "duplicates": one_of(*DUPLICATES),
     "id_dtype": text}
)  # fmt: skip


def panel_to_state(panel: Panel, arrays: dict[str, Any]) -> dict[str, Any]:
    """Return a panel as JSON values; its numbers are put into `arrays`, as "panel.values" ...

    Raises
    ------
    ModelFileError
        For names of series that are neither text nor numbers.
    """
    series = panel.series
    joined = {
        "starts": np.array([one.start for one in series], np.int64),
        "lengths": np.array([len(one.values) for one in series], np.int64),
        "ahead": np.array([one.ahead for one in series], np.int64),
        "values": np.concatenate([one.values for one in series]),
        "observed": np.concatenate([one.observed for one in series]),
        "known": np.concatenate([one.known for one in series]),
        "past": np.concatenate([one.past for one in series]),
        "static": np.stack([one.static for one in series]),
    }
    arrays.update({f"{PREFIX}{name}": array for name, array in joined.items()})
    roles = {
        name: list(v) if isinstance(v, tuple) else v for name, v in asdict(panel.roles).items()
    }
    return {
        "calendar": panel.calendar.to_state(),
        "roles": roles,
        "names": [to_json(one.name, "the name of a series") for one in series],
        "encoders": panel.encoders.to_state(),
        "layout": panel.layout,
        "fill_gaps": panel.fill_gaps,
        "duplicates": panel.duplicates,
        "id_dtype": panel.id_dtype,
    }


def panel_from_state(state: Any, arrays: ArrayReader) -> Panel:
    """Return the panel of `panel_to_state`; a `ModelFileError` for anything else."""
    checked = _PANEL(state, "panel")
    calendar = Calendar.from_state(checked["calendar"], "panel.calendar")
    encoders = Encoders.from_state(checked["encoders"], "panel.encoders")
    columns: dict[str, Any] = checked["roles"]
    for role in ROLES:
        columns[role] = tuple(columns[role])
    roles = Roles(**columns)
    for role in ROLES:
        if tuple(one.name for one in getattr(encoders, role)) != getattr(roles, role):
            raise damaged(f"the {role} covariates of its panel are not those of its encoders")
    names = [from_json(name, "panel.names") for name in checked["names"]]
    if len({(type(name), str(name)) for name in names}) < len(names):
        raise damaged("two series of its panel have one name")
    series = _series(names, encoders, arrays)
    rules = {key: checked[key] for key in ("layout", "fill_gaps", "duplicates", "id_dtype")}
    return Panel(calendar, roles, series, encoders, **rules)


def _series(names: list[Any], encoders: Encoders, arrays: ArrayReader) -> tuple[OneSeries, ...]:
    """The series, cut from the arrays of all."""
    count = (len(names),)
    starts, lengths, ahead = (
        arrays.numbers(f"{PREFIX}{name}", count, "i8") for name in ("starts", "lengths", "ahead")
    )
    if lengths.min() < 1 or ahead.min() < 0 or max(lengths.max(), ahead.max()) > LONGEST:
        raise damaged("a series of its panel has no steps, or too many")
    widths = {role: len(encoders.names(role)) for role in ROLES}
    total, known = int(lengths.sum()), int((lengths + ahead).sum())
    shapes: dict[str, tuple[tuple[int, ...], str]] = {
        "values": ((total,), "f8"),
        "observed": ((total,), "?"),
        "known": ((known, widths["known"]), "f8"),
        "past": ((total, widths["past"]), "f8"),
        "static": ((len(names), widths["static"]), "f8"),
    }
    read = {name: arrays.numbers(PREFIX + name, *shape) for name, shape in shapes.items()}
    ends, known_ends = np.cumsum(lengths)[:-1], np.cumsum(lengths + ahead)[:-1]
    cut = {name: np.split(read[name], ends) for name in ("values", "observed", "past")}
    cut["known"] = np.split(read["known"], known_ends)
    return tuple(
        OneSeries(
            name=name,
            start=int(starts[k]),
            static=read["static"][k],
            **{key: parts[k] for key, parts in cut.items()},
        )
        for k, name in enumerate(names)
    )
