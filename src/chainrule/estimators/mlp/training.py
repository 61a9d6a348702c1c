"""The loop over epochs: what scikit-learn's does between them, and what its users asked for."""

from __future__ import annotations

import warnings
from math import inf
from multiprocessing import parent_process
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from ... import random
from ...train.progress import Meter
from ...train.result import EpochReport
from ..inputs.rows import issparse, pieces
from .checkpoint import Checkpoint, fingerprint
from .solvers import Recipe, make_epoch, make_measure

# What may decide which epoch is the best: the attribute of the best so far; more or less is better
BEST = {"loss": ("best_loss_", -1), "validation_loss": ("best_validation_loss_", -1),
        "validation_score": ("best_validation_score_", 1)}  # fmt: skip


class Training:
    """One call of `fit`, or of `partial_fit`, with a stochastic solver.

    Parameters
    ----------
    model : CompiledPerceptron
        Whose weights are trained, and whose attributes tell how it went.
    recipe : Recipe
    x, y, w : array
        Rows (perhaps sparse), encoded targets of shape (rows, outputs), weights of rows or None.
    incremental : bool
        One epoch only.
    """

    def __init__(
        self, model: Any, recipe: Recipe, x: Any, y: Any, w: Any, incremental: bool
    ) -> None:
        self.model, self.recipe, self.incremental = model, recipe, incremental
        self.checkpoint = None
        if model.checkpoint is not None and not incremental:
            mark = fingerprint(model, x, y, w)
            self.checkpoint = Checkpoint(model.checkpoint, model.checkpoint_interval, mark)
            self.checkpoint.begin(model._random_state)
        self.validation = model._encoded_validation()
        if model.early_stopping and self.validation is None:
            x, y, w = self._held_out(x, y, w)
        model._rows = x, y
        self.watched = self._watched()
        if self.validation is not None and model.validation_scores_ is None:
            model.validation_scores_, model.best_validation_score_ = [], -inf
        if self.watched == "loss" and model.best_loss_ is None:
            model.best_loss_ = inf
        dtype = model.coefs_[0].dtype
        self.x = x.tocsr().astype(dtype) if issparse(x) else np.ascontiguousarray(x, dtype)
        kept = y.dtype == bool or recipe.perceptron.takes_codes(y)
        self.y = y if kept else np.ascontiguousarray(y, dtype)
        self.w = None if w is None else np.ascontiguousarray(w, dtype)
        self.rows: int = self.x.shape[0]
        self.batch = self._batch_size()
        self.epoch = make_epoch(recipe, self.batch)
        self.order = np.arange(self.rows)
        self.best: Any = (model._weights(), model._stats)
        self.key = None
        if recipe.random:
            own = random.key(int(model._random_state.randint(2**31)))
            self.key = random.fold_in(own, model.t_)  # rows of fits before, if it goes on

    def _held_out(self, x: Any, y: Any, w: Any) -> tuple[Any, Any, Any]:
        """Rows to train on; the others become the validation rows."""
        model = self.model
        single = is_classifier(model) and model.n_outputs_ == 1
        parts = train_test_split(
            *((x, y) if w is None else (x, y, w)), random_state=model._random_state,
            test_size=model.validation_fraction, stratify=y if single else None,
        )  # fmt: skip
        if parts[1].shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                "or the size of your dataset."
            )
        self.validation = (parts[1], parts[3], None if w is None else parts[5])
        return parts[0], parts[2], None if w is None else parts[4]

    def _watched(self) -> str:
        """What decides which epoch is the best."""
        watched = self.model.monitor
        if watched == "auto":
            return "validation_score" if self.model.early_stopping else "loss"
        if self.incremental:
            return "loss"
        if watched != "loss" and self.validation is None:
            raise ValueError(f"monitor={watched!r} needs validation_data, or early_stopping=True")
        return str(watched)

    def _batch_size(self) -> int:
        size = self.model.batch_size
        if size == "auto":
            return min(200, self.rows)
        if size > self.rows:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than "
                "sample size. It is going to be clipped",
                stacklevel=2,
            )
        return int(min(size, self.rows))

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return -(-self.rows // self.batch)

    def run(self) -> None:
        """Epochs until it no longer helps."""
        model, tasks = self.model, self.model._tasks
        model.n_iter_ = 0
        if self.checkpoint is not None:
            self.checkpoint.restore(self)
        wanted = bool(model.progress) and not model.verbose and parent_process() is None
        stopped = interrupted = False
        try:
            with Meter(model.max_iter, wanted and not self.incremental) as meter:
                while model.n_iter_ < model.max_iter and not stopped:
                    if tasks is not None:
                        tasks.epoch_begins(self._fitted())
                    report = self.turn()
                    meter.show(report)
                    stopped = self._ends(report) or self.incremental
                    if tasks is not None and tasks.epoch_ends(self._fitted()):
                        stopped = True
                    if self.checkpoint is not None and not stopped:
                        self.checkpoint.save(self)
            if model.n_iter_ == model.max_iter and not stopped:
                warnings.warn(
                    f"Stochastic Optimizer: Maximum iterations ({model.max_iter}) "
                    "reached and the optimization hasn't converged yet.",
                    ConvergenceWarning, stacklevel=2,
                )  # fmt: skip
        except KeyboardInterrupt:
            interrupted = True
            warnings.warn("Training interrupted by user.", stacklevel=2)
        for name, value in self._fitted().items():
            setattr(model, name, value)
        if self.checkpoint is not None and not interrupted:
            self.checkpoint.remove()

    def _fitted(self) -> dict[str, Any]:
        """The weights that the model has if training ends now, as attributes."""
        model = self.model
        shown = self.best if model.early_stopping else (model._weights(), model._stats)
        return model._kept(*shown)  # type: ignore[no-any-return]

    def turn(self) -> EpochReport:
        """One epoch, and what is known after it."""
        model, start = self.model, perf_counter()
        loss = self._epoch()
        seconds = perf_counter() - start
        model.n_iter_ += 1
        model.loss_ = loss
        model.t_ += self.rows
        model.loss_curve_.append(loss)
        if model.verbose:
            print(f"Iteration {model.n_iter_}, loss = {loss:.8f}")
        validation_loss, score, improved = self._judge()
        model._optimizer.iteration_ends(model.t_)
        return EpochReport(
            model.n_iter_, model.max_iter, loss, validation_loss, score, improved,
            self.rows / max(seconds, 1e-9), model,
        )  # fmt: skip

    def _epoch(self) -> float:
        """All rows once; their mean loss."""
        model, solver = self.model, self.model._optimizer
        if model.shuffle:  # in the words of sklearn.utils.shuffle, and with its random numbers
            indices = np.arange(self.rows)
            model._random_state.shuffle(indices)
            self.order = self.order[indices]
        total = 0.0
        dense = not issparse(self.x)
        weights, stats, state = self._trained()
        for part, x in [(slice(0, self.rows), self.x)] if dense else self._sparse():
            rows = self.order[part]
            order = rows if dense else np.arange(len(rows))
            y, w = (self.y, self.w) if dense else (self.y[rows], None if self.w is None
                                                   else self.w[rows])  # fmt: skip
            weights, stats, state, losses = self.epoch(
                weights, stats, state, x, y, w, order, self.key, self._numbers()
            )
            counts = np.full(len(losses), self.batch)
            counts[-1] = len(rows) - self.batch * (len(losses) - 1)
            total += float(counts @ losses.astype(np.float64))
        solver.state = state
        solver.weights = weights
        shown = state["average"] if self.recipe.averages else weights
        model._keep(shown, stats)
        return total / self.rows

    def _trained(self) -> tuple[Any, Any, Any]:
        """What a step begins with: beside running means of the weights, the weights themselves."""
        model, solver = self.model, self.model._optimizer
        averaged = self.recipe.averages and solver.weights is not None
        return solver.weights if averaged else model._weights(), model._stats, solver.state

    def _sparse(self) -> Any:
        """The rows in their order, some at a time, dense."""
        return pieces(self.x[self.order], self.batch)

    def _numbers(self) -> Any:
        """The settings that are numbers, in the order of `NAMES`."""
        model = self.model
        steps = model.max_iter * self.steps
        warmup = model.warmup * steps if 0 < model.warmup < 1 else model.warmup
        return np.array([
            model._optimizer.learning_rate, model.alpha, model.momentum, model.beta_1, model.beta_2,
            model.epsilon, model.weight_decay, model.clip_norm or inf, model.ema or 0.0, steps,
            warmup,
        ], np.float64)  # fmt: skip

    def _judge(self) -> tuple[float | None, float | None, bool]:
        """The validation loss and score; and whether the epoch is the best by what is watched.

        Epochs that do not help are counted as scikit-learn counts them.
        """
        model = self.model
        loss = score = None
        if self.validation is not None:
            loss, score = self._validated()
            model.validation_scores_.append(score)
            if model.verbose:
                print(f"Validation score: {score:f}")
        improved = False
        for name, value in zip(BEST, (model.loss_, loss, score), strict=True):
            attribute, sign = BEST[name]
            best = None if value is None else getattr(model, attribute)
            if best is None:
                continue
            better = sign * value > sign * best
            if better:
                setattr(model, attribute, value)
            if name == self.watched:
                improved = better
                stalls = sign * value < sign * best + model.tol
                model._no_improvement_count = model._no_improvement_count + 1 if stalls else 0
        if improved:
            self.best = (model._weights(), model._stats)
        return loss, score, improved

    def _validated(self) -> tuple[float, float]:
        """The loss and the score of the validation rows, by the compiled network."""
        model = self.model
        x, y, w = self.validation
        measure = make_measure(self.recipe.perceptron)
        takes_codes = self.recipe.perceptron.takes_codes(y)
        made, total, whole = [], 0.0, 0.0
        for part, piece in pieces(x, 1, model._rows_at_a_time() if takes_codes else None):
            own = None if w is None else w[part]
            value, answer = measure(model._weights(), model._stats, piece, y[part], own)
            weight = float(piece.shape[0] if own is None else np.sum(own))
            total, whole = total + weight * float(value), whole + weight
            made.append(model._best_of(answer) if takes_codes else answer)
        outputs = np.concatenate(made)
        if w is not None and w.ndim == 2:
            w = np.sum(w, axis=1)
        score = float(model._grade(y, outputs, w)) if np.isfinite(outputs).all() else float("nan")
        return total / whole, score

    def _ends(self, report: EpochReport) -> bool:
        """Whether to stop: because it no longer helps, or because a callback says so."""
        model = self.model
        if True in [callback(report) for callback in model.callbacks or ()]:
            return True
        if model._no_improvement_count <= model.n_iter_no_change:
            return False
        what = "Training loss" if self.watched == "loss" else self.watched.capitalize()
        what = what.replace("_", " ")
        message = (
            f"{what} did not improve more than tol={model.tol:f} for "
            f"{model.n_iter_no_change} consecutive epochs."
        )
        if model._optimizer.trigger_stopping(message, model.verbose):
            return True
        model._no_improvement_count = 0
        return False
