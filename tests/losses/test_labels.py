"""Labels out of range: every loss times every fault, on numbers and where only shapes are known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from chainrule import configured, grad, jit, losses, nn, optim, random, value_and_grad
from chainrule.errors import TrainingError
from chainrule.train import fit

pytestmark = pytest.mark.usefixtures("_unoptimised")

RNG = np.random.default_rng(0)
NAN = np.nan
ROWS, CLASSES, STEPS = 4, 3, 5
LOGITS = RNG.normal(size=(ROWS, CLASSES))
COLUMN = RNG.normal(size=ROWS)
SHARES = np.full((ROWS, CLASSES), 1 / 3)
SAID = np.log(np.full((ROWS, STEPS, CLASSES), 1 / 3))

Loss = Callable[..., Any]


def of(good: Any, bad: Any, place: Any = 1) -> np.ndarray:
    """The good labels with a bad one in the second row."""
    labels = np.array(good, np.result_type(np.asarray(good), np.asarray(bad)))
    labels[place] = bad
    return labels


def spoken(
    targets: Any = ((1, 2),) * ROWS, lengths: Any = (STEPS,) * ROWS, sizes: Any = (2,) * ROWS
) -> tuple[Any, ...]:
    return np.array(targets), np.array(lengths), np.array(sizes)


ROW_SMOOTHED = partial(losses.softmax_cross_entropy, label_smoothing=0.1)
BINARY_SMOOTHED = partial(losses.sigmoid_binary_cross_entropy, label_smoothing=0.1)
CLASSIFY = [losses.softmax_cross_entropy, ROW_SMOOTHED]
BINARY = [losses.sigmoid_binary_cross_entropy, BINARY_SMOOTHED]
AMOUNTS = [losses.poisson_deviance, losses.tweedie_deviance]

# The loss, its first argument, labels of which those of the second row are out of range, and what
# the error says
FAULTS: list[tuple[Loss, Any, tuple[Any, ...], str]] = [
    *[(f, LOGITS, (of([0, 1, 2, 0], bad),), f"{bad}.*3 classes, 0 to 2")
      for f in CLASSIFY for bad in (-1, -2, CLASSES, 255, 2**40)],
    *[(f, LOGITS, (of(np.uint8([0, 1, 2, 0]), np.uint8(bad)),), f"{bad}.*3 classes, 0 to 2")
      for f in CLASSIFY for bad in (CLASSES, 255)],
    *[(f, LOGITS, (of(SHARES, bad, (1, 2)),), words) for f in CLASSIFY
      for bad, words in ((-0.5, "run from -0.5 to 0.33"), (1.5, "to 1.5"), (NAN, "one is nan"))],
    *[(f, COLUMN, (of([0, 1, 1, 0], bad),), words) for f in BINARY
      for bad, words in ((2, "from 0.0 to 2.0.*labels - 1"), (-1, "from -1.0.*labels . 1"),
                         (1.01, "to 1.01"), (-0.01, "from -0.01"), (NAN, "one is nan"))],
    *[(f, COLUMN, (of([0.0, 2.0, 3.0, 0.5], bad),), words) for f in AMOUNTS
      for bad, words in ((-1.0, "is -1.0"), (-1e-9, "is -1e-09"), (NAN, "is nan"))],
    *[(losses.ctc_loss, SAID, spoken(targets=of([[1, 2]] * ROWS, bad, (1, 0))), words)
      for bad, words in ((-1, r"\[-1, 1, 2\]"), (3, r"\[1, 2, 3\]"), (0, r"blank 0.*\[0, 1, 2\]"))],
    *[(losses.ctc_loss, SAID, spoken(lengths=of([STEPS] * ROWS, bad)), words)
      for bad, words in ((-1, "input_lengths run from -1"), (STEPS + 1, "0 to 5 fit"))],
    *[(losses.ctc_loss, SAID, spoken(sizes=of([2] * ROWS, bad)), words)
      for bad, words in ((-1, "target_lengths run from -1"), (3, "0 to 2 fit"))],
]  # fmt: skip
IDS = [f"{getattr(loss, 'func', loss).__name__}-{k}" for k, (loss, *_) in enumerate(FAULTS)]


@pytest.mark.parametrize(("loss", "given", "labels", "words"), FAULTS, ids=IDS)
def test_label_out_of_range(loss: Loss, given: Any, labels: tuple[Any, ...], words: str) -> None:
    """Numbers: an error of the user's line. Shapes: nan, and a slope of nan, in its row alone.

    (Or the error that compiled code raises where it is to read what is not there.)
    """
    with pytest.raises(ValueError, match=words) as caught:
        loss(given, *labels)
    assert "test_labels.py" in str(caught.value)
    with pytest.raises(ValueError, match=words):
        grad(loss)(given, *labels)
    with pytest.raises(ValueError, match=words):  # constants of a compiled function are numbers
        jit(lambda x: loss(x, *labels))(given)

    others = np.arange(ROWS) != 1
    kept = loss(given[others], *[x[others] for x in labels], reduction="none")
    for backend in ("llvm", "numpy"):
        with configured(backend=backend):
            if _has_no_place(given, labels[0]):  # a table of classes is read outside of it
                with pytest.raises(IndexError, match="out of bounds"):
                    jit(loss)(given, *labels)
                continue
            each = jit(lambda x, *y: loss(x, *y, reduction="none"))(given, *labels)
            np.testing.assert_array_equal(np.isnan(each), ~others)
            np.testing.assert_allclose(each[others], kept, rtol=1e-12)
            assert np.isnan(jit(loss)(given, *labels))
            value, slope = jit(value_and_grad(loss))(given, *labels)
            assert np.isnan(value)
            rows = np.isnan(slope.reshape(ROWS, -1))
            assert rows[1].all()
            assert not rows[others].any()


def _has_no_place(given: Any, labels: Any) -> bool:
    """Whether a class is none, counted from either end."""
    if labels.dtype.kind == "f" or given.ndim == 1:
        return False
    return bool(np.any((labels >= CLASSES) | (labels < -CLASSES)))


def test_shares_out_of_range_mark_their_place_alone() -> None:
    """Of logits (rows, steps, classes) each step is a place of its own."""
    logits, shares = RNG.normal(size=(2, 4, 3)), np.full((2, 4, 3), 1 / 3)
    shares[1, 2] = [1.5, -0.5, 0.0]
    each = jit(lambda x, y: losses.softmax_cross_entropy(x, y, reduction="none"))(logits, shares)
    assert [[1, 2]] == np.argwhere(np.isnan(each)).tolist()


@pytest.mark.parametrize("loss", BINARY)
def test_labels_are_seen_while_they_are_traced(loss: Loss) -> None:
    """A derivative by the labels does not hide them: their numbers are known."""
    with pytest.raises(ValueError, match=r"to 2\.0"):
        grad(loss, argnums=(0, 1))(COLUMN, np.array([0.0, 2.0, 1.0, 1.0]))


def test_shares_of_mixed_labels_may_round() -> None:
    """0.7 and 0.3 in float32 add up to a little more than 1."""
    share = np.nextafter(np.float32(1), np.float32(2))
    labels = np.array([share, 0, 1, 1], np.float32)
    assert np.isfinite(losses.sigmoid_binary_cross_entropy(COLUMN.astype(np.float32), labels))
    assert np.isfinite(jit(losses.sigmoid_binary_cross_entropy)(COLUMN.astype(np.float32), labels))


def small(outputs: int) -> nn.MLP:
    return nn.MLP(2, (4,), outputs, key=random.key(0))


X = RNG.normal(size=(40, 2)).astype(np.float32)
BITS = np.arange(40) % 2


def binary(outputs: Any, y: Any) -> Any:
    return losses.sigmoid_binary_cross_entropy(outputs[:, 0], y)


@pytest.mark.parametrize(
    ("outputs", "loss", "labels", "words"),
    [
        (2, losses.softmax_cross_entropy, of(BITS, -1, 7), "run from -1 to 1.*2 classes"),
        (2, losses.softmax_cross_entropy, BITS + 1, "run from 1 to 2.*2 classes"),
        (1, binary, BITS + 1, "from 1.0 to 2.0.*labels - 1"),
        (1, binary, 2 * BITS - 1, "from -1.0 to 1.0.*labels . 1"),
        (1, lambda z, y: losses.poisson_deviance(z[:, 0], y), of(BITS, -3, 9), "is -3.0"),
    ],
)
def test_fit_names_the_label(outputs: int, loss: Loss, labels: Any, words: str) -> None:
    """Before the first step, whether trained on or held out."""
    settings: dict[str, Any] = {"loss": loss, "optimizer": optim.sgd(0.1), "epochs": 1}
    with pytest.raises(ValueError, match=words):
        fit(small(outputs), X, labels, **settings)
    with pytest.raises(ValueError, match=words):
        fit(small(outputs), X, BITS, validation_data=(X, labels), **settings)


def test_labels_that_an_augmentation_spoils() -> None:
    """They are made inside of the epoch: its loss is nan, and the error says where to look."""
    with pytest.raises(TrainingError, match="loss became nan.*labels that augment"):
        fit(small(1), X, BITS.astype(np.float32), loss=binary, optimizer=optim.sgd(0.1), epochs=2,
            augment=lambda x, y, key: (x, y + 1))  # fmt: skip
