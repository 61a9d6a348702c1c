"""Options that several commands have, and the checks of what they were given."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from ..data import BUILT_IN
from ..errors import DataError
from .keeping import check_apart, check_writable

TRAIN_COMMANDS = ("table", "images", "audio", "text")  # below `chainrule train`
TASKS = ("classification", "regression")
BESIDE = Path("beside")  # `--report` without a path
PAGES = (".html", ".htm")

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help=f"A CSV, TSV or Parquet file, or a built-in set: {', '.join(BUILT_IN)}.",
    ),
]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A file that train saved.")]
Target = Annotated[
    str | None,
    typer.Option("--target", "-t", help="The column to predict. [default: the last one]"),
]
Task = Annotated[
    str | None, typer.Option(help="classification or regression. [default: told from the target]")
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Where to save. [default: DATA's name.safetensors]"),
]
Drop = Annotated[list[str] | None, typer.Option(help="A column to leave out; may be repeated.")]
TestFraction = Annotated[float, typer.Option(help="Part of the rows to test on.")]
Seed = Annotated[
    int,
    typer.Option(
        min=0, max=2**32 - 1,
        help="Of splits, weights and order: the same seed, same model.",
    ),
]  # fmt: skip
Report = Annotated[
    Path | None,
    typer.Option(
        "--report", metavar="[PATH.html]",
        help="Write a report as one HTML page. [default: beside, named after DATA or MODEL]",
    ),
]  # fmt: skip
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the score alone.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON alone, for other programs.")]


class ReportCommand(typer.core.TyperCommand):
    """A command whose `--report` may come without a path.

    The word after it is the path if it ends like that of a page, so that the table's name may
    follow as well.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Fill in the path that was left out."""
        filled = []
        for word, following in zip_longest(args, args[1:], fillvalue=""):
            bare = word == "--report" and not following.lower().endswith(PAGES)
            filled.append(f"--report={BESIDE}" if bare else word)
        return super().parse_args(ctx, filled)


def output_paths(
    source: str, output: Path | None, report: Path | None = None, storage: Path | None = None
) -> tuple[Path, Path | None]:
    """Where a training's model and report go, checked before the work.

    `storage` is the file of a search's trials.
    """
    path = Path(f"{stem(source)}.safetensors") if output is None else output
    page = _page(report, source)
    check_apart({"--output": path, "--report": page, "--storage": storage}, [source])
    check_writable(path)
    if page is not None:
        check_writable(page, "--report")
    return path, page


def report_path(report: Path | None, source: str | Path, *inputs: str | Path) -> Path | None:
    """Where the report goes, or None if none is wanted; it is named after the source."""
    page = _page(report, source)
    if page is not None:
        check_apart({"--report": page}, [source, *inputs])
        check_writable(page, "--report")
    return page


def _page(report: Path | None, source: str | Path) -> Path | None:
    return Path(f"{stem(source)}.html") if report == BESIDE else report


def stem(source: str | Path) -> str:
    """The name of a file without its endings: ``houses`` for ``data/houses.csv.gz``."""
    return Path(source).name.split(".")[0] or "model"


def check_task(task: str | None) -> None:
    """Raise a `DataError` if a task is none of `TASKS`."""
    if task is not None and task not in TASKS:
        raise DataError(f"--task {task}: give classification or regression")


def check_fraction(option: str, value: float, zero: bool = False) -> None:
    """Raise a `DataError` if a share of the rows is not between 0 (allowed if `zero`) and 1."""
    if not (0 < value < 1 or (zero and value == 0)):
        raise DataError(f"{option} {value:g}: give a part between 0 and 1")
