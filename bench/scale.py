"""How long a large table takes, and how much memory: 1,000,000 rows of 30 columns of all kinds.

`python -m bench.scale WHAT ROWS` is one of `WAYS` in a process of its own, stage by stage: memory
that was freed is not always given back, so that one way would count as another's. Numbers, texts,
dates and truth values, of which some are missing, are read from a CSV file that is written first.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from time import perf_counter, process_time
from typing import Any

from .estimator_memory import resident
from .results import Kind

ROOT = Path(__file__).parents[1]
ROWS, CHUNK = 1_000_000, 20_000
MIB = 2**20
INTERVAL = 0.005  # seconds between two looks at the memory
WAYS = ("regressor", "classifier", "command", "boosting")
KIND = Kind(
    "Large tables",
    (
        "1,000,000 rows of 30 columns (15 numbers, 4 whole numbers, 8 texts of 2 to 400 levels, 2",
        "dates, a truth value; some with empty cells). Data: `memory_usage(deep=True)` of these",
        "as pandas reads them. Peak: the most memory of the process (RSS) beyond what it held",
        "with everything imported, the data included; the ratio is over the data. CPU seconds of",
        "all threads, and those on the wall. `python -m bench scale` measures it.",
    ),
    ("way", "rows", "stage", "data", "peak", "peak / data", "CPU s", "wall s", "score"),
)


def frame(rows: int, start: int = 0) -> Any:
    """Rows of the table from one on: 30 columns, `amount` to predict and whether it is `late`."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng([7, start])
    columns: dict[str, Any] = {}
    numbers = rng.standard_normal((rows, 15))
    for k in range(15):
        values = numbers[:, k] if k % 3 else np.exp(numbers[:, k])
        values = np.round(values * 10.0 ** (k % 4), 3)
        if k % 4 == 1:
            values[rng.random(rows) < 0.02 * k] = np.nan
        columns[f"number_{k}"] = values
    for k in range(4):
        columns[f"count_{k}"] = rng.poisson(3.0 * 4**k, rows)
    effect = np.zeros(rows)
    for k, levels in enumerate((2, 3, 5, 8, 12, 25, 60, 400)):
        codes = np.minimum(rng.exponential(levels / 3, rows).astype(int), levels - 1)
        effect += np.sin(codes * (k + 1.0)) / 2
        names = np.array([f"{'abcdefgh'[k]}-level-{j}" for j in range(levels)] + [None], object)
        if k % 3 == 2:
            codes[rng.random(rows) < 0.1] = levels
        columns[f"text_{k}"] = names[codes]
    days = rng.integers(0, 2_000, rows)
    columns["ordered"] = (np.datetime64("2019-01-01") + days).astype(str)
    minutes = np.datetime64("2019-01-01T00:00") + days * 1440 + rng.integers(0, 40_000, rows)
    paid = minutes.astype(str).astype(object)
    paid[rng.random(rows) < 0.2] = None
    columns["paid"] = paid
    columns["member"] = rng.random(rows) < 0.3
    signal = (
        effect + numbers[:, 1] * numbers[:, 2] + np.tanh(2.0 * numbers[:, 3]) + numbers[:, 4]
        + np.sin(days / 58.1) + np.sqrt(columns["count_1"]) / 2 + 0.5 * columns["member"]
    )  # fmt: skip
    columns["amount"] = np.round(50.0 + 10.0 * (signal + rng.standard_normal(rows)), 2)
    columns["late"] = np.where(signal + rng.logistic(size=rows) > 1.5, "yes", "no")
    return pd.DataFrame(columns)


def csv_file(rows: int) -> Path:
    """The file of so many rows; written if it is not there."""
    path = Path(gettempdir()) / f"chainrule-scale-{rows}.csv"
    if not path.exists():
        unfinished = path.with_suffix(".part")
        for start in range(0, rows, CHUNK):
            part = frame(min(CHUNK, rows - start), start)
            part.to_csv(unfinished, index=False, mode="a" if start else "w", header=not start)
        unfinished.replace(path)
    return path


@dataclass
class Stage:
    """What a stage took."""

    name: str
    peak: int
    cpu: float
    wall: float
    score: str = ""


class Stages:
    """Runs stages, and looks at the memory beside them."""

    def __init__(self) -> None:
        self.before = resident()
        self.done: list[Stage] = []

    def run(self, name: str, work: Callable[[], Any]) -> Any:
        """The result of a stage."""
        most, ended = [resident()], threading.Event()

        def look() -> None:
            while not ended.wait(INTERVAL):
                most[0] = max(most[0], resident())

        watcher = threading.Thread(target=look, daemon=True)
        cpu, wall = process_time(), perf_counter()
        watcher.start()
        result = work()
        cpu, wall = process_time() - cpu, perf_counter() - wall
        ended.set()
        watcher.join()
        self.done.append(Stage(name, max(*most, resident()) - self.before, cpu, wall))
        return result


def read(path: Path, target: str, other: str) -> tuple[Any, Any]:
    """Inputs as pandas reads them, and the target."""
    import pandas as pd

    table = pd.read_csv(path, parse_dates=["ordered", "paid"])
    return table.drop(columns=[target, other]), table[target]


def data_size(rows: int) -> int:
    """Bytes of the inputs as pandas reads them, by the first rows."""
    import pandas as pd

    some = min(rows, CHUNK)
    part = pd.read_csv(csv_file(rows), parse_dates=["ordered", "paid"], nrows=some)
    part = part.drop(columns=["amount", "late"])
    return int(part.memory_usage(deep=True, index=False).sum() * rows / some)


def estimator(stages: Stages, rows: int, target: str, model: Any) -> None:
    """Fit and predict."""
    other = "late" if target == "amount" else "amount"
    path = csv_file(rows)
    stages.before = resident()
    x, y = stages.run("pandas.read_csv", lambda: read(path, target, other))
    stages.run("fit", lambda: model.fit(x, y))
    stages.run("predict", lambda: model.predict(x))
    new, truth = (part.tail(20_000) for part in read(csv_file(100_000), target, other))
    stages.done[-2].score = f"{model.score(new, truth):.4f}"


def command(stages: Stages, rows: int) -> None:
    """What `chainrule train FILE --target amount --report` does, without the terminal."""
    from chainrule import estimators
    from chainrule.cli import reporting, sources, table_reading, table_reporting, train_table
    from chainrule.cli.console import console
    from chainrule.estimators.mlp.health import Recorder
    from chainrule.estimators.tabular.options import TrainOptions

    path = csv_file(rows)
    kinds = {"late": "ignore"}
    stages.before = resident()
    source = sources.Source((str(path),))
    out = console(quiet=True)
    table = stages.run("read", lambda: table_reading.read_typed(source, kinds, out))
    recorder = Recorder(gradients=True)
    options = TrainOptions(column_kinds=kinds, callbacks=(recorder,), progress=False)
    result = stages.run("fit_table", lambda: estimators.fit_table(table, "amount", options=options))
    stages.done[-1].score = f"{result.score:.4f}"
    page = stages.run(
        "report", lambda: train_table.table_report(table.name, result, recorder, "train")
    )
    assert page is not None and reporting is not None and table_reporting is not None
    for name, score in result.baselines.items():
        print(f"{name}: {score:.4f}", file=sys.stderr)


def boosting() -> Any:
    """scikit-learn's, which is told the texts, as a model that takes the same frame."""
    import numpy as np
    from sklearn.compose import ColumnTransformer, make_column_selector
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

    def days(dates: Any) -> Any:
        return dates.apply(lambda d: (d - np.datetime64("1970-01-01")) / np.timedelta64(1, "D"))

    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=255
    )
    columns = ColumnTransformer(
        [("texts", codes, make_column_selector(r"text_.*")),
         ("dates", FunctionTransformer(days), ["ordered", "paid"])], remainder="passthrough",
    )  # fmt: skip
    return make_pipeline(columns, HistGradientBoostingRegressor(
        categorical_features=list(range(8)), random_state=0
    ))  # fmt: skip


def main(way: str, rows: int) -> None:
    """Print a line a stage, its cells divided by tabs."""
    import chainrule
    from chainrule import estimators

    # All that is loaded late is loaded here: it is no part of what a large table takes
    small = frame(300)
    for kind, target in ((chainrule.TabularRegressor, "amount"),
                         (chainrule.TabularClassifier, "late")):  # fmt: skip
        kind(max_iter=1, n_members=2, progress=False).fit(
            small.drop(columns=["amount", "late"]), small[target]
        )
    assert estimators.fit_table is not None
    size = data_size(rows)
    stages = Stages()
    if way == "command":
        command(stages, rows)
    else:
        model = {
            "regressor": lambda: chainrule.TabularRegressor(random_state=0, progress=False),
            "classifier": lambda: chainrule.TabularClassifier(random_state=0, progress=False),
            "boosting": boosting,
        }[way]()  # fmt: skip
        estimator(stages, rows, "late" if way == "classifier" else "amount", model)
    for one in stages.done:
        print(way, f"{rows:,}", one.name, f"{size / MIB:.0f} MiB", f"{one.peak / MIB:.0f} MiB",
              f"{one.peak / size:.2f}", f"{one.cpu:.1f}", f"{one.wall:.1f}", one.score,
              sep="\t")  # fmt: skip


def rows() -> Iterator[tuple[str, ...]]:
    for way in WAYS:
        done = subprocess.run(
            [sys.executable, "-m", "bench.scale", way, str(ROWS)], check=True, cwd=ROOT,
            stdout=subprocess.PIPE, text=True, env={**os.environ},
        )  # fmt: skip
        for line in done.stdout.splitlines():
            yield tuple(line.split("\t"))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
