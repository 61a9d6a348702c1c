"""`tune`: a search on the training rows, resumable, in processes, and its best model tested."""

import itertools
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import chainrule
from chainrule.data import read_table
from chainrule.errors import DataError
from chainrule.estimators import TrainOptions
from chainrule.estimators.tabular.defaults import DEFAULTS

pytestmark = pytest.mark.usefixtures("_unoptimised")

optuna = pytest.importorskip("optuna")
optuna.logging.set_verbosity(optuna.logging.ERROR)

PROGRAM = [sys.executable, "-c", "from chainrule.cli import main; main()"]
QUICK = ("--epochs", "3", "--n-members", "1", "--folds", "1")


def trials(path):
    """All trials of the only study in a file."""
    storage = optuna.storages.RDBStorage(f"sqlite:///{Path(path).resolve()}")
    (study,) = optuna.get_all_study_names(storage)
    found = optuna.load_study(study_name=study, storage=storage).trials
    storage.engine.dispose()
    return found


def test_the_best_model_is_saved_and_named(run):
    """The printed command trains the saved model again, and its score is of the test rows."""
    code, out, err = run("tune", "iris", "--trials", "2", *QUICK, "--storage", "t.db")
    assert (code, err) == (0, "")
    told = shlex.split(re.search(r"^chainrule train .*$", out, flags=re.MULTILINE)[0])
    model = chainrule.estimators.load("iris.safetensors")
    assert f"{model.card_['score']:.4f}" in out
    found = trials("t.db")
    assert 2 == len(found)
    best = max((t for t in found if t.value is not None), key=lambda t: t.value)
    assert (best.params["width"],) * best.params["layers"] == tuple(model.hidden_layer_sizes)
    assert best.params["batch_size"] == model.batch_size
    code, out, _ = run(*told[1:], "-q")
    assert float(out) == pytest.approx(model.card_["score"], abs=1e-4)
    again = chainrule.estimators.load("iris.safetensors")
    np.testing.assert_array_equal(model.network_.coefs_[0], again.network_.coefs_[0])


def test_it_begins_with_the_usual_settings_and_goes_on(run):
    """A second run with the same storage makes only the trials that are missing."""
    run("tune", "iris", "--trials", "2", *QUICK, "--storage", "t.db", "-q")
    first = trials("t.db")
    usual = {
        "width": 64, "layers": 2, "learning_rate": DEFAULTS.learning_rate_init, "batch_size": 32,
        "ema": 0.998,
    }  # fmt: skip
    assert usual == {name: first[0].params[name] for name in usual}
    code, out, _ = run("tune", "iris", "--trials", "3", *QUICK, "--storage", "t.db")
    assert code == 0
    assert "best of 3 trials" in out
    second = trials("t.db")
    assert 3 == len(second)
    assert [t.params for t in first] == [t.params for t in second[:2]]
    run("tune", "iris", "--trials", "3", *QUICK, "--storage", "t.db", "-q")
    assert 3 == len(trials("t.db"))


def test_the_same_seed_gives_the_same_bytes(run):
    """In one process, a search is repeated exactly."""
    made = []
    for _ in "ab":
        assert run("tune", "wine", "--trials", "2", *QUICK, "-q")[0] == 0
        made.append(Path("wine.safetensors").read_bytes())
    assert made[0] == made[1]


def test_the_test_rows_are_never_seen():
    """Every row that a trial is given is one that `train` would train on."""
    search = pytest.importorskip("chainrule.cli.search")
    options = TrainOptions(random_state=3, progress=False)
    table = read_table("wine")
    inputs, labels, target, task, _ = search.training_rows(table, None, None, options)
    tested = chainrule.estimators.fit_table(
        table, options=replace(options, hidden_layer_sizes=(4,), max_iter=1)
    )
    assert tested.train_rows.tolist() == inputs.index.tolist() == labels.index.tolist()
    assert not set(tested.test_rows) & set(inputs.index)
    assert ("cultivar", "classification") == (target, task)
    one = search.Search("", inputs, labels, task, "accuracy", options, folds=3)
    held = [rows for _, rows in one.splits()]
    assert sorted(np.concatenate(held).tolist()) == list(range(len(labels)))
    assert all(not set(rows) & set(judged) for rows, judged in one.splits())


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_folds_are_as_the_test_rows(count):
    """Whole groups are scored, and times by what was before them."""
    make_folds = pytest.importorskip("chainrule.cli.folds").make_folds
    draws = np.random.default_rng(count)
    labels = pd.Series(np.where(draws.random(90) < 0.5, "a", "b"))
    groups, times = draws.integers(0, 9, 90), draws.integers(0, 60, 90).astype(float)
    scored = []
    for rows, judged in make_folds(labels, "classification", count, 0, {"groups": groups}):
        assert not set(groups[rows]) & set(groups[judged])
        assert len(rows) + len(judged) == 90
        scored.append(judged)
    assert len(np.unique(np.concatenate(scored))) == sum(map(len, scored))
    assert count == 1 or sum(map(len, scored)) == 90
    later = make_folds(labels, "classification", count, 0, {"times": times})
    assert len(later) == count
    assert max(times) == max(times[later[0][1]])
    for rows, judged in later:
        assert times[rows].max() < times[judged].min()
    for (rows, _), (before, judged) in itertools.pairwise(later):
        assert sorted([*before, *judged]) == sorted(rows)


def test_folds_without_two_classes():
    make_folds = pytest.importorskip("chainrule.cli.folds").make_folds
    labels = pd.Series(["a"] * 10 + ["b"] * 2)
    with pytest.raises(DataError, match="no fold leaves two classes"):
        make_folds(labels, "classification", 1, 0, {"times": np.arange(12.0)})


def test_ctrl_c_while_a_trial_is_stored_is_ctrl_c(monkeypatch):
    """Optuna 5.0 makes another error of it."""
    search = pytest.importorskip("chainrule.cli.search")
    options = TrainOptions(max_iter=1, n_members=1)
    inputs, labels, _, task, _ = search.training_rows(read_table("wine"), None, None, options)
    one = search.Search("s", inputs, labels, task, "accuracy", options, folds=1)
    monkeypatch.setattr(search.Search, "objective", lambda self, trial: 1.0)

    class Storage(optuna.storages.InMemoryStorage):
        def set_trial_state_values(self, *given):
            raise KeyboardInterrupt

    study = optuna.create_study(storage=Storage())
    with pytest.raises(KeyboardInterrupt):
        search.run_trial(one, 1, study)


def test_hopeless_trials_are_pruned():
    """One that is worse than the median at the same point ends there."""
    search = pytest.importorskip("chainrule.cli.search")
    options = TrainOptions(max_iter=10, n_members=1)
    inputs, labels, _, task, _ = search.training_rows(read_table("wine"), None, None, options)
    one = search.Search("s", inputs, labels, task, "accuracy", options, folds=1)
    study = optuna.create_study(direction="maximize", pruner=search._pruner())
    for _ in range(search.STARTUP):
        trial = study.ask()
        for step in range(1, 11):
            trial.report(2.0, step)  # better than can be
        study.tell(trial, 2.0)
    study.optimize(one.objective, n_trials=1)
    assert "PRUNED" == study.trials[-1].state.name
    assert [1, 2] == list(study.trials[-1].intermediate_values)


@pytest.mark.parametrize(("name", "metric"), [("diabetes", "mae"), ("iris", "log-loss")])
def test_other_metrics(run, name, metric):
    """Errors are made small: the best trial is the one with the smallest."""
    words = ("--trials", "2", *QUICK, "--metric", metric, "--storage", "t.db")
    code, out, err = run("tune", name, *words)
    assert (code, err) == (0, "")
    values = [t.value for t in trials("t.db") if t.value is not None]
    assert f"{metric} {min(values):.4f}" in out


@pytest.mark.slow
def test_in_processes(tmp_path):
    """Two at once, each trial once, none lost; one of them takes the usual settings."""
    words = ["tune", "iris", "--trials", "3", *QUICK, "--jobs", "2", "--storage", "t.db"]
    done = subprocess.run([*PROGRAM, *words], cwd=tmp_path, capture_output=True, text=True)
    assert (0, "") == (done.returncode, done.stderr)
    assert "best of 3 trials" in done.stdout
    made = trials(tmp_path / "t.db")
    assert ["COMPLETE"] * 3 == [t.state.name for t in made]
    assert [t.params["learning_rate"] for t in made].count(DEFAULTS.learning_rate_init) == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_leaves_the_storage_usable(run, tmp_path):
    """It says what was best so far; the same command goes on."""
    words = ["tune", "wine", *QUICK, "--trials", "500", "--storage", "t.db"]
    process = subprocess.Popen([*PROGRAM, *words], cwd=tmp_path, stdout=-1, stderr=-1, text=True)
    while process.poll() is None and not ((tmp_path / "t.db").exists() and _complete(tmp_path)):
        time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=600)
    assert 130 == process.returncode, err
    assert "cultivar (target)" in out and "best of" not in out  # how the columns are read alone
    assert err.startswith("chainrule: interrupted after ")
    assert "\nchainrule train wine --target cultivar" in err
    assert ["t.db"] == [name for name in os.listdir(tmp_path) if not name.endswith("-journal")]
    done = len([t for t in trials(tmp_path / "t.db") if t.state.name in ("COMPLETE", "PRUNED")])
    words[words.index("500")] = str(done)
    code, out, _ = run(*words)
    assert code == 0
    assert f"best of {done} trials" in out


def _complete(folder):
    """Read without Optuna, which would make the tables if the process has not made them yet."""
    file = sqlite3.connect(f"file:{folder / 't.db'}?mode=ro", uri=True)
    try:
        return bool(file.execute("select 1 from trials where state = 'COMPLETE'").fetchall())
    except sqlite3.OperationalError:  # no tables yet, or they are being written
        return False
    finally:
        file.close()


MISTAKES = {
    "negative trials": (["iris", "--trials", "-1"], "--trials"),
    "no jobs": (["iris", "--jobs", "0"], "--jobs"),
    "unknown metric": (["iris", "--metric", "mae"], "--metric mae: for a classification"),
    "area of three": (["iris", "--metric", "roc-auc"], "there are 3"),
    "no table": (["no.csv"], "no file 'no.csv'"),
    "no column": (["iris", "-t", "colour"], "no column 'colour'"),
    "few rows": (["few.csv", "-t", "y"], "too few"),
    "target dropped": (["iris", "--drop", "species"], "is the target"),
    "storage is text": (["iris", "--storage", "few.csv"], "no SQLite file"),
    "storage nowhere": (["iris", "--storage", "no/t.db"], "cannot write no/t.db"),
    "storage that is refused": (["iris", "--storage", "/proc/t.db"], "cannot write /proc/t.db"),
    "output nowhere": (["iris", "-o", "no/m.safetensors"], "cannot write no/m.safetensors"),
    "no time": (["iris", "--timeout", "0", "-q"], "--timeout"),
    "no dask": (["iris", "--dask", "tcp://localhost:1"], "distributed"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_end_with_code_2(run, mistake):
    """Those that typer finds are explained with the usage; the others take one line."""
    Path("few.csv").write_text("x,y\n" + "\n".join(f"{k},{k % 2}" for k in range(12)))
    words, expected = MISTAKES[mistake]
    if mistake == "no dask" and find_spec("distributed"):
        pytest.skip("distributed is installed")
    code, out, err = run("tune", *words)
    assert (2, "") == (code, out)
    assert expected in err
    assert err.count("\n") == 1 or "Usage" in err
    assert ["few.csv"] == os.listdir()


def test_without_optuna_it_says_what_to_install(run, monkeypatch):
    """One line that names the extra."""
    tune = pytest.importorskip("chainrule.cli.tune")
    lazy = type(tune.optuna)("optuna", extra="tune")
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.setitem(tune.tune_table.__globals__, "optuna", lazy)
    code, out, err = run("tune", "iris", "--trials", "1")
    assert (2, "", 1) == (code, out, err.count("\n"))
    assert "pip install 'chainrule[tune]'" in err


def test_when_time_is_up_nothing_more_is_asked_for(run, monkeypatch):
    """However many trials are wanted: each would ask the storage for all others first."""
    search, begun = pytest.importorskip("chainrule.cli.search"), []
    monkeypatch.setattr(search, "run_trial", lambda *given: begun.append(given))
    code, _, err = run("tune", "iris", "--trials", "100000", "--timeout", "0", "--folds", "1")
    assert (2, []) == (code, begun)
    assert "no trial came to its end" in err
