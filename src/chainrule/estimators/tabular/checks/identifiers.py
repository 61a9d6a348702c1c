"""Columns that only name the row: running numbers, codes, hashes. A network learns them by heart.

A measurement may have a different value in each row as well, so that alone is not enough: whole
numbers must be so dense that chance would have repeated some, or the name must say what they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from ....data.cells import check_cells
from ..options import TrainOptions
from ..targets import LearnableTable
from ..typed_columns import Floats, TypedColumn, typed_columns
from .advice import Advice, option
from .column_names import suggests_counter, suggests_identifier, suggests_rank, suggests_time
from .evidence import MAX_ROWS
from .row_hashes import row_hashes

MIN_ROWS = 10
NEAR = 0.95  # a share that counts as all
MOSTLY = 0.5  # of the rows: repeated rows repeat their names
BIN = 16  # neighbouring numbers from which their density is taken
EXPECTED_REPEATS = 8.0  # exp(-8): so rarely would chance repeat no number
MIN_DIGITS = 8  # of a code without a name that says so
YEARS = (1500, 2200)
EPOCHS = ((6e8, 2.2e9), (6e11, 2.2e12))  # of 1989 to 2039, in seconds and in milliseconds
FIXED_LENGTH = 6  # letters and digits of a code without any form but its length
UUID = re.compile(
    r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}"
)
HEX = re.compile(r"0x[0-9a-fA-F]+|[0-9a-fA-F]{8,}")
RUNNING = re.compile(r"(\D*)(\d+)(\D*)")
DIGIT, WORD = re.compile(r"\d"), re.compile(r"[^\W\d_]{3,}")
NUMBERS = re.compile(
    r"\(?[-+]?\d+(\.\d+)?( ?(x|\u00d7|[,;:/-]) ?[-+]?\d+\.\d+)+( ?[a-z°]{1,3})?\)?"
)
FEWEST_DIGITS = 3  # of a code
MOST_WORDS = 1.5  # of three letters or more, on average
TEXTS = 2_000  # of a column, to see their form
MAX_SHAPES = 3


@dataclass(frozen=True)
class Identifier:
    """A column that names the row.

    Attributes
    ----------
    name, reason : str
    certain : bool
        Whether its cells and its name leave no doubt.
    """

    name: str
    reason: str
    certain: bool


def identifiers(
    source: LearnableTable, options: TrainOptions, kinds: Mapping[str, str]
) -> list[Identifier]:
    """The columns of which each value is another one, and names the row.

    `kinds` are what columns hold. Those whose kind the options name are what they say.
    """
    inputs = source.inputs
    rng = np.random.default_rng(options.random_state)
    rows = np.sort(rng.permutation(len(inputs))[:MAX_ROWS])
    sample = inputs.iloc[rows]
    chosen = {*options.categorical_features, *options.column_kinds}
    for _, column in inputs.items():
        check_cells(column)  # of a list there is no hash
    names = [
        str(name)
        for name, column in sample.items()
        if str(name) not in chosen and _is_candidate(column)
    ]
    if len(rows) < MIN_ROWS or not names:
        return []
    hashes = row_hashes(column.iloc[rows] for column in source.columns())
    first = np.zeros(len(rows), bool)
    first[np.unique(hashes, return_index=True)[1]] = True
    matches = []
    for column in typed_columns(sample[names], {n: k for n, k in kinds.items() if n in names}):
        if column.kind not in ("number", "text") or not _is_unique(column, first):
            continue
        match = _text(column) if column.is_text else _number(column)
        whole = len(rows) == len(inputs)
        if match is not None and (whole or _stays_unique(inputs[column.name])):
            matches.append(match)
    return matches


def _is_candidate(column: Any) -> bool:
    """Whether a column holds whole numbers or texts that are mostly different, and few gaps."""
    missing = float(column.isna().to_numpy(bool).mean())
    if missing > 1.0 - NEAR:
        return False
    plain = isinstance(column.dtype, np.dtype)
    if plain and column.dtype.kind == "f" and not (missing or suggests_identifier(column.name)):
        return False
    if plain and column.dtype.kind == "M":
        return False
    return bool(column.nunique() >= MOSTLY * len(column))


def identifier_advice(matches: list[Identifier], dropped: bool) -> list[Advice]:
    """What is said of them."""
    advice = []
    for match in matches:
        sure = "surely" if match.certain else "probably"
        done = (
            "it is left out (--keep-identifiers learns from it)." if dropped
            else "a network learns such a column by heart."
        )  # fmt: skip
        command = "--keep-identifiers" if dropped else option("drop", match.name)
        message = f"{match.name!r} {sure} only names the row ({match.reason}): {done}"
        advice.append(Advice("identifier", (match.name,), message, command))
    return advice


def _is_unique(column: TypedColumn, first: Any) -> bool:
    """Whether no value comes twice, but for rows that repeat another one as a whole."""
    if column.distinct == len(column.known):
        return True
    values = column.values[first]
    values = values[~np.isnan(values)]
    return len(np.unique(values)) == len(values) >= MIN_ROWS


def _stays_unique(column: Any) -> bool:
    """Whether a column is unique among all rows, where some were looked at."""
    return bool(column.nunique() >= NEAR * column.notna().sum())


def _number(column: TypedColumn) -> Identifier | None:
    """A column of different numbers as an identifier, if it is one."""
    named, values = suggests_identifier(column.name), column.known
    if values.max() <= 0:
        values = -values
    if not column.is_whole or values.min() < 0 or values.max() >= 2.0**53:
        return None
    if column.floats and len(values) == len(column.values) and not named:
        return None  # 3.0 is no count
    if not named and (suggests_time(column.name) or suggests_rank(column.name)):
        return None
    increasing = bool(np.all(np.diff(values) > 0))
    clock = any(low <= values.min() and values.max() <= high for low, high in EPOCHS)
    if clock and increasing and not named:
        return None  # seconds or milliseconds since 1970
    step = np.gcd.reduce((values - values.min()).astype(np.int64))
    if expected_repeats((values - values.min()) / step) >= EXPECTED_REPEATS:
        years = values.min() >= YEARS[0] and values.max() <= YEARS[1]
        if years and increasing and not named and len(values) < YEARS[1] - YEARS[0]:
            return None
        reason = "whole numbers that count the rows" if increasing else (
            "whole numbers, each of which comes once, with few between them"
        )  # fmt: skip
        return Identifier(column.name, reason, named or suggests_counter(column.name))
    digits = len(str(int(values.max())))
    same_digits = digits == len(str(int(values.min())))
    if named:
        return Identifier(column.name, "different whole numbers, and its name", True)
    if suggests_counter(column.name) and (increasing or (same_digits and digits >= 5)):
        return Identifier(column.name, "different whole numbers, and its name", False)
    if same_digits and digits >= MIN_DIGITS and _is_even_spread(values, digits):
        return Identifier(
            column.name, f"different numbers of {digits} digits, evenly spread", False
        )
    return None


def expected_repeats(values: Floats) -> float:
    """How often chance would repeat whole numbers that are as dense as these.

    Examples
    --------
    >>> expected_repeats(np.arange(100.0)) > 40, expected_repeats(np.arange(100.0) * 1000) < 0.1
    (True, True)
    """
    ordered = np.sort(values)
    size = min(BIN, len(ordered))
    starts = np.arange(0, len(ordered) - size + 1, size)
    widths = ordered[starts + size - 1] - ordered[starts] + 1.0
    return float(np.sum(size * (size - 1) / 2 / widths))


def _is_even_spread(values: Floats, digits: int) -> bool:
    """Whether numbers fill a power of ten evenly: those of codes do, and sizes do not."""
    low, high = 10.0 ** (digits - 1), 10.0**digits
    fills = values.max() - values.min() > 0.8 * (high - low)
    return bool(fills and stats.kstest((values - low) / (high - low), "uniform").pvalue > 1e-3)


def _text(column: TypedColumn) -> Identifier | None:
    """A column of different texts as an identifier, if it is one."""
    texts = list(column.levels[:: -(-len(column.levels) // TEXTS)])
    named = suggests_identifier(column.name)
    if _share(UUID, texts) >= NEAR:
        return Identifier(column.name, "UUIDs", True)
    lengths = {len(text) for text in texts}
    prefixed = all(text.startswith("0x") for text in texts)
    one_length = len(lengths) == 1 or prefixed
    if one_length and _share(HEX, texts) >= NEAR and re.search("[a-fA-F]", "".join(texts)):
        return Identifier(column.name, "hexadecimal codes, each of which comes once", True)
    matches = [RUNNING.fullmatch(text) for text in texts]
    numbered = [match for match in matches if match]
    if len(numbered) >= NEAR * len(texts):
        around = {(match.group(1), match.group(3)) for match in numbered}
        if len(around) <= MAX_SHAPES:
            example = numbered[0].group(0)
            return Identifier(column.name, f"running numbers such as {example!r:.40}", True)
    if named:
        return Identifier(column.name, "different texts, and its name", True)
    if suggests_time(column.name):  # "2011-Q1" is no code
        return None
    if sum("@" in text for text in texts) >= NEAR * len(texts):
        return Identifier(column.name, "addresses, each of which comes once", True)
    spaced = sum(" " in text for text in texts) > (1.0 - NEAR) * len(texts)
    if not spaced and len(lengths) == 1 and min(lengths) >= FIXED_LENGTH:
        return Identifier(column.name, f"different codes such as {texts[0]!r:.40}", False)
    if _are_codes(texts):
        return Identifier(column.name, f"different codes such as {texts[0]!r:.40}", False)
    return None


def _are_codes(texts: list[str]) -> bool:
    """Whether texts with digits have a few forms: telephone numbers, tickets, web addresses."""
    if sum(len(DIGIT.findall(text)) >= FEWEST_DIGITS for text in texts) < NEAR * len(texts):
        return False
    words = sum(len(WORD.findall(text)) for text in texts if "/" not in text)
    if words > MOST_WORDS * len(texts):
        return False  # prose in which a number occurs
    if sum(bool(NUMBERS.fullmatch(text)) for text in texts) >= NEAR * len(texts):
        return False  # measurements: "12.5 x 30.2", "52.5, 13.4"
    for letters, digits in ((r"[A-Z]", r"\d"), (r"[A-Z]+", r"\d+")):  # of one length, or of any
        lower = letters.replace("A-Z", "a-z")
        shapes = [
            re.sub(digits, "9", re.sub(letters, "A", re.sub(lower, "a", text))) for text in texts
        ]
        counts = np.sort(np.unique(shapes, return_counts=True)[1])[::-1]
        if counts[:MAX_SHAPES].sum() >= 0.9 * len(texts) or len(counts) <= 0.05 * len(texts):
            return True
    return False


def _share(pattern: re.Pattern[str], texts: list[str]) -> float:
    return sum(bool(pattern.fullmatch(text)) for text in texts) / max(1, len(texts))
