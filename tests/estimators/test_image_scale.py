"""Images of another layout or scale than those of the training: refused, or read right."""

import numpy as np
import pytest

from chainrule import ImageClassifier, load
from chainrule.data.pictures import common_size, read_pictures
from chainrule.errors import DataError
from chainrule.estimators.image_scale import Scale, check_layout, checked_images
from chainrule.estimators.modelfile import pack, read, unpack

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (40, 8, 8)).astype(np.uint8)
BYTES[20:] //= 2
Y = np.arange(40) // 20
QUICK = {"epochs": 1, "width": 16, "random_state": 0, "progress": False}
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
    elif asked == "zeros and ones" and trained not in NEAR:
        scale.check(images)  # nearly black ones
    elif trained == "uint16":
        if images.dtype.kind in "fb" and float(images.max()) <= 1.0:
            with pytest.raises(DataError, match="from 0 to 65535"):
                scale.check(images)
    else:
        with pytest.raises(DataError, match=r"image \d+ is of .* and the training was of"):
            scale.check(images)


@pytest.mark.parametrize("trained", ["uint8", "float 0 to 1", "-1 to 1", "uint16"])
def test_a_model_keeps_its_scale(trained, tmp_path):
    """In its file, too: bytes are refused where it was trained on floats, and the other way."""
    x = SCALES[trained](BYTES)
    model = ImageClassifier(**QUICK).fit(x, Y)
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
    x = BYTES / 255.0
    model = ImageClassifier(**QUICK).fit(x, Y)
    model.save(tmp_path / "a.safetensors")
    told, arrays = unpack(read(tmp_path / "a.safetensors"))
    del told["prepared"]["scale"]
    (tmp_path / "b.safetensors").write_bytes(pack(told, arrays))
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
    assert common_size([path]) == (3, 4, 1)
    np.testing.assert_allclose(
        read_pictures([path], (3, 4), 1)[0, :, :, 0], values * 255, atol=1.01
    )


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
        read_pictures([path], (3, 4), 1)
