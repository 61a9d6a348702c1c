"""Reports to test with: small, seeded, every section filled."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.report import (
    AdviceItem,
    ColumnOverview,
    Dependence,
    GroupScore,
    Overview,
    Report,
    WrongRow,
)

COMMON: dict[str, Any] = {
    "data": "flowers",
    "date": "2026-11-25",
    "scores": {"accuracy": 0.9375, "log loss": 0.21},
    "baselines": {"commonest class": {"accuracy": 0.5}},
    "target": "species",
    "history": [
        {"epoch": k, "loss": 1.0 / k, "validation_loss": 1.2 / k + 0.01 * k, "score": 1 - 0.5 / k}
        for k in range(1, 13)
    ],
    "best_epoch": 11,
    "score_name": "accuracy",
    "importances": {"petal": (0.3, 0.02), "sepal": (0.05, 0.01), "noise": (-0.01, 0.02)},
    "gradient_norms": {"layers.0.weight": [0.5, 0.4, 0.3], "layers.1.weight": [1.0, 0.7, 0.5]},
    "update_ratios": {"layers.0.weight": [0.02, 0.01, 0.01], "layers.1.weight": [0.03, 0.02, 0.01]},
    "dead": {"layers.0": 0.125},
    "saturated": {"layers.0": 0.0625},
    "layers": [("layers.0", "4 to 8", 40), ("layers.1", "8 to 3", 27)],
    "settings": {"optimizer": "adamw", "rate": 0.002, "hidden": (8,), "shuffled": True},
    "dataset": {"rows": 12345, "missing cells": 0},
    "versions": {"chainrule": "0.1.0"},
    "seed": 7,
    "limitations": "Three species only.\n\nNot for mushrooms.",
    "command": "chainrule train flowers.csv --seed 7",
}


def classes(count: int, rows: int = 200, **changes: Any) -> Report:
    """A report on a classifier that is mostly right."""
    rng = np.random.default_rng(count)
    truth = rng.integers(0, count, rows)
    logits = rng.normal(size=(rows, count))
    logits[np.arange(rows), truth] += 1.5
    odds = np.exp(logits)
    given = {
        "classes": [f"class {k}" for k in range(count)],
        "truth": truth,
        "probabilities": odds / odds.sum(axis=1, keepdims=True),
    }
    return Report("classification", **(COMMON | given | changes))


def numbers(rows: int = 150, **changes: Any) -> Report:
    """A report on a regression."""
    rng = np.random.default_rng(rows)
    truth = rng.normal(50.0, 20.0, rows)
    given = {"truth": truth, "predicted": truth + rng.normal(0.0, 5.0, rows)}
    return Report("regression", **(COMMON | given | changes))


def judged(name: str = "petal", **changes: Any) -> dict[str, Any]:
    """What only a table's report has, with a name of the data in each place."""
    given = {
        "verdict": (
            f"The network and {name} are level within noise.", f"The fit of {name} is sound.",
        ),
        "standing": "level",
        "next_steps": (f"Drop {name}.",),
        "intervals": {
            "network": {"accuracy": (0.9375, 0.9, 0.96)},
            name: {"accuracy": (0.9, 0.86, 0.93)},
            "guess": {"accuracy": (0.5, 0.43, 0.57)},
        },
        "differences": {
            name: {"accuracy": (-0.0375, -0.08, 0.01)},
            "guess": {"accuracy": (-0.4375, -0.5, -0.38)},
        },
        "comparison_notes": (f"{name} was fitted on less.",),
        "advice": [AdviceItem("leak", (name,), f"{name} gives it away.", f"--drop {name}")],
        "overview": Overview(
            [
                ColumnOverview(
                    name, "number", f"because of {name}", 0.25, (name, "2"), (f"note of {name}",),
                    ("0.5", "7.5"), (), ((0.25, 0.75), (0.5, 0.5)),
                ),
                ColumnOverview("colour", "text", levels=(name, "blue"), shares=((0.5, 0.5),) * 2),
            ],
            ColumnOverview("species", "text", levels=(name, "other"), shares=((0.75, 0.25),)),
            (name, "other"), 3,
        ),
        "dependence": [
            Dependence(name, (1.0, 2.0, 4.0), {f"probability of {name}": (0.2, 0.5, 0.25)},
                       (0.1, 0.4, 0.2), (0.3, 0.6, 0.3)),
            Dependence("colour", (name, "blue"), {"first": (0.2, 0.5), name: (0.75, 0.125)}),
            Dependence("day", (0.0, 365.0), {"first": (0.2, 0.5)}, dates=True),
        ],
        "groups": [GroupScore(name, name, 40, 0.8, 0.66, 0.89),
                   GroupScore(name, "blue", 50, 0.96, 0.95, 0.99)],
        "group_score": "accuracy",
        "wrong_rows": [WrongRow(1234, name, "other", 0.0625, (name, "7"))],
        "wrong_columns": (name, "size"),
    }  # fmt: skip
    return given | changes
