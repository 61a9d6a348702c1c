"""`inspect` shows what a file holds; `export` writes what onnxruntime answers alike."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import chainrule
from chainrule import MLPClassifier
from chainrule.data import read_table


def test_columns_layers_training_and_card(run, trained):
    """Counted by hand: 8 hidden units, 4 members."""
    code, out, err = run("inspect", trained / "houses.safetensors", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert ("TabularRegressor", "regression", []) == (told["class"], told["task"], told["classes"])
    read = {column["name"]: column["read_as"] for column in told["columns"]}
    assert ["area", "town", "built", "garden", "country"] == list(read)
    assert read["area"].startswith("number (continuous), mean ")
    assert read["area"].endswith("; empty cells marked")
    assert "text, 3 values: Bern, Oslo, Rome" == read["town"]
    assert read["built"].startswith("date: days, year, month")
    assert "left out: the same in every row" == read["country"]
    told_of = {column["name"]: column for column in told["columns"]}
    assert ("ignore", "the same in all rows: left out") == (
        told_of["country"]["kind"], told_of["country"]["notes"][-1])  # fmt: skip
    assert ("date", 0.0) == (told_of["built"]["kind"], told_of["built"]["missing"])
    model = chainrule.estimators.load(trained / "houses.safetensors")
    width = model.network_.coefs_[0].shape[1]
    layers = {layer["name"]: layer for layer in told["layers"]}
    assert ["embedding", "layers.0", "layers.1"] == list(layers)
    assert 4 * (width * 8 + 8) == layers["layers.0"]["parameters"]
    assert 4 * (8 + 1) == layers["layers.1"]["parameters"]
    assert f"4 x {width} x 8" == layers["layers.0"]["shape"]
    assert sum(layer["parameters"] for layer in told["layers"]) == told["parameters"]
    assert 3 == told["training"]["epochs"]
    assert ("houses.csv", "price", 96) == tuple(
        told["card"][name] for name in ("data", "target", "train_rows")
    )
    code, out, _ = run("inspect", trained / "houses.safetensors")
    for word in ("TabularRegressor", "date: days", "layers.0", "best_validation_score",
                 "chainrule train houses.csv"):  # fmt: skip
        assert word in " ".join(out.split())


def test_a_model_of_an_array(run):
    """A plain perceptron has no plan of columns and no card, and yet can be used."""
    x, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    model = MLPClassifier((4,), solver="lbfgs", max_iter=5, random_state=0)
    with pytest.warns(UserWarning, match="lbfgs failed to converge"):
        model.fit(x, y)
    model.save("plain.safetensors")
    told = json.loads(run("inspect", "plain.safetensors", "--json")[1])
    assert ["x0", "x1", "x2"] == [column["name"] for column in told["columns"]]
    assert (3 * 4 + 4) + (4 + 1) == told["parameters"]
    pd.DataFrame(x).assign(label=y).to_csv("t.csv", index=False)
    code, out, _ = run("predict", "plain.safetensors", "t.csv")
    assert (0, ["prediction", *map(str, model.predict(x))]) == (code, out.split())
    code, out, _ = run("evaluate", "plain.safetensors", "t.csv", "-t", "label", "--json")
    assert model.score(x, y) == json.loads(out)["scores"]["accuracy"]
    code, _, err = run("evaluate", "plain.safetensors", "t.csv")
    assert (2, 1) == (code, err.count("\n"))
    assert "--target" in err
    pd.DataFrame({"a": ["x"] * 3, "b": [1] * 3, "c": [1] * 3}).to_csv("w.csv", index=False)
    code, _, err = run("predict", "plain.safetensors", "w.csv")
    assert (2, 1) == (code, err.count("\n"))


def test_onnx_answers_alike(run, trained):
    """The exported model gives the classes and probabilities of `predict`."""
    runtime = pytest.importorskip("onnxruntime")
    code, out, err = run("export", trained / "iris.safetensors", "-o", "iris.onnx")
    assert (code, out) == (0, "")
    assert err.startswith("wrote iris.onnx (")
    session = runtime.InferenceSession("iris.onnx")
    frame = read_table("iris").frame.drop(columns="species")
    feeds = {name: frame[[name]].to_numpy(np.float64) for name in frame.columns}
    labels, chances = session.run(["label", "probabilities"], feeds)
    model = chainrule.estimators.load(trained / "iris.safetensors")
    assert model.predict(frame).tolist() == np.ravel(labels).tolist()
    np.testing.assert_allclose(model.predict_proba(frame), chances, atol=1e-5)


MISTAKES = {
    "no model": (["no.safetensors", "-o", "m.onnx"], "no.safetensors"),
    "text": (["text.txt", "-o", "m.onnx"], "text.txt"),
    "form": (["{iris}", "-o", "m.onnx", "--format", "pickle"], "--format pickle"),
    "no folder": (["{iris}", "-o", "no/m.onnx"], "cannot write no/m.onnx"),
    "dates": (["{houses}", "-o", "m.onnx"], "dates"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_take_one_line(run, trained, mistake):
    """And an old file stays."""
    Path("text.txt").write_text("not a model\n")
    Path("m.onnx").write_bytes(b"old")
    words, expected = MISTAKES[mistake]
    named = {"iris": trained / "iris.safetensors", "houses": trained / "houses.safetensors"}
    code, out, err = run("export", *(word.format(**named) for word in words))
    assert (2, "", 1) == (code, out, err.count("\n")), err
    assert expected in err
    assert b"old" == Path("m.onnx").read_bytes()


def test_inspecting_no_model(run):
    """A file that is text, and none at all."""
    Path("text.txt").write_text("not a model\n")
    for name in ("text.txt", "no.safetensors"):
        code, out, err = run("inspect", name)
        assert (2, "", 1) == (code, out, err.count("\n"))
        assert name in err


def test_without_onnx_it_says_what_to_install(trained, tmp_path):
    """One line that names the extra."""
    code = "import sys; sys.modules['onnx'] = None; from chainrule.cli import main; main()"
    words = ["export", str(trained / "iris.safetensors"), "-o", "m.onnx"]
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True,
                          text=True)  # fmt: skip
    assert (2, "", 1) == (done.returncode, done.stdout, done.stderr.count("\n")), done.stderr
    assert "chainrule[onnx]" in done.stderr
    assert [] == list(tmp_path.iterdir())
