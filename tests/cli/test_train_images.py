"""`chainrule train images` and what the other commands do with its models."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import chainrule

pytestmark = pytest.mark.usefixtures("_unoptimised")

QUICK = ("--epochs", "2", "--width", "16", "-q")


@pytest.fixture
def shapes(run):
    """A folder of discs and squares, 20 pixels a side; `run` works beside it."""
    pillow = pytest.importorskip("PIL.Image")
    draw = np.random.default_rng(0)
    down, right = np.mgrid[:20, :20]
    for k in range(60):
        i, j = draw.integers(7, 13, 2)
        disc = (down - i) ** 2 + (right - j) ** 2 < 25
        square = (abs(down - i) < 5) & (abs(right - j) < 5)
        image = draw.integers(0, 60, (20, 20))
        image[square if k % 2 else disc] = 220
        place = Path("shapes", "square" if k % 2 else "disc")
        place.mkdir(parents=True, exist_ok=True)
        pillow.fromarray(image.astype(np.uint8)).save(place / f"{k:02d}.png")
    return Path("shapes")


def test_from_a_folder_to_answers(run, shapes):
    """Trained, tested, used on files, scored, looked into, exported."""
    code, out, err = run("train", "images", "shapes", "--epochs", "25", "--width", "16")
    assert (code, err) == (0, "")
    for word in ("2 classes of images of 20 x 20 x 1, 48 to train on, 12 to test on",
                 "25 epochs in", "the commonest class", "saved shapes.safetensors"):  # fmt: skip
        assert word in " ".join(out.split())
    code, out, _ = run("predict", "shapes.safetensors", "shapes/disc/00.png", "shapes/square")
    lines = out.splitlines()
    assert (code, lines[0], len(lines)) == (0, "file,class,probability", 32)
    assert lines[1].startswith("shapes/disc/00.png,disc,")
    assert sum(",square," in line for line in lines[2:]) >= 28
    code, out, _ = run("predict", "shapes.safetensors", "shapes/disc/00.png", "--proba")
    assert out.splitlines()[0] == "file,class,p(disc),p(square)"
    code, out, _ = run("evaluate", "shapes.safetensors", "shapes", "--json")
    assert json.loads(out)["scores"]["accuracy"] > 0.9
    code, out, _ = run("inspect", "shapes.safetensors", "--json")
    told = json.loads(out)
    assert (told["class"], told["classes"]) == ("ImageClassifier", ["disc", "square"])
    assert told["columns"] == [
        {"name": "input", "features": 400, "read_as": "20 x 20 x 1 of uint8"}
    ]
    assert told["layers"][0] == {"name": "layers.2", "shape": "3 x 3 x 1 x 16", "parameters": 144}
    assert told["layers"][1]["parameters"] == 2 * 16  # the normalisation's, without statistics
    assert run("inspect", "shapes.safetensors")[0] == 0
    pytest.importorskip("onnx")
    assert run("export", "shapes.safetensors", "-o", "shapes.onnx")[0] == 0


def test_arrays_and_a_report(run):
    """An NPZ file with rows to test on; the command on the page trains the same model again."""
    digits = load_digits()
    x, y = digits.images.astype(np.uint8), digits.target
    np.savez("digits.npz", x_train=x[:400], y_train=y[:400], x_test=x[400:600], y_test=y[400:600])
    code, out, err = run("train", "images", "digits.npz", *QUICK, "--rotation", "5", "--report")
    assert (code, err) == (0, "")
    assert 0.2 < float(out) <= 1.0
    text = Path("digits.html").read_text()
    for word in ("Confusion matrix", "images to train on", "layers.2", "taken elsewhere"):
        assert word in text
    model = chainrule.load("digits.safetensors")
    assert model.score(x[400:600], y[400:600]) == pytest.approx(float(out), abs=1e-4)
    assert model.card_["score"] == pytest.approx(float(out), abs=1e-4)
    told = re.sub("<.*?>", "", re.search(r"command[^>]*><code>(.*?)</code>", text)[1])
    assert run(*shlex.split(told)[1:], "-q")[0] == 0
    again = chainrule.load("digits.safetensors")
    np.testing.assert_array_equal(again.predict_proba(x[:200]), model.predict_proba(x[:200]))
    code, out, _ = run("evaluate", "digits.safetensors", "digits.npz", "--json")
    assert json.loads(out)["rows"] == 200


def test_one_array_is_split(run):
    digits = load_digits()
    np.savez("both.npz", x=digits.images[:200], y=digits.target[:200])
    code, _, err = run("train", "images", "both.npz", *QUICK, "--test-fraction", "0.28")
    assert (code, err) == (0, "")
    card = chainrule.load("both.safetensors").card_
    assert (card["train_rows"], card["test_rows"]) == (144, 56)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "there is no folder or file 'nowhere'"),
        (["empty"], "two or more classes"),
        (["table.npz"], "it needs x_train, y_train, x_test, y_test or x, y"),
        (["text.npz"], "cannot read text.npz"),
        (["objects.npz"], "cannot read objects.npz"),
        (["one.npz"], "one class only"),
        (["few.npz"], "too few to test on"),
        (["short.npz"], "give one answer for each input"),
        (["good.npz", "--learning-rate", "0"], "--learning-rate 0"),
        (["good.npz", "--image-size", "4"], "image_size=4 is for picture files"),
        (["good.npz", "-o", "missing/model"], "cannot write missing/model"),
    ],
)
def test_mistakes_take_one_line(run, words, said):
    Path("empty").mkdir()
    x = np.zeros((5, 6, 6))
    np.savez("table.npz", a=x)
    Path("text.npz").write_text("no arrays")
    np.savez("objects.npz", x=np.array([None, 1], object), y=np.zeros(2))
    np.savez("one.npz", x=x, y=np.zeros(5))
    np.savez("few.npz", x=x, y=np.arange(5))
    np.savez("short.npz", x=x, y=np.arange(4))
    np.savez("good.npz", x=np.zeros((40, 6, 6)), y=np.arange(40) % 2)
    code, out, err = run("train", "images", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_a_broken_picture_is_named(run, shapes):
    data = (shapes / "disc" / "00.png").read_bytes()
    (shapes / "disc" / "00.png").write_bytes(data[: len(data) // 2])
    code, _, err = run("train", "images", "shapes", *QUICK)
    assert (code, err.count("\n")) == (2, 1)
    assert "shapes/disc/00.png" in err and "truncated" in err


def test_tables_are_still_tables(run):
    """Also one that is called as a kind of data is, by a path; and options may come first."""
    small = ("--epochs", "2", "--hidden-layer-sizes", "8", "--n-members", "2")
    code, out, _ = run("train", "-q", "iris", *small)
    assert code == 0 and float(out) >= 0
    Path("images.csv").write_text("a,b\n" + "1,x\n2,y\n" * 20)
    assert run("train", "./images.csv", "-q", *small)[0] == 0
    code, out, _ = run("train", "--help")
    assert code == 0 and "images" in out and "--cutout" not in out
    code, out, _ = run("train", "table", "--help")
    assert code == 0 and "--hidden-layer-sizes" in out
    code, out, _ = run("train", "images", "--help")
    assert code == 0 and "--cutout" in out and "--hidden-layer-sizes" not in out
    code, _, err = run("predict", "iris.safetensors", "iris", "wine")
    assert (code, err.count("\n")) == (2, 1) and "which is read alone" in err
