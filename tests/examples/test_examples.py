"""Each script of `examples/` runs by itself, and its numbers beat those of a trivial answer."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from chainrule.config import configured

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
SLOW = {
    "atari_boxing",
    "breakout",
    "digits",
    "images_from_folders",
    "laplace_approximation",
    "no_u_turn_sampler",
    "penguin_table",
    "progression",
    "robot_control",
    "spoken_words",
    "through_physics",
}
NEEDED = {
    "atari_boxing": "ale_py",
    "images_from_folders": "PIL",
    "q_learning": "gymnasium",
    "to_onnx": "onnx",
}
ARGUMENTS = {"atari_boxing": ["40000"]}  # less than it takes to win
NUMBER = r"([+-]?\d+(?:\.\d+)?(?:e-?\d+)?)"


def number(text: str, before: str) -> float:
    """The number that follows some words of the output."""
    found = re.search(re.escape(before) + r"\s*" + NUMBER, text)
    assert found is not None, f"{before!r} is not in {text!r}"
    return float(found[1])


def check_anomaly_detection(text: str) -> None:
    assert 500 == number(text, "the strangest row:")
    assert number(text, "p-value") == 0.0025  # of 400 held-out rows
    assert 3 <= number(text, "alarms in 1000 rows at a false-alarm rate of 0.01:") <= 25
    assert "  temperature = 52, expected " in text
    assert "those of the training: False" in text and "8 degrees hotter: True" in text
    assert "the column that drifts: temperature" in text


def check_demand_and_prices(text: str) -> None:
    assert 35 <= number(text, "north 2026-06-11") <= 38  # 25 by 1.4 by now
    assert number(text, "MASE") < 0.45 < 0.7 < number(text, "of the seasonal naive forecast")
    assert 70 <= number(text, "inside the 80 % intervals:") <= 92
    assert "The forecast is no better than yesterday's price: RMSE" in text


def check_atari_boxing(text: str) -> None:
    assert number(text, "points after 40,960 steps:") > number(text, "points before:")


def check_breakout(text: str) -> None:
    assert number(text, "bricks in a game, before:") < 2
    assert number(text, "bricks in a game, after 151,552 steps:") > 4


def check_chain_rule(text: str) -> None:
    """-(1 - a) a (1 - a) 2, with a the logistic function of 1."""
    for name in ("by the chain rule, by hand:", "by explain:", "by grad:"):
        assert -0.105754185569 == number(text, name)
    assert "%8    mul(0.5, %7)  0.03616  1" in text


def check_digits(text: str) -> None:
    assert number(text, "images not seen:") > 0.95
    assert number(text, "class alone:") == 0.1


def check_images_from_folders(text: str) -> None:
    assert "classes: cross, disc, square" in text
    assert number(text, "files not seen:") > 0.9


def check_navigation(text: str) -> None:
    assert number(text, "maps solved before:") < 10
    assert number(text, "unseen maps solved after 503,808 steps:") > 80


def check_laplace_approximation(text: str) -> None:
    """Exact for the linear model; for the other one as close as a normal posterior can be."""
    exact = number(text, "from the density of the data")
    assert abs(number(text, "linear model: log evidence") - exact) < 1e-6
    assert abs(number(text, "logistic model: log evidence") - number(text, "from a grid")) < 0.1
    assert number(text, "log Bayes factor for the second weight:") > 3


def check_no_u_turn_sampler(text: str) -> None:
    """A tenth of a deviation is five Monte Carlo errors."""
    assert number(text, "largest error of a mean, in standard deviations:") < 0.1
    assert number(text, "largest error of a standard deviation, of its size:") < 0.1
    assert 8_000 < number(text, "draws after 1000 to tune,") < 100_000


def check_penguin_table(text: str) -> None:
    assert number(text, "new birds:") > 0.93
    assert number(text, "species alone:") < 0.5
    assert "read back: TabularClassifier" in text


def check_progression(text: str) -> None:
    mean = number(text, "the mean: mean absolute error")
    assert number(text, "network: mean absolute error") < 0.75 * mean
    assert "bmi" in text.splitlines()[-1]


def check_projectile(text: str) -> None:
    assert number(text, "first throw: misses by") > 10
    assert number(text, "last throw: misses by") < 1e-3
    assert number(text, "central differences differ by") < 1e-6


def check_q_learning(text: str) -> None:
    assert number(text, "largest difference from exact values:") < 0.02
    assert number(text, "walks that reach the goal:") > 0.65
    assert 0.014 == number(text, "of a walk at random:")
    assert "  H   0.7" in text and "new Q(s, a) = old Q(s, a) + rate * error" in text


def check_robot_control(text: str) -> None:
    assert number(text, "return of 200 steps before:") < -1000
    assert number(text, "return after 6,000 steps:") > -300
    if "needs" not in text:
        assert number(text, "steps upright before:") < 100
        assert number(text, "steps upright after:") > 900


def check_gestures(text: str) -> None:
    assert number(text, "left out of the training:") > 0.9
    assert number(text, "of 150 others:") > 0.93


def check_sentiment(text: str) -> None:
    assert number(text, "texts not seen:") > number(text, "class alone:") + 0.3
    assert number(text, "  not") > 0.5


def check_sequences(text: str) -> None:
    assert number(text, "sequences not seen:") < 0.005
    assert number(text, "always 1:") > 0.1


def check_spoken_words(text: str) -> None:
    assert number(text, "recordings not heard:") > 0.9


def check_through_physics(text: str) -> None:
    assert number(text, "first update:") < -0.7
    assert number(text, "targets reached:") > 80


def check_to_onnx(text: str) -> None:
    assert number(text, "exported model:") > 0.9
    assert number(text, "difference of a probability:") < 1e-5


def check_training_loop(text: str) -> None:
    assert number(text, "network") < number(text, "straight line") / 5


CHECKS: dict[str, Callable[[str], None]] = {
    name.removeprefix("check_"): check for name, check in globals().items() if "check_" in name
}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in SLOW else [])
        for path in SCRIPTS
    ],
)
def test_it_runs(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Run from an empty folder, it leaves nothing there."""
    pytest.importorskip(NEEDED.get(path.stem, "chainrule"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(path), *ARGUMENTS.get(path.stem, [])])
    with configured(check=0):
        runpy.run_path(str(path), run_name="__main__")
    CHECKS[path.stem](capsys.readouterr().out)
    assert [] == list(tmp_path.iterdir())


def test_each_is_listed_and_checked() -> None:
    """The README of the folder names every script, and each has a docstring and a check."""
    names = [path.stem for path in SCRIPTS]
    listed = re.findall(r"\]\((\w+)\.py\)", (ROOT / "examples" / "README.md").read_text())
    assert sorted(names) == sorted(listed) == sorted(CHECKS)
    assert all(path.read_text(encoding="utf-8").startswith('"""') for path in SCRIPTS)
