"""`ImageClassifier`: digits, files of many kinds, and what is wrong with them."""

import subprocess
import sys
import time
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hostile_files import VALUES, description, places, spoiled
from sklearn.base import clone
from sklearn.datasets import load_digits
from unoptimised import unoptimised

from chainrule import ImageClassifier, load
from chainrule.config import configured
from chainrule.container import dumps, loads
from chainrule.errors import DataError, ModelFileError
from chainrule.estimators.raw.image_network import ShiftedView, stages

pytestmark = pytest.mark.usefixtures("_unoptimised")

DIGITS = load_digits()
X, Y = DIGITS.images.astype(np.uint8), DIGITS.target
QUICK = {"epochs": 2, "batch_size": 60, "width": 16, "random_state": 0, "progress": False}
EVERYTHING = {
    "rotation": 5.0, "zoom": 0.1, "cutout": 2, "crop": 1, "flip": True, "ema": 0.9,
    "test_time_augmentation": True, "validation_fraction": 0.1,
}  # fmt: skip


def fitted(x=X[:300], y=Y[:300], **settings):
    return ImageClassifier(**{**QUICK, **settings}).fit(x, y)


@cache
def learned():
    """The same model for all tests that only ask it."""
    return fitted()


def test_what_is_learned_of_the_images():
    """Their size, channels and mean; `docs/images.md` says how good it is on digits held out."""
    model = learned()
    assert (model.size_, model.channels_, model.mean_) == (
        (8, 8), 1, (pytest.approx(X[:300].mean(), rel=1e-9),),
    )  # fmt: skip


def test_quantized_answers(tmp_path):
    """Of bytes: nearly the same, from a smaller file; what is loaded answers with the same bits."""
    model = learned()
    small = model.quantize(X[:100])
    probabilities = small.predict_proba(X[:60])
    assert 0 < np.abs(probabilities - model.predict_proba(X[:60])).max() < 0.1
    model.save(tmp_path / "whole.safetensors")
    path = tmp_path / "small.safetensors"
    small.save(path)
    assert path.stat().st_size < (tmp_path / "whole.safetensors").stat().st_size / 2
    np.testing.assert_array_equal(load(path).predict_proba(X[:60]), probabilities)
    told, arrays = loads(path.read_bytes())
    for wrong, words in (({"layers.3": 0}, "no layer 'layers.3'"), ({"layers.2": 256}, "layers.2")):
        path.write_bytes(dumps({**told, "quantized": wrong}, arrays))
        with pytest.raises(ModelFileError, match=words):
            load(path)


@pytest.mark.slow
def test_scale_does_not_matter():
    """Standardised inputs: other units, the same answers but for rounding."""
    with unoptimised():
        first = fitted(X[:300].astype(np.float64))
        second = fitted(X[:300] / 16.0)
    np.testing.assert_allclose(
        first.predict_proba(X.astype(float)), second.predict_proba(X / 16.0), atol=0.02
    )


@pytest.mark.slow
def test_everything_at_once(tmp_path):
    """Saved, loaded, cloned, exported: the same answers."""
    with unoptimised():
        everything_at_once(tmp_path)


def everything_at_once(tmp_path):
    model, asked = fitted(**EVERYTHING), X[300:500]
    made = model.predict_proba(asked)
    model.save(tmp_path / "first")
    again = load(tmp_path / "first")
    again.save(tmp_path / "second")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    np.testing.assert_array_equal(again.predict_proba(asked), made)
    twin = clone(model).fit(X[:300], Y[:300])
    np.testing.assert_array_equal(twin.predict_proba(asked), made)
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(again.to_onnx().SerializeToString())
    label, numbers = session.run(None, {"X": asked[..., None]})
    np.testing.assert_allclose(numbers, made, atol=1e-5)
    np.testing.assert_array_equal(label, model.predict(asked))


@pytest.mark.slow
def test_views_are_averaged():
    """Of five images, or of ten with their mirror images."""
    with unoptimised():
        model = fitted(flip=True)
    x = X[:5, ..., None]
    views = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]
    parts = [
        model.predict_proba(np.ascontiguousarray(ShiftedView(*view, mirrored)(x)))
        for mirrored in (False, True) for view in views
    ]  # fmt: skip
    model.set_params(test_time_augmentation=True)
    np.testing.assert_allclose(model.predict_proba(X[:5]), np.mean(parts, axis=0), atol=1e-6)
    moved = ShiftedView(1, -1)(x)
    np.testing.assert_array_equal(moved[:, 1:, :-1], x[:, :-1, 1:])
    assert not moved[:, 0].any() and not moved[:, :, -1].any()


@pytest.mark.parametrize(("side", "width"), [(28, 32), (28, 48), (8, 32), (5, 16), (64, 32)])
def test_the_network_is_not_too_large(side, width):
    """10 million multiplications for 28 x 28 by default, few more for 64 x 64; and few places."""
    inputs, work, own = 1, 0, side
    for channels, pooled in stages((side, side), width):
        assert channels % 16 == 0
        work += own * own * 9 * inputs * channels
        inputs, own = channels, own // 2 if pooled else own
    assert 3 <= own <= 8
    assert work <= {(28, 48): 26e6, (64, 32): 14e6}.get((side, width), 10.1e6)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 9, 2), (12, 40, 3)])
def test_odd_sizes(shape):
    x = np.random.default_rng(0).normal(size=(40, *shape))
    y = np.arange(40) % 2
    x[y == 1] += 2.0
    assert fitted(x, y, epochs=10, shift=0, batch_size=20).score(x, y) > 0.9


def test_constant_channels():
    x = np.zeros((20, 6, 6, 2), np.uint8)
    x[::2, 2, :, 0] = 200
    assert np.isfinite(fitted(x, np.arange(20) % 2).predict_proba(x)).all()


@pytest.mark.parametrize(
    ("x", "y", "settings", "words"),
    [
        (X[:300].reshape(300, 64), Y[:300], {}, r"X.reshape\(-1, 8, 8\)"),
        (X[:300].astype(str), Y[:300], {}, "X has dtype <U"),
        (np.where(np.arange(300)[:, None, None] == 7, np.nan, X[:300]), Y[:300], {},
         "image 7 has entries that are not finite"),
        (np.where(np.arange(300)[:, None, None] == 7, 1e300, X[:300]), Y[:300], {},
         "image 7 has entries that are not finite in float32"),
        (None, [0, 1], {}, "X is a NoneType: give an array of images"),
        ({"a": 1}, [0], {}, "X is a dict"),
        (pd.DataFrame(X[:300].reshape(300, 64)), Y[:300], {}, r"X.reshape\(-1, 8, 8\)"),
        (X[:300], Y[:300], {"image_size": 4}, "image_size=4 is for picture files"),
        ([X[0], X[1, :7]], [0, 1], {}, r"image 1 has shape \(7, 8\)"),
        ([], [], {}, "X is empty"),
        (X[:300], np.zeros(300, int), {}, "one class only"),
        (X[:300], Y[:299], {}, "300 inputs and y 299"),
        (X[:300], Y[:300], {"crop": 8}, "leaves nothing"),
        (X[:300], Y[:300], {"width": 5000}, "'width' parameter"),
        (X[:300].astype(complex), Y[:300], {}, "give images as numbers"),
        (["a.png", 3], [0, 1], {}, r"X\[1\] is 3"),
        (np.zeros((4, 6, 6, 99)), [0, 1] * 2, {}, "channels last"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_from(x, y, settings, words):
    with pytest.raises(ValueError, match=words):
        fitted(x, y, **settings)


def test_answers_for_other_images_are_refused():
    model = learned()
    np.testing.assert_array_equal(model.predict(X[:9].astype(int)), model.predict(X[:9]))
    np.testing.assert_array_equal(model.predict(list(X[:9])), model.predict(X[:9]))
    with pytest.raises(DataError, match=r"shape \(7, 8, 1\), and those of the training"):
        model.predict(X[:, 1:])
    with pytest.raises(DataError, match="whole numbers from 0 to 16, and was given float64"):
        model.predict(X / 16.0)
    with pytest.raises(DataError, match="no image"):
        model.predict(X[:0])
    half = fitted(X[:60].astype(np.float16), Y[:60])
    np.testing.assert_array_equal(half.predict(X[:9].astype(np.float16)), half.predict(X[:9]))


# Picture files


def draw_pictures(folder):
    """Bright and dark pictures of several modes and sizes, most of 10 x 12."""
    pillow = pytest.importorskip("PIL.Image")
    draw = np.random.default_rng(0)
    for k in range(24):
        bright = k % 2
        place = folder / ("bright" if bright else "dark")
        place.mkdir(parents=True, exist_ok=True)
        size = (10, 12) if k % 6 else (21, 20)
        values = (draw.uniform(0, 90, (*size, 3)) + 120 * bright).astype(np.uint8)
        picture = pillow.fromarray(values)
        mode, ending = [("RGB", "png"), ("L", "png"), ("RGB", "jpg"), ("RGBA", "png"),
                        ("P", "gif"), ("RGB", "bmp")][k // 2 % 6]  # fmt: skip
        picture.convert(mode).save(place / f"{k:02d}.{ending}")
    (folder / "notes.txt").write_text("not a picture")
    return folder


@pytest.fixture
def folder(tmp_path):
    return draw_pictures(tmp_path / "pictures")


@pytest.fixture(scope="module")
def of_pictures(tmp_path_factory):
    """A model of a folder of the same pictures."""
    folder = draw_pictures(tmp_path_factory.mktemp("drawn") / "pictures")
    with configured(check=1, cache=0):
        return ImageClassifier(**{**QUICK, "epochs": 15, "batch_size": 12}).fit(folder)


def test_a_folder_of_pictures(folder, of_pictures):
    model = of_pictures
    assert (model.size_, model.channels_) == ((10, 12), 3)
    assert model.classes_.tolist() == ["bright", "dark"]
    assert model.score(folder) == 1.0
    files = sorted(map(str, (folder / "dark").iterdir()))
    assert set(model.predict(files)) == {"dark"}
    assert model.predict(folder / "bright").tolist() == ["bright"] * 12
    assert model.predict(files[0]).tolist() == ["dark"]
    small = ImageClassifier(**QUICK, image_size=(6, 5)).fit(files + [
        str(path) for path in (folder / "bright").iterdir()], [0] * 12 + [1] * 12)  # fmt: skip
    assert small.size_ == (6, 5)


def test_broken_pictures_are_named(folder, of_pictures):
    model = of_pictures
    broken = folder / "dark" / "00.png"
    data = broken.read_bytes()
    broken.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=r"cannot read the picture .*dark/00.png: .*truncated"):
        model.predict([broken])
    with pytest.raises(DataError, match=r"dark/00.png"):
        ImageClassifier(**QUICK).fit(folder)
    broken.write_bytes(b"")
    with pytest.raises(DataError, match=r"dark/00.png"):
        ImageClassifier(**QUICK).fit(folder)
    with pytest.raises(DataError, match=r"cannot read the picture .*notes.txt"):
        model.predict([folder / "notes.txt"])
    with pytest.raises(DataError, match="there is no picture"):
        model.predict(["nowhere.png"])


@pytest.mark.parametrize("left", [[], ["bright"]])
def test_folders_without_two_classes(folder, left):
    for place in {"bright", "dark"} - {*left}:
        for path in (folder / place).iterdir():
            path.unlink()
    with pytest.raises(DataError, match="for each of two or more classes"):
        ImageClassifier(**QUICK).fit(folder)
    with pytest.raises(DataError, match="is no folder"):
        ImageClassifier(**QUICK).fit(folder / "nothing")


def test_other_modes_of_grey(tmp_path):
    """16 bits, and turned by the camera."""
    pillow = pytest.importorskip("PIL.Image")
    from chainrule.data.images import common_image_size, read_images

    values = np.linspace(0, 65535, 12).reshape(3, 4).astype(np.uint16)
    pillow.fromarray(values).save(tmp_path / "deep.png")
    assert common_image_size([tmp_path / "deep.png"]) == (3, 4, 1)
    made = read_images([tmp_path / "deep.png"], (3, 4), 1)[0, :, :, 0]
    np.testing.assert_allclose(made, values / 257.0, atol=1.0)
    exif = pillow.Exif()
    exif[0x0112] = 6
    pillow.fromarray((values // 257).astype(np.uint8)).save(tmp_path / "turned.png", exif=exif)
    assert common_image_size([tmp_path / "turned.png"]) == (4, 3, 1)
    made = read_images([tmp_path / "turned.png"], (4, 3), 1)[0, :, :, 0]
    np.testing.assert_array_equal(made, np.rot90(values // 257, -1))


# Hostile files


@pytest.fixture
def bytes_of_a_model(tmp_path):
    learned().save(tmp_path / "model")
    return (tmp_path / "model").read_bytes()


def accepted(path, data):
    """Whether it loads; then it answers and is saved again. Nothing else may come out."""
    path.write_bytes(data)
    try:
        model = load(path)
    except ModelFileError as error:
        assert str(path) in str(error) and "\n" not in str(error)
        return False
    shape = (2, *model.size_, model.channels_)
    with np.errstate(all="ignore"):
        assert len(model.predict(np.zeros(shape, model.kind_))) == 2
    model.save(path)
    return True


def test_hostile_files(tmp_path, bytes_of_a_model):
    """Spoiled in all ways; `description` goes deepest, and most of it is refused."""
    from random import Random

    draw = Random(0)
    assert accepted(tmp_path / "m", bytes_of_a_model)
    for k in range(120):
        make = description if k % 2 else spoiled
        accepted(tmp_path / "m", make(draw, bytes_of_a_model))
    assert places and VALUES


# Kills

PROGRAM = """
import signal, sys
import numpy as np
from sklearn.datasets import load_digits
from chainrule import ImageClassifier
x, y = load_digits(return_X_y=True)
path, last = None if sys.argv[1] == "-" else sys.argv[1], int(sys.argv[3])

def told(report):
    print(report.epoch, flush=True)
    if report.epoch == last:
        signal.pause()  # until it is killed

model = ImageClassifier(
    epochs=8, width=16, random_state=0, checkpoint=path, checkpoint_interval=0, ema=0.9,
    callbacks=[told],
).fit(x[:200].reshape(-1, 8, 8), y[:200])
model.save(sys.argv[2])
"""


@pytest.mark.slow
def test_kill(tmp_path):
    """Killed, a training ends with the model file of one that was left alone, but for that its
    settings say nothing of checkpoints."""
    program, state = tmp_path / "program.py", tmp_path / "state"
    program.write_text(PROGRAM)

    def run(*arguments):
        return subprocess.Popen(
            [sys.executable, program, *arguments], stdout=subprocess.PIPE, text=True
        )

    def finished(path, place):
        with run(path, place, "0") as process:
            told, _ = process.communicate()
        assert process.returncode == 0
        return load(place), [int(word) for word in told.split()]

    with run(state, tmp_path / "never", "5") as process:
        process.stdout.readline()
        while not state.exists():  # it is told of an epoch before that is written
            time.sleep(0.01)
        time.sleep(0.05)
        process.kill()
    left, _ = finished("-", tmp_path / "left")
    killed, epochs = finished(state, tmp_path / "killed")
    assert epochs[0] > 1
    assert killed.history_ == left.history_
    np.testing.assert_array_equal(killed.predict_proba(X), left.predict_proba(X))
    assert not state.exists() and not (tmp_path / "never").exists()
