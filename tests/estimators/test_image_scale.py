"""Images of another layout or scale than those of the training: refused, or read right."""

from functools import cache

import numpy as np
import pytest

from chainrule import ImageClassifier, load
from chainrule.container import dumps, loads, read
from chainrule.data.images import common_image_size, read_images
from chainrule.errors import DataError
from chainrule.estimators.raw.image_scale import Scale, check_layout, checked_images

pytestmark = pytest.mark.usefixtures("_unoptimised")

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (40, 8, 8)).astype(np.uint8)
BYTES[20:] //= 2
Y = np.arange(40) // 20
QUICK = {
    "epochs": 1, "batch_size": 40, "width": 16, "shift": 0, "dropout": 0.0, "random_state": 0,
    "progress": False,
}  # fmt: skip
# Of each, how bytes become it; two are of the same scale if one can be asked about the other
SCALES = {
    "uint8": lambda x: x,
    "int64": lambda x: x.astype(np.int64),
    "float32 of bytes": lambda x: x.astype(np.float32),
    "float 0 to 1": lambda x: x / 255.0,
    "float32 0 to 1": lambda x: (x / 255.0).astype(np.float32),
    "-1 to 1": lambda x: x / 127.5 - 1.0,
    "standardised": lambda x: (x - x.mean()) / x.std(),
    "uint16": lambda x: x.astype(np.uint16) * 257,
    "sixteenths": lambda x: x // 16,
    "truth values": lambda x: x > 127,
    "zeros and ones": lambda x: (x > 127).astype(np.uint8),
}
SAME = [
    {"uint8", "int64", "float32 of bytes"}, {"float 0 to 1", "float32 0 to 1"},
    {"truth values", "zeros and ones"},
]  # fmt: skip
NEAR = {"float 0 to 1", "float32 0 to 1", "-1 to 1", "standardised"}  # by numbers not told apart
CENTRED, MASKS = {"-1 to 1", "standardised"}, {"truth values", "zeros and ones"}


@cache
def learned(scale):
    """The same model for all tests that only ask it."""
    return ImageClassifier(**QUICK).fit(SCALES[scale](BYTES), Y)


@pytest.mark.parametrize("trained", SCALES)
@pytest.mark.parametrize("asked", SCALES)
def test_scales(trained, asked):
    """Each against each: of one scale taken, of others refused, with both scales in the error."""
    scale = Scale.of(checked_images(SCALES[trained](BYTES)))
    images = checked_images(SCALES[asked](BYTES))
    same = trained == asked or any({trained, asked} <= group for group in SAME)
    if same:
        scale.check(images)
    elif asked in CENTRED and trained not in CENTRED:
        with pytest.raises(DataError, match=r"image \d+ is of .* and the training was of"):
            scale.check(images)
    elif {trained, asked} <= NEAR or (trained in MASKS and asked in NEAR):
        scale.check(images)
    elif (trained, asked) in (("uint8", "sixteenths"), ("int64", "sixteenths"),
                              ("float32 of bytes", "sixteenths")):  # fmt: skip
        scale.check(images)  # dark pictures
    elif asked == "zeros and ones" and trained not in {*NEAR, "uint16"}:
        scale.check(images)  # nearly black ones
    elif trained == "uint16":
        if images.dtype.itemsize == 1 or float(images.max()) <= 1.0:
            with pytest.raises(DataError, match="from 0 to 65535"):
                scale.check(images)
    else:
        with pytest.raises(DataError, match=r"image \d+ is of .* and the training was of"):
            scale.check(images)


@pytest.mark.parametrize("trained", ["uint8", "float 0 to 1", "-1 to 1", "uint16"])
def test_a_model_keeps_its_scale(trained, tmp_path):
    """In its file, too: bytes are refused where it was trained on floats, and the other way."""
    x, model = SCALES[trained](BYTES), learned(trained)
    model.save(tmp_path / "a.safetensors")
    again = load(tmp_path / "a.safetensors")
    assert (
        again.scale_ == model.scale_ == Scale(float(x.min()), float(x.max()), x.dtype.kind != "f")
    )
    np.testing.assert_array_equal(model.predict_proba(x), again.predict_proba(x))
    wrong = BYTES if x.dtype.kind == "f" else BYTES / 255.0
    for one in (model, again):
        with pytest.raises(DataError, match="bring"):
            one.predict(wrong)
        with pytest.raises(DataError, match="bring"):
            one.score(list(wrong), Y)
    with pytest.raises(DataError, match="bring"):
        ImageClassifier(**QUICK).fit(x, Y, validation_data=(wrong, Y))


def test_files_of_before_scales_were_kept(tmp_path):
    """They answer as before, and refuse what is of another unit by far."""
    x, model = BYTES / 255.0, learned("float 0 to 1")
    model.save(tmp_path / "a.safetensors")
    told, arrays = loads(read(tmp_path / "a.safetensors"))
    del told["prepared"]["scale"]
    (tmp_path / "b.safetensors").write_bytes(dumps(told, arrays))
    older = load(tmp_path / "b.safetensors")
    np.testing.assert_array_equal(model.predict_proba(x), older.predict_proba(x))
    with pytest.raises(DataError, match="image 0 is of uint8 from 0 to 255"):
        older.predict(BYTES)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 13])
@pytest.mark.parametrize("sides", [(32, 32), (28, 28), (20, 31), (224, 224)])
def test_channels_first(channels, sides):
    """Refused with the transposition; after it, taken."""
    if channels > 4 and sides[0] != sides[1]:
        return  # images of 13 x 20 with 31 channels
    given = np.zeros((2, channels, *sides), np.uint8)
    with pytest.raises(DataError, match=r"X.transpose\(0, 2, 3, 1\)"):
        check_layout(given)
    check_layout(given.transpose(0, 2, 3, 1))
    with pytest.raises(DataError, match=r"X.transpose\(0, 2, 3, 1\)"):
        ImageClassifier(**QUICK).fit(given, [0, 1])


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 9, 1), (3, 9, 2), (3, 3, 3), (4, 40, 4), (8, 32, 16), (9, 3, 64),
              (32, 32, 32), (48, 32, 32)],
)  # fmt: skip
def test_channels_last(shape):
    """Strips, small images and many channels are what they say."""
    check_layout(np.zeros((2, *shape)))


def test_channels_first_after_training():
    """The shape is refused, with what to do."""
    model = ImageClassifier(**QUICK).fit(np.repeat(BYTES[..., None], 3, axis=3), Y)
    with pytest.raises(
        DataError, match=r"\(3, 8, 8\), and those of the training \(8, 8, 3\): X.tr"
    ):
        model.predict(np.zeros((5, 3, 8, 8), np.uint8))


VALUES = np.linspace(0.0, 1.0, 12).reshape(3, 4)


def saved(path, values, **more):
    pillow = pytest.importorskip("PIL.Image")
    pillow.fromarray(values).save(path, **more)
    return path


@pytest.mark.parametrize(
    ("name", "dtype", "white"),
    [("a.png", np.uint8, 255), ("a.tif", np.uint8, 255), ("a.png", np.uint16, 65535),
     ("a.tif", np.uint16, 65535), ("a.pgm", np.uint8, 255), ("a.tif", np.float32, 1)],
)  # fmt: skip
@pytest.mark.parametrize("brightest", [1.0, 0.5, 0.003])
def test_grey_of_any_depth(tmp_path, name, dtype, white, brightest):
    """White is where the kind of the file has it: dark pictures stay dark, floats are not black."""
    values = VALUES * brightest
    path = saved(tmp_path / name, (values * white).astype(dtype))
    assert common_image_size([path]) == (3, 4, 1)
    np.testing.assert_allclose(read_images([path], (3, 4), 1)[0, :, :, 0], values * 255, atol=1.01)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ((VALUES * 255).astype(np.float32), "its floats go from 0 to 255"),
        ((VALUES - 0.5).astype(np.float32), "its floats go from -0.5 to 0.5"),
        (np.where(VALUES > 0.5, np.nan, VALUES).astype(np.float32), "its floats go from"),
        ((VALUES * 255).astype(np.int32), "its 32-bit numbers go from 0 to 255"),
        ((VALUES * 2e9).astype(np.int32), r"its 32-bit numbers go from 0 to 2e\+09"),
    ],
)
def test_pictures_without_a_white(tmp_path, values, told):
    """Of floats beyond 1, and of 32 bits, the file does not say; it is named."""
    path = saved(tmp_path / "a.tif", values)
    with pytest.raises(DataError, match=f"a.tif: {told}"):
        read_images([path], (3, 4), 1)


def test_an_answer_does_not_depend_on_its_neighbours():
    """Images from 0 to 1 beside one of bytes: the first is named, wherever it is."""
    scale = Scale.of(checked_images(SCALES["float32 of bytes"](BYTES)))
    mixed = checked_images(SCALES["float32 of bytes"](BYTES))
    mixed[7] /= 255
    with pytest.raises(DataError, match="image 7 is of float32 from 0.0.*, and the training"):
        scale.check(mixed)
    scale.check(mixed[:7])
    centred = checked_images(SCALES["float 0 to 1"](BYTES))
    scale = Scale.of(centred)
    centred[3] -= 0.4
    centred[5] *= 1.2
    with pytest.raises(DataError, match="image 3 is of float64 from -0.38"):
        scale.check(centred)
    black = np.zeros((1, 8, 8, 1))
    black[0, 0, 0] = -1e-9
    scale.check(black)


def test_dark_images_of_the_training(tmp_path):
    """Where the training had images of fractions below 1, such images are taken; in files, too."""
    x = BYTES.astype(np.float32)
    x[0] = RNG.random((8, 8))
    model = ImageClassifier(**QUICK).fit(x, Y)
    model.save(tmp_path / "a.safetensors")
    again = load(tmp_path / "a.safetensors")
    assert again.scale_ == model.scale_ and model.scale_.dim
    np.testing.assert_array_equal(model.predict_proba(x), again.predict_proba(x))


@pytest.mark.parametrize(
    ("trained", "asked"), [(np.uint16, np.uint8), (np.int8, np.uint8), (np.uint16, np.int8)]
)
def test_dtypes_that_cannot_hold_the_training(trained, asked):
    """Their numbers mean something else."""
    held = np.iinfo(trained)
    x = RNG.integers(held.min, held.max, (40, 8, 8), endpoint=True).astype(trained)
    x[0, 0, :2] = held.min, held.max
    scale = Scale.of(checked_images(x))
    scale.check(checked_images(x))
    with pytest.raises(DataError, match="image 0 is of u?int8 from .* training was of whole"):
        scale.check(checked_images(BYTES.astype(asked)))


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (BYTES.astype(np.int64) + 2**40, "int64 from 1099511.*up to 16777216"),
        (BYTES.astype(np.uint64) + np.uint64(2**63), "uint64 from 92233.*up to 16777216"),
        (BYTES.astype(np.int32) * 2**20, "int32 from 0 to .*up to 16777216"),
        (BYTES + 2.0**40, "which float32, in which networks compute, hardly tells apart"),
        (np.ma.masked_array(BYTES, BYTES == 7), "X has masked entries"),
        ([BYTES[0]] * 39 + [np.ma.masked_array(BYTES[1], BYTES[1] > 7)], "image 39 has masked"),
    ],
)
def test_images_that_nobody_could_learn_from(images, words):
    """Numbers that float32 does not tell apart, and masks, which it does not see."""
    with pytest.raises(DataError, match=words):
        ImageClassifier(**QUICK).fit(images, Y)


def test_masks_and_wide_numbers_after_training():
    """Refused in what is asked, too; a model of truth values says what it was trained on."""
    model = learned("uint8")
    for wrong in (np.ma.masked_array(BYTES, BYTES == 7), BYTES.astype(np.int64) + 2**40):
        with pytest.raises(DataError, match="X (has masked|is of int64)"):
            model.predict(wrong)
    model.predict(np.ma.masked_array(BYTES, np.zeros(BYTES.shape, bool)))
    model = learned("truth values")
    with pytest.raises(DataError, match="trained on whole numbers from 0 to 1, and was given flo"):
        model.predict(BYTES / 255)


def test_a_folder_says_its_classes(tmp_path):
    """Labels beside it are refused; of a folder of pictures alone, they are those of its files."""
    for k in range(8):
        for place in (tmp_path / "flat", tmp_path / "folders" / "ab"[k % 2]):
            place.mkdir(parents=True, exist_ok=True)
            saved(place / f"{k}.png", BYTES[k])
    with pytest.raises(DataError, match="folders, whose names are the classes: leave out y"):
        ImageClassifier(**QUICK).fit(tmp_path / "folders", [0, 1] * 4)
    assert ImageClassifier(**QUICK).fit(tmp_path / "flat", [0, 1] * 4).classes_.tolist() == [0, 1]
