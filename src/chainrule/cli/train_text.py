"""`chainrule train text`: from a file or folder of texts to a saved model and a test score."""

from __future__ import annotations

import shlex
import warnings
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from .. import estimators
from ..data.column_values import as_texts
from ..data.texts import read_texts
from ..errors import DataError
from ..lazy import LazyModule
from ..version import __version__
from . import keeping, options
from .console import PlainConsole, console, table
from .options import Output, Report, Seed, TestFraction
from .texts import cells

linear = LazyModule("sklearn.linear_model")
metrics = LazyModule("sklearn.metrics")
pages = LazyModule("chainrule.report")
reporting = LazyModule("chainrule.cli.reporting")
selection = LazyModule("sklearn.model_selection")
words = LazyModule("sklearn.feature_extraction.text")
pd = LazyModule("pandas")

FEWEST = 10  # rows, of which some are to be tested on
EXAMPLES = 8  # texts of the report whose words are coloured
LIMITATIONS = (
    "Scores are of texts drawn at random from the same source: of texts from elsewhere or from "
    "another time they promise nothing.\n\n"
    "The model knows words, not what they mean together: of irony, and of most negations, it sees "
    "no more than their words."
)


@dataclass(frozen=True)
class Texts:
    """Texts and their labels, those to train on first, and where they come from."""

    name: str
    column: str
    target: str
    train: tuple[list[str], Any]
    test: tuple[list[str], Any]


def train_text(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A CSV, TSV, Parquet or JSONL file, or a folder with a folder of .txt files for "
            "each class.",
        ),
    ],
    target: Annotated[
        str | None, typer.Option("--target", "-t", help="The column of classes. [default: the "
                                 "last one that is no text]"),
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="The column of texts. [default: the one with the longest]")
    ] = None,
    encoder: Annotated[str, typer.Option(help="bag, conv or transformer.")] = "bag",
    output: Output = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the texts. [default: by their number]")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Texts a step. [default: by their number, 64 at most]")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Largest learning rate of AdamW. [default: 0.01, and "
                                   "0.003 of conv and transformer]"),
    ] = None,
    width: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Numbers a word. [default: 64; of a bag "
                                 "as many as classes, from 8]"),
    ] = None,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="Let rare classes count as much as frequent ones.")
    ] = False,
    test_fraction: TestFraction = 0.2,
    seed: Seed = 0,
    report: Report = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the accuracy alone.")] = False,
) -> None:  # fmt: skip
    """Train a network to classify texts, test it on texts that it has not seen, and save it.

    A fifth of the texts is kept for the test, and the accuracy is shown beside that of the
    commonest class and of logistic regression on TF-IDF of words and pairs.

    **Examples**

    `chainrule train text reviews.csv --target label --report`

    `chainrule train text messages.jsonl --text body --target spam --balanced`

    `chainrule train text mails/`
    """
    if encoder not in ("bag", "conv", "transformer"):
        raise DataError(f"--encoder {encoder}: give bag, conv or transformer")
    if rate is not None:
        options.check_rate(rate)
    options.check_fraction("--test-fraction", test_fraction)
    place, page = options.places(data, output, report)
    out = console(quiet=quiet)
    texts = read(data, text, target, test_fraction, seed, out)
    with warnings.catch_warnings():  # what is not read is told once, below
        warnings.filterwarnings("ignore", ".* is not read", UserWarning)
        model = estimators.TextClassifier(
            encoder, width=width, epochs=epochs, batch_size=batch_size, learning_rate=rate,
            class_weight="balanced" if balanced else None, random_state=seed, progress=not quiet,
        ).fit(*texts.train)  # fmt: skip
        scores = scored(model, texts)
    chosen = {
        "target": texts.target, "text": texts.column, "encoder": encoder, "epochs": epochs,
        "batch-size": batch_size, "rate": rate, "width": width, "test-fraction": test_fraction,
        "seed": seed,
    }  # fmt: skip
    command = repeated(data, chosen, balanced)
    model.set_params(progress=True)
    card = {
        "data": texts.name, "target": texts.target, "text": texts.column,
        "task": "classification", "train_rows": len(texts.train[0]),
        "test_rows": len(texts.test[0]), "metric": "accuracy",
        "score": scores["network"]["accuracy"], "baselines": {
            name: row["accuracy"] for name, row in scores.items() if name != "network"
        },
        "command": command, "chainrule": __version__,
    }  # fmt: skip
    saved = keeping.kept(place, lambda path: model.save(path, card=card))
    shown = None
    if page is not None:
        shown = reporting.write(page, described(model, texts, scores, chosen, command))
    if quiet:
        print(f"{scores['network']['accuracy']:.4f}")
    else:
        say(out, model, texts, scores, saved, shown)
    keeping.leave(model.stopped_ == "interrupted", (place, saved), (page, shown))


def read(
    data: str, text: str | None, target: str | None, fraction: float, seed: int, out: PlainConsole
) -> Texts:
    """The texts of a file, and which of them to test on."""
    given = read_texts(data)
    for note in given.notes:
        out.say(f"note: {note}")
    frame = given.frame
    for option, name in (("--text", text), ("--target", target)):
        if name is not None and name not in frame.columns:
            shown = ", ".join(map(repr, frame.columns[:8]))
            raise DataError(f"{option}: {given.name} has no column {name!r}; it has {shown}")
    column = text or longest(frame, target or given.target)
    label = target or given.target or next(
        (name for name in reversed(list(frame.columns)) if name != column), None
    )  # fmt: skip
    if label is None or label == column:
        raise DataError(f"{given.name} has no column of classes beside the texts {column!r}")
    known = frame[frame[label].notna()]
    if len(known) < len(frame):
        out.say(f"note: {len(frame) - len(known)} rows without a class are left out")
    empty = int(known[column].isna().sum())
    if empty:
        out.say(f"note: {empty} missing texts are read as empty ones")
    found = cells(given.name, known, column)
    labels = as_texts(known[label]).astype(str)
    return shared_out(given.name, column, label, found, labels, fraction, seed)


def shared_out(
    name: str, column: str, target: str, found: list[str], labels: Any, fraction: float, seed: int
) -> Texts:
    """Texts to train and to test on, as many of each class where that is possible."""
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2:
        raise DataError(f"column {target!r} of {name} holds one class only: there is nothing to "
                        "tell apart")  # fmt: skip
    size = round(len(found) * fraction)
    if len(found) < FEWEST or size < 1 or len(found) - size < 2:
        raise DataError(f"{name} has {len(found)} texts: give {FEWEST} or more, some to test on")
    even = counts.min() >= 2 and min(size, len(found) - size) >= len(classes)
    kept, held = selection.train_test_split(
        np.arange(len(found)), test_size=size, random_state=seed, stratify=labels if even else None
    )
    if len(set(labels[kept])) < 2:
        raise DataError(f"{name}: the texts to train on are of one class only; give more")
    train, test = (([found[k] for k in part], labels[part]) for part in (kept, held))
    return Texts(name, column, target, train, test)


def longest(frame: Any, target: str | None) -> str:
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


def scored(model: Any, texts: Texts) -> dict[str, dict[str, float]]:
    """Accuracy and mean F1 on the texts of the test, of the model and of what it should beat."""
    found, labels = texts.train
    tfidf = words.TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\b\w+\b")
    regression = linear.LogisticRegression(max_iter=1000, class_weight=model.class_weight)
    regression.fit(tfidf.fit_transform(found), labels)
    classes, counts = np.unique(labels, return_counts=True)
    asked, truth = texts.test
    answers = {
        "network": model.predict(asked),
        "TF-IDF and logistic regression": regression.predict(tfidf.transform(asked)),
        "the commonest class": np.full(len(truth), classes[np.argmax(counts)]),
    }
    return {
        name: {
            "accuracy": float(metrics.accuracy_score(truth, answer)),
            "mean F1": float(metrics.f1_score(truth, answer, average="macro", zero_division=0)),
        }
        for name, answer in answers.items()
    }


def repeated(data: str, chosen: dict[str, Any], balanced: bool) -> str:
    """The command that trains the same model again."""
    told = ["chainrule", "train", "text", data]
    for name, value in chosen.items():
        if value is not None:
            told += [f"--{name}", str(value)]
    return shlex.join(told + ["--balanced"] * balanced)


def described(
    model: Any, texts: Texts, scores: dict[str, dict[str, float]], chosen: Any, command: str
) -> Any:
    """The report: scores, curves, and some texts of the test whose words are coloured."""
    asked, truth = texts.test
    made = np.asarray(model.predict_proba(asked), np.float64)
    places = {name: k for k, name in enumerate(model.classes_.tolist())}
    known = np.array([label in places for label in truth])
    names = [name for name in scores if name != "network"]
    return pages.Report(
        task="classification", data=texts.name, date=date.today().isoformat(),
        scores=scores["network"], target=texts.target, classes=list(places),
        baselines={name: scores[name] for name in names},
        history=model.history_, best_epoch=model.best_epoch_,
        truth=[places[label] for label in truth[known]],
        probabilities=(made / made.sum(axis=1, keepdims=True))[known],
        examples=[
            (told.label, str(label), told.probability, told.words, told.scores)
            for told, label in ((model.attribute(one), label)
                                for one, label in zip(asked[:EXAMPLES], truth, strict=False))
        ],
        settings=chosen, seed=chosen["seed"], command=command, versions=reporting.versions(),
        dataset={
            "texts to train on": len(texts.train[0]), "texts to test on": len(asked),
            "words, pairs and pieces": model.tokens_.size - 1,
            "of them read of a text, at most": "all" if model.tokens_.whole
            else model.tokens_.length,
            "of what the texts hold, not read": f"{100 * model.unread_:.1f} %",
        },
        limitations=LIMITATIONS,
    )  # fmt: skip


def say(
    out: PlainConsole, model: Any, texts: Texts, scores: Any, place: Path, page: Path | None
) -> None:
    """What was trained, how well it does, and what to do with it."""
    out.say(
        f"{texts.name}: {len(model.classes_)} classes of {texts.target!r} from {texts.column!r}, "
        f"{len(texts.train[0])} texts to train on, {len(texts.test[0])} to test on, "
        f"{model.tokens_.size - 1} words, pairs and pieces"
    )
    if model.unread_:
        out.say(
            f"note: {100 * model.unread_:.1f} % of what these texts hold is not read: "
            f"{model.encoder} reads {model.tokens_.length} words of a text, bag reads all"
        )
    title = f"on {len(texts.test[0])} texts not seen in training"
    scored = table("model", "accuracy", "mean F1", right=(1, 2), title=title)
    for name, row in scores.items():
        style = "bold green" if name == "network" else None
        scored.add_row(name, *[f"{value:.4f}" for value in row.values()], style=style)
    out.print(scored)
    if page is not None:
        out.say(f"wrote {page}: open it in a browser")
    out.say(f"saved {place}; use it with: chainrule predict {place} 'a text' --explain")
