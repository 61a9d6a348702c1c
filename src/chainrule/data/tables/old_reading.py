"""Read a table: a CSV, TSV or Parquet file, or one of scikit-learn's bundled sets."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from ...errors import DataError
from ...lazy import LazyModule
from ..decoding import decode_text, first_row
from ..unpacking import read_gzip, read_parquet

pd = LazyModule("pandas")
datasets = LazyModule("sklearn.datasets")

Frame: TypeAlias = Any  # a pandas DataFrame; pandas loads at first use

BUILT_IN = ("digits", "iris", "wine", "breast_cancer", "diabetes")
SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".parquet", ".pq")
SEPARATORS = (",", ";", "\t", "|")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")


@dataclass(frozen=True)
class Table:
    """A table in memory.

    Attributes
    ----------
    name : str
        The built-in set's name or the file's name.
    frame : pandas.DataFrame
        The rows; column names are distinct text.
    target : str or None
        The column to predict where the source says so (built-in sets do).
    task : str or None
        ``"classification"`` or ``"regression"`` where the source says so.
    notes : tuple of str
        What was decided while reading, for the user to see.
    """

    name: str
    frame: Frame
    target: str | None = None
    task: str | None = None
    notes: tuple[str, ...] = ()


def read_table(source: str | Path, header: bool | None = None) -> Table:
    """Read a built-in set by name, or a CSV, TSV or Parquet file (also ``.gz``) by path.

    A file that exists wins over a built-in set of the same name.

    Parameters
    ----------
    source : str or Path
        ``digits``, ``iris``, ``wine``, ``breast_cancer``, ``diabetes``, or a file.
    header : bool, optional
        Whether the first line of a text file names the columns. By default a first line
        that consists of numbers counts as data.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        The file is missing, empty, unreadable, or has no rows.

    Examples
    --------
    >>> table = read_table("iris")
    >>> table.frame.shape, table.target, table.task
    ((150, 5), 'species', 'classification')

    The built-in sets are those of scikit-learn (Pedregosa et al., 2011, JMLR 12).
    """
    path = Path(source)
    if not path.exists():
        if str(source) in BUILT_IN:
            return _built_in(str(source))
        raise DataError(
            f"no file {str(source)!r}; give a CSV, TSV or Parquet file, "
            f"or one of the built-in sets: {', '.join(BUILT_IN)}"
        )
    if path.is_dir():
        raise DataError(f"{path} is a folder; give the path of one CSV, TSV or Parquet file")
    try:
        frame, notes = _read_file(path, header)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"cannot read {path}: {reason}; check the file") from error
    return Table(path.name, _checked(frame, path), None, None, tuple(notes))


def _built_in(name: str) -> Table:
    """One of scikit-learn's bundled sets; none is downloaded."""
    loaders: dict[str, Callable[..., Any]] = {
        "digits": datasets.load_digits,
        "iris": datasets.load_iris,
        "wine": datasets.load_wine,
        "breast_cancer": datasets.load_breast_cancer,
        "diabetes": datasets.load_diabetes,
    }
    targets = {
        "digits": "digit",
        "iris": "species",
        "wine": "cultivar",
        "breast_cancer": "diagnosis",
        "diabetes": "progression",
    }
    bunch = loaders[name]()
    names = [str(column) for column in bunch.feature_names]
    frame = pd.DataFrame(bunch.data, columns=names)
    values = bunch.target
    if name != "digits" and name != "diabetes":
        values = [str(bunch.target_names[index]) for index in values]
    frame[targets[name]] = values
    task = "regression" if name == "diabetes" else "classification"
    return Table(name, frame, targets[name], task)


def _read_file(path: Path, header: bool | None) -> tuple[Frame, list[str]]:
    """The frame of a file, and what was decided while reading it."""
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty; give a file with a header line and rows")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = bool(suffixes) and suffixes[-1] == ".gz"
    kind = (suffixes[:-1] or [""])[-1] if packed else (suffixes or [""])[-1]
    if kind not in SUFFIXES:
        raise DataError(
            f"{path}: cannot tell the format from the name; "
            f"end it in .csv, .tsv or .parquet (also with .gz)"
        )
    content = read_gzip(path) if packed else path.read_bytes()
    if kind in (".parquet", ".pq"):
        return _parquet(path, content), []
    return _text(path, content, "\t" if kind in (".tsv", ".tab") else None, header)


def _parquet(path: Path, content: bytes) -> Frame:
    """The frame of a Parquet file's bytes."""
    try:
        return read_parquet(path, content)
    except DataError:
        raise
    except ModuleNotFoundError:
        raise DataError(f"reading {path} needs pyarrow: pip install 'chainrule[parquet]'") from None
    except Exception as error:  # pyarrow has no common base class for damaged files
        reason = str(error).splitlines()[0]
        raise DataError(f"{path} is not a readable Parquet file: {reason}") from error


def _text(
    path: Path, content: bytes, separator: str | None, header: bool | None
) -> tuple[Frame, list[str]]:
    """The frame of a delimited text file's bytes."""
    notes: list[str] = []
    text = decode_text(path, content)
    if not text.strip():
        raise DataError(f"{path} is empty; give a file with a header line and rows")
    separator = separator or _separator(text)
    first = first_row(path, text, separator)
    if header is None:
        header = not _looks_like_data(first)
        if not header:
            notes.append("the first line holds numbers, so the columns are named column_1, ...")
    if header:
        _distinct([name for name in first if name.strip()], path)
    frame = _parsed(path, text, separator, header, ".")
    if separator == ";" and _has_decimal_commas(frame):
        frame = _parsed(path, text, separator, header, ",")
        notes.append("numbers are read with a decimal comma")
    if not header:
        frame.columns = [f"column_{index + 1}" for index in range(frame.shape[1])]
    return _without_row_numbers(frame, notes), notes


def _parsed(path: Path, text: str, separator: str, header: bool, decimal: str) -> Frame:
    """One pass of pandas over the text."""
    try:
        return pd.read_csv(
            io.StringIO(text),
            sep=separator,
            header=0 if header else None,
            decimal=decimal,
            index_col=False,
            skipinitialspace=True,
            low_memory=False,
            on_bad_lines="error",
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(
            f"{path} is not a table with {separator!r} between its columns: {reason}"
        ) from error


def _separator(text: str) -> str:
    """The separator that occurs most in the first line, outside quotes."""
    line = re.sub(r'"[^"]*"', "", text.lstrip().split("\n", 1)[0])
    counts = {separator: line.count(separator) for separator in SEPARATORS}
    best = max(SEPARATORS, key=counts.__getitem__)
    return best if counts[best] else ","


def _looks_like_data(cells: list[str]) -> bool:
    """Whether a first line is a row of data: numbers that are no running count."""
    numbers = [cell.strip() for cell in cells if NUMBER.fullmatch(cell.strip())]
    whole = [number for number in numbers if number.isdigit()]
    if len(whole) == len(numbers):
        start = int(whole[0]) if whole else 0
        counting = whole == [str(start + step) for step in range(len(whole))]
        if counting and start <= 1 and len(whole) != 1:
            return False  # 0,1,2,...: what pandas writes for an array without names
        return bool(numbers) and len(numbers) == len(cells)
    return True  # 5.1 is nobody's column name


def _distinct(names: list[str], path: Path) -> None:
    """Refuse two columns of one name."""
    counts = Counter(name.strip() for name in names)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        raise DataError(f"{path}: two columns are named {twice[0]!r}; rename one of them")


def _has_decimal_commas(frame: Frame) -> bool:
    """Whether some text column is numbers written like 3,14."""
    for name in frame.columns:
        values = frame[name].dropna()
        if values.dtype.kind in "OTU" and len(values):
            sample = values.astype(str).head(100)
            if all(DECIMAL_COMMA.fullmatch(value) or value.isdigit() for value in sample):
                return True
    return False


def _without_row_numbers(frame: Frame, notes: list[str]) -> Frame:
    """Drop a nameless first column that only counts the rows."""
    if frame.shape[1] > 1 and str(frame.columns[0]).startswith("Unnamed:"):
        first = frame.iloc[:, 0]
        if first.dtype.kind in "iu" and (first.diff().dropna() == 1).all():
            notes.append("the nameless first column counts the rows and is left out")
            return frame.iloc[:, 1:]
    return frame


def _checked(frame: Frame, path: Path) -> Frame:
    """The frame with text names, after refusing one that holds nothing to learn from."""
    frame = frame.reset_index(drop=True)
    names = [str(name).strip() for name in frame.columns]
    _distinct(names, path)
    frame.columns = names
    if frame.shape[0] == 0:
        raise DataError(f"{path} has a header but no rows; add rows of data")
    return frame
