"""The forecast of an N-BEATS as a sum of what its linear skip and each of its blocks add."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import UnsupportedError
from .fitted import Fitted
from .members.member import Member
from .members.network_member import NetworkMember, network_inputs

Floats: TypeAlias = NDArray[np.float64]

NAMES = {"skip": "linear skip", "block": "block {}", "trend": "trend (block {})",
         "season": "seasonality (block {})"}  # fmt: skip


def nbeats_member(fitted: Fitted) -> Member:
    """The N-BEATS of the committee: of those that are chosen now the best, else the first."""
    members: tuple[Member, ...] = fitted.committee.members
    for member in (*(members[k] for k in fitted.raw_track.chosen), *members):
        if isinstance(member.model, NetworkMember) and member.model.spec.kind == "nbeats":
            return member
    raise UnsupportedError(
        "there is no N-BEATS among the members, whose blocks could be taken apart: fit with "
        "members=['ridge', 'nbeats']"
    )


def decompose(fitted: Fitted, member: Member, known: Floats) -> dict[str, Floats]:
    """The parts (series, horizon) of an N-BEATS' forecasts, in the unit of the target.

    They are differences of values: each is how much the value changes when the part is added to
    those before it in the member's view, in the order of the columns.
    """
    view, model = member.view, member.model
    assert view is not None and isinstance(model, NetworkMember)
    prepared, ends = view.prepared(fitted.histories), fitted.histories.ends
    windows = prepared.windows(ends, model.spec.lags)
    inputs = network_inputs(prepared, ends, known, model.spec.lags)
    some, ahead, centre, scale, unit = model.normalised(windows, *inputs, ends.series)
    parts: dict[str, Any] = {"level": np.zeros((len(ends), fitted.horizon))}
    for name, part in model.network.parts(some, ahead).items():
        if model.quantiles:
            part = part[:, :, len(model.quantiles) // 2]  # the median's
        parts[_spelled(name)] = part.astype(np.float64)
    z = {name: part * scale * unit for name, part in parts.items()}
    z["level"] = z["level"] + centre * unit
    if view.effects is not None and not view.effects.is_factor:
        z["known covariates"] = view.effects(known, ends.series)
    result: dict[str, Floats] = {}
    total, before = np.zeros((len(ends), fitted.horizon)), np.zeros((len(ends), fitted.horizon))
    for name, part in z.items():
        total = total + part
        value = view.scaling.invert(total, ends.series)
        result[name] = value - before
        before = value
    if view.effects is not None and view.effects.is_factor:
        value = before * view.effects.factors(known, ends.series)
        result["known covariates"] = value - before
        before = value
    return {"forecast": before, **result}


def _spelled(name: str) -> str:
    """A part's name as tables have it.

    Examples
    --------
    >>> _spelled("skip"), _spelled("block2"), _spelled("trend1")
    ('linear skip', 'block 2', 'trend (block 1)')
    """
    kind = name.rstrip("0123456789")
    return NAMES[kind].format(name[len(kind) :])
