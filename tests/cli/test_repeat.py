"""The command that a report and a model's card name trains the same weights again."""

import re
import shlex
from html import unescape
from inspect import signature
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import chainrule
from chainrule import tree
from chainrule.cli.train import RAW_KINDS

pytestmark = pytest.mark.usefixtures("_unoptimised")

QUICK = ("-q", "--epochs", "2")
CHANGED = (
    "--hidden-layer-sizes", "8,4", "--n-members", "3", "--batch-size", "16", "--learning-rate",
    "0.01", "--weight-decay", "0.1", "--dropout", "0.3", "--numeric-embedding", "periodic",
    "--ema", "0", "--validation-fraction", "0.3", "--test-fraction", "0.25", "--categorical", "k",
    "--drop", "area", "--seed", "7",
)  # fmt: skip


def table(rows):
    """A table of so many rows, with numbers and texts."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows)
    frame = pd.DataFrame({"x": x, "k": np.arange(rows) % 3, "area": rng.normal(size=rows),
                          "town": rng.choice(["Rome", "Oslo"], rows)})  # fmt: skip
    return frame.assign(y=np.where(x + 0.3 * rng.normal(size=rows) > 0, "yes", "no"))


def weights(path):
    """All arrays of a saved network."""
    model = chainrule.load(path)
    if hasattr(model, "module_"):
        return tree.leaves(model.module_)
    network = model.network_
    return [*network.coefs_, *network.intercepts_, *tree.leaves(getattr(network, "embedding_", {}))]


def check_repeats(run, path, page):
    """Run the command of the card, and that of the page: the weights are the same bits."""
    first = weights(path)
    code = re.search(r"command[^>]*><code>(.*?)</code>", page.read_text())[1]
    of_page = unescape(re.sub("<.*?>", "", code))
    for command in {chainrule.load(path).card_["command"], of_page}:  # once, if they are the same
        Path(path).unlink()
        assert run(*shlex.split(command)[1:], "-q")[0] == 0
        for one, other in zip(first, weights(path), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "rows, options",
    [
        pytest.param(40, (), marks=pytest.mark.slow),
        (40, CHANGED), (120, ()), (1300, ()), (1300, CHANGED),
    ],
)  # fmt: skip
def test_tables(run, rows, options):
    """Below 50 rows of training, below 1,000 and above, where the defaults differ."""
    quick = ("-q",) if rows == 40 and not options else QUICK  # epochs have a default, too
    run("--version")  # changes into the empty folder
    table(rows).to_csv("t.csv", index=False)
    assert run("train", "t.csv", *quick, *options, "--report")[0] == 0
    check_repeats(run, "t.safetensors", Path("t.html"))


def test_texts(run):
    """Of raw data, texts stand for all kinds, which share one implementation."""
    run("--version")
    words = ["good", "fun", "bad", "dull"]
    frame = pd.DataFrame({"t": [f"a {words[k % 4]} film {k % 7}" for k in range(60)],
                          "y": [k % 4 // 2 for k in range(60)]})  # fmt: skip
    frame.to_csv("t.csv", index=False)
    for options in ((), ("--encoder", "conv", "--balanced", "--width", "8", "--epochs", "2")):
        assert run("train", "text", "t.csv", "-q", *options, "--report")[0] == 0
        check_repeats(run, "t.safetensors", Path("t.html"))


@pytest.mark.parametrize("kind", RAW_KINDS, ids=lambda kind: kind.name)
def test_options_have_the_defaults_of_the_estimators(kind):
    """Each option names a parameter, and its default is that of the estimator."""
    parameters = signature(getattr(chainrule, kind.estimator)).parameters
    for option in kind.options:
        assert option.parse(option.default) == parameters[option.parameter].default, option.name
