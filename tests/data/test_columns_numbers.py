"""Numbers as offices write them: whatever writes them, they come back bit by bit."""

import numpy as np
import pandas as pd
import pytest

from chainrule.data.columns import Reading, learn_reading
from chainrule.data.columns.number_forms import NumberForm, plain_numbers, split_number
from chainrule.data.columns.sentinels import sentinels
from chainrule.data.columns.units import KNOWN, in_one_unit


def grouped(text, thousands, decimal):
    return text.translate({ord(","): thousands, ord("."): decimal})


WRITERS = {
    "plain": lambda v, d: f"{v:.{d}f}",
    "commas": lambda v, d: f"{v:,.{d}f}",
    "points": lambda v, d: grouped(f"{v:,.{d}f}", ".", ","),
    "spaces": lambda v, d: grouped(f"{v:,.{d}f}", " ", ","),
    "hard spaces": lambda v, d: grouped(f"{v:,.{d}f}", "\u00a0", "."),
    "thin spaces": lambda v, d: grouped(f"{v:,.{d}f}", "\u202f", ","),
    "apostrophes": lambda v, d: f"{v:,.{d}f}".replace(",", "'"),
    "typographic apostrophes": lambda v, d: f"{v:,.{d}f}".replace(",", "\u2019"),
    "decimal commas": lambda v, d: f"{v:.{d}f}".replace(".", ","),
    "dollars": lambda v, d: f"${v:,.{d}f}".replace("$-", "-$"),
    "pounds": lambda v, d: f"£ {v:,.{d}f}",
    "euros": lambda v, d: grouped(f"{v:,.{d}f} €", ".", ","),
    "codes": lambda v, d: f"CHF {v:,.{d}f}".replace(",", "'"),
    "percent": lambda v, d: f"{v:.{d}f}%",
    "units": lambda v, d: f"{v:.{d}f} km/h",
    "parentheses": lambda v, d: f"({-v:,.{d}f})" if v < 0 else f"{v:,.{d}f}",
    "minus behind": lambda v, d: f"{-v:.{d}f}-" if v < 0 else f"{v:.{d}f}",
    "unicode": lambda v, d: f"{v:.{d}f}".replace("-", "\u2212"),
    "plus": lambda v, d: f"{v:+,.{d}f}",
    "powers": lambda v, d: f"{float(f'{v:.{d}f}')!r}e0".replace("e+", "e").replace("ee", "e"),
}  # fmt: skip


@pytest.mark.parametrize("writer", WRITERS, ids=str)
@pytest.mark.parametrize("rows", [60, 1200])
def test_numbers_come_back(writer, rows):
    """Those of short columns one by one, those of long ones at once."""
    rng = np.random.default_rng(rows)
    digits = 2
    values = rng.normal(size=rows) * 10.0 ** rng.integers(0, 6, rows)
    values[:3] = 1234567.89, -0.25, 12.5
    texts = [WRITERS[writer](value, digits) for value in values]
    right = [float(f"{value:.{digits}f}") for value in values]
    column = pd.Series(texts, name="x", dtype=object)
    reading = learn_reading(column)
    assert "number" == reading.kind, reading
    np.testing.assert_array_equal(right, reading.values(column))
    again = Reading.from_json(reading.to_json())
    np.testing.assert_array_equal(right[7:9], again.values(column[7:9]))


@pytest.mark.parametrize("seed", range(16))
def test_random_columns(seed):
    """Of all writers, with digits, gaps and words for missing cells as chance has it."""
    rng = np.random.default_rng(seed)
    name, digits = rng.choice(list(WRITERS)), int(rng.choice([0, 1, 2, 4]))
    values = np.round(rng.normal(size=80) * 10.0 ** rng.integers(0, 7, 80), digits) + 0.0
    values[0] = 1234567.5 if digits else 1234567.0
    texts = np.array([WRITERS[name](value, digits) for value in values], object)
    right = np.array([float(f"{value:.{digits}f}") for value in values])
    gone = rng.random(80) < rng.choice([0.0, 0.1, 0.6])
    gone[:2] = False
    texts[gone] = rng.choice(["?", "n/a", "-", "NULL", ""], gone.sum())
    column = pd.Series(texts, name="x", dtype=object)
    reading = learn_reading(column, "number")  # -1.0 might be a sentinel of its column
    np.testing.assert_array_equal(np.where(gone, np.nan, right), reading.values(column))


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1,23,456", "12,34,567"], [123456, 1234567]), (["1.5e3", "2E-2"], [1500, 0.02]),
        (["12 kg", "300 g", "0.5 kg"], [12, 0.3, 0.5]), (["5 ft", "1 m"], [5 * 0.3048, 1]),
        (["1.2k", "3M", "950"], [1200, 3e6, 950]), (["$1.5M", "$900K"], [1.5e6, 9e5]),
        (["€110.5M", "€565K", "€0"], [110.5e6, 565e3, 0]), (["10 €", "10 EUR"], [10, 10]),
        (["$5", "7", "$9"], [5, 7, 9]), (["20°C", "-3 °C"], [20, -3]), (["5 apples"] * 2, [5, 5]),
        ([".5", "5."], [0.5, 5]), ([",5", "1,25"], [0.5, 1.25]), ([" 1 ", "2"], [1, 2]),
        (["-$1,200", "$-3", "($4)"], [-1200, -3, -4]), (["0,123", "1,234"], [0.123, 1.234]),
        (["12,- €", "1.200,- €"], [12, 1200]), (["Fr. 12.-", "Fr. 7.50"], [12, 7.5]),
        (["Rs. 1,200/-", "Rs. 90/-"], [1200, 90]), (["1,5\u200b", "2,5"], [1.5, 2.5]),
        (["1.234.567", "12"], [1234567, 12]), (["1 234", "12"], [1234, 12]),
    ],
    ids=str,
)  # fmt: skip
def test_numbers_in_every_usual_way(cells, values):
    column = pd.Series(cells, dtype=object)
    np.testing.assert_allclose(values, learn_reading(column).values(column), rtol=1e-15)


NO_NUMBERS = [
    "1,2,3", "1.2.3", "12,34", "--5", "(5", "5)", "-(5)", "1e", "e5", "1_000", "0x1F", "1/2",
    "12 34", "$", "$$5", "€5$", "1'00", "\u2164", "5 kg m", "1.000,5.0", "+", "",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number(text):
    """In a form with a decimal point."""
    assert np.isnan(NumberForm(units=(("kg", 1.0),)).numbers([text])[0])


def test_words_that_do_not_convert_are_said():
    reading = learn_reading(pd.Series(["100 CR", "50 DR", "12 CR"]))
    assert "text" == reading.kind
    assert "its cells are numbers with CR, DR behind them, which do not convert" in reading.notes[0]


TEXTS = [
    ["7A", "8B", "9C"], ["1st", "2nd", "3rd"], ["12 Main", "7 Elm"], ["1/2", "3/4"],
    ["18-25", "26-35"], ["0012", "13"], ["1234567890123456", "1"], ["192.168.0.1", "10.0.0.1"],
    ["yes", "no"], ["+49 170 1234567", "+49 30 901820"], ["?", "-"], ["12-B", "13-B"],
    ["5 kg m"] * 2,
]  # fmt: skip


@pytest.mark.parametrize("cells", TEXTS, ids=str)
def test_columns_that_are_texts(cells):
    column = pd.Series(cells, dtype=object)
    assert "text" == learn_reading(column).kind
    assert cells == learn_reading(column).values(column).tolist()


def test_other_units_are_refused_at_predict():
    """Those of the training and bare numbers are read; pounds among kilograms are no kilograms."""
    form = NumberForm(units=(("kg", 1.0),))
    np.testing.assert_array_equal([5.0, 5.0, np.nan], form.numbers(["5 kg", "5", "5 lb"]))


@pytest.mark.parametrize("rows", [10, 2000])
def test_a_point_is_no_decimal_mark_beside_decimal_commas(rows):
    """Nor is it skipped as one of thousands, in short columns and in long ones."""
    cells = [f"{k % 900},5" for k in range(rows)]
    form = NumberForm(",")
    cells[3] = "1.5"
    right = [k % 900 + 0.5 for k in range(rows)]
    right[3] = np.nan
    np.testing.assert_array_equal(right, form.numbers(cells))


def test_units():
    assert {"KB": 1e3, "MB": 1e6} == in_one_unit(["KB", "MB"])
    for clash in (["kg", "m"], ["", "%"], ["EUR", "$"], ["EUR M", "$ K"], ["st", "nd"]):
        assert in_one_unit(clash) is None
    assert {"", "st"}.isdisjoint(KNOWN)
    assert {"%", "kg", "EUR", "M"} <= KNOWN


def test_parts_of_numbers():
    parts = split_number("CHF 1'234.50-")
    assert ("1'234.50", "CHF", True) == (parts.body, parts.unit, parts.negative)
    assert -1234.5 == parts.value(".", {"CHF": 1.0})
    assert np.isnan(parts.value(",", {"CHF": 1.0}))
    assert np.isnan(parts.value(".", {"$": 1.0}))
    np.testing.assert_array_equal(
        [1.0, np.nan, 5.0, np.nan, np.nan, np.nan],
        plain_numbers([True, None, np.float32(5), 10**400, np.timedelta64(3, "s"), "inf"]),
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("draw", "value", "taken"),
    [
        (lambda rng: rng.integers(18, 90, 200), -1, True),
        (lambda rng: rng.integers(18, 90, 200), 999, True),
        (lambda rng: rng.normal(10, 8, 200), -999, True),
        (lambda rng: rng.uniform(0, 5000, 200), -999, True),
        (lambda rng: rng.integers(0, 12, 200), -1, False),
        (lambda rng: rng.normal(0, 1, 200), -1, False),
        (lambda rng: rng.normal(0, 400, 200), -999, False),
        (lambda rng: rng.integers(0, 42_000, 200), 99_999, False),
        (lambda rng: rng.integers(0, 1200, 200), 999, False),
        (lambda rng: rng.integers(0, 2, 200), 999, False),
        (lambda rng: rng.integers(1, 90, 200), 99, False),
    ],
)  # fmt: skip
def test_sentinels(draw, value, taken, seed):
    """Only numbers far from the rest, which repeat; two cells are no custom."""
    rng = np.random.default_rng(seed)
    numbers = draw(rng).astype(float)
    numbers[:4] = value
    assert ((float(value),) if taken else ()) == sentinels(numbers)
    numbers[2:4] = numbers[10:12]
    assert () == sentinels(numbers)
    assert () == sentinels(np.full(9, np.nan))
    assert () == sentinels(np.full(9, float(value)))
