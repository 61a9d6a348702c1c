"""Reports to test with: small, seeded, every section filled."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.report import Report

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
