"""Scales, ticks and marks: where a number comes to lie."""

import numpy as np
import pytest

from chainrule.report.charts import Axes, evenly, short, whisker_bar
from chainrule.report.scale import Scale, spanning, wants_log

UNIT = Axes(Scale(0.0, 1.0), Scale(0.0, 1.0))


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (1.0, 60.0, ["10", "20", "30", "40", "50", "60"]),
        (-130000.0, 210000.0, ["-100,000", "0", "100,000", "200,000"]),
        (0.0123, 0.0131, ["0.0124", "0.0126", "0.0128", "0.0130"]),
        (1e8, 3.4e8, ["1·10⁸", "1.5·10⁸", "2·10⁸", "2.5·10⁸", "3·10⁸"]),
        (-2e-9, 3e-9, ["-2·10⁻⁹", "-1·10⁻⁹", "0", "1·10⁻⁹", "2·10⁻⁹", "3·10⁻⁹"]),
    ],
)
def test_ticks_are_round_and_in_range(low, high, texts):
    ticks = Scale(low, high).ticks()
    assert texts == [text for _, text in ticks]
    plain = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789", ",")
    assert [float(text.replace("·10", "e").translate(plain)) for text in texts] == pytest.approx(
        [at for at, _ in ticks]
    )


def test_every_scale_has_some_ticks():
    rng = np.random.default_rng(0)
    for _ in range(500):
        low = rng.normal() * 10.0 ** rng.integers(-12, 13)
        scale = spanning([low, low + 10.0 ** rng.integers(-12, 13)])
        ticks = scale.ticks()
        assert 2 <= len(ticks) <= 8
        assert len(ticks) == len({text for _, text in ticks})
        assert all(-1e-6 <= share <= 1 + 1e-6 for share in scale.share([at for at, _ in ticks]))


def test_logarithmic_scales():
    scale = spanning([0.02, 30.0, 0.0, np.nan], log=True)
    assert (pytest.approx(0.01), pytest.approx(100.0), True) == (scale.low, scale.high, scale.log)
    assert ["0.01", "0.1", "1", "10", "100"] == [text for _, text in scale.ticks()]
    assert [0.5, 0.25] == pytest.approx(scale.share([1.0, 0.1]).tolist())
    assert np.isnan(scale.share([0.0, -1.0, np.nan])).all()
    assert len(spanning([1e-30, 1.0], log=True).ticks()) <= 8
    assert spanning([0.0], log=True).low == 0.1
    assert (True, False, False) == (wants_log([1, 51]), wants_log([1, 49]), wants_log([0, 51]))


def test_lines_have_gaps_and_lone_points_are_dots():
    drawn = UNIT.line([0.0, 0.5, 0.75, 1.0], [0.0, 1.0, np.nan, 0.5])
    assert '<path class="line c0" d="M72 246L250 22M428 134"/>' in drawn
    assert '<circle class="dot c0" cx="428" cy="134" r="3"/>' in drawn


def test_lines_are_thinned_to_what_can_be_seen():
    x = np.linspace(0.0, 1.0, 100_001)
    assert len(UNIT.line(x, x)) < 15_000


def test_a_thinned_line_ends_where_its_last_point_is():
    """Points that nobody can tell from the one before are left out, but for the last."""
    drawn = UNIT.line([0.0, 0.5, 0.9996, 1.0], [0.0, 0.5, 1.0, 1.0])
    assert 'd="M72 246L250 134L427.9 22L428 22"' in drawn
    drawn = UNIT.line([0.0, 0.0001, 0.5, 1.0], [0.0, 0.0, 0.5, 1.0])
    assert 'd="M72 246L250 134L428 22"' in drawn


def test_bars_are_as_high_as_their_numbers():
    drawn = UNIT.bars([0.0, 0.5, 1.0], [0.25, 0.0])
    assert 1 == drawn.count("<rect")
    assert '<rect x="72.5" y="190" width="177" height="56"/>' in drawn


def test_whiskers_reach_one_error_to_both_sides():
    drawn = whisker_bar(Scale(0.0, 10.0), 5.0, 2.0)
    assert 'x="0" y="1" width="50"' in drawn and 'd="M30 5H70M30 2.5V7.5M70 2.5V7.5"' in drawn
    negative = whisker_bar(Scale(-10.0, 10.0), -5.0, 0.0)
    assert 'x="25" y="1" width="25"' in negative and "whisker" not in negative


def test_a_cloud_has_a_thousand_points_at_most():
    assert 1000 == UNIT.points(np.zeros(5000), np.zeros(5000)).count("<circle")
    assert [0, 3, 6, 9] == evenly(10, 4).tolist()
    assert ["0", "0.1", "-0.1", "12"] == [short(x) for x in (-0.04, 0.06, -0.06, 12.04)]
