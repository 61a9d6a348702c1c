"""One training step, and an epoch of them, as functions to be compiled.

The rules of `sgd` and `adam` are scikit-learn's, so that the same random state leads to the same
weights but for rounding. Settings that are numbers come as arrays: to change one compiles nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from math import pi, prod
from typing import Any, TypeAlias

import numpy as np

from ... import tree
from ...random import fold_in
from ...transforms import jit, scan, value_and_grad
from .perceptron import Perceptron, nonzero

Numbers: TypeAlias = dict[str, Any]  # settings by name
NAMES = ("rate", "alpha", "momentum", "beta_1", "beta_2", "epsilon", "weight_decay", "clip_norm",
         "ema", "steps", "warmup")  # fmt: skip
Rule: TypeAlias = Callable[[Any, Any, Any, Numbers, Any], tuple[Any, Any]]
"""``rule(weights, gradients, state, settings, rate) -> (weights, state)``"""


@dataclass(frozen=True)
class Recipe:
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
        Whether the norm of all gradients of a network is bounded by the number ``clip_norm``.
    averages : bool
        Whether a running mean of the weights is kept.
    random : bool
        Whether steps draw random numbers.
    """

    perceptron: Perceptron
    solver: str
    nesterov: bool = True
    schedule: str = "constant"
    clips: bool = False
    averages: bool = False
    random: bool = False


def _sgd(nesterov: bool) -> Rule:
    def rule(weights: Any, grads: Any, state: Any, n: Numbers, rate: Any) -> tuple[Any, Any]:
        def step(v: Any, g: Any) -> Any:
            return _like(n["momentum"], g) * v - _like(rate, g) * g

        velocity = tree.map(step, state["velocity"], grads)
        updates = tree.map(step, velocity, grads) if nesterov else velocity
        return _added(weights, updates), {**state, "velocity": velocity}

    return rule


def _adam(weights: Any, grads: Any, state: Any, n: Numbers, rate: Any) -> tuple[Any, Any]:
    """Kingma, Ba: "Adam", arXiv:1412.6980 (2014), in the form before section 2.1."""
    t = state["t"] + 1.0
    mean = tree.map(_running(n["beta_1"]), state["mean"], grads)
    square = tree.map(_running(n["beta_2"]), state["square"], tree.map(lambda g: g * g, grads))
    size = rate * np.sqrt(1.0 - n["beta_2"] ** t) / (1.0 - n["beta_1"] ** t)
    updates = tree.map(
        lambda m, s: -_like(size, m) * m / (np.sqrt(s) + _like(n["epsilon"], s)), mean, square
    )
    return _added(weights, updates), {**state, "mean": mean, "square": square}


def _adamw(weights: Any, grads: Any, state: Any, n: Numbers, rate: Any) -> tuple[Any, Any]:
    """Loshchilov, Hutter: "Decoupled weight decay regularization", arXiv:1711.05101 (2017)."""
    return _adam(_decayed(weights, n, rate), grads, state, n, rate)


def _rmsprop(weights: Any, grads: Any, state: Any, n: Numbers, rate: Any) -> tuple[Any, Any]:
    """Hinton: "Neural networks for machine learning", lecture 6e (2012)."""
    square = tree.map(_running(n["beta_2"]), state["square"], tree.map(lambda g: g * g, grads))
    updates = tree.map(
        lambda g, s: -_like(rate, g) * g / (np.sqrt(s) + _like(n["epsilon"], s)), grads, square
    )
    return _added(weights, updates), {**state, "square": square}


def _lion(weights: Any, grads: Any, state: Any, n: Numbers, rate: Any) -> tuple[Any, Any]:
    """Chen et al.: "Symbolic discovery of optimization algorithms", arXiv:2302.06675 (2023)."""

    ahead = tree.map(_running(n["beta_1"]), state["mean"], grads)
    updates = tree.map(lambda m: -_like(rate, m) * np.sign(m), ahead)
    mean = tree.map(_running(n["beta_2"]), state["mean"], grads)
    return _added(_decayed(weights, n, rate), updates), {**state, "mean": mean}


_RULES: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "adam": (_adam, ("mean", "square")),
    "adamw": (_adamw, ("mean", "square")),
    "rmsprop": (_rmsprop, ("square",)),
    "lion": (_lion, ("mean",)),
}


def first_state(recipe: Recipe, weights: Any) -> dict[str, Any]:
    """What a solver remembers, before the first step; "t" counts the steps."""
    names = ("velocity",) if recipe.solver == "sgd" else _RULES[recipe.solver][1]
    state: dict[str, Any] = {"t": np.zeros(1)}
    state |= {name: tree.map(np.zeros_like, weights) for name in names}
    if recipe.averages:
        state["average"] = weights
    return state


def _factor(schedule: str, n: Numbers, t: Any) -> Any:
    """What a schedule makes of the rate, at step t of all, after a linear rise."""
    if schedule == "constant":
        return 1.0
    rise = np.maximum(n["warmup"], 1.0)
    done = np.clip((t - n["warmup"]) / np.maximum(n["steps"] - n["warmup"], 1.0), 0.0, 1.0)
    fall = 1.0 - done if schedule == "linear" else 0.5 * (1.0 + np.cos(pi * done))
    return np.minimum((t + 1.0) / rise, 1.0) * fall


@lru_cache(maxsize=128)
def make_epoch(recipe: Recipe, batch_size: int) -> Any:
    """Compile ``epoch(weights, stats, state, x, y, w, order, key, numbers)``; see `NAMES`.

    It trains on the rows of `x` in an order, and returns new weights, statistics and state, and
    the loss of each batch. What does not fill a batch is one smaller batch, the last; where rows
    have weights and are apart, it is filled up with rows of weight 0, which is compiled faster.
    """
    net = recipe.perceptron
    fills = net.normalization != "batch" and not net.mixup
    rule = _sgd(recipe.nesterov) if recipe.solver == "sgd" else _RULES[recipe.solver][0]

    def step(
        carry: Any, rows: Any, x: Any, y: Any, w: Any, key: Any, n: Numbers, counted: Any = None
    ) -> Any:
        weights, stats, state = carry
        x, y = np.take(x, rows, axis=0), np.take(y, rows, axis=0)
        w = None if w is None else np.take(w, rows, axis=0)
        if counted is not None:
            w = (w.T * counted).T
        own = fold_in(key, state["t"][0].astype(np.int64)) if recipe.random else None

        def value(weights: Any) -> Any:
            alpha = _like(n["alpha"], x)
            return net.objective_value(weights, stats, x, y, w, alpha, own)

        (_, (shown, new)), grads = value_and_grad(value, has_aux=True)(weights)
        if recipe.clips:
            grads = _clipped(grads, n["clip_norm"])
        rate = n["rate"] * _factor(recipe.schedule, n, state["t"])
        weights, new_state = rule(weights, grads, state, n, rate)
        new_state["t"] = state["t"] + 1.0
        if recipe.averages:
            kept = np.minimum(n["ema"], (1.0 + state["t"]) / (10.0 + state["t"]))
            new_state["average"] = tree.map(_nearer(kept), state["average"], weights)
        return (weights, new, new_state), shown

    def epoch(
        weights: Any, stats: Any, state: Any, x: Any, y: Any, w: Any, order: Any, key: Any,
        numbers: Any,
    ) -> Any:  # fmt: skip
        n = {name: numbers[k] for k, name in enumerate(NAMES)}
        count = order.shape[0]
        turns, rest = divmod(count, batch_size)
        carry: Any = (weights, stats, state)
        if turns and rest and fills and w is not None:
            whole = (turns + 1, batch_size)
            filled = np.concatenate([order, order[: batch_size - rest]]).reshape(whole)
            counted = (np.arange(filled.size) < count).astype(x.dtype).reshape(whole)
            carry, losses = scan(
                lambda c, b: step(c, b[0], x, y, w, key, n, b[1]), carry, (filled, counted)
            )
            return (*carry, losses)
        parts = []
        if turns:
            batches = order[: count - rest].reshape(turns, batch_size)
            carry, losses = scan(lambda c, rows: step(c, rows, x, y, w, key, n), carry, batches)
            parts.append(losses)
        if rest:
            carry, last = step(carry, order[count - rest :], x, y, w, key, n)
            parts.append(np.reshape(last, (1,)))
        return (*carry, np.concatenate(parts) if len(parts) > 1 else parts[0])

    return jit(epoch, tiered=True)


def unpacked(packed: Any, structure: tree.TreeDef, shapes: Sequence[tuple[int, ...]]) -> Any:
    """A vector as a tree of arrays."""
    ends = list(accumulate(map(prod, shapes), initial=0))
    parts = [packed[a:b].reshape(s) for (a, b), s in zip(pairwise(ends), shapes, strict=True)]
    return tree.unflatten(structure, parts)


@lru_cache(maxsize=64)
def make_packed_gradient(
    net: Perceptron, structure: tree.TreeDef, shapes: tuple[tuple[int, ...], ...]
) -> Any:
    """Compile ``(packed weights, stats, x, y, w) -> (shown loss, packed gradient)``.

    Both are means over all rows, without the penalty.
    """

    @jit
    def packed_gradient(packed: Any, stats: Any, x: Any, y: Any, w: Any) -> Any:
        def value(weights: Any) -> Any:
            return net.objective_value(weights, stats, x, y, w, x.dtype.type(0.0))

        weights = unpacked(packed, structure, shapes)
        (_, (shown, _)), grads = value_and_grad(value, has_aux=True)(weights)
        return shown, np.concatenate([np.ravel(g) for g in tree.leaves(grads)])

    return packed_gradient


@lru_cache(maxsize=64)
def make_answer(net: Perceptron) -> Any:
    """Compile ``(weights, stats, x) -> answers``."""
    return jit(net.answer)


@lru_cache(maxsize=64)
def make_measure(net: Perceptron) -> Any:
    """Compile ``(weights, stats, x, y, w) -> (shown loss, answers)``."""

    @jit
    def measure(weights: Any, stats: Any, x: Any, y: Any, w: Any) -> Any:
        z = net.raw(weights, stats, x)
        y = net.outputs_for(weights, y, x.dtype)
        losses = net.goal.shown(net.goal.rows(z, y), y)
        if w is not None and w.ndim == 2:
            return np.sum(w.T * losses) / nonzero(np.sum(w)), net.answer_of(z, w)
        if z.ndim == 3:
            losses = np.mean(losses, axis=0)
        loss = np.mean(losses) if w is None else np.sum(w * losses) / nonzero(np.sum(w))
        return loss, net.answer_of(z)

    return measure


def _running(kept: Any) -> Callable[[Any, Any], Any]:
    return lambda old, new: _like(kept, old) * old + _like(1.0 - kept, new) * new


def _nearer(kept: Any) -> Callable[[Any, Any], Any]:
    """A running mean which, unlike the sum of two parts, never moves what stays the same."""
    return lambda old, new: old + _like(1.0 - kept, new) * (new - old)


def _decayed(weights: Any, n: Numbers, rate: Any) -> Any:
    """All matrices a little smaller; biases and scales stay."""
    kept = 1.0 - rate * n["weight_decay"]
    return {**weights, "coefs": [c * _like(kept, c) for c in weights["coefs"]]}


def _clipped(grads: Any, bound: Any) -> Any:
    """With a norm of all together that is at most a bound; members of an ensemble each on its own.

    In float64: float32 squares soon overflow.
    """
    apart = grads["coefs"][0].ndim - 2
    squares = [
        np.sum(np.square(g.astype(np.float64)), axis=tuple(range(apart, g.ndim)))
        for g in tree.leaves(grads)
    ]
    shrink = np.minimum(1.0, bound / np.maximum(np.sqrt(sum(squares)), 1e-30))
    return tree.map(
        lambda g: g * _like(shrink, g).reshape(shrink.shape + (1,) * (g.ndim - apart)), grads
    )


def _added(weights: Any, updates: Any) -> Any:
    return tree.map(lambda p, u: p + u, weights, updates)


def _like(number: Any, array: Any) -> Any:
    """A setting beside an array: in its dtype."""
    return number.astype(array.dtype) if hasattr(number, "astype") else number


class Solver:
    """What lasts from epoch to epoch of a solver: its state, and the learning rate.

    Attributes
    ----------
    state : dict
        See `first_state`.
    weights : pytree or None
        Those of the last step, which with running means are not those that the model shows.
    learning_rate : float
        Before a schedule over steps.
    """

    def __init__(
        self, recipe: Recipe, weights: Any, rate: float, schedule: str, power_t: float
    ) -> None:
        self.recipe = recipe
        self.state = first_state(recipe, weights)
        self.weights: Any = None
        self.learning_rate = self.learning_rate_init = float(rate)
        self.schedule = schedule if recipe.solver == "sgd" else "constant"
        self.power_t = power_t

    def serves(self, recipe: Recipe) -> bool:
        """Whether its state is that of a recipe: not if the solver was changed after `fit`."""
        ours = self.recipe
        return (ours.solver, ours.averages) == (recipe.solver, recipe.averages)

    def iteration_ends(self, samples: int) -> None:
        """So many rows were met by now."""
        if self.schedule == "invscaling":
            self.learning_rate = self.learning_rate_init / (samples + 1) ** self.power_t

    def trigger_stopping(self, message: str, verbose: Any) -> bool:
        """Whether to stop now that it no longer helps; an adaptive rate falls first."""
        stops = self.schedule != "adaptive" or self.learning_rate <= 1e-6
        if self.schedule != "adaptive":
            message += " Stopping."
        elif stops:
            message += " Learning rate too small. Stopping."
        else:
            self.learning_rate /= 5.0
            message += f" Setting learning rate to {self.learning_rate:f}"
        if verbose:
            print(message)
        return stops
