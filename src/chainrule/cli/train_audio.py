"""`chainrule train audio`: from a folder of recordings to a tested model."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import typer

from .. import estimators
from ..data import audio_datasets
from ..data.audio import as_recordings
from ..errors import DataError
from ..lazy import LazyModule
from ..version import __version__
from . import keeping, options
from .console import console, table
from .options import Output, Report, Seed, TestFraction

reporting = LazyModule("chainrule.cli.reporting")
scores = LazyModule("chainrule.cli.scores")
selection = LazyModule("sklearn.model_selection")

ENCODERS = ("conv", "gru")
ACCURACY, COMMONEST = "accuracy", "the commonest class"
LIMITATIONS = (
    "Scores are of recordings by the same voices and microphones as those of the training: others "
    "are recognised less often. Leave a speaker out to see how much less."
)


@dataclass(frozen=True)
class Recordings:
    """Recordings and labels, to train and to test on, and where they come from."""

    name: str
    train: tuple[Any, Any]
    test: tuple[Any, Any]


def train_audio(
    data: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER_OR_NPZ",
            help="A folder with a folder of recordings for each class; or an NPZ file of arrays "
            "audio, start, length, label, sample_rate and perhaps is_test.",
        ),
    ],
    output: Output = None,
    encoder: Annotated[str, typer.Option(help="How clips are read: conv or gru.")] = "conv",
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Passes over them. [default: 20 to 60, by their number]"),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, help="Recordings a step. [default: by their number, 64 at most]"),
    ] = None,
    rate: Annotated[float, typer.Option(help="Largest learning rate of AdamW.")] = 0.004,
    sample_rate: Annotated[
        int | None,
        typer.Option(
            min=1000, max=768_000,
            help="Samples a second to which recordings are brought. [default: as most have]",
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=0.1, max=10,
            help="What is heard of a recording. [default: 98 % of them are heard whole]",
        ),
    ] = None,
    steady: Annotated[
        bool, typer.Option("--steady", help="For steady sounds, such as tones or machines.")
    ] = False,
    test_fraction: TestFraction = 0.2,
    seed: Seed = 0,
    report: Report = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the accuracy alone.")] = False,
) -> None:  # fmt: skip
    """Train a network to tell short recordings apart, test it on others, and save it.

    Where the data does not say what to test on, a fifth of each class is kept for that.

    **Examples**

    `chainrule train audio commands/ --report`

    `chainrule train audio digits.npz -o digits.safetensors && chainrule listen digits.safetensors
    one.wav`
    """
    if encoder not in ENCODERS:
        raise DataError(f"--encoder {encoder}: give conv or gru")
    options.check_rate(rate)
    options.check_fraction("--test-fraction", test_fraction)
    place, page = options.places(data, output, report)
    sounds = read(data, test_fraction, seed)
    model = estimators.AudioClassifier(
        encoder, epochs=epochs, batch_size=batch_size, learning_rate=rate, sample_rate=sample_rate,
        max_seconds=seconds, normalize="level" if steady else "bands",
        random_state=seed, progress=not quiet,
    )  # fmt: skip
    start = perf_counter()
    model.fit(*sounds.train)
    took = perf_counter() - start
    chosen = {
        "encoder": encoder, "epochs": epochs, "batch-size": batch_size, "rate": rate,
        "sample-rate": sample_rate, "seconds": seconds, "steady": steady or None,
        "test-fraction": test_fraction, "seed": seed,
    }  # fmt: skip
    command = repeated(data, chosen)
    found = scores.answers(model, sounds.test[0], scores.pd.Series(sounds.test[1]))
    accuracy, trivial = scores.scores(found)[ACCURACY], commonest(sounds)
    model.set_params(progress=True)
    card = {
        "data": sounds.name, "target": "class", "task": "classification",
        "train_rows": len(sounds.train[1]), "test_rows": len(sounds.test[1]),
        "metric": ACCURACY, "score": accuracy, "baselines": {COMMONEST: trivial},
        "command": command, "chainrule": __version__,
    }  # fmt: skip
    saved = keeping.kept(place, lambda path: model.save(path, card=card))
    shown = None
    if page is not None:
        shown = reporting.write(page, described(model, sounds, found, chosen, command))
    if quiet:
        print(f"{accuracy:.4f}")
    else:
        say(model, sounds, took, (accuracy, trivial), saved, shown)
    keeping.leave(model.stopped_ == "interrupted", (place, saved), (page, shown))


def read(data: str, fraction: float, seed: int) -> Recordings:
    """The recordings of a folder or a file, and which of them to test on."""
    name = Path(data).name or data
    given, labels, is_test = audio_datasets.read_audio_dataset(data)
    y = np.asarray(labels)
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) < 2:
        raise DataError(f"{data} holds one class only: there is nothing to tell apart")
    if is_test is None:
        size = round(len(y) * fraction)
        if counts.min() < 2 or size < len(classes) or len(y) - size < len(classes):
            raise DataError(
                f"{data} has {len(y)} recordings of {len(classes)} classes, of the rarest "
                f"{counts.min()}: too few to test on --test-fraction {fraction:g} of them"
            )
        _, held = selection.train_test_split(
            np.arange(len(y)), test_size=size, random_state=seed, stratify=y
        )
        is_test = np.isin(np.arange(len(y)), held)
    if is_test.all() or not is_test.any():
        raise DataError(f"{data}: is_test leaves no recordings to train or to test on")
    sounds = as_recordings(
        given
    )  # all of them, so that a damaged file is known before the training
    train, test = (
        ([sounds[k] for k in np.flatnonzero(part)], y[part]) for part in (~is_test, is_test)
    )
    return Recordings(name, train, test)


def commonest(sounds: Recordings) -> float:
    """The accuracy of whoever always says the commonest class of the training."""
    classes, counts = np.unique(sounds.train[1], return_counts=True)
    return float(np.mean(sounds.test[1] == classes[np.argmax(counts)]))


def repeated(data: str, chosen: dict[str, Any]) -> str:
    """The command that trains the same model again."""
    told = ["chainrule", "train", "audio", data]
    for name, value in chosen.items():
        if value is True:
            told.append(f"--{name}")
        elif value is not None:
            told += [f"--{name}", str(value)]
    return shlex.join(told)


def described(model: Any, sounds: Recordings, found: Any, chosen: Any, command: str) -> Any:
    """The report: scores, curves, which classes are taken for which."""
    return reporting.report(sounds.name, "class", found, model, {
        "baselines": {COMMONEST: {ACCURACY: commonest(sounds)}},
        "history": model.history_, "best_epoch": model.best_epoch_,
        "settings": chosen, "seed": chosen["seed"], "command": command,
        "limitations": LIMITATIONS,
        "dataset": {
            "recordings to train on": len(sounds.train[1]),
            "recordings to test on": len(sounds.test[1]),
            "samples a second": model.sample_rate_,
            "seconds that are heard": round(model.samples_ / model.sample_rate_, 3),
        },
    })  # fmt: skip


def say(
    model: Any, sounds: Recordings, seconds: float, accuracies: tuple[float, float], place: Path,
    page: Path | None,
) -> None:  # fmt: skip
    """What was trained, how well it does, and what to do with it."""
    out = console()
    heard = model.samples_ / model.sample_rate_
    out.say(
        f"{sounds.name}: {len(model.classes_)} classes of recordings of up to {heard:.2f} s at "
        f"{model.sample_rate_} samples a second, {len(sounds.train[1])} to train on, "
        f"{len(sounds.test[1])} to test on"
    )
    out.say(f"{model.n_iter_} epochs in {seconds:.1f} s")
    title = f"on {len(sounds.test[1])} recordings not heard in training"
    scored = table("model", ACCURACY, right=(1,), title=title)
    scored.add_row("network", f"{accuracies[0]:.4f}", style="bold green")
    scored.add_row(COMMONEST, f"{accuracies[1]:.4f}")
    out.print(scored)
    if page is not None:
        out.say(f"wrote {page}: open it in a browser")
    out.say(f"saved {place}; use it with: chainrule listen {place} FILE...")
