"""`TextClassifier`: sentences as they are, to classes, with the words that decided."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from ... import optim, train
from ...container import damaged
from ...data.texts import check_texts
from ...data.vocabulary import Vocabulary
from ...data.words import RULES
from ...errors import DataError
from ..serialization.schema import each, fields, finite, flag, one_of, whole
from ..sklearn_private import Interval, StrOptions
from .attribution import Attribution, integrated_gradients, probability
from .network import COUNT, FRACTION, NetworkClassifier
from .text_networks import BagNetwork, ConvNetwork, TransformerNetwork
from .text_reading import lengths, log_ratios, picked_texts

ENCODERS = ("bag", "conv", "transformer")
MIN_DIM, MAX_DIM = 8, 64  # entries of a vector
BATCH_SIZES = (8, 64)
MIN_STEPS, MIN_EPOCHS, MAX_EPOCHS = 600, 6, 200
SAMPLE_RATES = {"bag": 0.01, "conv": 0.003, "transformer": 0.003}
PARTS = ("words", "pairs", "pieces")  # of a vocabulary
LARGEST = 1_000_000  # words that have numbers
LONGEST_ROW = 4096  # numbers of a text, where one may choose
LONGEST_WHOLE = 2**27  # where all is read
FEW_TEXTS = 500
UNREAD_SHARE = 0.01  # of what texts hold: more that is not read is worth a warning


PREPARED = fields(
    {"length": whole(1, LONGEST_WHOLE), "parts": each(one_of(*PARTS), 1, len(PARTS))},
    {"rule": whole(RULES[0], RULES[-1]), "whole": flag, "unread": finite},
)


class TextClassifier(NetworkClassifier):
    """A classifier for sentences and short texts: `fit` on a list of strings, with no tuning.

    Texts are put in lower case and cut into words (see `chainrule.data.vocabulary`); frequent
    words, pairs of neighbours, and pieces of rare words get a trained vector each. Any text has an
    answer: what is unknown is left out, and where nothing is left, as in an empty one, the answer
    is what the network says of nothing, about as the classes are frequent.

    Parameters
    ----------
    encoder : {"bag", "conv", "transformer"}
        How vectors become an answer. "bag": a linear map of their mean, in which each word counts
        by how unevenly the classes use it (Naive Bayes' log-ratios); fast, and hard to beat on
        thousands of sentences. "conv": windows of 3 to 5 words. "transformer": two layers of
        attention. Default "bag".
    width : int or None
        Entries of a vector. None: 64; for a bag as many as there are classes, from 8 to 64.
    bigrams : bool or None
        Whether pairs of neighbouring words have vectors. None: of a bag, which sees no order.
    min_df : int or None
        Texts that a word is in, at least, to have a vector of its own. None: 2, and of a bag 1
        below 500 texts.
    max_words : int
        Words that have one, at most, the most frequent; bigrams, and pieces of rare words,
        likewise. Default 100,000.
    max_length : int or None
        Words, pairs and pieces that are read of a text. None: of a bag all; else so many that 98 %
        of the training texts are read whole, 512 at most. What share is not read is told by
        `unread_`, and by a warning if it is 1 % or more.
    word_dropout, dropout : float
        Shares of the words, and of the features, that a step leaves out; within a transformer 0.1
        at most. Default 0.3 and 0.3.
    learning_rate : float or None
        The largest of a one-cycle schedule. None: 0.01 for a bag, else 0.003.
    epochs : int or None
        How often to meet all texts. None: 6, and more of fewer texts, so that there are 600 steps.
    batch_size : int or None
        Texts a step. None: 64, and a 16th of fewer than 1,024, 8 at least.
    weight_decay, label_smoothing, class_weight, ema
        See `NetworkClassifier`. Default 0.01, 0, None, 0.99.
    validation_fraction, patience
        See `NetworkClassifier`. Default 0: all rows are trained on, and the last epoch counts.
    random_state, n_threads, progress, callbacks, checkpoint, checkpoint_interval
        See `NetworkClassifier`.

    Attributes
    ----------
    tokens_ : Vocabulary
        The vocabulary.
    scale_ : float32 array of shape (tokens_.size,)
        How much each word, pair and piece counts.
    unread_ : float or None
        The share of what the training texts hold that is past `max_length`; None if the model is
        of a file that does not tell.
    classes_, module_, history_, loss_curve_, n_iter_, best_epoch_, stopped_
        See `NetworkClassifier`.

    References
    ----------
    A. Joulin, E. Grave, P. Bojanowski, T. Mikolov: "Bag of tricks for efficient text
    classification", arXiv:1607.01759 (2016); S. Wang, C. D. Manning: "Baselines and bigrams:
    simple, good sentiment and topic classification", ACL (2012), for the log-ratios; Y. Kim:
    "Convolutional neural networks for sentence classification", arXiv:1408.5882 (2014).

    Examples
    --------
    >>> texts = ["a good film", "good fun", "what a bad film", "bad, bad, bad"] * 10
    >>> labels = ["yes", "yes", "no", "no"] * 10
    >>> model = TextClassifier(random_state=0, epochs=20).fit(texts, labels)
    >>> model.predict(["Good!", "so bad"]).tolist()
    ['yes', 'no']
    >>> told = model.attribute("not bad")
    >>> told.label, told.words
    ('no', ('not', 'bad'))
    >>> bool(told.scores[1] > 1)
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **NetworkClassifier._parameter_constraints,
        "encoder": [StrOptions(set(ENCODERS))],
        "width": [Interval(Integral, 1, 1024, closed="both"), None],
        "bigrams": ["boolean", None],
        "min_df": [Interval(Integral, 1, None, closed="left"), None],
        "max_words": [Interval(Integral, 1, LARGEST, closed="both")],
        "max_length": [Interval(Integral, 1, LONGEST_ROW, closed="both"), None],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "epochs": [*COUNT, None],
        "batch_size": [*COUNT, None],
        "word_dropout": FRACTION,
        "dropout": FRACTION,
    }

    def __init__(
        self,
        encoder: str = "bag",
        *,
        width: int | None = None,
        bigrams: bool | None = None,
        min_df: int | None = None,
        max_words: int = 100_000,
        max_length: int | None = None,
        word_dropout: float = 0.3,
        dropout: float = 0.3,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        weight_decay: float = 0.01,
        label_smoothing: float = 0.0,
        class_weight: Any = None,
        ema: float | None = 0.99,
        validation_fraction: float = 0.0,
        patience: int | None = None,
        random_state: Any = None,
        n_threads: int | None = None,
        progress: bool = True,
        callbacks: Any = None,
        checkpoint: str | Path | None = None,
        checkpoint_interval: float = 10.0,
    ) -> None:
        self._set(locals())

    # From texts to rows

    def _read(self, X: Any) -> list[str]:
        return check_texts(X)

    def _learn(self, X: Any, y: Any) -> None:
        bag = self.encoder == "bag"
        few = bag and len(X) < FEW_TEXTS
        self.tokens_ = Vocabulary.learn(
            X, pairs=bag if self.bigrams is None else self.bigrams,
            min_count=self.min_df or (1 if few else 2), max_size=self.max_words,
            length=self.max_length, whole=bag and self.max_length is None,
        )  # fmt: skip
        read = self.tokens_.read(X)
        self.unread_ = self.tokens_.unread(read)
        self._tell_unread(self.unread_, "the training texts")
        self.scale_ = np.ones(self.tokens_.size, np.float32)
        if bag:
            if not self.tokens_.whole:
                read = self.tokens_.cut_off(read)
            self.scale_ = log_ratios(read, y, self.tokens_.size)

    def _rows(self, X: Any) -> dict[str, Any]:
        return self._weighted(*self.tokens_(X))

    def _weighted(self, codes: Any, shares: Any) -> dict[str, Any]:
        if self.encoder == "bag":
            count = np.maximum(np.sum(shares, axis=1, keepdims=True), 1.0)
            shares = shares * self.scale_[codes] / count
        return {"codes": codes, "shares": shares}

    def _tell_unread(self, share: float, texts: str) -> None:
        if self.max_length is not None or share < UNREAD_SHARE:
            return
        advice = f"give max_length (up to {LONGEST_ROW}), or encoder='bag', which reads all"
        if self.encoder == "bag":  # of a file of before bags read all
            advice = "fit it anew, and it reads all"
        warnings.warn(
            f"{100 * share:.0f} % of what {texts} hold is not read: encoder={self.encoder!r} reads "
            f"{self.tokens_.length} words of a text; {advice}",
            stacklevel=3,
        )

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """The probability of each class for each input, float32 of shape (n_samples, n_classes).

        A bag reads all of a text, however long; other encoders warn of what they do not read.
        """
        check_is_fitted(self, "module_")
        read = self.tokens_.read(self._read(X))
        self._tell_unread(self.tokens_.unread(read), "these texts")
        network, length = self.probability_network(), self.tokens_.length
        probabilities = np.zeros((len(read.counts), len(self.classes_)), np.float32)
        with self._threads():
            for width, texts in lengths(read.counts, length, self.tokens_.whole):
                rows = self._weighted(*self.tokens_.rows(picked_texts(read, texts), width))
                probabilities[texts] = train.predict(network, rows)
        return probabilities

    def make_module(self, key: Any) -> Any:
        classes = len(self.classes_)
        usual = min(max(MIN_DIM, classes), MAX_DIM) if self.encoder == "bag" else MAX_DIM
        size, width = self.tokens_.size, self.width or usual
        word_dropout, dropout = float(self.word_dropout), float(self.dropout)
        if self.encoder == "transformer":
            return TransformerNetwork(
                size, width, classes, word_dropout=word_dropout, dropout=dropout, key=key,
                length=self.tokens_.length,
            )  # fmt: skip
        kind = BagNetwork if self.encoder == "bag" else ConvNetwork
        return kind(size, width, classes, word_dropout=word_dropout, dropout=dropout, key=key)

    def schedule(self, n_samples: int) -> tuple[int, int]:
        """How long `fit` trains on so many texts: the number of epochs, and the batch size."""
        batch_size = self.batch_size or min(max(n_samples // 16, BATCH_SIZES[0]), BATCH_SIZES[1])
        steps = -(-n_samples // batch_size)  # of an epoch
        return self.epochs or min(max(MIN_EPOCHS, -(-MIN_STEPS // steps)), MAX_EPOCHS), batch_size

    def _optimizer(self, steps: int) -> optim.Optimizer[Any]:
        rate = self.learning_rate or SAMPLE_RATES[self.encoder]
        return optim.adamw(optim.one_cycle(rate, steps), weight_decay=self.weight_decay)

    # The model file

    def preprocessing_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        arrays = {"scale": self.scale_}
        for name in PARTS:
            if entries := getattr(self.tokens_, name):
                arrays[name] = np.frombuffer("\n".join(entries).encode(), np.uint8)
        part_names = [name for name in PARTS if name in arrays]
        return {
            "length": self.tokens_.length, "parts": part_names, "rule": self.tokens_.rule,
            "whole": self.tokens_.whole,
        } | ({} if self.unread_ is None else {"unread": self.unread_}), arrays  # fmt: skip

    def restore_preprocessing(self, state: dict[str, Any], arrays: Any) -> None:
        checked = PREPARED(state, "the vocabulary")
        if any(array.shape[1:] != (checked["length"],) for array in self.row_types_.values()):
            raise damaged("its rows are not as long as its vocabulary says")
        reads_all = checked.get("whole", False)
        if (not reads_all and checked["length"] > LONGEST_ROW) or (
            reads_all and self.encoder != "bag"
        ):
            raise damaged("its texts are longer than its encoder reads")
        entries = {name: _entries(arrays(name), name) for name in dict.fromkeys(checked["parts"])}
        self.tokens_ = Vocabulary(
            **entries, length=checked["length"], whole=reads_all, rule=checked.get("rule", RULES[0])
        )
        self.unread_ = checked.get("unread")
        self.scale_ = arrays.numbers("scale", (self.tokens_.size,), np.dtype(np.float32))

    # Why

    def attribute(self, text: str, label: Any = None) -> Attribution:
        """What each word of a text adds to the log-odds of a class, by integrated gradients.

        Parameters
        ----------
        text : str
        label : object, optional
            One of `classes_`. Default: the class that is predicted.

        Returns
        -------
        Attribution
            Its scores add up to the log-odds of the class for this text, less those for a text
            whose words say nothing (vectors of 0), within 0.001. What belongs to a pair of words is
            shared by both; words that are unknown, or past `max_length`, have 0.

        Raises
        ------
        DataError
            If the text is no text, or the label no class.

        References
        ----------
        M. Sundararajan, A. Taly, Q. Yan: "Axiomatic attribution for deep networks",
        arXiv:1703.01365 (2017).
        """
        check_is_fitted(self, "module_")
        if not isinstance(text, str):
            raise DataError(f"text is a {type(text).__name__}: give one text, as str")
        read = self.tokens_.read([text])
        [(width, _)] = lengths(read.counts, self.tokens_.length, self.tokens_.whole)
        rows = self._weighted(*self.tokens_.rows(read, width))
        logits = np.asarray(self.module_(rows))
        code = int(np.argmax(logits)) if label is None else self._code(label)
        vectors = np.asarray(self.module_.vectors(rows))
        contributions, base = integrated_gradients(self.module_, vectors, rows["shares"], code)
        words = self.tokens_.cut(text)
        scores = np.zeros(len(words))
        for entry, contribution in zip(self.tokens_.entries(text), contributions, strict=False):
            scores[entry.first : entry.last + 1] += contribution / (entry.last + 1 - entry.first)
        return Attribution(
            self.classes_[code].item() if hasattr(self.classes_[code], "item")
            else self.classes_[code],
            probability(logits, code), tuple(words), scores, base,
        )  # fmt: skip

    def _code(self, label: Any) -> int:
        positions = np.flatnonzero(self.classes_ == label)
        if len(positions) != 1:
            raise DataError(f"label={label!r:.40} is no class: {self.classes_.tolist()!r:.200}")
        return int(positions[0])


def _entries(array: Any, name: str) -> tuple[str, ...]:
    """A part of the vocabulary, from the bytes of its lines."""
    if array.dtype != np.uint8 or array.ndim != 1:
        raise damaged(f"its {name} are no text")
    try:
        entries = tuple(array.tobytes().decode().split("\n"))
    except UnicodeDecodeError:
        raise damaged(f"its {name} are no text") from None
    if "" in entries or len(set(entries)) < len(entries) or len(entries) > LARGEST:
        raise damaged(f"its {name} are empty, twice the same, or too many")
    return entries
