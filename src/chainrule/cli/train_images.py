"""`chainrule train images`: from a folder of pictures, or arrays of them, to a tested model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..data import images as image_files
from .command_options import ARRAYS, CommandOption, array_names, learning_rate
from .train_raw import LabelledData, RawKind, Samples, file_name, split, tested_by_accuracy

MAX_PIXELS = 1024  # a side

OPTIONS = (
    CommandOption(
        "epochs", "epochs", int | None, None, "Passes over the images. [default: by their number]",
        min=1,
    ),
    CommandOption(
        "batch-size", "batch_size", int | None, None, "Images a step. [default: by their number]",
        min=1,
    ),
    learning_rate(0.01, "Largest learning rate of AdamW."),
    CommandOption(
        "width", "width", int, 32, "Channels of the first stages of the network.", min=1, max=1024
    ),
    CommandOption(
        "image-size", "image_size", int | None, None,
        "Pixels a side to which pictures are resized. [default: as most are, at most 64]",
        min=1, max=MAX_PIXELS,
    ),
    CommandOption(
        "shift", "shift", int | None, None,
        "Move images by up to so many pixels. [default: a fourteenth of their side]",
        min=0, max=MAX_PIXELS,
    ),
    CommandOption(
        "flip", "flip", bool, False, "Mirror half of them; not for digits and letters."
    ),
    CommandOption(
        "rotation", "rotation", float, 0.0, "Turn them by up to so many degrees.", min=0, max=180
    ),
    CommandOption(
        "cutout", "cutout", int, 0, "Blot out a square of so many pixels a side.",
        min=0, max=MAX_PIXELS,
    ),
    CommandOption(
        "test-time-augmentation", "test_time_augmentation", bool, False,
        "Answer with the mean of several views.",
    ),
)  # fmt: skip


def labelled_images(
    data: str, x: str | None = None, y: str | None = None
) -> tuple[LabelledData, LabelledData | None]:
    """The images of a folder or a file, and those for the test if the file has such."""
    path = Path(data)
    if path.is_dir():
        return LabelledData(*image_files.class_files(path)), None
    images, labels, *test = image_files.read_image_arrays(path, x, y)
    return LabelledData(images, labels), LabelledData(*test) if test else None


def read_images(
    data: str,
    test_fraction: float,
    seed: int,
    note: Callable[[str], None],
    x: str | None = None,
    y: str | None = None,
) -> Samples:
    """The images of a folder or a file, and which of them to test on."""
    names = array_names(data, x, y)
    train, test = labelled_images(data, **names)
    if test is None:
        train, test = split("images", data, train, test_fraction, seed)
    return Samples(file_name(data), train, test, columns=names)


def describe(model: Any, samples: Samples) -> list[str]:
    """A line that says what was trained."""
    height, width = model.size_
    return [
        f"{samples.name}: {len(model.classes_)} classes of images of {height} x {width} x "
        f"{model.channels_}, {len(samples.train.labels)} to train on, {len(samples.test.labels)} "
        "to test on"
    ]


def dataset(model: Any, samples: Samples) -> dict[str, object]:
    """The report's facts about the images."""
    return {
        "images to train on": len(samples.train.labels),
        "images to test on": len(samples.test.labels),
        "height, width": f"{model.size_[0]}, {model.size_[1]}", "channels": model.channels_,
    }  # fmt: skip


IMAGES = RawKind(
    name="images",
    noun="images",
    verb="seen",
    estimator="ImageClassifier",
    metavar="FOLDER_OR_NPZ",
    data_help="A folder with a folder of pictures for each class; or an NPZ file of arrays "
    "x_train, y_train, x_test, y_test, or x and y, or those that --x and --y name.",
    doc="""Train a network to tell pictures apart, test it on others, and save it.

    Where the data does not say what to test on, a fifth of each class is kept for that.

    **Examples**

    `chainrule train images flowers/ --flip --report`

    `chainrule train images digits.npz -o digits.safetensors`

    `chainrule train images scans.npz --x pixels --y diagnosis`
    """,
    columns=ARRAYS,
    options=OPTIONS,
    read=read_images,
    evaluate=tested_by_accuracy,
    describe=describe,
    dataset=dataset,
    limitations="Scores are of images from the same source as those of the training: of images "
    "that were taken elsewhere, or otherwise, they promise nothing.",
    usage="chainrule predict {} FILE...",
)
