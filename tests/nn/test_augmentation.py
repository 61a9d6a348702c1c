"""Augmentation: each image is changed by a change of its own, and by no other than was asked."""

import numpy as np
import pytest
from scipy import ndimage

import chainrule as cr
from chainrule import nn, random
from chainrule.errors import ShapeError

rng = np.random.default_rng(0)
IMAGES = rng.integers(1, 256, (400, 6, 5, 2)).astype(np.uint8)
FUNCTIONS = {
    "shift": lambda x, key: nn.random_shift(x, 2, key),
    "crop": lambda x, key: nn.random_crop(x, (4, 3), key),
    "flip": nn.random_horizontal_flip,
    "rotation": lambda x, key: nn.random_rotation(x, 30.0, key, 0.2),
    "cutout": lambda x, key: nn.cutout(x, 3, key),
}


def moved(image, down, right):
    """By loops: what comes in is 0."""
    made = np.zeros_like(image)
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            if 0 <= i - down < image.shape[0] and 0 <= j - right < image.shape[1]:
                made[i, j] = image[i - down, j - right]
    return made


@pytest.mark.parametrize("name", FUNCTIONS)
def test_compiled_as_it_is_in_numpy(name):
    """Also with images that are known, and a key that is not."""
    f, key = FUNCTIONS[name], random.key(3)
    plain = f(IMAGES, key)
    np.testing.assert_allclose(cr.jit(f)(IMAGES, key), plain, rtol=1e-4, atol=0.02)
    np.testing.assert_allclose(cr.jit(lambda key: f(IMAGES, key))(key), plain, rtol=1e-4, atol=0.02)
    assert plain.dtype == (np.float32 if name == "rotation" else np.uint8)
    assert (f(IMAGES, random.key(4)) != plain).any()
    with pytest.raises(ShapeError, match="rows, height, width, channels"):
        f(IMAGES[0], key)


def test_shifts_are_shifts_and_equally_likely():
    """Each result is one of 25; all of them come, about equally often."""
    counts = np.zeros((5, 5), int)
    for image, made in zip(IMAGES, nn.random_shift(IMAGES, 2, random.key(0)), strict=True):
        hits = [(i, j) for i in range(5) for j in range(5)
                if (moved(image, i - 2, j - 2) == made).all()]  # fmt: skip
        assert len(hits) == 1
        counts[hits[0]] += 1
    assert counts.min() >= 5 and counts.max() <= 30  # of 16
    assert nn.random_shift(IMAGES, 0, random.key(0)) is IMAGES
    filled = nn.random_shift(IMAGES, 2, random.key(0), fill=7)
    np.testing.assert_array_equal(filled[filled != 7], nn.random_shift(
        IMAGES, 2, random.key(0))[filled != 7])  # fmt: skip
    assert (filled == 0).sum() == 0


def test_crops_are_windows():
    made = nn.random_crop(IMAGES, (4, 3), random.key(1))
    assert made.shape == (400, 4, 3, 2)
    places = set()
    for image, window in zip(IMAGES, made, strict=True):
        places |= {(i, j) for i in range(3) for j in range(3)
                   if (image[i : i + 4, j : j + 3] == window).all()}  # fmt: skip
    assert len(places) == 9
    with pytest.raises(ShapeError, match="window of"):
        nn.random_crop(IMAGES, (7, 3), random.key(1))


def test_half_are_mirrored():
    made = nn.random_horizontal_flip(IMAGES, random.key(2))
    same = (made == IMAGES).all(axis=(1, 2, 3))
    mirrored = (made == IMAGES[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (same ^ mirrored).all()
    assert 160 < mirrored.sum() < 240


@pytest.mark.parametrize("zoom", [0.0, 0.3])
def test_rotation_is_that_of_scipy(zoom):
    """Bilinear, about the middle, by the angle and factor that the keys give."""
    images, key = rng.uniform(size=(20, 7, 9, 2)), random.key(5)
    made = nn.random_rotation(images, 40.0, key, zoom)
    of_angle, of_size = random.split(key)
    angles = random.uniform(of_angle, (20, 1, 1), float, -np.radians(40), np.radians(40)).ravel()
    sizes = random.uniform(of_size, (20, 1, 1), float, 1 - zoom, 1 + zoom).ravel()
    middle = np.array([3.0, 4.0])
    for image, one, angle, size in zip(images, made, angles, sizes, strict=True):
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / size
        for channel in range(2):
            want = ndimage.affine_transform(
                image[..., channel], turn, middle - turn @ middle, order=1, mode="grid-constant"
            )
            np.testing.assert_allclose(one[..., channel], want, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(nn.random_rotation(images, 0.0, key), images, rtol=1e-12)


def test_a_square_is_blotted_out():
    made = nn.cutout(IMAGES, 3, random.key(0), fill=0)
    middles = set()
    for image, one in zip(IMAGES, made, strict=True):
        hole = (one == 0).all(axis=-1)
        np.testing.assert_array_equal(one[~hole], image[~hole])
        down, right = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
        assert hole.sum() == len(down) * len(right)
        assert 2 <= len(down) <= 3 and 2 <= len(right) <= 3
        middles.add((down[0], len(down), right[0], len(right)))
    assert len(middles) == 30
    assert nn.cutout(IMAGES, 0, random.key(0)) is IMAGES


def test_gradients_pass_through():
    """Of what is moved and turned; rows that fall out get none."""
    images = rng.uniform(size=(2, 4, 4, 1))
    for f in (FUNCTIONS["shift"], FUNCTIONS["rotation"], FUNCTIONS["cutout"]):
        cr.check_grads(lambda x: np.sum(np.sin(f(x, random.key(1)))), (images,))  # noqa: B023


@pytest.mark.parametrize(
    "call",
    [
        lambda: nn.random_shift(IMAGES, -1, random.key(0)),
        lambda: nn.random_rotation(IMAGES, 181.0, random.key(0)),
        lambda: nn.random_rotation(IMAGES, 1.0, random.key(0), zoom=1.0),
        lambda: nn.cutout(IMAGES, -1, random.key(0)),
    ],
)
def test_out_of_range(call):
    with pytest.raises(ValueError, match="give"):
        call()
