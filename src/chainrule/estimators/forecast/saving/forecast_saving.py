"""A fitted forecaster as a description and arrays, and back; see `serialization.estimator`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....container import Arrays, Description, damaged
from ....errors import ChainruleError, DataError
from ...anomaly.tables.saving import EPOCHS
from ...serialization.perceptron import ArrayReader
from ...serialization.schema import (
    anything,
    by_name,
    each,
    fields,
    finite,
    flag,
    from_json,
    maybe,
    one_of,
    to_json,
    whole,
)
from ..count_part import CountPart
from ..counts import CountModel
from ..fitted import Fitted
from ..hierarchy.reconciliation import METHODS
from ..hierarchy.summing import Hierarchy
from ..members.committee import Committee, Record
from ..members.histories import Origins
from ..members.member import Member
from ..reading.panel import Panel
from ..reading.panel_saving import panel_from_state, panel_to_state
from .member_saving import LONGEST, Sizes, members_from_state, members_to_state

MOST_AHEAD = 2**20  # steps of a horizon
MOST_MEMBERS = 2**12
LARGEST_TABLE = 2**31  # values of all series of counts, side by side
NAMES = (str, int, float, bool)
LARGEST_SUMS = 2**28  # numbers in the matrix of a hierarchy
COUNTS = "counts."
CHILDREN = each(anything, 1)
FITTED = fields(
    {"horizon": whole(1, MOST_AHEAD), "seasons": each(whole(2, LONGEST)), "is_price": flag,
     "method": one_of(*METHODS), "size": whole(1, MOST_MEMBERS), "stride": whole(1, LONGEST),
     "panel": anything, "views": each(anything), "members": each(anything, 1, MOST_MEMBERS),
     "counts": maybe(fields({"model": anything, "end": whole(-LONGEST, LONGEST)})),
     "children": maybe(each(each(anything, 2, 2), 1)), "has_heads": flag,
     "history": by_name(EPOCHS), "coverage": each(each(finite, 2, 2))}
)  # fmt: skip


class ForecastReader(ArrayReader):
    """Arrays of a file, which holds none without numbers: those are made as they are asked for."""

    def __init__(self, arrays: ArrayReader) -> None:
        super().__init__({})
        self.left = arrays.left  # the same one: what is taken here is taken there

    def numbers(self, name: str, shape: tuple[int, ...], dtype: Any) -> Any:
        """Finite numbers of this shape."""
        if 0 in shape and name not in self.left:
            return np.zeros(shape, dtype)
        return super().numbers(name, shape, dtype)


def fitted_to_state(fitted: Fitted) -> tuple[Description, Arrays]:
    """All of a fitted forecaster, but the class, the settings and the history."""
    arrays: Arrays = {}
    committee, record, counts = fitted.committee, fitted.record, fitted.counts
    sums = None if fitted.hierarchy is None or fitted.children is None else fitted.children
    description: Description = {
        "horizon": committee.horizon, "seasons": [int(season) for season in fitted.seasons],
        "is_price": fitted.is_price, "method": fitted.method, "size": committee.size,
        "stride": record.stride, "panel": panel_to_state(fitted.panel, arrays), "counts": None,
        "children": None if sums is None else [
            [to_json(parent, "hierarchy"), [to_json(child, "hierarchy") for child in children]]
            for parent, children in sums.items()
        ],
        "has_heads": record.heads is not None, **members_to_state(committee.members, arrays),
    }  # fmt: skip
    arrays |= {
        "scales": fitted.scales, "record.series": record.origins.series,
        "record.steps": record.origins.steps, "record.forecasts": record.forecasts,
    }  # fmt: skip
    if counts is not None:
        model, weights = counts.model.to_state()
        arrays |= {f"{COUNTS}{name}": array for name, array in weights.items()}
        arrays["rows"] = counts.rows
        description["counts"] = {"model": model, "end": int(counts.ends[0])}
    if record.heads is not None:
        arrays["record.heads"] = record.heads
    return description, {name: array for name, array in arrays.items() if array.size}


def fitted_from_state(checked: Description, arrays: ArrayReader) -> Fitted:
    """The forecaster of `fitted_to_state`, of a description that `FITTED` has checked.

    Raises
    ------
    ModelFileError
        For anything that `fitted_to_state` does not write.
    """
    arrays = ForecastReader(arrays)
    panel = panel_from_state(checked["panel"], arrays)
    horizon, seasons = checked["horizon"], tuple(checked["seasons"])
    if list(seasons) != sorted(set(seasons)) or (seasons and checked["is_price"]):
        raise damaged("its seasons are not in order, or of prices")
    _check_panel(panel, horizon)
    lengths = np.array([len(one.values) for one in panel.series], np.int64)
    sizes = Sizes(
        len(panel.series), len(panel.known_names), len(panel.past_names), len(panel.static_names),
        horizon, int(lengths.max()),
    )  # fmt: skip
    members = members_from_state(checked["views"], checked["members"], sizes, arrays)
    if not members[-1].is_rule:
        raise damaged("its last member is not the naive forecast")
    scales = arrays.numbers("scales", (sizes.series,), "f8")
    if not (scales > 0.0).all():
        raise damaged("a scale of errors is not positive")
    return Fitted(
        panel, seasons, Committee(members, horizon, checked["size"]),
        _record(checked, members, lengths, arrays), scales, checked["is_price"],
        _counts(checked, panel, sizes, arrays), *_hierarchy(checked, panel), checked["method"],
    )  # fmt: skip


def _check_panel(panel: Panel, horizon: int) -> None:
    """Names that tables have, columns that differ, and times that there are."""
    roles = panel.roles
    columns = [name for name in (roles.id, roles.time, roles.target) if name is not None]
    columns += [*roles.known, *roles.past, *roles.static]
    if len(set(columns)) < len(columns):
        raise damaged("two columns of its table have one name")
    for name in panel.names:
        parts = name if isinstance(name, tuple) else (name,)
        if name is not None and not all(isinstance(part, NAMES) for part in parts):
            raise damaged("the name of a series is neither text nor a number")
    starts = np.array([one.start for one in panel.series], np.int64)
    if (np.abs(starts) > LONGEST).any():
        raise damaged("a series begins too far from the begin of its calendar")
    ends = np.array([one.end for one in panel.series], np.int64)
    try:
        panel.calendar.stamps(np.array([starts.min(), ends.max() + horizon - 1], np.int64))
    except (ValueError, TypeError, OverflowError, ArithmeticError, ChainruleError):
        raise damaged("a series is at times that its calendar does not have") from None


def _record(
    checked: Description, members: tuple[Member, ...], lengths: Any, arrays: ArrayReader
) -> Record:
    many = (arrays.shape("record.series") or (0,))[0]
    series, steps = (
        arrays.numbers(f"record.{name}", (many,), "i8") for name in ("series", "steps")
    )
    if ((series < 0) | (series >= len(lengths))).any():
        raise damaged("an origin of its record is of no series")
    if ((steps < 1) | (steps > lengths[series])).any():
        raise damaged("an origin of its record lies outside of its series")
    shape, heads = (many, checked["horizon"]), None
    forecasts = arrays.numbers("record.forecasts", (len(members), *shape), "f8")
    if checked["has_heads"]:
        if not any(member.has_quantiles for member in members):
            raise damaged("its record has quantiles of no network")
        heads = arrays.numbers("record.heads", (2, *shape), "f8")
    return Record(Origins(series, steps), forecasts, checked["stride"], heads)


def _counts(
    checked: Description, panel: Panel, sizes: Sizes, arrays: ArrayReader
) -> CountPart | None:
    if checked["counts"] is None:
        return None
    names = [name for name in arrays.left if name.startswith(COUNTS)]
    weights = {name.removeprefix(COUNTS): arrays(name) for name in names}
    model = CountModel.from_state(checked["counts"]["model"], weights)
    if model.options.horizon != sizes.horizon or (model.known, model.static) != (
        sizes.known, sizes.static,
    ):  # fmt: skip
        raise damaged("its model of counts is of another horizon, or of other covariates")
    many = (arrays.shape("rows") or (0,))[0]
    rows = arrays.numbers("rows", (many,), "i8")
    if not many or (np.diff(rows) <= 0).any() or rows[0] < 0 or rows[-1] >= sizes.series:
        raise damaged("its series of counts are not those of its panel")
    some = [panel.series[k] for k in rows]
    span = max(one.end for one in some) - min(one.start for one in some)
    if span * many > LARGEST_TABLE:
        raise damaged("its series of counts lie too far apart")
    amounts = model.likelihood != "negative_binomial"
    for one in some:
        if (one.values < 0.0).any() or not (amounts or (one.values % 1.0 == 0.0).all()):
            raise damaged("a series of its counts holds other numbers")
    return CountPart(model, rows, np.full(many, checked["counts"]["end"], np.int64))


def _hierarchy(checked: Description, panel: Panel) -> tuple[Hierarchy | None, Any]:
    """What adds up to what, and the mapping that says so."""
    if checked["children"] is None:
        return None, None
    if panel.roles.known or panel.roles.past or panel.roles.static:
        raise damaged("it has a hierarchy, and covariates")
    children: dict[Any, list[Any]] = {}
    for parent, below in checked["children"]:
        names = [from_json(name, "hierarchy") for name in (parent, *CHILDREN(below, "hierarchy"))]
        if not all(isinstance(name, NAMES) for name in names) or names[0] in children:
            raise damaged("its hierarchy has a name that is none, or one twice")
        children[names[0]] = names[1:]
    many = len(panel.names)
    if many * (many - len(children)) > LARGEST_SUMS:
        raise damaged("its hierarchy is too large")
    if {*children, *(child for below in children.values() for child in below)} != {*panel.names}:
        raise damaged("its hierarchy is of other series than its panel")
    try:
        hierarchy = Hierarchy.of(children)
    except DataError as error:
        raise damaged(f"{error!s:.160}") from None
    if hierarchy.ids != panel.names:
        raise damaged("its hierarchy is of other series than its panel")
    return hierarchy, children
