"""Options that several commands have, and the checks of what they were given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from ..data import BUILT_IN
from ..errors import DataError
from .command_options import DATA, OUTPUT, SPLITS
from .keeping import check_apart, check_writable

TRAIN_COMMANDS = ("table", "images", "audio", "text", "timeseries")  # below `chainrule train`
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
    typer.Option(
        "--target", "-t", metavar="COLUMN", rich_help_panel=DATA,
        help="The column to predict. [default: the likeliest; it is said which, and why]",
    ),
]  # fmt: skip
Task = Annotated[
    str | None,
    typer.Option(
        metavar="classification|regression", rich_help_panel=DATA,
        help="Whether the target holds classes or numbers. [default: told from its values]",
    ),
]  # fmt: skip
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="Where to save. [default: DATA's name.safetensors]",
        rich_help_panel=OUTPUT,
    ),
]  # fmt: skip
Drop = Annotated[list[str] | None, typer.Option(help="A column to leave out; may be repeated.")]
TestFraction = Annotated[
    float, typer.Option(help="Part of the rows to test on.", rich_help_panel=SPLITS)
]
Seed = Annotated[
    int,
    typer.Option(
        min=0, max=2**32 - 1, metavar="N", rich_help_panel=SPLITS,
        help="Of splits, weights and order: the same seed, same model.",
    ),
]  # fmt: skip
Report = Annotated[
    Path | None,
    typer.Option(
        "--report", metavar="[PATH.html]", rich_help_panel=OUTPUT,
        help="Write a report as one HTML page. [default: beside, named after DATA or MODEL]",
    ),
]  # fmt: skip
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print the score alone.", rich_help_panel=OUTPUT),
]
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
    sources: str | Sequence[str | Path],
    output: Path | None,
    report: Path | None = None,
    storage: Path | None = None,
    inputs: Sequence[Path | None] = (),
    more: Mapping[str, Path | None] | None = None,
) -> tuple[Path, Path | None]:
    """Where a training's model and report go, checked before the work.

    They are named after the first source. `storage` is the file of a search's trials, `inputs` are
    further files that are read, and `more` further ones that are written, by their options.
    """
    several = [sources] if isinstance(sources, str) else list(sources)
    path = Path(f"{stem(several[0])}.safetensors") if output is None else output
    page = _page(report, several[0])
    written = {"--output": path, "--report": page, "--storage": storage, **(more or {})}
    check_apart(written, [*several, *filter(None, inputs)])
    check_writable(path)
    if page is not None:
        check_writable(page, "--report")
    for option, target in (more or {}).items():
        if target is not None:
            check_writable(target, option)
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
    """A name for what is made of a source: ``houses`` for ``data/houses.csv.gz``.

    Of a pattern it is that of its folder.

    Examples
    --------
    >>> [stem(name) for name in ("https://example.org/houses.csv?year=2026", "sales/*.csv", "-")]
    ['houses', 'sales', 'model']
    """
    path = Path(str(source).split("?")[0] if "://" in str(source) else source)
    if any(mark in path.name for mark in "*?["):
        path = path.parent
    name = path.name.split(".")[0]
    return "model" if name in ("", "-") else name


def check_task(task: str | None) -> None:
    """Raise a `DataError` if a task is none of `TASKS`."""
    if task is not None and task not in TASKS:
        raise DataError(f"--task {task}: give classification or regression")


def check_fraction(option: str, value: float, zero: bool = False) -> None:
    """Raise a `DataError` if a share of the rows is not between 0 (allowed if `zero`) and 1."""
    if not (0 < value < 1 or (zero and value == 0)):
        raise DataError(f"{option} {value:g}: give a part between 0 and 1")
