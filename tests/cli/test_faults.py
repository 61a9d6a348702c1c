"""Disks that fill, readers that leave, signals: what took long is kept, what was saved is whole."""

from __future__ import annotations

import errno
import io
import os
import re
import stat
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import chainrule
from chainrule import container, estimators, files
from chainrule.cli import keeping
from chainrule.report import page as pages

pytestmark = pytest.mark.usefixtures("_unoptimised")

QUICK = ("--epochs", "3", "--hidden-layer-sizes", "8", "--n-members", "1")
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def full(monkeypatch, tmp_path):
    """Make the disk of some folders full once a training is over; the home is on another."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    real = files.write_atomically

    def fill(*kinds, folders=(tmp_path,), error=FULL):
        def write(path, data, mode=None):
            if Path(path).resolve().parent in folders:
                raise error
            real(path, data, mode)

        for kind in kinds:
            monkeypatch.setattr(kind, "write_atomically", write)
        return home

    return fill


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOENT])
def test_a_full_disk_loses_no_training(run, full, error):
    """The model lies in the home, which the last lines say, with exit code 2; the old one stays."""
    Path("iris.safetensors").write_bytes(b"old")
    home = full(container, error=OSError(error, os.strerror(error)))
    code, out, err = run("train", "iris", *QUICK)
    assert 2 == code
    told = re.search(r"^chainrule: kept as (.*/iris\.safetensors): move it", err, flags=re.M)
    assert f"cannot write iris.safetensors: {os.strerror(error)}" in err
    place = Path(told[1])
    assert place.is_relative_to(home)
    assert f"saved {place}; use it" in out
    assert b"old" == Path("iris.safetensors").read_bytes()
    model = chainrule.load(place)
    assert f"{model.card_['score']:.4f}" in out
    assert 0o700 == stat.S_IMODE(place.parent.stat().st_mode)


def test_a_full_disk_loses_no_page(run, full):
    """Nor the report, which only the training could tell."""
    home = full(pages)
    code, out, err = run("train", "iris", *QUICK, "--report")
    assert 2 == code
    place = Path(re.search(r"kept as (.*/iris\.html): move", err)[1])
    assert place.is_relative_to(home)
    assert "Gradient norm" in place.read_text()
    assert f"wrote {place}: open it" in out
    assert Path("iris.safetensors").exists()


def test_a_full_disk_loses_no_predictions(run, full, trained):
    """A table of predictions is kept, too."""
    home = full(keeping)
    code, _, err = run("predict", trained / "iris.safetensors", "iris", "-o", "p.csv")
    assert 2 == code
    (place,) = home.glob("*/p.csv")
    assert f"wrote 150 predictions of 'species' to {place}" in err
    assert 151 == len(place.read_text().splitlines())


def test_a_full_disk_loses_no_search(run, full):
    """The best model of `tune`."""
    pytest.importorskip("optuna")
    home = full(container)
    words = ("--trials", "1", "--epochs", "3", "--n-members", "1", "--folds", "1")
    code, out, _ = run("tune", "iris", *words)
    (place,) = home.glob("*/iris.safetensors")
    assert 2 == code
    assert f"saved {place}; this trains it again:" in out
    assert chainrule.load(place).card_["score"] > 0


def test_no_room_anywhere(run, full, monkeypatch):
    """One line that says so, no traceback, and nothing is left in the folders that were tried."""
    home = full(container)
    monkeypatch.setattr(container, "write_atomically", fails)
    code, _, err = run("train", "iris", *QUICK)
    assert (2, 1) == (code, err.count("\n"))
    assert "No space left on device" in err and "no other place was found to keep it in" in err
    assert [] == list(home.iterdir())


def fails(path, data, mode=None):
    Path(path).write_bytes(data[:100])
    Path(path).unlink()
    raise FULL


def test_room_is_asked_for_before(run, monkeypatch):
    """A full disk ends the command before it reads the table, for each kind of training."""
    monkeypatch.setattr(keeping, "MIN_FREE_BYTES", 2**60)
    for words in (("train", "iris"), ("train", "images", "no"), ("train", "audio", "no"),
                  ("train", "text", "no"), ("train", "iris", "--report"),
                  ("predict", "no.safetensors", "iris", "-o", "p.csv"),
                  ("export", "no.safetensors", "-o", "m.onnx")):  # fmt: skip
        code, out, err = run(*words)
        assert (2, "", 1) == (code, out, err.count("\n")), words
        assert re.search("cannot write .*: (No space left on device|File too large)", err), words
    assert [] == os.listdir()


def test_places_of_other_kinds(run, trained):
    """To a device, a pipe's end, a link; the mode of a model is kept."""
    model = trained / "iris.safetensors"
    assert 0 == run("predict", model, "iris", "-o", "/dev/null")[0]
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert 0 == run("train", "iris", *QUICK, "-q", "-o", "/dev/null")[0]
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    Path("far").mkdir()
    Path("m.safetensors").symlink_to("far/m")
    assert 0 == run("train", "iris", *QUICK, "-q", "-o", "m.safetensors")[0]
    os.chmod("far/m", 0o600)
    assert 0 == run("train", "iris", *QUICK, "-q", "-o", "m.safetensors")[0]
    assert Path("m.safetensors").is_symlink()
    assert 0o600 == stat.S_IMODE(os.stat("far/m").st_mode)
    assert chainrule.load("m.safetensors").card_["data"] == "iris"
    code, _, err = run("predict", model, "iris", "-o", "/dev/full")
    assert 2 == code
    assert "cannot write /dev/full: No space left on device" in err


def test_a_storage_that_is_no_file(run):
    """A pipe is not waited for, and a link to a file is one."""
    pytest.importorskip("optuna")
    os.mkfifo("pipe")
    code, _, err = run("tune", "iris", "--storage", "pipe")
    assert (2, 1) == (code, err.count("\n"))
    assert "pipe is no SQLite file" in err
    code, _, err = run("tune", "iris", "--storage", "a?b")
    assert (2, 1) == (code, err.count("\n"))
    assert "has ? or % in its path" in err


# Readers that leave


def piped(words, cwd, reader):
    """A command whose output goes into another: the exit code of both, and standard error."""
    program = subprocess.Popen([*map(str, words)], cwd=cwd, stdout=-1, stderr=-1)
    other = subprocess.run(reader, stdin=program.stdout, capture_output=True, text=True)
    program.stdout.close()
    err = program.stderr.read().decode()
    program.stderr.close()
    return program.wait(), err, other.stdout


@pytest.mark.slow
@pytest.mark.parametrize("reader", [["head", "-1"], ["true"]])
def test_readers_that_leave(program, trained, tmp_path, reader):
    """`| head` sees its line; exit code 0, nothing on standard error, and files are whole."""
    pd.DataFrame(np.zeros((12_000, 4)), columns=[
        "sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"
    ]).to_csv(tmp_path / "long.csv", index=False)  # fmt: skip
    model = trained / "iris.safetensors"
    for words in (("predict", model, "long.csv"), ("predict", model, "iris"),
                  ("inspect", model), ("evaluate", model, "iris", "--report", "e.html"),
                  ("train", "iris", *QUICK)):  # fmt: skip
        code, err, out = piped([*program, *words], tmp_path, reader)
        assert (0, "") == (code, err), words
        assert bool(out) == (reader[0] == "head")
    assert "</html>" in (tmp_path / "e.html").read_text()
    assert chainrule.load(tmp_path / "iris.safetensors").card_["data"] == "iris"


def test_standard_output_that_is_full(program, trained, tmp_path):
    """Told, with exit code 2, also if it was little."""
    for data in ("iris", "diabetes"):
        with open("/dev/full", "w") as out:
            words = [*program, "predict", trained / f"{data}.safetensors", data]
            done = subprocess.run(words, cwd=tmp_path, stdout=out, stderr=-1, text=True)
        assert (2, 1) == (done.returncode, done.stderr.count("\n"))
        assert "No space left on device" in done.stderr


class Closed(io.StringIO):
    """A standard error whose reader has gone."""

    def write(self, text):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    def flush(self):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_standard_error_that_is_closed(run, monkeypatch):
    """`train ... 2>&1 | tee log` and Ctrl-C, which ends `tee` as well: the model is saved."""
    fit = estimators.fit_table

    def interrupted(*given):
        warnings.warn("Training interrupted by user.", stacklevel=1)
        return fit(*given)

    monkeypatch.setattr(estimators, "fit_table", interrupted)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", Closed())
        code, _, _ = run("train", "iris", *QUICK, "-q")
    assert 0 == code
    assert chainrule.load("iris.safetensors").card_["data"] == "iris"
    _, _, err = run("train", "iris", *QUICK, "-q")
    assert "chainrule: interrupted; the best weights so far are kept\n" == err


@pytest.mark.slow
def test_texts_that_standard_output_lacks(program, trained, tmp_path):
    """In an ASCII terminal: shown by number, and as CSV an error that says what to do."""
    frame = pd.read_csv(trained / "houses.csv").rename(columns={"price": "Größe"})
    frame["Größe"] = [("é", "ß")[k % 2] for k in range(len(frame))]
    frame.to_csv(tmp_path / "t.csv", index=False)
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = {}
    for words in (("train", "t.csv", *QUICK), ("inspect", "t.safetensors"),
                  ("predict", "t.safetensors", "t.csv")):  # fmt: skip
        done[words[0]] = subprocess.run([*program, *words], cwd=tmp_path, env=env,
                                        capture_output=True, text=True)  # fmt: skip
    assert (0, 0, 2) == tuple(one.returncode for one in done.values())
    assert r"Gr\xf6\xdfe" in done["train"].stdout
    assert r"Gr\xf6\xdfe" in done["inspect"].stdout
    assert "PYTHONIOENCODING=utf-8" in done["predict"].stderr


# Killed at any moment

TIMES = os.environ.get("CHAINRULE_KILLS", "3")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["train", "report", "tune"])
def test_killed(tmp_path, kind):
    """Model, page and trials are whole after each kill, and in the end nothing else is there.

    `CHAINRULE_KILLS` says how many times.
    """
    if kind == "tune":
        pytest.importorskip("optuna")
    program = Path(__file__).with_name("forked_kills.py")
    done = subprocess.run([sys.executable, program, kind, TIMES], cwd=tmp_path,
                          capture_output=True, text=True)  # fmt: skip
    assert (0, "") == (done.returncode, done.stderr)
    assert int(TIMES) == int(done.stdout)
