"""`chainrule train timeseries`, `--x` and `--y`, and what other commands do with such models."""

import json
import re

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.cli.train_audio import labelled_recordings

pytestmark = pytest.mark.usefixtures("_unoptimised")

FEW = ("--features", "500")


def waves(count, seed=0):
    """Sines of two frequencies and any phase: (series, text classes, frequencies)."""
    rng = np.random.default_rng(seed)
    frequency = np.where(np.arange(count) % 2, 0.95, 0.7) + rng.normal(0, 0.03, count)
    time = np.arange(40) + rng.uniform(0, 20, (count, 1))
    x = np.sin(time * frequency[:, None]) + rng.normal(0, 0.2, (count, 40))
    return x, np.where(np.arange(count) % 2, "fast", "slow"), frequency


def write_ts(path, x, labels, head="@classLabel true fast slow"):
    lines = [f"{','.join(map(str, row))}:{label}" for row, label in zip(x, labels, strict=True)]
    path.write_text("\n".join([head, "@data", *lines]) + "\n")


def test_from_a_file_of_the_archive_to_answers(run, tmp_path):
    """Trained, tested on the file beside it, used, scored, looked into, exported."""
    x, y, _ = waves(60)
    write_ts(tmp_path / "Waves_TRAIN.ts", x[:40], y[:40])
    write_ts(tmp_path / "Waves_TEST.ts", x[40:], y[40:])
    code, out, err = run("train", "timeseries", "Waves_TRAIN.ts", *FEW, "--report")
    assert (code, err) == (0, "")
    said = " ".join(out.split())
    for words in (
        "Waves_TRAIN.ts: classification of 'class' (2 classes) from series of 40 points of one "
        "channel, 40 to train on, 20 to test on",
        "│ convolutions │ 1.0000 │", "the nearest series", "the commonest class │ 0.5000",
        "wrote Waves_TRAIN.html", "saved Waves_TRAIN.safetensors",
    ):  # fmt: skip
        assert words in said
    assert (
        "chainrule train timeseries Waves_TRAIN.ts --features 500 --task classification"
        in re.sub("<.*?>", "", (tmp_path / "Waves_TRAIN.html").read_text())
    )
    code, out, _ = run("predict", "Waves_TRAIN.safetensors", "Waves_TEST.ts", "--proba")
    frame = pd.read_csv(pd.io.common.StringIO(out))
    assert (code, list(frame.columns)) == (0, ["class", "p(fast)", "p(slow)"])
    assert (frame["class"] == y[40:]).all()
    code, out, _ = run("evaluate", "Waves_TRAIN.safetensors", ".", "--json")
    assert (code, json.loads(out)["scores"]["accuracy"], json.loads(out)["rows"]) == (0, 1.0, 20)
    code, out, _ = run("inspect", "Waves_TRAIN.safetensors", "--json")
    told = json.loads(out)
    assert (told["class"], told["classes"]) == ("TimeSeriesClassifier", ["fast", "slow"])
    assert told["columns"][0]["read_as"] == "40 points, channels: 1"
    assert told["layers"][1]["shape"].endswith(" dilations x 84 kernels x 1 biases")
    assert told["card"]["test_rows"] == 20
    code, _, err = run("predict", "Waves_TRAIN.safetensors", "Waves_TEST.ts", "--explain")
    assert (code, "is of time series" in err) == (2, True)


def test_a_row_for_each_point_of_a_table(run, tmp_path):
    """Named columns are remembered; series are predicted under their names."""
    x, y, _ = waves(30)
    names = np.array([f"m{k:02d}" for k in range(30)])
    long = pd.DataFrame({
        "machine": np.repeat(names, 40), "when": np.tile(np.arange(40), 30),
        "volts": x.ravel(), "state": np.repeat(y, 40),
    })  # fmt: skip
    long.sample(frac=1.0, random_state=0).to_csv(tmp_path / "long.csv", index=False)
    columns = ("--id", "machine", "--time", "when", "--target", "state")
    code, out, err = run("train", "timeseries", "long.csv", *columns, *FEW, "-q")
    assert (code, err, float(out) >= 0.8) == (0, "", True)
    model = cr.load(tmp_path / "long.safetensors")
    assert model.card_["command"] == (
        "chainrule train timeseries long.csv --target state --id machine --time when "
        "--features 500 --task classification --test-fraction 0.2 --seed 0"
    )
    new = long[["when", "machine", "volts"]].sample(frac=1.0, random_state=1)
    new.to_csv(tmp_path / "new.csv", index=False)
    code, out, _ = run("predict", "long.safetensors", "new.csv")
    frame = pd.read_csv(pd.io.common.StringIO(out)).set_index("machine")
    assert (code, list(frame.columns)) == (0, ["state"])
    assert (frame.loc[names, "state"] == y).mean() > 0.9
    code, out, _ = run("evaluate", "long.safetensors", "long.csv", "--json")
    assert json.loads(out)["scores"]["accuracy"] == (frame.loc[names, "state"] == y).mean()
    code, _, err = run("evaluate", "long.safetensors", "new.csv")
    assert (code, "does not say what is true" in err) == (2, True)


def test_numbers_from_arrays_of_any_names(run, tmp_path):
    """A regression, told from the target; and the arrays of an image and an audio set."""
    x, _, frequency = waves(60)
    np.savez(tmp_path / "w.npz", waves=x, hertz=frequency, other=np.zeros(3))
    code, out, err = run("train", "timeseries", "w.npz", "--x", "waves", "--y", "hertz", *FEW, "-q")
    assert (code, err, float(out) > 0.9) == (0, "", True)
    model = cr.load(tmp_path / "w.safetensors")
    assert type(model).__name__ == "TimeSeriesRegressor"
    code, out, _ = run("evaluate", "w.safetensors", "w.npz", "--json")
    assert json.loads(out)["scores"]["R2"] > 0.95
    code, out, _ = run("predict", "w.safetensors", "w.npz")
    np.testing.assert_array_equal(
        pd.read_csv(pd.io.common.StringIO(out))["hertz"], model.predict(x)
    )
    code, out, _ = run("train", "timeseries", "w.npz", "--x", "waves", "--y", "hertz", "--task",
                       "classification")  # fmt: skip
    assert code == 2


def test_images_and_recordings_have_named_arrays_as_well(run, tmp_path):
    """Read with the names of the training again when they are scored."""
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    pixels = rng.integers(0, 60, (40, 8, 8)).astype(np.uint8)
    pixels[y == 1, 2:6, 2:6] += 150
    np.savez(tmp_path / "i.npz", scans=pixels, kind=y)
    words = ("--x", "scans", "--y", "kind", "--epochs", "1", "--width", "16", "-q")
    code, out, err = run("train", "images", "i.npz", *words)
    assert (code, err) == (0, "")
    assert "--x scans --y kind" in cr.load(tmp_path / "i.safetensors").card_["command"]
    code, out, _ = run("evaluate", "i.safetensors", "i.npz", "--json")
    assert (code, json.loads(out)["rows"]) == (0, 40)
    tones = np.sin(np.arange(80) * np.where(y, 0.9, 0.3)[:, None])
    np.savez(tmp_path / "a.npz", clips_train=tones, kind_train=y, clips_test=tones[:5],
             kind_test=y[:5], sample_rate=8000)  # fmt: skip
    train, test = labelled_recordings("a.npz", "clips_train", "kind_train")
    assert (len(train.inputs), test.labels.tolist()) == (40, y[:5].tolist())
    assert (test.inputs[4][0] == tones[4]).all()
    assert train.inputs[0][1] == 8000
    code, _, err = run("train", "audio", ".", "--x", "clips", "--y", "kind")
    assert (code, "name arrays of an NPZ file" in err) == (2, True)
    np.savez(tmp_path / "b.npz", clips=tones, kind=y)
    code, _, err = run("train", "audio", "b.npz", "--x", "clips", "--y", "kind")
    assert (code, "needs an array 'sample_rate'" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("none.ts",), "there is no file or folder 'none.ts'"),
        (("w.npz",), "has the arrays few, kind, waves: it needs x_train"),
        (("w.npz", "--x", "waves"), "give both --x and --y"),
        (("w.ts", "--x", "a", "--y", "b"), "--x and --y name arrays of an NPZ file"),
        (("w.ts", "--target", "y"), "has no named columns"),
        (("w.ts", "--balanced", "--task", "regression"), "'slow' is no number"),
        (("n.ts", "--balanced"), "--balanced is for classes"),
        (("u.ts",), "does not say what to predict"),
        (("w.npz", "--x", "few", "--y", "kind"), "give 3 or more"),
        (("w.ts", "--task", "guess"), "--task guess"),
        (("w.ts", "--test-fraction", "0.9"), "too few to test on"),
        (("n.ts", "--test-fraction", "0.99"), "too few to test on"),
    ],
)
def test_mistakes_are_met_with_what_to_do(run, tmp_path, words, said):
    """One line, and no model."""
    x, y, frequency = waves(12)
    np.savez(tmp_path / "w.npz", waves=x, kind=y, few=x[:, :2])
    write_ts(tmp_path / "w.ts", x, y)
    write_ts(tmp_path / "n.ts", x, frequency, "@targetLabel true")
    (tmp_path / "u.ts").write_text("@data\n1,2,3\n4,5,6\n")
    code, out, err = run("train", "timeseries", *words)
    assert (code, out) == (2, "")
    assert said in " ".join(err.split())
    assert not list(tmp_path.glob("*.safetensors"))
