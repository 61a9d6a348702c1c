"""`chainrule train images`: from a folder of pictures, or arrays of them, to a tested model."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import typer

from .. import estimators
from ..data import images as image_files
from ..errors import DataError
from ..lazy import LazyModule
from ..version import __version__
from . import keeping, options
from .console import console, table
from .options import Output, Report, Seed, TestFraction

reporting = LazyModule("chainrule.cli.reporting")
scores = LazyModule("chainrule.cli.scores")
selection = LazyModule("sklearn.model_selection")

ACCURACY, COMMONEST = "accuracy", "the commonest class"
LIMITATIONS = (
    "Scores are of images from the same source as those of the training: of images that were taken "
    "elsewhere, or otherwise, they promise nothing."
)


@dataclass(frozen=True)
class Images:
    """Inputs and labels, to train and to test on, and where they come from."""

    name: str
    train: tuple[Any, Any]
    test: tuple[Any, Any]


def train_images(
    data: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER_OR_NPZ",
            help="A folder with a folder of pictures for each class; or an NPZ file of arrays "
            "x_train, y_train, x_test, y_test, or x and y.",
        ),
    ],
    output: Output = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the images. [default: by their number]")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Images a step. [default: by their number]")
    ] = None,
    rate: Annotated[float, typer.Option(help="Largest learning rate of AdamW.")] = 0.01,
    width: Annotated[
        int, typer.Option(min=1, max=1024, help="Channels of the first stages of the network.")
    ] = 32,
    size: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Pixels a side to which pictures are "
                                 "resized. [default: as most are, at most 64]"),
    ] = None,
    shift: Annotated[
        int | None, typer.Option(min=0, max=1024, help="Move images by up to so many pixels. "
                                 "[default: a fourteenth of their side]"),
    ] = None,
    flip: Annotated[
        bool, typer.Option("--flip", help="Mirror half of them; not for digits and letters.")
    ] = False,
    rotation: Annotated[
        float, typer.Option(min=0, max=180, help="Turn them by up to so many degrees.")
    ] = 0.0,
    cutout: Annotated[
        int, typer.Option(min=0, max=1024, help="Blot out a square of so many pixels a side.")
    ] = 0,
    averaging: Annotated[
        bool, typer.Option("--averaging", help="Answer with the mean of several views.")
    ] = False,
    test_fraction: TestFraction = 0.2,
    seed: Seed = 0,
    report: Report = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the accuracy alone.")] = False,
) -> None:  # fmt: skip
    """Train a network to tell pictures apart, test it on others, and save it.

    Where the data does not say what to test on, a fifth of each class is kept for that.

    **Examples**

    `chainrule train images flowers/ --flip --report`

    `chainrule train images digits.npz -o digits.safetensors`
    """
    options.check_rate(rate)
    options.check_fraction("--test-fraction", test_fraction)
    place, page = options.places(data, output, report)
    images = read(data, test_fraction, seed)
    model = estimators.ImageClassifier(
        epochs=epochs, batch_size=batch_size, learning_rate=rate, width=width, image_size=size,
        shift=shift, flip=flip, rotation=rotation, cutout=cutout, test_time_averaging=averaging,
        random_state=seed, progress=not quiet,
    )  # fmt: skip
    start = perf_counter()
    model.fit(*images.train)
    seconds = perf_counter() - start
    count = len(images.train[1])
    chosen = {
        "epochs": model._epochs(count), "batch-size": model._batch(count), "rate": rate,
        "width": width, "size": size, "shift": shift, "flip": flip, "rotation": rotation,
        "cutout": cutout, "averaging": averaging, "test-fraction": test_fraction, "seed": seed,
    }  # fmt: skip
    command = repeated(data, chosen)
    found = scores.answers(model, images.test[0], column(images.test[1]))
    accuracy, trivial = scores.scores(found)[ACCURACY], commonest(images)
    model.set_params(progress=True)
    card = {
        "data": images.name, "target": "class", "task": "classification",
        "train_rows": len(images.train[1]), "test_rows": len(images.test[1]),
        "metric": ACCURACY, "score": accuracy, "baselines": {COMMONEST: trivial},
        "command": command, "chainrule": __version__,
    }  # fmt: skip
    saved = keeping.kept(place, lambda path: model.save(path, card=card))
    shown = None
    if page is not None:
        shown = reporting.write(page, described(model, images, found, chosen, command))
    if quiet:
        print(f"{accuracy:.4f}")
    else:
        say(model, images, seconds, (accuracy, trivial), saved, shown)
    keeping.leave(model.stopped_ == "interrupted", (place, saved), (page, shown))


def read(data: str, fraction: float, seed: int) -> Images:
    """The images of a folder or a file, and which of them to test on."""
    path = Path(data)
    if path.is_dir():
        found: Any = image_files.class_files(path)
    else:
        found = image_files.read_image_arrays(path)
        if len(found) == 4:
            return Images(path.name, (found[0], found[1]), (found[2], found[3]))
    x, y = found
    if len(x) != len(y):
        raise DataError(f"{data} has {len(x)} images and {len(y)} labels: one each")
    classes, counts = np.unique(y, return_counts=True)
    size = round(len(y) * fraction)
    if len(classes) < 2:
        raise DataError(f"{data} holds one class only: there is nothing to tell apart")
    if counts.min() < 2 or size < len(classes) or len(y) - size < len(classes):
        raise DataError(
            f"{data} has {len(y)} images of {len(classes)} classes, of the rarest {counts.min()}: "
            f"too few to test on --test-fraction {fraction:g} of them"
        )
    kept, held = selection.train_test_split(
        np.arange(len(y)), test_size=size, random_state=seed, stratify=y
    )
    train, test = ((taken(x, np.sort(part)), y[np.sort(part)]) for part in (kept, held))
    return Images(path.name, train, test)


def taken(x: Any, places: Any) -> Any:
    """Some of the images: of an array, or of a list of files."""
    return [x[k] for k in places] if isinstance(x, list) else x[places]


def column(labels: Any) -> Any:
    """Labels as a column, as `scores.answers` takes them."""
    return scores.pd.Series(np.asarray(labels).ravel())


def commonest(images: Images) -> float:
    """The accuracy of whoever always says the commonest class of the training."""
    classes, counts = np.unique(images.train[1], return_counts=True)
    return float(np.mean(np.asarray(images.test[1]).ravel() == classes[np.argmax(counts)]))


def repeated(data: str, chosen: dict[str, Any]) -> str:
    """The command that trains the same model again."""
    told = ["chainrule", "train", "images", data]
    for name, value in chosen.items():
        if value is True:
            told.append(f"--{name}")
        elif value is not None and value is not False:
            told += [f"--{name}", str(value)]
    return shlex.join(told)


def described(model: Any, images: Images, found: Any, chosen: Any, command: str) -> Any:
    """The report: scores, curves, which classes are taken for which."""
    made = reporting.report(images.name, "class", found, model, {
        "baselines": {COMMONEST: {ACCURACY: commonest(images)}},
        "history": model.history_, "best_epoch": model.best_epoch_,
        "settings": chosen, "seed": chosen["seed"], "command": command,
        "limitations": LIMITATIONS,
        "dataset": {
            "images to train on": len(images.train[1]), "images to test on": len(images.test[1]),
            "height, width": f"{model.size_[0]}, {model.size_[1]}", "channels": model.channels_,
        },
    })  # fmt: skip
    return made


def say(
    model: Any, images: Images, seconds: float, accuracies: tuple[float, float], place: Path,
    page: Path | None,
) -> None:  # fmt: skip
    """What was trained, how well it does, and what to do with it."""
    out = console()
    height, width = model.size_
    out.say(
        f"{images.name}: {len(model.classes_)} classes of images of {height} x {width} x "
        f"{model.channels_}, {len(images.train[1])} to train on, {len(images.test[1])} to test on"
    )
    out.say(f"{model.n_iter_} epochs in {seconds:.1f} s")
    title = f"on {len(images.test[1])} images not seen in training"
    scored = table("model", ACCURACY, right=(1,), title=title)
    scored.add_row("network", f"{accuracies[0]:.4f}", style="bold green")
    scored.add_row(COMMONEST, f"{accuracies[1]:.4f}")
    out.print(scored)
    if page is not None:
        out.say(f"wrote {page}: open it in a browser")
    out.say(f"saved {place}; use it with: chainrule predict {place} FILE...")
