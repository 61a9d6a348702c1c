"""The commands in the documents: those on built-in data run, all have options that exist."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest
from blocks import blocks
from typer.testing import CliRunner

from chainrule.cli import main
from chainrule.cli.app import app

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "command-line.md"


def commands(path: Path) -> list[list[str]]:
    """The words of each `$ chainrule ...` line."""
    lines = "\n".join(
        b.text for b in blocks(path.read_text(encoding="utf-8")) if b.language == "console"
    )
    found = re.findall(r"(?:^\$ |&& )(chainrule .*)$", lines, flags=re.MULTILINE)
    return [shlex.split(line)[1:] for line in found]


# Data that a reader would have, and an environment with a physics engine of its own
ELSEWHERE = ("houses", "flowers", "commands", "reviews", "logs", "sales", "LunarLander",
             "GunPoint")  # fmt: skip
# Steps, episodes and epochs of the guide: a command that runs with few of them runs with many
FEWER = {"20000": "2048", "1000": "100", "50": "5", "40": "4", "20": "2"}


@cache
def help_of(*words: str) -> str:
    """What `--help` prints below a command."""
    done = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    return done.stdout


@pytest.mark.parametrize("path", [ROOT / "README.md", GUIDE], ids=["README", "command-line"])
def test_options_exist(path: Path) -> None:
    """Every command and option that a document shows is one that `--help` names."""
    assert len(commands(path)) >= 3
    for words in commands(path):
        names = [word for word in words if not word.startswith("-")]
        nested = names[:1] in (["anomaly"], ["demo"], ["rl"])
        nested = nested or names[1:2] in (["images"], ["audio"], ["text"], ["timeseries"])
        nested = nested or (names[:1] == ["forecast"] and names[1:2] in (["evaluate"], ["predict"]))
        default = {"train": ["train", "table"], "forecast": ["forecast", "train"]}
        chain = names[:2] if nested else default.get(names[0], names[:1]) if names else []
        for word in words:
            if word.startswith("-"):
                assert re.search(rf"{word}\b", help_of(*chain)), f"{word} of {chain}"


@pytest.mark.usefixtures("_unoptimised")
def test_the_guide_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From top to bottom in an empty folder; the last section's mistakes end with code 2.

    But for `train digits`, which `.ci/run` begins with; trained is for a few steps.
    """
    monkeypatch.chdir(tmp_path)
    for words in commands(GUIDE):
        wrong = {"no-such-file.csv", "colour", "many"} & set(words)
        if any(name in word for word in words for name in ELSEWHERE) or words[1:] == ["digits"]:
            continue
        with pytest.raises(SystemExit) as stopped:
            main([FEWER.get(word, word) for word in words])
        assert (2 if wrong else 0) == stopped.value.code, words
        said = capsys.readouterr()
        if wrong:
            assert said.err.count("\n") == 1
            assert wrong.pop() in said.err
    assert {path.name for path in tmp_path.iterdir()} == {
        "small.safetensors", "predicted.csv", "pole.safetensors", "pole.gif",
        "cells.safetensors", "cells.html", "scores.csv",
    }  # fmt: skip
    assert len((tmp_path / "predicted.csv").read_text().splitlines()) == 151
