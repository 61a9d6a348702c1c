"""`train` and `predict`: output, exit codes, one-line errors, the same bytes each time."""

import os
import shlex
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import chainrule
from chainrule.cli.app import app

pytestmark = pytest.mark.usefixtures("_unoptimised")

QUICK = ("--epochs", "3", "--hidden-layer-sizes", "8", "-q")
SMALL = ("--hidden-layer-sizes", "32", "--n-members", "2")


def write(name, **columns):
    pd.DataFrame(columns).to_csv(name, index=False)
    return name


def test_from_table_to_predictions(run):
    """The whole way, with the trivial and the linear baseline in between."""
    code, out, err = run("train", "iris", "--epochs", "60", *SMALL)
    assert (code, err) == (0, "")
    for word in ("classification of 'species'", "120 rows to train on, 30 to test on",
                 "logistic regression", "the commonest class", " epochs in ",
                 "column", "sepal length (cm)", "95 % interval"):  # fmt: skip
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
    """What a script reads is one number."""
    code, out, err = run("train", "wine", "-q", "--epochs", "20", "-o", "w.safetensors", *SMALL)
    assert (code, err) == (0, "")
    assert 0.9 <= float(out) <= 1.0
    assert os.listdir() == ["w.safetensors"]


def test_a_file_with_everything_in_it(run):
    """Empty cells, text, columns in another order and too many of them."""
    rng = np.random.default_rng(0)
    n = 300
    area, town = rng.uniform(30, 200, n), rng.choice(["Rome", "Oslo"], n)
    price = 1000 * area + 50_000 * (town == "Oslo") + rng.normal(0, 500, n)
    area[::17] = np.nan
    write("houses.csv", id=np.arange(n), area=area, town=town, price=price)
    code, out, _ = run("train", "houses.csv", "--target", "price", "--drop", "id", *SMALL)
    assert code == 0
    assert "regression of 'price'" in out
    assert "ridge regression" in out
    write("new.csv", town=["Oslo", "Rome"], area=[100.0, 100.0], extra=[1, 2])
    code, out, _ = run("predict", "houses.safetensors", "new.csv")
    oslo, rome = map(float, out.split()[1:])
    assert oslo - rome == pytest.approx(50_000, rel=0.25)
    assert rome == pytest.approx(100_000, rel=0.1)


def test_the_same_command_gives_the_same_bytes(run):
    """The command that the model names, with its defaults written out, gives the same weights."""
    load = chainrule.estimators.load
    run("train", "wine", *QUICK)
    first = Path("wine.safetensors").read_bytes()
    run("train", "wine", *QUICK[:-1], "-o", "other.safetensors")
    assert first == Path("other.safetensors").read_bytes()
    model = load("wine.safetensors")
    words = shlex.split(model.card_["command"])
    assert words[:3] == ["chainrule", "train", "wine"]
    assert {"--seed", "--learning-rate", "--batch-size", "--validation-fraction"} <= set(words)
    assert run(*words[1:])[0] == 0
    again = load("wine.safetensors")
    assert (model.card_, model.history_) == (again.card_, again.history_)
    for one, other in zip(model.network_.coefs_, again.network_.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    run("train", "wine", *QUICK, "--seed", "1")
    assert first != Path("wine.safetensors").read_bytes()


def test_every_option_reaches_the_estimator(run):
    """The saved model has the settings that were given."""
    code, _, err = run(
        "train", "wine", *QUICK, "--n-members", "3", "--batch-size", "40",
        "--learning-rate", "0.02", "--weight-decay", "0.3", "--dropout", "0.25",
        "--numeric-embedding", "none", "--ema", "0",
        "--validation-fraction", "0.3", "--test-fraction", "0.25", "--categorical", "ash",
    )  # fmt: skip
    assert (code, err) == (0, "")
    model = chainrule.estimators.load("wine.safetensors")
    params, network = model.get_params(), model.network_
    assert (8,) == tuple(network.hidden_layer_sizes)
    assert (3, 40, 0.02, 0.3) == (network.n_members, network.batch_size,
                                  network.learning_rate_init, network.weight_decay)  # fmt: skip
    assert (0.25, None, None, 0.3) == (params["dropout"], params["numeric_embedding"],
                                       params["ema"], params["validation_fraction"])  # fmt: skip
    assert (133, 45) == (model.card_["train_rows"], model.card_["test_rows"])
    assert ["ash"] == [column.name for column in model.features_.columns if column.levels]


LABELS = list("ab") * 10
MISTAKES = {
    "missing file": (["train", "no.csv"], {}, "no file 'no.csv'"),
    "missing column": (["train", "iris", "-t", "z"], {}, "no column 'z'"),
    "one class": (["train", "t.csv", "-t", "y"], {"x": range(20), "y": ["a"] * 20}, "one class"),
    "all missing": (["train", "t.csv"], {"x": [None] * 20, "y": LABELS}, "'x': all of its cells"),
    "text in numbers": (["train", "t.csv"], {"x": [*range(19), "?x"], "y": LABELS}, ": '?x' is"),
    "header only": (["train", "t.csv"], {"x": [], "y": []}, "no rows"),
    "bad task": (["train", "iris", "--task", "guess"], {}, "--task guess"),
    "bad sizes": (["train", "iris", "--hidden-layer-sizes", "a,b"], {}, "sizes 'a,b'"),
    "bad rate": (["train", "iris", "--learning-rate", "-1"], {}, "--learning-rate -1"),
    "bad fraction": (["train", "iris", "--test-fraction", "1"], {}, "--test-fraction 1"),
    "bad part": (["train", "iris", "--validation-fraction", "-1"], {}, "--validation-fraction -1"),
    "bad embedding": (["train", "iris", "--numeric-embedding", "x"], {}, "--numeric-embedding x"),
    "target dropped": (["train", "iris", "--drop", "species"], {}, "is the target"),
    "dropped column": (["train", "iris", "--drop", "z"], {}, "no column 'z'"),
    "no page": (["train", "iris", "--report", "no/r.html"], {}, "with --report"),
    "a folder": (["train", "."], {}, "is a folder"),
    "no folder": (["train", "iris", "-o", "no/m.safetensors"], {}, "cannot write"),
    "no model": (["predict", "no.safetensors", "iris"], {}, "no.safetensors"),
    "a table as model": (["predict", "t.csv", "iris"], {"x": [1]}, "t.csv"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_take_one_line(run, mistake):
    arguments, columns, words = MISTAKES[mistake]
    if columns:
        write("t.csv", **columns)
    code, out, err = run(*arguments, *(["-q"] if arguments[0] == "train" else []))
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert words in err


def test_an_empty_file(run):
    Path("e.csv").write_text("")
    code, _, err = run("train", "e.csv")
    assert (code, err.count("\n")) == (2, 1)
    assert "is empty" in err


def test_columns_missing_at_prediction(run, trained):
    """The first column that is missing is named; one that was constant need not be there."""
    code, _, err = run("predict", trained / "iris.safetensors", "wine")
    assert (code, err.count("\n")) == (2, 1)
    assert "'sepal length (cm)' is missing (and 3 more)" in err
    frame = pd.read_csv(trained / "houses.csv").drop(columns=["country", "price"])
    frame[frame.columns[::-1]].to_csv("new.csv", index=False)
    code, out, _ = run("predict", trained / "houses.safetensors", "new.csv")
    assert (code, len(out.splitlines())) == (0, 121)


def test_predictions_that_cannot_be_written(run, trained):
    """A place that cannot be written is named, and an old file stays."""
    code, _, err = run("predict", trained / "iris.safetensors", "iris", "-o", "no/p.csv")
    assert (code, err.count("\n")) == (2, 1)
    assert "cannot write no/p.csv" in err
    code, _, err = run("predict", trained / "diabetes.safetensors", "diabetes", "--proba")
    assert (code, err.count("\n")) == (2, 1)
    assert "predicts numbers" in err


def test_a_failed_training_keeps_the_old_model(run):
    """What was saved before is there, whatever goes wrong later."""
    Path("t.safetensors").write_bytes(b"old")
    write("t.csv", x=range(20), y=["a"] * 20)
    assert run("train", "t.csv")[0] == 2
    assert b"old" == Path("t.safetensors").read_bytes()
    assert ["t.csv", "t.safetensors"] == sorted(os.listdir())


COMMANDS = ("train", "predict", "evaluate", "inspect", "export", "tune")


@pytest.mark.parametrize("command", [[], ["demo"], *([name] for name in COMMANDS)])
def test_help_teaches(run, command):
    code, out, _ = run(*command, "--help")
    assert code == 0
    assert "chainrule" in out
    if command and command[0] in COMMANDS:
        assert "Examples" in out


def test_version(run):
    assert (0, f"chainrule {chainrule.__version__}\n") == run("--version")[:2]


def test_wrong_use_is_explained(run):
    for arguments in (["train"], ["train", "iris", "--epochs", "0"], ["fly"]):
        code, _, err = run(*arguments)
        assert code == 2
        assert "--help" in err or "Invalid" in err


def test_help_is_quick():
    """`--help` loads neither scikit-learn nor pandas."""
    code = (
        "import sys; from chainrule.cli.app import app; from typer.testing import CliRunner; "
        "assert CliRunner().invoke(app, ['train', '--help']).exit_code == 0; "
        "print(*{'sklearn', 'pandas', 'scipy', 'optuna', 'joblib', 'onnx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "" == done.stdout.strip()


def test_typers_own_runner(run, trained):
    """The commands work through typer, without `main`."""
    run("--version")  # changes into the empty folder
    runner = CliRunner()
    for words in (["predict", str(trained / "iris.safetensors"), "iris"],
                  ["inspect", str(trained / "iris.safetensors"), "--json"],
                  ["train", "iris", *QUICK],
                  ["evaluate", str(trained / "iris.safetensors"), "iris", "--json"]):  # fmt: skip
        done = runner.invoke(app, words)
        assert (done.exit_code, done.exception) == (0, None), words
        assert done.stdout


def test_as_a_program_of_its_own(program, trained, tmp_path):
    """Into a pipe: CSV on standard output, errors on standard error."""
    model = trained / "diabetes.safetensors"
    done = subprocess.run([*program, "predict", model, "diabetes"], cwd=tmp_path,
                          capture_output=True, text=True)  # fmt: skip
    assert (0, "") == (done.returncode, done.stderr)
    assert 443 == len(done.stdout.splitlines())
    done = subprocess.run([*program, "evaluate", "no.safetensors", "iris"], cwd=tmp_path,
                          capture_output=True, text=True)  # fmt: skip
    assert (2, "", 1) == (done.returncode, done.stdout, done.stderr.count("\n"))
    assert done.stderr.startswith("chainrule: ")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_keeps_the_best_weights(program, tmp_path):
    """The model is saved, the score printed, one line said, and the code is 130."""
    import pty

    command = [*program, "train", "digits",
               "--hidden-layer-sizes", "8", "--epochs", "100000", "--report"]  # fmt: skip
    ours, its = pty.openpty()
    process = subprocess.Popen(command, cwd=tmp_path, stdout=-1, stderr=its, text=True)
    os.close(its)
    err = b""
    while b"epoch" not in err:  # the bar says that it has begun
        err += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    with suppress(OSError):  # which is how a terminal ends
        while part := os.read(ours, 4096):
            err += part
    os.close(ours)
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 130, err
    assert err.endswith(b"chainrule: interrupted; the best weights so far are kept\r\n")
    assert {"digits.safetensors", "digits.html", "digits.json"} == set(os.listdir(tmp_path))
    assert "accuracy" in out


REAL = {"tabular/titanic.csv.gz": "Survived", "tabular/adult_train.csv.gz": "income",
        "house_prices/california_housing.csv.gz": "median_house_value"}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_tables(run, real, name):
    """Learnt on 800 rows, and scored on those never seen: better than the trivial guess."""
    frame = pd.read_csv(real(name)).head(800)
    frame.to_csv("some.csv", index=False)
    words = ("--epochs", "6", "--hidden-layer-sizes", "16", "--numeric-embedding", "none", "--drop",
             {"Survived": "Name"}.get(REAL[name], frame.columns[1]))  # fmt: skip
    code, out, err = run("train", "some.csv", "-t", REAL[name], *words, "-q")
    assert (code, err) == (0, "")
    card = chainrule.estimators.load("some.safetensors").card_
    assert float(out) == pytest.approx(card["score"], abs=1e-4)
    trivial = [score for name, score in card["baselines"].items() if name.startswith("the ")]
    assert card["score"] > trivial[0] + 0.02
    code, out, _ = run("evaluate", "some.safetensors", "some.csv", "--json")
    assert code == 0


@pytest.mark.slow
def test_real_files(run, real):
    files = [path for path in real("tabular").glob("*.csv*") if path.stat().st_size < 100_000]
    assert len(files) >= 4  # of all kinds, but for those whose many rows only take time
    for path in files:
        code, out, err = run("train", path, *QUICK, "-o", "m.safetensors")
        assert code == 0, (path, err)
        assert float(out) > -1.0
