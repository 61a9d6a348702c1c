"""`chainrule train text`: from a file or folder of texts to a saved model and a test score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..data.column_values import as_texts
from ..data.texts import read_texts
from ..errors import DataError
from ..lazy import LazyModule
from .command_options import CommandOption, learning_rate
from .texts import cells
from .train_raw import ACCURACY, COMMONEST, Evaluation, LabelledData, RawKind, Samples, predicted

extraction = LazyModule("sklearn.feature_extraction.text")
linear = LazyModule("sklearn.linear_model")
metrics = LazyModule("sklearn.metrics")
selection = LazyModule("sklearn.model_selection")

MIN_TEXTS = 10  # of which some are tested on
MAX_EXAMPLES = 8  # texts of the report whose words are coloured

COLUMNS = (
    CommandOption(
        "target", "target", str | None, None,
        "The column of classes. [default: the last one that is no text]", short=("-t",),
    ),
    CommandOption(
        "text", "text", str | None, None,
        "The column of texts. [default: the one with the longest]",
    ),
    CommandOption(
        "encoding", "encoding", str | None, None,
        "How the letters of the file are written, such as cp1250. [default: told by them]",
        metavar="NAME",
    ),
)  # fmt: skip
OPTIONS = (
    CommandOption(
        "encoder", "encoder", str, "bag", "bag, conv or transformer.",
        choices=("bag", "conv", "transformer"),
    ),
    CommandOption(
        "epochs", "epochs", int | None, None, "Passes over the texts. [default: by their number]",
        min=1,
    ),
    CommandOption(
        "batch-size", "batch_size", int | None, None,
        "Texts a step. [default: by their number, 64 at most]", min=1,
    ),
    learning_rate(
        None, "Largest learning rate of AdamW. [default: 0.01, and 0.003 of conv and transformer]"
    ),
    CommandOption(
        "width", "width", int | None, None,
        "Numbers a word. [default: 64; of a bag as many as classes, from 8]", min=1, max=1024,
    ),
    CommandOption(
        "balanced", "class_weight", bool, False,
        "Let rare classes count as much as frequent ones.",
        parse=lambda is_balanced: "balanced" if is_balanced else None,
    ),
)  # fmt: skip


def read_text_samples(
    data: str,
    test_fraction: float,
    seed: int,
    note: Callable[[str], None],
    text: str | None,
    target: str | None,
    encoding: str | None,
) -> Samples:
    """The texts of a file, and which of them to test on."""
    table = read_texts(data, encoding)
    for line in table.notes:
        note(line)
    frame = table.frame
    for option, name in (("--text", text), ("--target", target)):
        if name is not None and name not in frame.columns:
            names = ", ".join(map(repr, frame.columns[:8]))
            raise DataError(f"{option}: {table.name} has no column {name!r}; it has {names}")
    column = text or longest_texts(frame, target or table.target)
    label = target or table.target or next(
        (name for name in reversed(list(frame.columns)) if name != column), None
    )  # fmt: skip
    if label is None or label == column:
        raise DataError(f"{table.name} has no column of classes beside the texts {column!r}")
    known = frame[frame[label].notna()]
    if len(known) < len(frame):
        note(f"{len(frame) - len(known)} rows without a class are left out")
    empty = int(known[column].isna().sum())
    if empty:
        note(f"{empty} missing texts are read as empty ones")
    texts = LabelledData(cells(table.name, known, column), as_texts(known[label]).astype(str))
    train, test = split_texts(table.name, label, texts, test_fraction, seed)
    named = {} if encoding is None else {"encoding": encoding}
    return Samples(table.name, train, test, label, {"target": label, "text": column, **named})


def split_texts(
    name: str, target: str, data: LabelledData, test_fraction: float, seed: int
) -> tuple[LabelledData, LabelledData]:
    """Texts to train and to test on, as many of each class where that is possible."""
    labels = data.labels
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2:
        raise DataError(f"column {target!r} of {name} holds one class only: there is nothing to "
                        "tell apart")  # fmt: skip
    size = round(len(labels) * test_fraction)
    if len(labels) < MIN_TEXTS or size < 1 or len(labels) - size < 2:
        raise DataError(
            f"{name} has {len(labels)} texts: give {MIN_TEXTS} or more, some to test on"
        )
    even = counts.min() >= 2 and min(size, len(labels) - size) >= len(classes)
    train, test = selection.train_test_split(
        np.arange(len(labels)), test_size=size, random_state=seed, stratify=labels if even else None
    )
    if len(set(labels[train])) < 2:
        raise DataError(f"{name}: the texts to train on are of one class only; give more")
    return data.take(train), data.take(test)


def longest_texts(frame: Any, target: str | None) -> str:
    """The column with the longest texts."""
    lengths = {
        name: float(frame[name].dropna().map(len).mean())
        for name in frame.columns
        if name != target and frame[name].dropna().map(lambda value: isinstance(value, str)).all()
        and frame[name].notna().any()
    }  # fmt: skip
    if not lengths:
        raise DataError("there is no column of text: name one with --text")
    return str(max(lengths, key=lengths.__getitem__))


def evaluate(model: Any, samples: Samples) -> Evaluation:
    """Accuracy and mean F1 on the texts of the test, of the model and of what it should beat."""
    train, test = samples.train, samples.test
    tfidf = extraction.TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\b\w+\b")
    regression = linear.LogisticRegression(max_iter=1000, class_weight=model.class_weight)
    regression.fit(tfidf.fit_transform(train.inputs), train.labels)
    classes, counts = np.unique(train.labels, return_counts=True)
    predictions = predicted(model, samples)
    labels_by_model = {
        "network": np.array(predictions.classes)[predictions.predicted],
        "TF-IDF and logistic regression": regression.predict(tfidf.transform(test.inputs)),
        COMMONEST: np.full(len(test.labels), classes[np.argmax(counts)]),
    }
    by_model = {
        name: {
            ACCURACY: float(metrics.accuracy_score(test.labels, labels)),
            "mean F1": float(
                metrics.f1_score(test.labels, labels, average="macro", zero_division=0)
            ),
        }
        for name, labels in labels_by_model.items()
    }
    network = by_model.pop("network")
    return Evaluation(predictions, network, by_model, tuple(network))


def describe(model: Any, samples: Samples) -> list[str]:
    """Lines that say what was trained, and what of the texts is not read."""
    lines = [
        f"{samples.name}: {len(model.classes_)} classes of {samples.target!r} from "
        f"{samples.columns['text']!r}, {len(samples.train.labels)} texts to train on, "
        f"{len(samples.test.labels)} to test on, {model.tokens_.size - 1} words, pairs and pieces"
    ]
    if model.unread_:
        lines.append(
            f"note: {100 * model.unread_:.1f} % of what these texts hold is not read: "
            f"{model.encoder} reads {model.tokens_.length} words of a text, bag reads all"
        )
    return lines


def dataset(model: Any, samples: Samples) -> dict[str, object]:
    """The report's facts about the texts."""
    return {
        "texts to train on": len(samples.train.labels),
        "texts to test on": len(samples.test.labels),
        "words, pairs and pieces": model.tokens_.size - 1,
        "of them read of a text, at most": "all" if model.tokens_.whole
        else model.tokens_.length,
        "of what the texts hold, not read": f"{100 * model.unread_:.1f} %",
    }  # fmt: skip


def explained_examples(model: Any, samples: Samples) -> list[tuple[Any, ...]]:
    """Some texts of the test, with what each word adds to the decision."""
    examples = []
    pairs = zip(samples.test.inputs[:MAX_EXAMPLES], samples.test.labels, strict=False)
    for text, label in pairs:
        attribution = model.attribute(text)
        examples.append(
            (
                attribution.label,
                str(label),
                attribution.probability,
                attribution.words,
                attribution.scores,
            )
        )
    return examples


TEXT = RawKind(
    name="text",
    noun="texts",
    verb="seen",
    estimator="TextClassifier",
    metavar="DATA",
    data_help="A CSV, TSV, Parquet or JSONL file, or a folder with a folder of .txt files for each "
    "class.",
    doc="""Train a network to classify texts, test it on texts that it has not seen, and save it.

    A fifth of the texts is kept for the test, and the accuracy is shown beside that of the
    commonest class and of logistic regression on TF-IDF of words and pairs.

    **Examples**

    `chainrule train text reviews.csv --target label --report`

    `chainrule train text messages.jsonl --text body --target spam --balanced`

    `chainrule train text mails/`
    """,
    columns=COLUMNS,
    options=OPTIONS,
    read=read_text_samples,
    evaluate=evaluate,
    describe=describe,
    dataset=dataset,
    limitations="Scores are of texts drawn at random from the same source: of texts from "
    "elsewhere or from another time they promise nothing.\n\n"
    "The model knows words, not what they mean together: of irony, and of most negations, it sees "
    "no more than their words.",
    usage="chainrule predict {} 'a text' --explain",
    examples=explained_examples,
)
