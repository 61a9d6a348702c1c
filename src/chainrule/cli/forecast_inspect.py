"""What `chainrule inspect` says of a forecaster."""

from __future__ import annotations

from typing import Any

from . import models

ROLES = {
    "id": "names of the series", "time": "times", "target": "what is forecast",
    "known": "known ahead", "past": "known only afterwards", "static": "the same in all rows",
}  # fmt: skip


def describe_forecaster(loaded: Any) -> dict[str, Any]:
    """A forecaster in plain values, as `inspect` prints them."""
    layers = [layer for name, part in networks(loaded) for layer in _layers(name, part)]
    return {
        "class": type(loaded).__name__, "task": "forecasting", "classes": [],
        "columns": columns_read(loaded), "layers": [vars(layer) for layer in layers],
        "parameters": sum(layer.parameters for layer in layers),
        "training": training_of(loaded), "card": models.card(loaded),
    }  # fmt: skip


def networks(loaded: Any) -> list[tuple[str, Any]]:
    """The networks among the members, by their names."""
    members = loaded.fitted_.committee.members
    return [
        (member.name, member.model.network) for member in members
        if getattr(member.model, "network", None) is not None
    ]  # fmt: skip


def _layers(name: str, module: Any) -> list[models.Layer]:
    return [
        models.Layer(f"{name}: {layer.name or 'itself'}", layer.shape, layer.parameters)
        for layer in models.layers_of_module(module)
    ]


def columns_read(loaded: Any) -> list[dict[str, Any]]:
    """The columns of the training, and what each is."""
    panel = loaded.fitted_.panel
    rows = []
    for role, meaning in ROLES.items():
        names = getattr(panel.roles, role)
        for name in names if isinstance(names, tuple) else (names,):
            if name is not None:
                rows.append(
                    {"name": name, "read_as": meaning, "features": int(role not in ("id", "time"))}
                )
    return rows


def training_of(loaded: Any) -> dict[str, Any]:
    """What was learned from which series."""
    panel = loaded.fitted_.panel
    seasons = ", ".join(map(str, loaded.season_length_))
    last = panel.calendar.text(max(one.end for one in panel.series) - 1)
    facts: dict[str, Any] = {
        "horizon": loaded.horizon, "kind": loaded.kind_, "series": len(panel.series),
        "values": sum(int(one.observed.sum()) for one in panel.series), "last time": last,
        "seasons": seasons or "none",
    }  # fmt: skip
    if loaded.freq_ is not None:
        facts["freq"] = loaded.freq_
    for number, name in enumerate(loaded.members_, 1):
        facts[f"member {number}"] = name
    for name, rows in loaded.history_.items():
        if rows:
            facts[f"{name}: last loss"] = float(rows[-1]["loss"])
    return facts
