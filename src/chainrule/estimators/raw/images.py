"""`ImageClassifier`: from pictures to their class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ... import nn, random
from ...container import damaged
from ...data.folders import files_in, folders_in
from ...data.images import EXTENSIONS, class_files, common_image_size, read_images
from ...errors import DataError
from ..serialization.schema import each, fields, finite, flag, one_of, positive, whole
from ..sklearn_private import Interval
from .image_network import ShiftedView, Standardize, image_network
from .image_scale import Scale, check_layout, checked_images, unmasked
from .network import COUNT, FRACTION, NetworkClassifier, epochs_for_steps
from .quantized import QuantizeMixin

LARGEST = 64  # pixels a side of pictures from files, if nothing else is asked for
MOST_PIXELS = 1024  # a side
MOST_CHANNELS = 64
LOOKED_AT = 10_000  # images of which mean and deviation are taken
STEPS = 4_000  # of a training
BATCH_SIZES = (16, 128)
EPOCHS = (12, 60)  # at least and at most
READ = 2_000  # the same, of files
SCALE = fields({"low": finite, "high": finite, "whole": flag}, {"dim": flag})
PREPARED = fields({
    "size": each(whole(1, MOST_PIXELS), 2, 2), "channels": whole(1, MOST_CHANNELS),
    "kind": one_of("uint8", "float32"), "mean": each(finite, 1, MOST_CHANNELS),
    "deviation": each(positive, 1, MOST_CHANNELS),
}, {"scale": SCALE})  # fmt: skip


class ImageClassifier(QuantizeMixin, NetworkClassifier):
    """Learns to tell pictures apart: a small convolution network, trained on your CPU.

    Images are standardised by the mean and deviation of each channel, changed at random while it
    trains, and met in a one-cycle schedule. The network has four convolutions or more, by the
    size of the images; see `estimators.image_network.stages`.

    Parameters
    ----------
    epochs : int or None
        How often to meet all images, at most. None: 12 to 60, so that there are 4,000 steps.
    batch_size : int or None
        Images a step. None: 128, and of fewer than 4,096 images a 32nd, 16 at least.
    learning_rate : float
        The largest of the one-cycle schedule (Smith, Topin, 2018), for AdamW. Default 0.01.
    weight_decay : float
        Of AdamW. Default 0.02.
    width : int
        Channels of the first stages; more learn more, and take longer. Default 32.
    dropout : float
        Share of the last features that a step leaves out. Default 0.2.
    shift : int or None
        Move training images by up to so many pixels. None: a fourteenth of their shorter side.
    flip : bool
        Mirror half of the training images, left to right. Not for digits and letters. Default
        False.
    crop : int
        Train on windows so many pixels smaller, anywhere in the image, and answer from the
        middle. Default 0.
    rotation : float
        Turn training images by up to so many degrees. Default 0.
    zoom : float
        Enlarge or shrink them by up to such a share. Default 0.
    cutout : int
        Blot out a square of so many pixels a side (DeVries, Taylor, 2017). Default 0.
    test_time_augmentation : bool
        Answer with the mean of the probabilities of five images, the given one and four that are
        moved by a pixel; with `flip`, also of their mirror images. Takes five or ten times as
        long. Default False.
    image_size : int, (int, int) or None
        To which pictures from files are resized, height and width. None: the size of most of the
        training pictures, at most 64 pixels a side.
    label_smoothing : float
        Share of each label that goes to all classes (Szegedy et al., 2016). Default 0.
    class_weight, ema, validation_fraction, patience, random_state
        As of all classifiers of raw inputs; see `estimators.network.NetworkClassifier`.
    n_threads, progress, callbacks, checkpoint, checkpoint_interval
        Likewise.

    Attributes
    ----------
    classes_ : array
        The classes, sorted.
    size_, channels_ : (int, int), int
        Height, width and channels of the images.
    mean_, deviation_ : tuple of float
        Of each channel.
    scale_ : Scale
        From where to where the training images go; those of another scale are refused.
    module_, history_, loss_curve_, n_iter_, best_epoch_, stopped_
        The network, and how its training went; see there.

    Notes
    -----
    X is an array of shape (n, height, width) or (n, height, width, channels): uint8, which stays so
    in memory, or other numbers of any scale, the same in training and after. Or it is a list of
    picture files (PNG, JPEG, ...), or a folder: for `fit` and `score` without y one that holds a
    folder of pictures for each class. Files are read with Pillow: ``pip install
    'chainrule[images]'``.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> digits = load_digits()
    >>> x, y = digits.images.astype("uint8"), digits.target
    >>> model = ImageClassifier(epochs=5, width=16, random_state=0).fit(x[:1000], y[:1000])
    >>> model.score(x[1000:], y[1000:]) > 0.9
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **NetworkClassifier._parameter_constraints,
        "epochs": [*COUNT, None],
        "batch_size": [*COUNT, None],
        "width": [Interval(Integral, 1, 1024, closed="both")],
        "dropout": FRACTION,
        "shift": [Interval(Integral, 0, MOST_PIXELS, closed="both"), None],
        "flip": ["boolean"],
        "crop": [Interval(Integral, 0, MOST_PIXELS, closed="both")],
        "rotation": [Interval(Real, 0, 180, closed="both")],
        "zoom": FRACTION,
        "cutout": [Interval(Integral, 0, MOST_PIXELS, closed="both")],
        "test_time_augmentation": ["boolean"],
        "image_size": [Interval(Integral, 1, MOST_PIXELS, closed="both"), tuple, list, None],
    }

    size_: tuple[int, int]
    channels_: int
    scale_: Scale

    def __init__(
        self,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.01,
        weight_decay: float = 0.02,
        width: int = 32,
        dropout: float = 0.2,
        shift: int | None = None,
        flip: bool = False,
        crop: int = 0,
        rotation: float = 0.0,
        zoom: float = 0.0,
        cutout: int = 0,
        test_time_augmentation: bool = False,
        image_size: int | tuple[int, int] | None = None,
        label_smoothing: float = 0.0,
        class_weight: Any = None,
        ema: float | None = None,
        validation_fraction: float = 0.0,
        patience: int | None = None,
        random_state: Any = None,
        n_threads: int | None = None,
        progress: bool = True,
        callbacks: Sequence[Callable[[Any], Any]] | None = None,
        checkpoint: Any = None,
        checkpoint_interval: float = 10.0,
    ) -> None:
        self._set(locals())

    # From raw inputs to rows

    def _labelled(self, X: Any, y: Any) -> tuple[Any, Any]:
        if y is None and isinstance(X, (str, Path)):
            return class_files(X)
        if isinstance(X, (str, Path)) and any(files_in(each, EXTENSIONS) for each in _folders(X)):
            raise DataError(f"{X} has folders, whose names are the classes: leave out y")
        return super()._labelled(X, y)

    def _read(self, X: Any) -> Any:
        """Files as a list of paths, all else as an array of images with channels."""
        if isinstance(X, (str, Path)):
            path = Path(X)
            return files_in(path, EXTENSIONS) if path.is_dir() else [path]
        if isinstance(X, Sequence):
            if X and isinstance(X[0], (str, Path)):
                return [_path(x, k) for k, x in enumerate(X)]
            return checked_images(_stacked(list(X)))
        if not hasattr(X, "__array__"):
            raise DataError(
                f"X is a {type(X).__name__}: give an array of images, or a list of them or of files"
            )
        X = unmasked(X, "X")
        if X.dtype.kind in "OU" and X.ndim == 1:
            return [_path(x, k) for k, x in enumerate(X.tolist())]
        return checked_images(X)

    def _learn(self, X: Any, y: Any) -> None:
        if isinstance(X, list):
            height, width, self.channels_ = common_image_size(X)
            self.size_ = self._wanted(height, width)
            sample = read_images(evenly_taken(X, READ), self.size_, self.channels_)
            self.scale_ = Scale(0.0, 255.0, True)
        else:
            if self.image_size is not None:
                raise DataError(
                    f"image_size={self.image_size!r:.60} is for picture files, and arrays are "
                    "learned from as they are: leave it out, or resize them before"
                )
            check_layout(X)
            self.scale_ = Scale.of(X)
            self.size_, self.channels_ = (X.shape[1], X.shape[2]), X.shape[3]
            sample = evenly_taken(X, LOOKED_AT)
        if max(self.size_) > MOST_PIXELS or self.channels_ > MOST_CHANNELS:
            raise DataError(
                f"images of {self.size_} with {self.channels_} channels: give at most "
                f"{MOST_PIXELS} pixels a side and {MOST_CHANNELS} channels, height before width "
                "and channels last"
            )
        if self.crop >= min(self.size_):
            raise DataError(f"crop={self.crop} leaves nothing of images of {self.size_}")
        self.kind_ = "uint8" if sample.dtype in (np.uint8, np.bool_) else "float32"
        mean, deviation = channel_moments(sample)
        self.mean_, self.deviation_ = tuple(mean.tolist()), tuple(deviation.tolist())

    def _wanted(self, height: int, width: int) -> tuple[int, int]:
        """The size to which pictures are brought."""
        if self.image_size is None:
            scale = min(1.0, LARGEST / max(height, width))
            return max(1, round(height * scale)), max(1, round(width * scale))
        if isinstance(self.image_size, Integral):
            return int(self.image_size), int(self.image_size)
        sides = tuple(self.image_size)
        if len(sides) != 2 or not all(
            isinstance(side, Integral) and 0 < int(side) <= MOST_PIXELS for side in sides
        ):
            raise DataError(f"image_size={self.image_size!r:.60}: give height and width, in pixels")
        return int(sides[0]), int(sides[1])

    def _rows(self, X: Any) -> Any:
        if isinstance(X, list):
            if self.kind_ != "uint8":
                raise DataError("the model was trained on numbers, and was given picture files")
            if not X:
                raise DataError("X is empty: there is no picture")
            pictures = read_images(X, self.size_, self.channels_)
            self.scale_.check(pictures)
            return pictures
        if not len(X):
            raise DataError("X is empty: there is no image")
        shape = (*self.size_, self.channels_)
        if X.shape[1:] != shape:
            channels_first = X.shape[1:] == (shape[2], *shape[:2])
            hint = ": X.transpose(0, 2, 3, 1) has the channels last" if channels_first else ""
            raise DataError(
                f"images have shape {X.shape[1:]}, and those of the training {shape}{hint}"
            )
        if self.kind_ == "float32" or X.dtype.kind in "iub":
            self.scale_.check(X)
        if self.kind_ == "float32":
            return X.astype(np.float32, copy=False)
        if X.dtype in (np.uint8, np.bool_):
            return X.astype(np.uint8, copy=False)
        if X.dtype.kind not in "iu" or X.min() < 0 or X.max() > 255:
            raise DataError(
                f"the model was trained on whole numbers from {self.scale_.low:g} to "
                f"{self.scale_.high:g}, and was given {X.dtype}: bring them to that scale, and use "
                "astype(np.uint8)"
            )
        return X.astype(np.uint8)

    # The network

    def make_module(self, key: Any) -> Any:
        size = (self.size_[0] - self.crop, self.size_[1] - self.crop)
        standardize = Standardize(self.mean_, self.deviation_)
        return image_network(
            key, size, self.channels_, len(self.classes_), self.width, self.dropout, standardize
        )

    def schedule(self, n_samples: int) -> tuple[int, int]:
        """How long `fit` trains on so many images: the number of epochs, and the batch size."""
        batch_size = int(self.batch_size or np.clip(n_samples // 32, *BATCH_SIZES))
        epochs = self.epochs or epochs_for_steps(n_samples, batch_size, STEPS, EPOCHS)
        return int(epochs), batch_size

    def _augment(self, rows: Any, key: Any) -> Any:
        rotation_key, move, cut, mirror, blot = random.split(key, 5)
        if self.rotation or self.zoom:
            rows = nn.random_rotation(rows, self.rotation, rotation_key, self.zoom)
        shift = round(min(self.size_) / 14) if self.shift is None else self.shift
        rows = nn.random_shift(rows, shift, move)
        if self.crop:
            size = (self.size_[0] - self.crop, self.size_[1] - self.crop)
            rows = nn.random_crop(rows, size, cut)
        if self.flip:
            rows = nn.random_horizontal_flip(rows, mirror)
        return nn.cutout(rows, self.cutout, blot)

    def _views(self) -> tuple[Callable[[Any], Any], ...]:
        if not self.test_time_augmentation:
            return ()
        moves = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
        mirrored = (False, True) if self.flip else (False,)
        return tuple(ShiftedView(*move, mirror) for mirror in mirrored for move in moves)

    # Files

    def preprocessing_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {
            "size": list(self.size_), "channels": self.channels_, "kind": self.kind_,
            "mean": list(self.mean_), "deviation": list(self.deviation_),
            **self.scale_.to_state(),
        }, {}  # fmt: skip

    def restore_preprocessing(self, state: dict[str, Any], arrays: Any) -> None:
        checked = PREPARED(state, "its images")
        height, width = checked["size"]
        self.size_, self.channels_, self.kind_ = (
            (height, width),
            checked["channels"],
            checked["kind"],
        )
        self.mean_, self.deviation_ = tuple(checked["mean"]), tuple(checked["deviation"])
        if not len(self.mean_) == len(self.deviation_) == self.channels_:
            raise damaged("it has not a mean and a deviation for each channel")
        if self.crop >= min(self.size_):
            raise damaged(f"crop is {self.crop}")
        scale = checked.get("scale")
        self.scale_ = (
            Scale.of_moments(self.mean_, self.deviation_) if scale is None
            else Scale.from_state(scale)
        )  # fmt: skip
        row = self.row_types_
        expected = (0, *self.size_, self.channels_)
        if not hasattr(row, "dtype") or (row.shape, row.dtype.name) != (expected, self.kind_):
            raise damaged("its rows are no images of its size")


def _path(path: Any, row: int) -> Path:
    if not isinstance(path, (str, Path)):
        raise DataError(f"X[{row}] is {path!r:.60}, and no path of a file as others are")
    return Path(path)


def _folders(X: str | Path) -> list[Path]:
    """The folders in a folder; none if it is no folder."""
    return folders_in(Path(X)) if Path(X).is_dir() else []


def _stacked(X: list[Any]) -> Any:
    """Images in a list as one array."""
    if not X:
        raise DataError("X is empty: there is no image")
    shapes = [np.shape(x) for x in X]
    for k, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise DataError(f"image {k} has shape {shape}, and image 0 {shapes[0]}: all need one")
    return np.stack([unmasked(x, f"image {k}") for k, x in enumerate(X)])


def evenly_taken(X: Any, most: int) -> Any:
    """Some of the inputs, evenly taken."""
    if len(X) <= most:
        return X
    rows = np.unique(np.linspace(0, len(X) - 1, most).astype(int))
    return [X[k] for k in rows] if isinstance(X, list) else X[rows]


def channel_moments(images: Any) -> tuple[Any, Any]:
    """Mean and deviation of each channel; a deviation of 0 becomes 1."""
    mean = np.mean(images, axis=(0, 1, 2), dtype=np.float64)
    square = np.mean(np.square(images.astype(np.float64) - mean), axis=(0, 1, 2))
    deviation = np.sqrt(square)
    return mean, np.where(deviation > 1e-12 * np.maximum(1.0, np.abs(mean)), deviation, 1.0)
