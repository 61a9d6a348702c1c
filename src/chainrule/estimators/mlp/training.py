"""Training in epochs: what scikit-learn does between them, and what its users asked for."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from math import inf
from multiprocessing import parent_process
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from ... import random
from ...train.checkpoint_file import CheckpointFile
from ...train.loop import EpochLoop
from ...train.progress import Meter
from ...train.result import EpochReport, StopReason
from ..inputs.rows import is_compact, issparse, pieces_in_order
from .checkpoint import FORMAT, GeneratorState, fingerprint
from .evaluating import evaluate
from .history import History
from .network import FittedNetwork
from .optimizer import Optimizer
from .settings import PerceptronSettings
from .sklearn_callbacks import FitTask
from .steps import Hyperparameters, make_epoch

# What may decide which epoch is the best: the best value so far in a `History`; its sign if less is
# better
MONITORED = {"loss": ("best_loss", -1), "validation_loss": ("best_validation_loss", -1),
             "validation_score": ("best_validation_score", 1)}  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """Rows (perhaps sparse), encoded targets of shape (rows, outputs), and weights or None."""

    x: Any
    y: Any
    w: Any = None

    @property
    def arrays(self) -> tuple[Any, ...]:
        """Those that there are."""
        return (self.x, self.y) if self.w is None else (self.x, self.y, self.w)


class Training(EpochLoop):
    """One call of `fit`, or of `partial_fit`, with a stochastic solver.

    Parameters
    ----------
    settings : PerceptronSettings
    network : FittedNetwork
        To begin with.
    optimizer : Optimizer
    history : History
        Of the epochs so far.
    rows, validation : Rows
        To train on, and to validate on, or None.
    random_state : RandomState
    score : callable
        ``score(y, outputs, weights)`` of validation rows.
    publish : callable
        ``publish(network, history)``: called after each epoch, it returns the model for reports.
    stratify : bool
        Whether classes have equal shares in the rows that early stopping holds out.
    incremental : bool
        Whether there is one epoch only.
    parameters : callable
        Returns all settings of the model, by which its checkpoint is known.
    task : FitTask, optional
    """

    def __init__(
        self,
        settings: PerceptronSettings,
        network: FittedNetwork,
        optimizer: Optimizer,
        history: History,
        rows: Rows,
        validation: Rows | None,
        *,
        random_state: Any,
        score: Callable[[Any, Any, Any], float],
        publish: Callable[[FittedNetwork, History], Any],
        stratify: bool = False,
        incremental: bool = False,
        parameters: Callable[[], Mapping[str, Any]] = dict,
        task: FitTask | None = None,
    ) -> None:
        self.settings, self.network, self.optimizer = settings, network, optimizer
        self.history, self.random_state, self.score = history, random_state, score
        self.publish, self.incremental = publish, incremental
        self.task = task if task is not None and task.has_callbacks else None
        self.best = network
        self.stopped: StopReason = "epochs"
        self._numbers: Any = None
        stored = None
        if settings.checkpoint is not None and not incremental:
            start = network if history.n_samples_seen else None  # it goes on from another fit
            mark = fingerprint(parameters(), rows, validation, start)
            self.file = CheckpointFile(
                settings.checkpoint, settings.checkpoint_interval, FORMAT, mark
            )
            stored = self._read_checkpoint(self.file)
        self.generator_at_start = GeneratorState.of(random_state)
        if settings.early_stopping and validation is None:
            rows, validation = self._hold_out(rows, stratify)
        self.rows, self.validation = rows, validation
        self.monitored = self._monitored()
        if validation is not None and history.validation_scores is None:
            history.validation_scores, history.best_validation_score = [], -inf
        if self.monitored == "loss" and history.best_loss is None:
            history.best_loss = inf
        self.x, self.y, self.w = self._cast(rows)
        self.n_rows: int = self.x.shape[0]
        self.batch_size = self._batch_size()
        self.epoch = make_epoch(optimizer.config, self.batch_size)
        self.order = np.arange(self.n_rows)
        self.key = None
        if optimizer.config.draws_random_numbers:
            key = random.key(int(random_state.randint(2**31)))
            self.key = random.fold_in(key, history.n_samples_seen)  # those of fits before
        history.n_iter = 0
        if stored is not None:
            self._restore(*stored)

    # The rows

    def _hold_out(self, rows: Rows, stratify: bool) -> tuple[Rows, Rows]:
        """Split off the rows to validate on."""
        parts = train_test_split(
            *rows.arrays, random_state=self.random_state,
            test_size=self.settings.validation_fraction, stratify=rows.y if stratify else None,
        )  # fmt: skip
        if parts[1].shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                "or the size of your dataset."
            )
        return Rows(*parts[::2]), Rows(*parts[1::2])

    def _cast(self, rows: Rows) -> tuple[Any, Any, Any]:
        """The rows as the compiled epoch takes them."""
        x, y, w = rows.x, rows.y, rows.w
        dtype = self.network.dtype
        as_it_is = y.dtype == bool or self.network.perceptron.takes_codes(y)
        if not is_compact(x):
            x = x.tocsr().astype(dtype) if issparse(x) else np.ascontiguousarray(x, dtype)
        return (
            x,
            y if as_it_is else np.ascontiguousarray(y, dtype),
            None if w is None else np.ascontiguousarray(w, dtype),
        )

    def _batch_size(self) -> int:
        size = self.settings.batch_size
        if size == "auto":
            return min(200, self.n_rows)
        if size > self.n_rows:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than "
                "sample size. It is going to be clipped",
                stacklevel=2,
            )
        return int(min(size, self.n_rows))

    def _monitored(self) -> str:
        """What decides which epoch is the best: a key of `MONITORED`."""
        monitor = self.settings.monitor
        if monitor == "auto":
            return "validation_score" if self.settings.early_stopping else "loss"
        if self.incremental:
            return "loss"
        if monitor != "loss" and self.validation is None:
            raise ValueError(f"monitor={monitor!r} needs validation_data, or early_stopping=True")
        return str(monitor)

    # Epochs

    def train(self) -> FittedNetwork:
        """Train until it no longer helps, and return the network to keep."""
        settings, task = self.settings, self.task
        callbacks = list(settings.callbacks or ())
        if task is not None:
            callbacks.append(lambda _: task.end_epoch(self._attributes()))
        shows = bool(settings.progress) and not settings.verbose and parent_process() is None
        with Meter(settings.max_iter, shows and not self.incremental) as meter:
            if meter.enabled:
                callbacks.insert(0, meter.show)
            epochs = 1 if self.incremental else settings.max_iter
            stopped = self.run(self.history.n_iter + 1, epochs, callbacks)
        self.stopped = stopped
        if stopped == "interrupted":
            warnings.warn("Training interrupted by user.", stacklevel=2)
        elif stopped == "epochs" and not self.incremental:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) "
                "reached and the optimization hasn't converged yet.",
                ConvergenceWarning, stacklevel=2,
            )  # fmt: skip
        return self.result

    @property
    def result(self) -> FittedNetwork:
        """The network to keep if training ends now."""
        return self.best if self.settings.early_stopping else self.network

    def _attributes(self) -> dict[str, Any]:
        return {"fitted_network": self.result}

    def run_epoch(self, number: int, epochs: int) -> EpochReport:
        """Train on all rows once, validate, and report."""
        history, settings = self.history, self.settings
        if self.task is not None:
            self.task.begin_epoch(self._attributes())
        start = perf_counter()
        loss = self._train_on_all_rows()
        seconds = perf_counter() - start
        history.n_iter, history.loss = number, loss
        history.n_samples_seen += self.n_rows
        history.loss_curve.append(loss)
        if settings.verbose:
            print(f"Iteration {number}, loss = {loss:.8f}")
        validation_loss, score, improved = self._update_best()
        self.optimizer.end_epoch(history.n_samples_seen)
        model = self.publish(self.network, history)
        return EpochReport(
            number, settings.max_iter, loss, validation_loss, score, improved,
            self.n_rows / max(seconds, 1e-9), model,
        )  # fmt: skip

    def _train_on_all_rows(self) -> float:
        """Shuffle, and take all steps of an epoch; return the mean loss of the rows."""
        if self.settings.shuffle:  # with the random numbers that sklearn.utils.shuffle draws
            self.random_state.shuffle(self.order)
        optimizer, total = self.optimizer, 0.0
        weights = self.network.weights if optimizer.weights is None else optimizer.weights
        stats, state = self.network.batch_stats, optimizer.state
        for x, y, w, order in self._parts():
            weights, stats, state, losses = self.epoch(
                weights, stats, state, x, y, w, order, self.key, self._hyperparameters()
            )
            losses = losses.astype(np.float64)
            rest = len(order) - self.batch_size * (len(losses) - 1)
            total += self.batch_size * float(np.sum(losses[:-1])) + rest * float(losses[-1])
        optimizer.state = state
        if optimizer.config.averages:
            optimizer.weights, weights = weights, state.average.params
        self.network = FittedNetwork(optimizer.config.perceptron, weights, stats)
        return total / self.n_rows

    def _parts(self) -> Any:
        """Rows, targets, weights and their order; of rows that are not dense, some at a time."""
        if isinstance(self.x, np.ndarray):
            yield self.x, self.y, self.w, self.order
            return
        for part, x in pieces_in_order(self.x, self.order, self.batch_size):
            rows = self.order[part]
            w = None if self.w is None else self.w[rows]
            yield x, self.y[rows], w, np.arange(len(rows))

    def _hyperparameters(self) -> Any:
        """The numbers among the settings, made anew when the learning rate has changed."""
        if self._numbers is None or self._numbers[0] != self.optimizer.learning_rate:
            self._numbers = self._all_hyperparameters()
        return self._numbers

    def _all_hyperparameters(self) -> Any:
        settings = self.settings
        steps = settings.max_iter * -(-self.n_rows // self.batch_size)
        warmup = settings.warmup
        return np.array(Hyperparameters(
            learning_rate=self.optimizer.learning_rate, alpha=settings.alpha,
            momentum=settings.momentum, beta_1=settings.beta_1, beta_2=settings.beta_2,
            epsilon=settings.epsilon, weight_decay=settings.weight_decay,
            clip_norm=settings.clip_norm or inf, ema=settings.ema or 0.0, steps=steps,
            warmup=warmup * steps if 0 < warmup < 1 else warmup,
        ), np.float64)  # fmt: skip

    # What epochs are worth

    def _update_best(self) -> tuple[float | None, float | None, bool]:
        """Compute the validation loss and score, and whether the epoch is the best so far.

        Epochs that do not help are counted as scikit-learn counts them.
        """
        history, tol = self.history, self.settings.tol
        loss = score = None
        if self.validation is not None:
            loss, score = evaluate(self.network, self.validation, self.score)
            history.validation_scores = [*(history.validation_scores or ()), score]
            if self.settings.verbose:
                print(f"Validation score: {score:f}")
        improved = False
        for name, value in zip(MONITORED, (history.loss, loss, score), strict=True):
            attribute, sign = MONITORED[name]
            best = None if value is None else getattr(history, attribute)
            if best is None or value is None:
                continue
            better = sign * value > sign * best
            if better:
                setattr(history, attribute, value)
            if name == self.monitored:
                improved = better
                stalls = sign * value < sign * best + tol
                history.no_improvement_count = history.no_improvement_count + 1 if stalls else 0
        if improved:
            self.best = self.network
        return loss, score, improved

    def reason_to_stop(self, report: EpochReport) -> StopReason | None:
        """Whether so many epochs as `n_iter_no_change` have not helped."""
        settings, history = self.settings, self.history
        if history.no_improvement_count <= settings.n_iter_no_change:
            return None
        measure = "Training loss" if self.monitored == "loss" else self.monitored.capitalize()
        message = (
            f"{measure.replace('_', ' ')} did not improve more than tol={settings.tol:f} for "
            f"{settings.n_iter_no_change} consecutive epochs."
        )
        if self.optimizer.should_stop(message, settings.verbose):
            return "patience"
        history.no_improvement_count = 0
        return None

    # Checkpoints

    def _state(self) -> Any:
        """All arrays that change, as one tree."""
        networks = [(n.weights, n.batch_stats) for n in (self.network, self.best)]
        generators = [self.generator_at_start.keys, GeneratorState.of(self.random_state).keys]
        optimizer = self.optimizer
        return networks, optimizer.state, optimizer.weights, self.key, self.order, generators

    def save(self, file: CheckpointFile) -> None:
        """Write all that the training needs to go on, bit for bit."""
        head = {
            "learning_rate": self.optimizer.learning_rate,
            "history": asdict(self.history),
            "generator_at_start": self.generator_at_start.rest,
            "generator": GeneratorState.of(self.random_state).rest,
        }
        file.write_tree(head, self._state())

    def _read_checkpoint(self, file: CheckpointFile) -> tuple[Any, Any] | None:
        """Read the file, if there is one, and draw again what was drawn then, such as a split."""
        stored = file.load()
        if stored is not None:
            head, arrays = stored
            try:
                if head["history"].keys() != asdict(History()).keys():
                    raise ValueError("of another format")
                last = [arrays[name] for name in sorted(arrays)[-2:]]
                head["start"], head["now"] = [
                    GeneratorState(keys, head[name]).checked()
                    for keys, name in zip(last, ("generator_at_start", "generator"), strict=True)
                ]
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                raise file.damaged(error) from error
            head["start"].restore(self.random_state)
        return stored

    def _restore(self, head: dict[str, Any], arrays: dict[str, Any]) -> None:
        """Go on where the file says that the training was."""
        assert self.file is not None
        state = self.file.as_tree(arrays, self._state())
        networks, self.optimizer.state, self.optimizer.weights, self.key, self.order, _ = state
        self.network, self.best = [
            self.network.replace(weights=weights, batch_stats=stats) for weights, stats in networks
        ]
        head["now"].restore(self.random_state)
        self.optimizer.learning_rate = head["learning_rate"]
        self.history = replace(self.history, **head["history"])
