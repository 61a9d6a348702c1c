"""The sets of the UCR and UEA archive that packages ship: ours, ROCKET, MiniRocket and 1-NN-DTW.

The peers are aeon's, which is not among the requirements of `bench`: they and the sets are taken
from this environment, or from that of the interpreter `CHAINRULE_TIMESERIES_PYTHON` (`pip install
aeon==1.6.0 sktime==1.2.0 pyts==0.14.1`), on one thread. Without aeon only ours is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from chainrule import TimeSeriesClassifier
from chainrule.config import configured
from chainrule.data.timeseries import as_series, read_series_dataset

from .results import Kind

PYTHON = os.environ.get("CHAINRULE_TIMESERIES_PYTHON", sys.executable)
SEEDS = 3
PEERS = ("ROCKET", "MiniRocket", "1-NN-DTW")
SLOW = {("1-NN-DTW", "PLAID"), ("1-NN-DTW", "PigCVP")}  # hours: left out
SETS = (
    ("aeon", "data", "ArrowHead"), ("aeon", "data", "GunPoint"), ("aeon", "data", "OSULeaf"),
    ("aeon", "data", "ItalyPowerDemand"), ("aeon", "data", "ACSF1"), ("aeon", "data", "UnitTest"),
    ("aeon", "data", "PickupGestureWiimoteZ"), ("aeon", "data", "JapaneseVowels"),
    ("aeon", "data", "BasicMotions"), ("aeon", "data", "Covid3Month_disc"),
    ("sktime", "data", "PLAID"), ("pyts", "cached_datasets/UCR", "Coffee"),
    ("pyts", "cached_datasets/UCR", "PigCVP"),
)  # fmt: skip
KIND = Kind(
    "Time series with defaults",
    (
        f"Accuracy on the official test files of `TimeSeriesClassifier` (mean of {SEEDS} seeds),",
        "and of aeon's ROCKET and MiniRocket with a ridge (one seed) and 1-NN with DTW, all",
        "with defaults; in brackets seconds of CPU for a fit and all predictions, on one thread,",
        "compiled before. `left out` is what the training itself says of its accuracy. Of unequal",
        "lengths the peers, but 1-NN, have zeros at the ends. The first mean is of all sets, the",
        "second of those that 1-NN-DTW has run on. `python -m bench timeseries`.",
    ),
    ("set", "series", "points", "channels", "classes", "ours", "left out", *PEERS),
)


def home(package: str) -> Path | None:
    """Where a package lies in the peers' environment."""
    code = (
        "import importlib.util, sys\n"
        "spec = importlib.util.find_spec(sys.argv[1])\n"
        "print(spec.origin if spec else '')"
    )
    done = subprocess.run([PYTHON, "-c", code, package], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip()).parent if done.stdout.strip() else None


def ours(train: Any, test: Any) -> tuple[list[float], float, float]:
    """Accuracies, seconds, and the accuracy of training series left out."""
    scores, lefts = [], []
    with configured(num_threads=1), threadpool_limits(1, user_api="blas"):
        TimeSeriesClassifier(random_state=0).fit(train.inputs, train.labels)  # compiled
        start = process_time()
        for seed in range(SEEDS):
            model = TimeSeriesClassifier(random_state=seed, progress=False)
            model.fit(train.inputs, train.labels)
            scores.append(model.score(test.inputs, test.labels))
            lefts.append(model.left_out_score_)
        return scores, (process_time() - start) / SEEDS, float(np.mean(lefts))


def peers(name: str, train: Any, test: Any) -> dict[str, tuple[float, float]]:
    """Mean accuracy and seconds of each peer, of those that are there."""
    wanted = [peer for peer in PEERS if (peer, name) not in SLOW]
    script = Path(__file__).with_name("timeseries_peers.py")
    points = max(train.inputs.values.shape[2], test.inputs.values.shape[2])
    arrays: dict[str, Any] = {}
    for part, data in (("train", train), ("test", test)):
        values = data.inputs.values
        more = ((0, 0), (0, 0), (0, points - values.shape[2]))
        arrays[f"x_{part}"] = np.pad(values, more, constant_values=np.nan)
        arrays[f"lengths_{part}"], arrays[f"y_{part}"] = data.inputs.lengths, data.labels
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "set.npz")
        np.savez(path, **arrays)
        words = [PYTHON, str(script), str(path), *wanted]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["name"]: (float(np.mean(line["scores"])), line["seconds"]) for line in lines}


def rows() -> Iterator[tuple[str, ...]]:
    has_peers = home("aeon") is not None
    table: list[dict[str, float]] = []
    for package, folder, name in SETS:
        base = home(package)
        if base is None or not (base / "datasets" / folder / name).is_dir():
            print(f"there is no {package} with the set {name}", file=sys.stderr)
            continue
        read = read_series_dataset(base / "datasets" / folder / name)
        train, test = (Labelled(part) for part in read)
        scores, seconds, left_out = ours(train, test)
        found = {"ours": (float(np.mean(scores)), seconds)}
        found |= peers(name, train, test) if has_peers else {}
        table.append({kind: mean for kind, (mean, _) in found.items()})
        series = train.inputs
        cells = {kind: f"{mean:.4f} ({spent:.2f})" for kind, (mean, spent) in found.items()}
        lengths = sorted({int(series.lengths.min()), int(series.lengths.max())})
        yield (
            name, f"{len(series)} + {len(test.labels)}", " to ".join(map(str, lengths)),
            str(series.channels), str(len(np.unique(train.labels))), cells.pop("ours"),
            f"{left_out:.4f}", *[cells.get(peer, "-") for peer in PEERS],
        )  # fmt: skip
    for complete in (PEERS[:2], PEERS):
        chosen = [row for row in table if set(complete) <= row.keys()] or table
        means = [
            f"{np.mean([row[kind] for row in chosen]):.4f}"
            if all(kind in row for row in chosen) else "-"
            for kind in ("ours", *PEERS)
        ]  # fmt: skip
        yield (f"mean of {len(chosen)}", "", "", "", "", means[0], "", *means[1:])


class Labelled:
    """Series as arrays, and their labels."""

    def __init__(self, part: Any) -> None:
        self.inputs, self.labels = as_series(part.inputs), np.asarray(part.labels)


if __name__ == "__main__":
    for cells in rows():
        print("  ".join(cells), flush=True)
