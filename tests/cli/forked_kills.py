"""Kill a command at random moments of its life, and hold what it saved to the rules after each.

`python forked_kills.py train|report|tune TIMES`, in an empty folder. All is imported once; each run
is a fork, which begins with the command's own work. Prints how many were killed, which is TIMES
unless the command came to its end before the blow again and again.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import sys
import time
from pathlib import Path

import joblib  # noqa: F401
import pandas as pd  # noqa: F401
import sklearn.linear_model  # noqa: F401

import chainrule
from chainrule.cli import main, reporting, search, train  # noqa: F401

search.optuna.load()
QUICK = ("--epochs", "3", "--n-members", "1")
WORDS = {
    "train": ["train", "iris", *QUICK, "--hidden-layer-sizes", "8", "-q"],
    "report": ["evaluate", "iris.safetensors", "iris", "--report"],
    "tune": ["tune", "iris", "--storage", "t.db", "-q", *QUICK, "--folds", "1"],
}  # fmt: skip


def started(given: list[str]) -> int:
    """The process of a command."""
    number = os.fork()
    if number:
        return number
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        main(given)
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    finally:
        os._exit(code)


def run(given: list[str]) -> float:
    """A command to its end; the seconds that it took."""
    start = time.monotonic()
    assert os.waitstatus_to_exitcode(os.waitpid(started(given), 0)[1]) == 0, given
    return time.monotonic() - start


def killed(given: list[str], seconds: float) -> bool:
    """A command that is killed after so long; False if it has come to its end."""
    number = started(given)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.waitpid(number, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    os.kill(number, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == -signal.SIGKILL


def check(kind: str) -> int:
    """All files are whole; how many trials there are."""
    assert chainrule.load("iris.safetensors").card_["data"] == "iris"
    if kind == "report":
        page = Path("iris.html").read_text(encoding="utf-8")
        assert page.startswith("<!doctype html>") and page.endswith("</html>\n")
        json.loads(Path("iris.json").read_text(encoding="utf-8"))
    if kind != "tune":
        return 0
    base = sqlite3.connect("t.db")
    try:
        assert base.execute("pragma integrity_check").fetchall() == [("ok",)]
        asked = "select count(*) from trials where state in ('COMPLETE', 'PRUNED')"
        return int(base.execute(asked).fetchone()[0])
    finally:
        base.close()


def words(kind: str, trials: int) -> list[str]:
    """The command; a search goes on for two trials more."""
    return WORDS[kind] + (["--trials", str(trials + 2)] if kind == "tune" else [])


def all_kills(kind: str, times: int) -> int:
    """Killed so many times at moments spread over the command's life; how often that came true.

    A run that ends before its moment says that the machine is quicker now, and is not counted.
    """
    draw, count, trials = random.Random(0), 0, 0
    if kind == "report":
        run(WORDS["train"])
    if kind == "tune":  # also while the file of trials is made
        for k in range(min(times, 20)):
            killed(words(kind, 0), draw.uniform(0.0, 0.5) * (k + 1) / 20)
    whole = run(words(kind, trials))
    for _ in range(4 * times):
        start = time.monotonic()
        if killed(words(kind, trials), draw.uniform(0.0, 1.0) * whole):
            count += 1
        else:
            whole = time.monotonic() - start
        found = check(kind)
        assert found >= trials, "a trial is lost"
        trials = found
        if count == times:
            break
    run(words(kind, trials))
    check(kind)
    left = sorted(name for name in os.listdir() if not name.endswith("-journal"))
    expected = {"train": 1, "report": 3, "tune": 2}[kind]
    assert len(left) == expected, left
    return count


if __name__ == "__main__":
    print(all_kills(sys.argv[1], int(sys.argv[2])))
