"""A training step, and an epoch of them, compiled; the numbers among the settings are arrays.

So a program serves all learning rates, and to change one compiles nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ... import optim, tree
from ...random import fold_in
from ...train.epoch import scan_batches
from ...transforms import jit, scan, value_and_grad
from .perceptron import Perceptron, Weights, nonzero

DECAYING = ("adamw", "lion")  # solvers that `weight_decay` is for
# Added to gradients under adamw: where all are 0, as of a rare category, running means would fall
# to subnormal numbers, which take a hundred times as long. Its square is a normal float32, too.
# (Lion takes the sign of such a mean: there 0 has to stay 0.)
LEAST_GRADIENT = 1e-18
WITHOUT_GRADIENT = ("edges", "gaps")  # weights of an embedding that no step changes


class Hyperparameters(NamedTuple):
    """The settings of a step that are numbers, as float64 scalars.

    Attributes
    ----------
    learning_rate, alpha, momentum, beta_1, beta_2, epsilon, weight_decay, clip_norm, ema : float
        See `MLPClassifier`; `clip_norm` is infinite and `ema` 0 where they are None.
    steps, warmup : float
        Of a schedule: how many there are in all, and how many rise.
    """

    learning_rate: Any
    alpha: Any
    momentum: Any
    beta_1: Any
    beta_2: Any
    epsilon: Any
    weight_decay: Any
    clip_norm: Any
    ema: Any
    steps: Any
    warmup: Any


# The first state of an optimizer does not depend on them
ANY_NUMBERS = Hyperparameters(**dict.fromkeys(Hyperparameters.__annotations__, 0.5))


@dataclass(frozen=True)
class StepConfig:
    """How a step is made, as far as it is fixed by the program.

    Attributes
    ----------
    perceptron : Perceptron
    solver : str
        ``"sgd"``, ``"adam"``, ``"adamw"``, ``"rmsprop"`` or ``"lion"``.
    nesterov : bool
        For ``"sgd"``.
    schedule : str
        ``"constant"``, or over all steps ``"cosine"`` or ``"linear"``.
    clips : bool
        Whether the norm of all gradients of a network is bounded by ``clip_norm``.
    averages : bool
        Whether running means of the weights are kept.
    """

    perceptron: Perceptron
    solver: str
    nesterov: bool = True
    schedule: str = "constant"
    clips: bool = False
    averages: bool = False

    @property
    def draws_random_numbers(self) -> bool:
        """Whether a step needs a key."""
        return bool(self.perceptron.dropout or self.perceptron.mixup)

    @property
    def counts_steps(self) -> bool:
        """Whether a step needs to know how many there were before, beside its optimizer."""
        return self.draws_random_numbers or self.solver in DECAYING

    def learning_rate(self, h: Hyperparameters) -> optim.Schedule:
        """The schedule of the learning rate over steps."""
        if self.schedule == "constant":
            return optim.constant(h.learning_rate)
        decay = optim.cosine_decay if self.schedule == "cosine" else optim.polynomial_decay
        return optim.warmup(h.warmup, decay(h.learning_rate, np.maximum(h.steps - h.warmup, 1.0)))

    def optimizer(self, h: Hyperparameters, members: bool = False) -> optim.Optimizer[Any]:
        """The optimizer, without weight decay; `members` have gradients of their own norm."""
        rate = self.learning_rate(h)
        rule: optim.Optimizer[Any]
        if self.solver == "sgd":
            rule = optim.chain(
                optim.scale_by_learning_rate(rate), optim.trace(h.momentum, self.nesterov)
            )
        elif self.solver == "rmsprop":
            rule = optim.rmsprop(rate, h.beta_2, h.epsilon, scale_first=True)
        elif self.solver == "lion":
            rule = optim.lion(rate, h.beta_1, h.beta_2)
        else:
            rule = optim.adam(rate, h.beta_1, h.beta_2, h.epsilon, epsilon_hat=True)
        if not self.clips:
            return rule
        return optim.chain(optim.clip_by_global_norm(h.clip_norm, int(members)), rule)


class StepState(NamedTuple):
    """What a step hands on to the next, beside weights and statistics.

    Attributes
    ----------
    step : int32 or None
        How many steps there were, if the config counts them.
    optimizer : tree of arrays
    average : optim.Average or None
        Running means of the weights.
    """

    step: Any
    optimizer: Any
    average: Any


def first_state(config: StepConfig, weights: Weights) -> StepState:
    """The state before the first step."""
    average = optim.ramped_moving_average().init(weights) if config.averages else None
    optimizer = replace(config, schedule="constant").optimizer(ANY_NUMBERS)
    step = np.int32(0) if config.counts_steps else None
    return _with_counters(StepState(step, optimizer.init(weights), average), (1,))


def _without_subnormals(grads: Weights) -> Weights:
    """Gradients whose running means, and those of their squares, do not fall to subnormals."""
    raised = tree.map(lambda grad: grad + grad.dtype.type(LEAST_GRADIENT), grads)
    fixed = {k: v for k, v in grads.get("embedding", {}).items() if k in WITHOUT_GRADIENT}
    return {**raised, "embedding": {**raised["embedding"], **fixed}} if fixed else raised


def _with_counters(state: StepState, shape: tuple[int, ...]) -> StepState:
    """The state with its counters of steps as arrays of a shape.

    Between epochs they have an axis: results without one are numbers, and a compiled function has
    to convert those, which takes a fifth of a tiny epoch.
    """
    return tree.map(  # type: ignore[no-any-return]
        lambda a: np.reshape(a, shape) if a.dtype.kind == "i" else a, state
    )


@lru_cache(maxsize=128)
def make_epoch(config: StepConfig, batch_size: int) -> Any:
    """Compile ``epoch(weights, stats, state, x, y, w, order, key, numbers)``.

    It trains on the rows of `x` in an order, with `Hyperparameters` as one array, and returns new
    weights, statistics and state, and the loss of each batch. Rows that do not fill a batch are one
    smaller batch, the last; where rows have weights and do not meet each other, it is filled up
    with rows of weight 0, which is compiled faster.
    """
    perceptron = config.perceptron
    fills = perceptron.normalization != "batch" and not perceptron.mixup

    def update(weights: Any, grads: Any, state: StepState, h: Hyperparameters) -> Any:
        if config.solver == "adamw":
            grads = _without_subnormals(grads)
        optimizer = config.optimizer(h, members=weights["coefs"][0].ndim == 3)
        updates, optimizer_state = optimizer.update(grads, state.optimizer)
        if config.solver in DECAYING:
            mask = {name: tree.map(lambda _, d=name == "coefs": d, part)
                    for name, part in weights.items()}  # fmt: skip
            rate = config.learning_rate(h)(state.step)
            weights = optim.decay_weights(weights, rate * h.weight_decay, mask)
        weights = optim.apply_updates(weights, updates)
        average = state.average
        if config.averages:
            average = optim.ramped_moving_average(h.ema).update(weights, average)
        step = state.step + 1 if config.counts_steps else None
        return weights, StepState(step, optimizer_state, average)

    def step(
        carry: Any, rows: Any, x: Any, y: Any, w: Any, key: Any, h: Hyperparameters,
        counted: Any = None,
    ) -> Any:  # fmt: skip
        weights, stats, state = carry
        x, y = np.take(x, rows, axis=0), np.take(y, rows, axis=0)
        w = None if w is None else np.take(w, rows, axis=0)
        if counted is not None:
            w = (w.T * counted).T
        step_key = (
            fold_in(key, state.step.astype(np.int64)) if config.draws_random_numbers else None
        )

        def loss(weights: Any) -> Any:
            alpha = h.alpha.astype(x.dtype)
            return perceptron.training_loss(weights, stats, x, y, w, alpha, step_key)

        (_, (reported, stats)), grads = value_and_grad(loss, has_aux=True)(weights)
        weights, state = update(weights, grads, state, h)
        return (weights, stats, state), reported

    def epoch(
        weights: Any, stats: Any, state: Any, x: Any, y: Any, w: Any, order: Any, key: Any,
        numbers: Any,
    ) -> Any:  # fmt: skip
        h = Hyperparameters(*[numbers[k] for k in range(len(ANY_NUMBERS))])
        count = order.shape[0]
        n_full, rest = divmod(count, batch_size)
        carry: Any = (weights, stats, _with_counters(state, ()))
        if n_full and rest and fills and w is not None:
            shape = (n_full + 1, batch_size)
            filled = np.concatenate([order, order[: batch_size - rest]]).reshape(shape)
            counted = (np.arange(filled.size) < count).astype(x.dtype).reshape(shape)
            carry, losses = scan(
                lambda c, b: step(c, b[0], x, y, w, key, h, b[1]), carry, (filled, counted)
            )
            weights, stats, state = carry
            return weights, stats, _with_counters(state, (1,)), losses
        carry, losses, last = scan_batches(
            lambda c, rows, _: step(c, rows, x, y, w, key, h), carry, order, batch_size, n_full
        )
        parts = [np.reshape(part, (-1,)) for part in (losses, last) if part is not None]
        weights, stats, state = carry
        losses = np.concatenate(parts) if len(parts) > 1 else parts[0]
        return weights, stats, _with_counters(state, (1,)), losses

    return jit(epoch, tiered=True)


@lru_cache(maxsize=64)
def make_raw_outputs(perceptron: Perceptron) -> Any:
    """Compile ``(weights, stats, x) -> outputs before their activation``."""
    return jit(perceptron.raw_outputs)


@lru_cache(maxsize=64)
def make_evaluate(perceptron: Perceptron) -> Any:
    """Compile ``(weights, stats, x, y, w) -> (reported loss, predictions)``."""

    @jit
    def evaluate(weights: Any, stats: Any, x: Any, y: Any, w: Any) -> Any:
        z = perceptron.raw_outputs(weights, stats, x)
        y = perceptron.outputs_for(weights, y, x.dtype)
        objective = perceptron.objective
        losses = objective.reported_loss(objective.row_losses(z, y), y)
        if z.ndim == 3:
            losses = np.mean(losses, axis=0)
        loss = np.mean(losses) if w is None else np.sum(w * losses) / nonzero(np.sum(w))
        return loss, perceptron.activate(z)

    return evaluate
