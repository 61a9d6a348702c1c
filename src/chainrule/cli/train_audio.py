"""`chainrule train audio`: from a folder of recordings to a tested model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..data import audio_datasets
from ..data.audio import as_recordings
from ..errors import DataError
from .command_options import ARRAYS, CommandOption, array_names, learning_rate
from .train_raw import (
    LabelledData,
    RawKind,
    Samples,
    check_classes,
    file_name,
    split,
    tested_by_accuracy,
)

OPTIONS = (
    CommandOption(
        "encoder", "encoder", str, "conv", "How clips are read: conv or gru.",
        choices=("conv", "gru"),
    ),
    CommandOption(
        "epochs", "epochs", int | None, None,
        "Passes over them. [default: 20 to 60, by their number]", min=1,
    ),
    CommandOption(
        "batch-size", "batch_size", int | None, None,
        "Recordings a step. [default: by their number, 64 at most]", min=1,
    ),
    learning_rate(0.004, "Largest learning rate of AdamW."),
    CommandOption(
        "sample-rate", "sample_rate", int | None, None,
        "Samples a second to which recordings are brought. [default: as most have]",
        min=1000, max=768_000,
    ),
    CommandOption("n-mels", "n_mels", int, 40, "Mel bands of the features.", min=8, max=256),
    CommandOption(
        "max-seconds", "max_seconds", float | None, None,
        "What is heard of a recording. [default: 98 % of them are heard whole]", min=0.1, max=10,
    ),
    CommandOption(
        "normalize", "normalize", str, "bands",
        "bands; level is for steady sounds, such as tones or machines.",
        choices=("bands", "level"),
    ),
)  # fmt: skip


def labelled_recordings(
    data: str, x: str | None = None, y: str | None = None
) -> tuple[LabelledData, LabelledData | None]:
    """The recordings of a folder or a file, and those for the test if the file names them."""
    sounds, labels, is_test = audio_datasets.read_audio_dataset(data, x, y)
    recordings = LabelledData(sounds, labels)
    if is_test is None:
        return recordings, None
    return recordings.take(np.flatnonzero(~is_test)), recordings.take(np.flatnonzero(is_test))


def read_recordings(
    data: str,
    test_fraction: float,
    seed: int,
    note: Callable[[str], None],
    x: str | None = None,
    y: str | None = None,
) -> Samples:
    """The recordings of a folder or a file, and which of them to test on."""
    names = array_names(data, x, y)
    train, test = labelled_recordings(data, **names)
    if test is None:
        train, test = split("recordings", data, train, test_fraction, seed)
    check_classes(data, np.unique([*train.labels, *test.labels]))
    if not len(train.labels) or not len(test.labels):
        raise DataError(f"{data}: is_test leaves no recordings to train or to test on")
    # All are read now, so that a damaged file is known before the training
    train, test = (LabelledData(as_recordings(part.inputs), part.labels) for part in (train, test))
    return Samples(file_name(data), train, test, columns=names)


def describe(model: Any, samples: Samples) -> list[str]:
    """A line that says what was trained."""
    return [
        f"{samples.name}: {len(model.classes_)} classes of recordings of up to "
        f"{model.samples_ / model.sample_rate_:.2f} s at {model.sample_rate_} samples a second, "
        f"{len(samples.train.labels)} to train on, {len(samples.test.labels)} to test on"
    ]


def dataset(model: Any, samples: Samples) -> dict[str, object]:
    """The report's facts about the recordings."""
    return {
        "recordings to train on": len(samples.train.labels),
        "recordings to test on": len(samples.test.labels),
        "samples a second": model.sample_rate_,
        "seconds that are heard": round(model.samples_ / model.sample_rate_, 3),
    }


AUDIO = RawKind(
    name="audio",
    noun="recordings",
    verb="heard",
    estimator="AudioClassifier",
    metavar="FOLDER_OR_NPZ",
    data_help="A folder with a folder of recordings for each class; or an NPZ file of arrays "
    "audio, start, length, label, sample_rate and perhaps is_test; or of clips of one length, "
    "their classes (see --x and --y) and sample_rate.",
    doc="""Train a network to tell short recordings apart, test it on others, and save it.

    Where the data does not say what to test on, a fifth of each class is kept for that.

    **Examples**

    `chainrule train audio commands/ --report`

    `chainrule train audio digits.npz -o digits.safetensors && chainrule listen digits.safetensors
    one.wav`
    """,
    columns=ARRAYS,
    options=OPTIONS,
    read=read_recordings,
    evaluate=tested_by_accuracy,
    describe=describe,
    dataset=dataset,
    limitations="Scores are of recordings by the same voices and microphones as those of the "
    "training: others are recognised less often. Leave a speaker out to see how much less.",
    usage="chainrule listen {} FILE...",
)
