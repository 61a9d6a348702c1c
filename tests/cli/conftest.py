"""The command as a user types it, in an empty folder."""

import contextlib
import functools
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pytest
import typer.main

from chainrule.cli import main
from chainrule.config import configured

DATA = Path(os.environ.get("CHAINRULE_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(autouse=True)
def _built_once(monkeypatch):
    """The command's options are put together once for all calls of a test, as in a process."""
    monkeypatch.setattr(typer.main, "get_command", functools.cache(typer.main.get_command))


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Call it with words: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments):
        try:
            main([str(argument) for argument in arguments])
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        return code, *capfd.readouterr()

    return call


@pytest.fixture(scope="session")
def program():
    """The words that begin a command in a process of its own: see `forked`."""
    if sys.platform != "linux":  # elsewhere a fork cannot use all libraries
        yield [sys.executable, "-c", "from chainrule.cli import main; main()"]
        return
    script = str(Path(__file__).with_name("forked.py"))
    with tempfile.TemporaryDirectory() as folder:  # whose path is short, as those of sockets are
        words = [sys.executable, script, "listen", f"{folder}/socket"]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as listening:
            assert listening.stdout.readline() == b"ready\n"
            yield [sys.executable, "-IS", script, "ask", f"{folder}/socket"]
            listening.stdin.close()


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with quickly trained models of iris, breast_cancer, diabetes and houses.csv."""
    folder = tmp_path_factory.mktemp("trained")
    quick = ["-q", "--epochs", "3", "--hidden-layer-sizes", "8", "--learning-rate", "0.05"]
    frame = houses()
    frame.to_csv(folder / "houses.csv", index=False)
    with contextlib.chdir(folder), configured(check=0), contextlib.redirect_stdout(io.StringIO()):
        for words in (["iris"], ["breast_cancer"], ["diabetes"], ["houses.csv", "-t", "price"]):
            main_quietly(["train", *words, *quick])
    return folder


def main_quietly(words):
    with contextlib.suppress(SystemExit):
        main(words)


def houses(count=120):
    """Numbers, text, dates, truth values and empty cells; a constant column."""
    area = [30.0 + k % 90 for k in range(count)]
    town = [("Rome", "Oslo", "Bern")[k % 3] for k in range(count)]
    return pd.DataFrame(
        {
            "area": [None if k % 17 == 0 else a for k, a in enumerate(area)],
            "town": town,
            "built": [f"{1950 + k % 60}-0{1 + k % 9}-11" for k in range(count)],
            "garden": [k % 2 == 0 for k in range(count)],
            "country": ["here"] * count,
            "price": [1000 * a + 50_000 * (t == "Oslo") for a, t in zip(area, town, strict=True)],
        }
    )


@pytest.fixture(scope="session")
def real():
    """The path of a real data set, or a skip that says where it was looked for."""

    def path(name):
        found = DATA / name
        if not found.exists():
            pytest.skip(f"no {found}: set CHAINRULE_DATA")
        return found

    return path
