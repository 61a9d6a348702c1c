"""Files of the UEA and UCR archive: ``.ts``, ``.arff``, and rows of numbers with a label first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError
from .labelled import LabelledSeries

MISSING = ("?", "", "nan")
YES, NO = "true", "false"
CLASSES, REGRESSION = "classification", "regression"


def read_ts(path: str | Path) -> LabelledSeries:
    """Read a ``.ts`` file, the format of timeseriesclassification.com.

    A line is a series: its channels with colons between, of numbers with commas between, and at the
    end the class or the number to predict, if ``@classLabel`` or ``@targetLabel`` says so.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    DataError
        If a line is not of this format, with its number; or if the points have times.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "two.ts")
    >>> _ = path.write_text("@classLabel true up down\\n@data\\n1,2,3:up\\n3,?,1,0:down\\n")
    >>> read = read_ts(path)
    >>> [series.tolist() for series in read.inputs], read.labels.tolist()
    ([[[1.0, 2.0, 3.0]], [[3.0, nan, 1.0, 0.0]]], ['up', 'down'])
    """
    header: dict[str, list[str]] = {}
    rows: list[Any] = []
    labels: list[Any] = []
    in_data = False
    for number, line in numbered_lines(path):
        where = f"{path}, line {number}"
        if line.startswith(("#", "%")) and not in_data:
            continue
        if not in_data:
            if not line.startswith("@"):
                raise DataError(f"{where} is {line!r:.40}: a line with @ was expected, up to @data")
            word, *values = line[1:].split()
            header[word.lower()] = values
            in_data = word.lower() == "data"
            if in_data:
                _check_header(path, header)
            continue
        parts = line.split(":")
        label = _ts_label(parts, header, where)
        if label is not None:
            labels.append(label)
        rows.append(_channels([part.split(",") for part in parts], where))
    return _labelled(path, rows, labels, REGRESSION if "targetlabel" in header else CLASSES)


def _check_header(path: str | Path, header: dict[str, list[str]]) -> None:
    times = header.get("timestamps", [NO])
    if times[:1] and times[0].lower() == YES:
        raise DataError(
            f"{path} has times beside its points, which are not read: bring the points to even "
            "steps, and write @timeStamps false"
        )


def _ts_label(parts: list[str], header: dict[str, list[str]], where: str) -> Any:
    """Take the label off a line; None if the file has none."""
    for key in ("classlabel", "targetlabel"):
        flag, *classes = header.get(key, [NO]) or [YES]
        if flag.lower() != YES:
            continue
        if len(parts) < 2:
            raise DataError(f"{where} has no label at its end, after a colon")
        label = parts.pop().strip()
        if key == "targetlabel":
            return _number(label, where)
        if classes and label not in classes:
            raise DataError(
                f"{where} is of class {label!r:.40}, which @classLabel does not name: "
                f"{', '.join(classes[:8])}"
            )
        return label
    return None


def read_arff(path: str | Path) -> LabelledSeries:
    """Read an ``.arff`` file of the archive: the last attribute is what to predict.

    A series of many channels is one quoted cell, a relational attribute, with the two characters
    ``\\n`` between its channels.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    DataError
        If a line is not of this format, with its number.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "two.arff")
    >>> text = "@relation w\\n@attribute s relational\\n@attribute a numeric\\n@end s\\n"
    >>> _ = path.write_text(text + "@attribute c {x,y}\\n@data\\n'1,2,3\\\\n4,5,6',x\\n")
    >>> read = read_arff(path)
    >>> [series.tolist() for series in read.inputs], read.labels.tolist()
    ([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]], ['x'])
    """
    kinds: list[str] = []
    rows: list[Any] = []
    labels: list[Any] = []
    in_data = is_inside = False
    for number, line in numbered_lines(path):
        where = f"{path}, line {number}"
        if line.startswith("%"):
            continue
        if in_data:
            row, label = _arff_row(line, kinds, where)
            rows.append(row)
            labels.append(label)
            continue
        word = line.split()[0].lower()
        if word == "@attribute" and not is_inside:
            kinds.append(_kind(line))
            is_inside = kinds[-1] == "relational"
        elif word == "@end":
            is_inside = False
        elif word == "@data":
            in_data = True
            if len(kinds) < 2:
                raise DataError(f"{where}: {len(kinds)} attributes stand before it: give series "
                                "and a class")  # fmt: skip
        elif word not in ("@relation", "@attribute"):
            raise DataError(f"{where} is {line!r:.40}: a line with @ was expected, up to @data")
    return _labelled(path, rows, labels, REGRESSION if kinds[-1:] == ["numeric"] else CLASSES)


def _kind(line: str) -> str:
    """Of an attribute: relational, numeric, or nominal for all others."""
    last = line.split()[-1].lower()
    numeric = last in ("numeric", "real", "integer")
    return last if last == "relational" else "numeric" if numeric else "nominal"


def _arff_row(line: str, kinds: list[str], where: str) -> tuple[Any, Any]:
    if kinds[0] == "relational":
        quote = line[0]
        end = line.find(quote, 1)
        if quote not in "'\"" or end < 0:
            raise DataError(f"{where}: a series in quotes was expected")
        channels, label = line[1:end].split("\\n"), line[end + 1 :].lstrip(", ")
        row = _channels([channel.split(",") for channel in channels], where)
    else:
        cells = line.split(",")
        if len(cells) != len(kinds):
            raise DataError(
                f"{where} has {len(cells)} cells, and the header {len(kinds)} attributes"
            )
        label = cells.pop()
        row = _channels([cells], where)
    label = label.strip().strip("'\"")
    return row, _number(label, where) if kinds[-1] == "numeric" else label


def read_label_first(path: str | Path, text_lines: Iterator[tuple[int, str]]) -> LabelledSeries:
    """Read rows of numbers, of which the first is the label: the UCR archive's ``.tsv``, ``.txt``.

    Between the numbers are tabs, commas or spaces. NaN at the end of a row is no part of it.
    """
    rows: list[Any] = []
    labels: list[Any] = []
    for number, line in text_lines:
        where = f"{path}, line {number}"
        label, *cells = split_cells(line)
        rows.append(_channels([cells], where))
        labels.append(_plain(label))
    return _labelled(path, rows, labels, None)


def split_cells(line: str) -> list[str]:
    """The cells of a line, at tabs, else commas, else spaces."""
    separator = "\t" if "\t" in line else "," if "," in line else None
    return [cell.strip() for cell in line.split(separator)]


def is_label_first(line: str) -> bool:
    """Whether all cells of a line but the first are numbers: no header then."""
    cells = split_cells(line)[1:]
    numbers = [_is_number(cell) for cell in cells]
    return len(cells) > 1 and all(numbers) and any(cell.lower() not in MISSING for cell in cells)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell in MISSING
    return True


def _plain(label: str) -> str:
    """``1`` for ``1.0000000e+00``, as the classes of old files are written."""
    try:
        value = float(label)
    except ValueError:
        return label
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else label


def numbered_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Lines that are not empty, without the ends, and their numbers."""
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.strip()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None


def _channels(cells: list[list[str]], where: str) -> NDArray[np.float64]:
    """The channels of a series; of unequal lengths with NaN at the ends of the shorter."""
    longest = max(map(len, cells))
    values = np.full((len(cells), longest), np.nan)
    for row, channel in zip(values, cells, strict=True):
        try:
            row[: len(channel)] = channel
        except ValueError:
            row[: len(channel)] = [_number(cell.strip(), where) for cell in channel]
    return values


def _number(cell: str, where: str) -> float:
    if cell.lower() in MISSING:
        return float("nan")
    try:
        return float(cell)
    except ValueError:
        raise DataError(
            f"{where}: {cell!r:.40} is no number (? stands for a missing one)"
        ) from None


def _labelled(
    path: str | Path, rows: list[Any], labels: list[Any], task: str | None
) -> LabelledSeries:
    if not rows:
        raise DataError(f"{path} holds no series: none follows @data")
    channels = len(rows[0])
    for k, row in enumerate(rows):
        if len(row) != channels:
            raise DataError(
                f"{path}: series {k + 1} has {len(row)} channels, and the first {channels}"
            )
    return LabelledSeries(rows, np.array(labels) if labels else None, task)
