"""`chainrule demo notebook`: the numbers that it tells, and that it tells them."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from typer.testing import CliRunner

from chainrule.cli import notebook_numbers as numbers
from chainrule.cli.demo import demo

CHAPTERS = [
    "What backpropagation is",
    "Why the sigmoid: four reasons",
    "Backpropagation follows the chain rule",
    "The vanishing gradient",
    "The 10,000 iterations",
    "The prediction",
]


@pytest.fixture(scope="module")
def told() -> str:
    """The whole story, as a person would call for it."""
    command = [sys.executable, "-c", "from chainrule.cli import main; main()", "demo", "notebook"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout


def test_chapters_in_order(told: str) -> None:
    """Definition, sigmoid, chain rule, vanishing gradient, training, prediction."""
    places = [told.find(f"\n{k}. {chapter}") for k, chapter in enumerate(CHAPTERS, 1)]
    assert -1 not in places
    assert places == sorted(places)
    assert max(map(len, told.splitlines())) <= 100


@pytest.mark.parametrize(
    "line",
    [
        "[1 1 1]   1        +0.675580    +0.324420   +0.071104",
        "w1       +0.174897319594                   +0.174897319594",
        "0    0.5000000000   0.2500000000   0.2500000000   0.2500000000",
        "dE/da    how the error follows the output   -0.324420025383   -0.324420025383",
        "da/dz    the slope of the sigmoid there     +0.219171672514   +0.219171672514",
        "dE/dw1   their product                      -0.071103679560   -0.071103679560",
        "10,000      0.00012926",
        "w3       -4.629292649468                    -4.629292649468",
        "iterations, the loss changes by -0.00896579 for each unit",
        "Predicted output: [[0.99993703]]",
    ],
)
def test_numbers_in_the_story(told: str, line: str) -> None:
    """By hand and by chainrule, side by side."""
    assert line in told


def test_fewer_iterations() -> None:
    """The length of the training is an option, and its heading says so."""
    result = CliRunner().invoke(demo, ["notebook", "--iterations", "100"])
    assert result.exit_code == 0
    assert "The 100 iterations" in result.stdout
    assert "0.01744573" in result.stdout


def test_one_step_by_hand_is_minus_the_gradient() -> None:
    """x.T @ delta, to the last digits."""
    step = numbers.one_step()
    np.testing.assert_allclose(step.update, -step.gradient, rtol=1e-14)


def test_xor_needs_the_bend() -> None:
    """The best affine map says 1/2 everywhere; with four sigmoids each row is right."""
    xor = numbers.non_linearity()
    np.testing.assert_allclose(xor.linear, 0.5, rtol=1e-12)
    np.testing.assert_allclose(xor.with_sigmoid, numbers.XOR_Y, atol=0.05)


def test_sigmoid_derivative_three_ways() -> None:
    """y (1 - y), grad, and central differences agree to what each can."""
    found = numbers.differentiability()
    np.testing.assert_allclose(found.by_grad, found.by_output, rtol=1e-13)
    np.testing.assert_allclose(found.by_differences, found.by_output, rtol=1e-8)


def test_bounded_and_smooth() -> None:
    """Outputs lie in [0, 1], and follow the input at a slope of 1/4 at most."""
    assert all(0.0 <= y <= 1.0 for _, y in numbers.bounded())
    smooth = numbers.smoothness()
    assert smooth.steepest == 0.25
    assert smooth.sigmoid <= smooth.step / 4
    assert smooth.threshold == 1.0


def test_chain_rule_factors_multiply_to_the_gradient() -> None:
    """Factor by factor as by hand, and the product is the last line."""
    terms, story = numbers.chain_rule()
    for term in terms:
        assert term.explained == pytest.approx(term.by_hand, rel=1e-14)
    product = terms[0].explained * terms[1].explained * terms[2].explained
    assert product == pytest.approx(terms[3].explained, rel=1e-14)
    assert float(story.gradient[0]) == terms[3].explained


def test_the_gradient_vanishes_with_depth_through_sigmoids_only() -> None:
    """Each doubling of depth squares what is left; ReLU keeps more than a fifth."""
    found = numbers.vanishing()
    arriving = [row.sigmoid for row in found]
    assert arriving == sorted(arriving, reverse=True)
    for before, after in pairwise(found):
        assert after.sigmoid < 0.25 ** (after.depth - before.depth)
    assert all(0.2 < row.relu < 2.0 for row in found)


def test_training_by_hand_and_by_scan() -> None:
    """The same weights to rounding, and a loss that falls at every step."""
    trained = numbers.training(1000)
    np.testing.assert_allclose(trained.weights, trained.by_hand, rtol=1e-12)
    assert np.all(np.diff(trained.losses) < 0)
    assert float(trained.losses[0]) == pytest.approx(0.50850271, abs=1e-8)
