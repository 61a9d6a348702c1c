"""`TextClassifier`: sentences as they are, to classes, with the words that decided."""

from __future__ import annotations

import warnings
from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.utils.validation import check_is_fitted

from ... import optim, train
from ...data.texts import check_texts
from ...data.vocabulary import EncodedTexts, Vocabulary
from ...data.words import cut_texts
from ...errors import DataError
from ..sklearn_private import Interval, StrOptions
from . import text_file
from .attribution import Attribution, integrated_gradients, probability
from .network import COUNT, FRACTION, NetworkClassifier, row_types
from .text_file import LARGEST, LONGEST_ROW, LONGEST_WHOLE, SOLVERS
from .text_linear import chosen_solver, fit_linear, term_scale, weighted_rows
from .text_networks import BagNetwork, ConvNetwork, TransformerNetwork
from .text_reading import lengths, log_ratios, picked_texts

ENCODERS = ("bag", "conv", "transformer")
MIN_DIM, MAX_DIM = 8, 64  # entries of a vector
BATCH_SIZES = (8, 64)
MIN_STEPS, MIN_EPOCHS, MAX_EPOCHS = 600, 6, 200
SAMPLE_RATES = {"bag": 0.01, "conv": 0.003, "transformer": 0.003}
FEW_TEXTS = 500
UNREAD_SHARE = 0.01  # of what texts hold: more that is not read is worth a warning
USUAL_C = 5.0


class TextClassifier(NetworkClassifier):
    """A classifier for sentences and short texts: `fit` on a list of strings, with no tuning.

    Texts are put in lower case and cut into words (see `chainrule.data.vocabulary`); frequent
    words, pairs of neighbours, and pieces of words get a trained vector each. Any text has an
    answer: what is unknown is left out, and where nothing is left, as in an empty one, the answer
    is what the network says of nothing, about as the classes are frequent.

    Parameters
    ----------
    encoder : {"bag", "conv", "transformer"}
        How vectors become an answer. "bag": a linear map of their sum, in which each word counts
        by how unevenly the classes use it (Naive Bayes' log-ratios) or how rare it is; fast, and
        hard to beat on thousands of sentences. "conv": windows of 3 to 5 words. "transformer": two
        layers of attention. Default "bag".
    solver : {"auto", "lbfgs", "adam"}
        "lbfgs", for a bag: a vector is a number a class, all words are read as their pieces as
        well, and the one minimum of the loss is sought over all texts at once. "adam": batches of
        texts, with words and features left out at random. "auto": "lbfgs" for a bag, unless a
        parameter is set that only "adam" uses (those from `max_length` on, and `width`), or
        validation rows. Default "auto".
    C : float or None
        Inverse strength of regularisation of "lbfgs": ``|weights|**2 / (2 C n)`` is added to the
        mean loss of n texts. None: 5.
    width : int or None
        Entries of a vector. None: 64; for a bag as many as there are classes, from 8 to 64.
    bigrams : bool or None
        Whether pairs of neighbouring words have vectors, by "lbfgs" those in two texts or more.
        None: of a bag, which sees no order.
    min_df : int or None
        Texts that a word is in, at least, to have a vector of its own. None: 2, and 1 by "lbfgs"
        and of a bag below 500 texts.
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
    solver_ : {"adam", "lbfgs"}
        The one that was used.
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
        "solver": [StrOptions({"auto", *SOLVERS})],
        "C": [Interval(Real, 0, None, closed="neither"), None],
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
        solver: str = "auto",
        C: float | None = None,
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

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, validation_data: Any = None
            ) -> Self:  # fmt: skip
        """See `NetworkClassifier.fit`."""
        self._validate_params()
        self.solver_ = chosen_solver(self, validation_data)
        return super().fit(X, y, sample_weight, validation_data)

    def _learn_rows(self, X: Any, y: Any) -> Any:
        cut = cut_texts(X)
        if self.solver_ == "lbfgs":
            tokens = Vocabulary.learn_cut(
                cut, pairs=self.bigrams is None or bool(self.bigrams),
                min_count=self.min_df or 1, max_size=self.max_words, spelled=True,
            )  # fmt: skip
            counts = tokens.counts(cut)
            length = max(int(np.diff(counts.indptr).max()), 1)
            self.tokens_ = replace(tokens, whole=True, length=min(length, LONGEST_WHOLE))
            self.unread_ = 0.0
            self.scale_ = term_scale(counts, y, self.tokens_)
            return weighted_rows(counts, self.scale_, self.tokens_)
        bag = self.encoder == "bag"
        few = bag and len(X) < FEW_TEXTS
        self.tokens_, read = Vocabulary.learn_encoded(
            cut, pairs=bag if self.bigrams is None else self.bigrams,
            min_count=self.min_df or (1 if few else 2), max_size=self.max_words,
            length=self.max_length, whole=bag and self.max_length is None,
        )  # fmt: skip
        self.unread_ = self.tokens_.unread(read)
        self._tell_unread(self.unread_, "the training texts")
        self.scale_ = np.ones(self.tokens_.size, np.float32)
        if bag:
            counted = read if self.tokens_.whole else self.tokens_.cut_off(read)
            self.scale_ = log_ratios(counted, y, self.tokens_.size)
        return self._weighted(*self.tokens_.rows(read))

    def _train(self, rows: Any, targets: Any, validation: Any, key: Any, fit_key: Any) -> None:
        if self.solver_ == "adam":
            super()._train(rows, targets, validation, key, fit_key)
            return
        labels, weights = targets
        fit = fit_linear(rows, labels, weights, len(self.classes_), self.C or USUAL_C)
        module = self.make_module(key)
        self.module_ = module.replace(
            table=module.table.replace(weight=fit.weight),
            head=module.head.replace(
                weight=np.eye(len(self.classes_), dtype=np.float32), bias=fit.bias
            ),
        )
        self.row_types_ = row_types(self._padded(rows[:1]))
        self.history_ = [{"epoch": k, "loss": loss} for k, loss in enumerate(fit.losses, 1)]
        self.best_epoch_, self.stopped_ = len(fit.losses), fit.stopped

    def _rows(self, X: Any) -> dict[str, Any]:
        if self.solver_ == "lbfgs":
            return self._padded(self._sparse_rows(X))
        return self._weighted(*self.tokens_(X))

    def _sparse_rows(self, X: Any) -> Any:
        counts = self.tokens_.counts(cut_texts(X, self.tokens_.rule))
        return weighted_rows(counts, self.scale_, self.tokens_)

    def _padded(self, rows: Any) -> dict[str, Any]:
        """Sparse rows as the network takes them, longer than in training where one needs that."""
        counts = np.diff(rows.indptr).astype(np.int64)
        read = EncodedTexts(rows.indices, rows.data, counts)
        longest = max(self.tokens_.length, int(counts.max(initial=0)))
        codes, shares = self.tokens_.rows(read, longest)
        return {"codes": codes, "shares": shares}

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
        if self.solver_ == "lbfgs":
            module = self.module_
            vectors = self._sparse_rows(self._read(X)) @ module.table.weight
            logits = vectors @ module.head.weight + module.head.bias
            return np.asarray(softmax(logits, axis=1))
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
        if self.solver_ == "lbfgs":
            width = classes
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
        if getattr(self, "solver_", "adam") == "lbfgs":
            return len(self.history_), n_samples
        batch_size = self.batch_size or min(max(n_samples // 16, BATCH_SIZES[0]), BATCH_SIZES[1])
        steps = -(-n_samples // batch_size)  # of an epoch
        return self.epochs or min(max(MIN_EPOCHS, -(-MIN_STEPS // steps)), MAX_EPOCHS), batch_size

    def _optimizer(self, steps: int) -> optim.Optimizer[Any]:
        rate = self.learning_rate or SAMPLE_RATES[self.encoder]
        return optim.adamw(optim.one_cycle(rate, steps), weight_decay=self.weight_decay)

    # The model file

    def preprocessing_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return text_file.preprocessing_state(self)

    def restore_preprocessing(self, state: dict[str, Any], arrays: Any) -> None:
        text_file.restore_preprocessing(self, state, arrays)

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
        rows = self._rows_in_order(text)
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

    def _rows_in_order(self, text: str) -> dict[str, Any]:
        """One row, in the order of `Vocabulary.entries`."""
        read = self.tokens_.read([text])
        [(width, _)] = lengths(read.counts, self.tokens_.length, self.tokens_.whole)
        if self.solver_ == "adam":
            return self._weighted(*self.tokens_.rows(read, width))
        counts = self.tokens_.counts(cut_texts([text], self.tokens_.rule))
        share = np.zeros(self.tokens_.size, np.float32)  # of one of the code's entries
        share[counts.indices] = weighted_rows(counts, self.scale_, self.tokens_).data / counts.data
        codes, shares = self.tokens_.rows(read._replace(shares=share[read.codes]), width)
        return {"codes": codes, "shares": shares}

    def _code(self, label: Any) -> int:
        positions = np.flatnonzero(self.classes_ == label)
        if len(positions) != 1:
            raise DataError(f"label={label!r:.40} is no class: {self.classes_.tolist()!r:.200}")
        return int(positions[0])
