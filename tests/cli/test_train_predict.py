"""The command as a user types it: output, exit codes, one-line errors."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chainrule.cli import main

DATA = Path(os.environ.get("CHAINRULE_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
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


def write(name, **columns):
    pd.DataFrame(columns).to_csv(name, index=False)
    return name


def test_from_table_to_predictions(run):
    code, out, err = run("train", "iris")
    assert (code, err) == (0, "")
    for word in ("classification of 'species'", "120 rows to train on, 30 to test on",
                 "logistic regression", "the commonest class", "0.3333"):  # fmt: skip
        assert word in out
    code, out, err = run("predict", "iris.safetensors", "iris", "--proba")
    lines = out.splitlines()
    assert (code, len(lines)) == (0, 151)
    assert lines[0] == "species,p(setosa),p(versicolor),p(virginica)"
    code, out, err = run("predict", "iris.safetensors", "iris", "-o", "p.csv")
    assert (code, out) == (0, "")
    assert "wrote 150 predictions of 'species'" in err
    predicted = pd.read_csv("p.csv")["species"]
    species = np.repeat(["setosa", "versicolor", "virginica"], 50)
    assert np.mean(predicted == species) > 0.8


def test_quiet_prints_the_score_alone(run):
    code, out, err = run("train", "wine", "-q", "--epochs", "20", "-o", "w.safetensors")
    assert (code, err) == (0, "")
    assert 0.9 <= float(out) <= 1.0
    assert os.listdir() == ["w.safetensors"]


def test_a_file_with_everything_in_it(run):
    rng = np.random.default_rng(0)
    n = 300
    area, town = rng.uniform(30, 200, n), rng.choice(["Rome", "Oslo"], n)
    price = 1000 * area + 50_000 * (town == "Oslo") + rng.normal(0, 500, n)
    area[::17] = np.nan
    write("houses.csv", id=np.arange(n), area=area, town=town, price=price)
    code, out, _ = run("train", "houses.csv", "--target", "price", "--drop", "id")
    assert code == 0
    assert "regression of 'price'" in out
    assert "ridge regression" in out
    write("new.csv", town=["Oslo", "Rome"], area=[100.0, 100.0], extra=[1, 2])
    code, out, _ = run("predict", "houses.safetensors", "new.csv")
    oslo, rome = map(float, out.split()[1:])
    assert oslo - rome == pytest.approx(50_000, rel=0.25)
    assert rome == pytest.approx(100_000, rel=0.1)


LABELS = list("ab") * 10
MISTAKES = {
    "missing file": (["train", "no.csv"], {}, "no file 'no.csv'"),
    "missing column": (["train", "iris", "-t", "z"], {}, "no column 'z'"),
    "one class": (["train", "t.csv"], {"x": range(20), "y": ["a"] * 20}, "one class only"),
    "all missing": (["train", "t.csv"], {"x": [None] * 20, "y": LABELS}, "'x' is empty"),
    "text in numbers": (["train", "t.csv"], {"x": [*range(19), "?x"], "y": LABELS}, "row 20: '?x'"),
    "header only": (["train", "t.csv"], {"x": [], "y": []}, "no rows"),
    "bad task": (["train", "iris", "--task", "guess"], {}, "--task guess"),
    "bad sizes": (["train", "iris", "--hidden", "a,b"], {}, "--hidden 'a,b'"),
    "bad rate": (["train", "iris", "--rate", "-1"], {}, "--rate -1"),
    "bad fraction": (["train", "iris", "--test-fraction", "1"], {}, "--test-fraction 1"),
    "no folder": (["train", "iris", "-o", "no/m.safetensors"], {}, "cannot write"),
    "no model": (["predict", "no.safetensors", "iris"], {}, "no model file"),
    "a table as model": (["predict", "t.csv", "iris"], {"x": [1]}, "damaged or no model file"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_take_one_line(run, mistake):
    arguments, columns, words = MISTAKES[mistake]
    if columns:
        write("t.csv", **columns)
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert words in err


def test_an_empty_file(run):
    Path("e.csv").write_text("")
    code, _, err = run("train", "e.csv")
    assert (code, err.count("\n")) == (2, 1)
    assert "is empty" in err


def test_columns_missing_at_prediction(run):
    run("train", "wine", "--epochs", "1", "-q")
    code, _, err = run("predict", "wine.safetensors", "iris")
    assert (code, err.count("\n")) == (2, 1)
    assert "'alcohol' is missing" in err


def test_predictions_that_cannot_be_written(run):
    run("train", "wine", "--epochs", "1", "-q")
    code, _, err = run("predict", "wine.safetensors", "wine", "-o", "no/p.csv")
    assert (code, err.count("\n")) == (2, 1)
    assert "cannot write no/p.csv" in err


@pytest.mark.parametrize("command", [[], ["train"], ["predict"], ["demo"]])
def test_help_teaches(run, command):
    code, out, _ = run(*command, "--help")
    assert code == 0
    assert "chainrule" in out
    if command in (["train"], ["predict"]):
        assert "Examples" in out


def test_version(run):
    assert run("--version")[:2] == (0, "chainrule 0.1.0\n")


def test_wrong_use_is_explained(run):
    for arguments in (["train"], ["train", "iris", "--epochs", "0"], ["fly"]):
        code, _, err = run(*arguments)
        assert code == 2
        assert "--help" in err or "Invalid" in err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_keeps_the_best_weights(tmp_path):
    command = [sys.executable, "-c", "from chainrule.cli import main; main()", "train", "digits",
               "--epochs", "100000", "--patience", "0"]  # fmt: skip
    process = subprocess.Popen(command, cwd=tmp_path, stdout=-1, stderr=-1, text=True)
    time.sleep(15)  # past the imports, into the training, on a slow machine
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "interrupted in epoch" in err
    assert "Traceback" not in err
    assert (tmp_path / "digits.safetensors").exists()
    assert "accuracy" in out


@pytest.mark.slow
def test_real_files(run):
    folder = DATA / "tabular"
    files = sorted(folder.glob("*.csv*")) if folder.is_dir() else []
    if not files:
        pytest.skip(f"no real data sets in {folder}: set CHAINRULE_DATA")
    for path in files:
        code, out, err = run("train", path, "-q", "--epochs", "2", "-o", "m.safetensors")
        assert code == 0, (path, err)
        assert float(out) > -1.0
