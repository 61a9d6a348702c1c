"""The page of a training by reinforcement: every number is the caller's, and where it lies."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from page_reader import Page
from policy_report import policy

from chainrule.errors import DataError
from chainrule.report import ReinforcementReport, render_reinforcement, write_page
from chainrule.report.charts import Axes
from chainrule.report.returns import curves
from chainrule.report.scale import Scale

BARE = ReinforcementReport("e", "PPO", "")
UNIT = Axes(Scale(0.0, 1.0), Scale(0.0, 1.0))


def page(report: ReinforcementReport) -> Page:
    return Page(render_reinforcement(report))


def test_the_evaluation_in_numbers():
    """Mean, deviation, least and most of each policy's returns, and the mean length."""
    report = policy()
    read = page(report)
    values = np.array(report.returns["PPO"])
    assert ["20", f"{values.mean():.1f}", f"{values.std():.2f}"] == read.row("PPO")[:3]
    assert [values.mean(), values.std(), values.min(), values.max()] == read.values[:4]
    assert "solved from a mean return of 475.0 on" in read.text
    assert "–" == page(replace(report, lengths={})).row("PPO")[-1]  # noqa: RUF001


def test_of_many_policies_the_first_have_histograms():
    many = {f"PPO, seed {k}": [1.0, 2.0] for k in range(9)}
    read = page(replace(BARE, returns=many))
    assert "The first 6 of 9 have a histogram." in read.text
    assert 6 == len(read.attributes("svg", "role"))
    assert 9 == sum(row[0].startswith("PPO") for row in read.rows)


def test_curves_of_one_training_are_its_own_numbers():
    rows = [{"num_timesteps": 10, "loss": np.nan}, {"num_timesteps": 20, "loss": 3.0},
            {"num_timesteps": 40, "loss": 1.0}]  # fmt: skip
    lines = curves({0: rows}, "loss")
    assert lines is not None
    assert ([20.0, 40.0], [[3.0, 1.0]]) == (lines.steps.tolist(), lines.values.tolist())
    assert curves({0: rows}, "entropy") is None
    assert curves({}, "loss") is None


def test_curves_of_several_are_compared_at_the_same_steps():
    """Interpolated between their rows; missing before the first and after the last."""
    lines = curves(
        {0: [{"num_timesteps": 0, "x": 0.0}, {"num_timesteps": 100, "x": 100.0}],
         1: [{"num_timesteps": 50, "x": 1.0}, {"num_timesteps": 239, "x": 1.0}]}, "x"
    )  # fmt: skip
    assert lines is not None and (2, 240) == lines.values.shape
    np.testing.assert_array_equal(lines.steps, np.arange(240.0))
    np.testing.assert_allclose(lines.values[0, :101], np.arange(101.0))
    assert np.isnan(lines.values[0, 101:]).all() and np.isnan(lines.values[1, :50]).all()
    assert (lines.values[1, 50:] == 1.0).all()


def test_a_band_goes_up_one_line_and_back_the_other():
    drawn = UNIT.band([0.0, 1.0], [0.0, 0.5], [0.5, 1.0], 2)
    assert '<path class="band c2" d="M72 134L428 22L428 134L72 246Z"/>' == drawn
    gap = UNIT.band([0.0, 0.5, 0.6, 0.8, 1.0], [0, 0, np.nan, 0, 0], [1, 1, 1, 1, 1])
    assert 2 == gap.count("M") == gap.count("Z")
    assert "" == UNIT.band([0.0], [np.nan], [1.0])
    assert '<path class="thin line c0"' in UNIT.line([0.0, 1.0], [0.0, 1.0], thin=True)


def test_several_seeds_are_thin_lines_a_band_and_their_mean():
    """In each chart of the training; one seed is one line."""
    text = render_reinforcement(policy(seeds=3))
    charts = re.findall(r"<svg.*?</svg>", text)
    returns = next(c for c in charts if "Mean return of the last 100" in c)
    assert (1, 3, 4) == (returns.count('class="band'), returns.count('"thin line'),
                         returns.count('line c0"'))  # fmt: skip
    assert 1 == returns.count('class="rule"')  # the threshold
    alone = render_reinforcement(policy(seeds=1))
    assert 'class="band' not in alone and '"thin line' not in alone
    assert "mean of 3 seeds" in text and "mean of" not in alone


def test_a_learning_curve_is_told_in_words():
    read = page(policy(seeds=1))
    labels = read.attributes("svg", "aria-label")
    assert "Mean return of the last 100 episodes from 20.00 to 200.0 in 1,000 steps, of 1 " \
           "trainings." in labels  # fmt: skip
    assert any(label.startswith("Entropy from ") for label in labels)
    assert "Explained variance" in read.text


def test_sections_are_there_if_their_data_is():
    assert [] == page(BARE).headings
    for heading, given in (
        ("Evaluation", {"returns": {"PPO": [1.0, 2.0]}}),
        ("An episode", {"film": b"GIF89a..."}),
        ("Learning curves", {"histories": {0: [{"num_timesteps": 1, "ep_rew_mean": 1.0}]}}),
        ("Updates", {"histories": {0: [{"num_timesteps": 1, "loss": 1.0}]}}),
        ("Policy card", {"settings": [("gamma", 0.9, "default")]}),
        ("Policy card", {"layers": [("a", "b", 1)]}),
        ("Policy card", {"dataset": {"steps": 1}}),
        ("Policy card", {"limitations": "Many."}),
        ("Repeat it", {"command": "make"}),
    ):
        assert [heading] == page(replace(BARE, **given)).headings, given
    nothing = {0: [{"num_timesteps": 5, "ep_rew_mean": np.nan, "fps": 3.0}]}
    assert [] == page(replace(BARE, histories=nothing)).headings


def test_the_film_is_inside_of_the_page():
    report = policy()
    (source,) = page(report).attributes("img", "src")
    assert report.film == b64decode(source.removeprefix("data:image/gif;base64,"))
    assert ["A pole stands"] == page(report).attributes("img", "alt")


def test_the_page_is_closed_and_escaped(tmp_path):
    """No address, no script, hostile names as text, one identifier each; the same bytes again."""
    attack = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    changes: dict[str, Any] = {
        "environment": attack, "algorithm": attack, "date": attack, "film_caption": attack,
        "returns": {attack: [1.0, 2.0]}, "lengths": {attack: [1.0, 2.0]},
        "settings": [(attack, attack, attack)], "command": attack, "limitations": attack,
        "histories": {0: [{"num_timesteps": 1, attack: 1.0}, {"num_timesteps": 2, attack: 2.0}]},
    }  # fmt: skip
    text = render_reinforcement(replace(policy(), **changes))
    read = Page(text)
    assert "script" not in [tag for tag, _ in read.elements]
    assert 1 == len(read.attributes("img", "src"))
    assert not any(key.startswith("on") for _, given in read.elements for key in given)
    ids = [given["id"] for _, given in read.elements if "id" in given]
    assert len(ids) == len(set(ids))
    assert re.findall(r"https?:|url\(|@import|<script", text) == []
    assert text == render_reinforcement(replace(policy(), **changes))
    write_page(tmp_path / "page.html", text)
    assert text == (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"returns": {"PPO": []}}, r"returns has shape \(0,\)"),
        ({"returns": {"PPO": [1.0, np.nan]}}, "give a finite number for each episode"),
        ({"lengths": {"PPO": [[1.0]]}}, r"lengths has shape \(1, 1\)"),
        ({"histories": {3: [{"loss": 1.0}]}}, "the history of seed 3 has a row without"),
        ({"film": b"<svg>"}, "give the bytes of a GIF or PNG picture"),
    ],
)
def test_parts_that_do_not_fit_are_told(given, message):
    with pytest.raises(DataError, match=message):
        replace(BARE, **given)
