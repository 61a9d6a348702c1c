"""Time series from files: of the UCR and UEA archive, NPZ files, and tables."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...errors import DataError
from ..npz import read_array_pairs, read_npz
from ..tables import read_table
from .labelled import LabelledSeries
from .tables import of_table
from .ts_format import is_label_first, numbered_lines, read_arff, read_label_first, read_ts

TEXTS = (".txt", ".tsv", ".csv", ".dat")
ENDINGS = (".ts", ".arff", ".tsv", ".txt", ".csv")  # of the archive's, the best first
TRAIN = re.compile(r"_TRAIN(?=\.[^.]+$)")


def read_series_dataset(
    source: str | Path,
    target: str | None = None,
    series: str | None = None,
    time: str | None = None,
    x: str | None = None,
    y: str | None = None,
    needs_target: bool = True,
) -> tuple[LabelledSeries, LabelledSeries | None]:
    """The time series of a file, and those for the test if there are such.

    Parameters
    ----------
    source : str or Path
        A ``.ts``, ``.arff`` or ``.npz`` file, a text file of numbers with the class first, or a
        table. A file ``NAME_TRAIN.ts`` has its test in ``NAME_TEST.ts``, if that lies beside it;
        and a folder may be given that holds both.
    target, series, time : str, optional
        Columns of a table; see `data.timeseries.tables.of_table`.
    x, y : str, optional
        Names of the arrays of an NPZ file; see `data.npz.read_array_pairs`.
    needs_target : bool
        Whether `target` has to be there. If not, columns that are named count for tables alone, as
        where files are like those of a training.

    Returns
    -------
    train : LabelledSeries
    test : LabelledSeries or None

    Raises
    ------
    DataError
        If the file cannot be read; with where.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "Waves_TRAIN.tsv").write_text("1\\t0.5\\t0.7\\n2\\t0.1\\t0.3\\n")
    >>> _ = (folder / "Waves_TEST.tsv").write_text("2\\t0.2\\t0.4\\n")
    >>> train, test = read_series_dataset(folder)
    >>> len(train.inputs), test.labels.tolist()
    (2, ['2'])
    """
    path = _file(Path(source))
    if path.suffix.lower() == ".npz":
        pairs = read_array_pairs(path, x, y)
        train = LabelledSeries(pairs.x, pairs.y, None, y or "")
        if pairs.x_test is None:
            return train, None
        return train, LabelledSeries(pairs.x_test, pairs.y_test, None, y or "")
    partner = path.with_name(TRAIN.sub("_TEST", path.name))
    train = read_series(path, target, series, time, needs_target=needs_target)
    if partner == path or not partner.exists():
        return train, None
    test = read_series(partner, target, series, time, needs_target=needs_target)
    if (train.labels is None) != (test.labels is None) or train.task != test.task:
        raise DataError(f"{path.name} and {partner.name} do not predict the same")
    return train, test


def read_series(
    path: str | Path,
    target: str | None = None,
    series: str | None = None,
    time: str | None = None,
    x: str | None = None,
    needs_target: bool = True,
) -> LabelledSeries:
    """The time series of one file, with or without what is to be predicted.

    See `read_series_dataset`; of an NPZ file only the array `x` is read (default: ``x``, or its
    only one).
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending == ".npz":
        return LabelledSeries(_inputs(path, x), None)
    if ending in (".ts", ".arff") or (ending in TEXTS and _is_archive_text(path)):
        if needs_target and not (target is series is time is None):
            raise DataError(f"{path} has no named columns: leave out --target, --id and --time")
        if ending == ".ts":
            return read_ts(path)
        return (
            read_arff(path) if ending == ".arff" else read_label_first(path, numbered_lines(path))
        )
    table = read_table(path)
    if not needs_target and target not in table.frame.columns:
        target = None
    read = of_table(table.name, table.frame, target, series, time)
    notes = tuple(note.partition("; --as")[0] for note in table.notes)  # no option here
    return replace(read, notes=notes)


def _inputs(path: Path, x: str | None) -> np.ndarray:
    """The array of series of an NPZ file."""
    names = list(read_npz(path, ()))
    if x is None:
        likely = [name for name in names if name.lower() in ("x", "x_test")] or names
        x = likely[0] if len(likely) == 1 or likely != names else None
    if x not in names:
        listed = ", ".join(sorted(names)[:8])
        raise DataError(f"{path} has the arrays {listed}: none is called {x or 'x'!r}")
    return read_npz(path, {x})[x]


def _is_archive_text(path: Path) -> bool:
    """Whether the first line has numbers alone after its first cell."""
    first = next(iter(numbered_lines(path)), None)
    if first is None:
        raise DataError(f"{path} is empty")
    return is_label_first(first[1])


def _file(path: Path) -> Path:
    """The file itself, or the one NAME_TRAIN of a folder; of several the folder's namesake."""
    if path.exists() and not path.is_dir():
        return path
    if not path.is_dir():
        raise DataError(f"there is no file or folder {str(path)!r}")
    for ending in ENDINGS:
        files = sorted(one for one in path.iterdir() if one.name.endswith(f"_TRAIN{ending}"))
        namesakes = [one for one in files if one.name == f"{path.resolve().name}_TRAIN{ending}"]
        if len(files) > 1 and not namesakes:
            listed = ", ".join(one.name for one in files[:4])
            raise DataError(f"{path} holds {listed}: give one of the files")
        if files:
            return namesakes[0] if namesakes else files[0]
    raise DataError(
        f"{path} holds no file called NAME_TRAIN with the ending {', '.join(ENDINGS)}: give a file"
    )
