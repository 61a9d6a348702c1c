"""`chainrule inspect`: what is inside a model file."""

from __future__ import annotations

from math import prod
from typing import Any

from .. import escape, tree
from . import forecast_inspect, models
from .console import PlainConsole, console, table
from .options import AsJson, Model
from .reading_report import cut_cell, short

MOST_LEVELS = 6  # that are named


def inspect(model: Model, as_json: AsJson = False) -> None:
    """Show what a model is: its columns and how each is read, layers, training, and card.

    **Examples**

    `chainrule inspect houses.safetensors`

    `chainrule inspect houses.safetensors --json`
    """
    loaded = models.load(model)
    description = describe(loaded)
    if as_json:
        print(escape.as_json(description))
        return
    out = console()
    kind = f" of {len(description['classes'])} classes" if description["classes"] else ""
    out.say(f"{model}: {description['class']}, {description['task']}{kind}")
    for title, columns, rows in (
        ("columns", *_column_rows(description["columns"])),
        ("notes", ("", ""),
         [(c["name"], note) for c in description["columns"] for note in c.get("notes", ())]),
        ("layers", ("name", "shape", "parameters"),
         [*((y["name"], y["shape"], f"{y['parameters']:,}") for y in description["layers"]),
          ("all", "", f"{description['parameters']:,}")]),
        ("training", ("", ""), _flat(description["training"])),
        ("card", ("", ""), _flat(description["card"])),
    ):  # fmt: skip
        _show(out, title, columns, list(rows))


def _column_rows(columns: list[dict[str, Any]]) -> tuple[tuple[str, ...], list[Any]]:
    """The header and the rows of the table of columns, with why they are read so if it is known."""
    if not any("why" in column for column in columns):
        return ("name", "read as"), [(column["name"], column["read_as"]) for column in columns]
    rows = [(column["name"], column["read_as"], short(column.get("why", ""))) for column in columns]
    return ("name", "read as", "because"), rows


def describe(loaded: Any) -> dict[str, Any]:
    """Describe a model in plain values."""
    if models.is_forecaster(loaded):
        return forecast_inspect.describe_forecaster(loaded)
    network = getattr(loaded, "network_", loaded)
    layers = models.layers(loaded)
    is_detector = models.is_detector(loaded)
    classes = [str(name) for name in getattr(loaded, "classes_", ())]
    return {
        "class": type(loaded).__name__,
        "task": "anomaly detection"
        if is_detector
        else "classification"
        if classes
        else "regression",
        "classes": classes,
        "columns": _detector_columns(loaded) if is_detector else _columns(loaded),
        "layers": [vars(layer) for layer in layers],
        "parameters": sum(layer.parameters for layer in layers),
        "training": _detector_training(loaded) if is_detector else _training(network),
        "card": models.card(loaded),
    }


def _columns(loaded: Any) -> list[dict[str, Any]]:
    if models.is_timeseries(loaded):
        points = f"{loaded.length_} points" if loaded.equal_length_ else (
            f"up to {loaded.length_} points or more")  # fmt: skip
        return [{"name": "series", "features": loaded.transform_.n_features,
                 "read_as": f"{points}, channels: {loaded.n_features_in_}"}]  # fmt: skip
    if hasattr(loaded, "module_"):  # raw inputs have no columns: what they are brought to
        rows = loaded.row_types_
        arrays = zip(tree.names(rows), tree.leaves(rows), strict=True)
        return [
            {"name": name or "input", "features": prod(leaf.shape[1:]),
             "read_as": " x ".join(map(str, leaf.shape[1:])) + f" of {leaf.dtype}"}
            for name, leaf in arrays
        ]  # fmt: skip
    features = getattr(loaded, "features_", None)
    names = [str(name) for name in getattr(loaded, "feature_names_in_", ())]
    if features is None:
        names = names or [f"x{k}" for k in range(loaded.n_features_in_)]
        return [{"name": name, "read_as": "as it is", "features": 1} for name in names]
    by_name: dict[str, dict[str, Any]] = {
        name: {"name": name, "read_as": "left out: the same in every row", "features": 0}
        for name in names
    }
    for column in features.columns:
        before = by_name.get(column.name)
        entry = {"name": column.name, "read_as": read_as(column), "features": column.width}
        if before and before["features"]:  # the next part of a date
            entry["read_as"] = f"{before['read_as']}, {column.part}"
            entry["features"] += before["features"]
        by_name[column.name] = entry
    for reading in features.readings:
        entry = by_name.setdefault(
            reading.name, {"name": reading.name, "read_as": "left out", "features": 0}
        )
        entry |= {
            "kind": reading.kind, "why": reading.why, "missing": reading.missing,
            "examples": list(reading.examples), "notes": list(reading.notes),
        }  # fmt: skip
        if reading.kind in ("time", "duration") and entry["features"]:
            unit = "hours of the day" if reading.kind == "time" else "seconds"
            entry["read_as"] = f"{reading.kind} in {unit}, {entry['read_as']}"
    return list(by_name.values())


def read_as(column: Any) -> str:
    """Say in a few words how a column becomes features."""
    if column.levels:
        values = ", ".join(map(cut_cell, column.levels[:MOST_LEVELS]))
        more = ", ..." if len(column.levels) > MOST_LEVELS else ""
        kind = f"text, {len(column.levels)} values: {values}{more}"
    elif column.part:
        kind = f"date: {column.part}"
    else:
        spread = "continuous" if column.continuous else "few values"
        kind = f"number ({spread}), mean {column.mean:.6g}, deviation {column.scale:.6g}"
        if column.missing:
            kind += f", empty cells as {column.fill:.6g}"
    return f"{kind}; empty cells marked" if column.missing else kind


def _training(network: Any) -> dict[str, Any]:
    if models.is_timeseries(network):
        return {"score of training series left out": network.left_out_score_}
    facts: dict[str, Any] = {"epochs": network.n_iter_}
    if hasattr(network, "solver"):
        facts = {"solver": network.solver, **facts}
    losses = getattr(network, "loss_curve_", None) or []
    if losses:
        facts |= {"first_loss": float(losses[0]), "last_loss": float(losses[-1])}
    scores = getattr(network, "validation_scores_", None) or [
        row["score"] for row in getattr(network, "history_", ()) if "score" in row
    ]
    if len(scores):
        facts["best_validation_score"] = float(max(scores))
    return facts


def _detector_columns(loaded: Any) -> list[dict[str, Any]]:
    if loaded.window is not None:
        series = [(loaded.time, "times"), (loaded.series, "names of the series")]
        channels = [
            (name, "number of a time series") for name in loaded.fitted_.forecaster.channels
        ]
        return [
            {"name": name, "read_as": kind, "features": int(kind.startswith("number"))}
            for name, kind in [*series, *channels] if name is not None
        ]  # fmt: skip
    plan = loaded.fitted_.columns
    return [
        {"name": name, "read_as": read_by_detector(column), "features": column.width}
        for name, column in zip(plan.labels, plan.columns, strict=True)
    ]


def read_by_detector(column: Any) -> str:
    """Say in a few words how a column becomes features of a detector."""
    if column.kind == "constant":
        kind = f"number, {column.fill:.6g} in every row"
    elif not column.is_category:
        tail = ", its logarithm" if column.unit else ""
        kind = f"number{tail}, mean {column.mean:.6g}, deviation {column.scale:.6g}"
    else:
        values = ", ".join(column.levels[:MOST_LEVELS])
        more = ", ..." if len(column.levels) > MOST_LEVELS or column.others else ""
        kind = f"category, {len(column.levels) + len(column.others)} values: {values}{more}"
    return f"{kind}; empty cells marked" if column.missing else kind


def _detector_training(loaded: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"summary": loaded.summary_, "threshold": float(loaded.offset_)}
    for name, rows in loaded.history_.items():
        if rows:
            facts[f"{name}: epochs"] = len(rows)
            facts[f"{name}: last loss"] = float(rows[-1]["loss"])
    return facts


def _flat(card: dict[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for name, value in card.items():
        if name == models.TARGET_READING and isinstance(value, dict):
            value = f"{value.get('kind')}, {value.get('why')}"
        pairs = value.items() if isinstance(value, dict) else [("", value)]
        for inner, entry in pairs:
            text = f"{entry:.6g}" if isinstance(entry, float) else str(entry)
            rows.append((f"{name}: {inner}" if inner else name, text))
    return rows


def _show(out: PlainConsole, title: str, columns: tuple[str, ...], rows: list[Any]) -> None:
    if not rows:
        return
    grid = table(
        *columns, right=(2,) if title == "layers" else (), title=title, title_justify="left",
        box=None, show_header=bool(columns[0]),
    )  # fmt: skip
    grid.columns[0].style = "cyan"
    for row in rows:
        grid.add_row(*map(str, row))
    out.print()
    out.print(grid)
