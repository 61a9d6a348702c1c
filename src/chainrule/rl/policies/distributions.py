"""Distributions of actions, as functions of a network's outputs, in plain NumPy.

Each has rows, one for each copy of the environment, and four methods: `sample`, `mode`, `log_prob`
and `entropy`, the last two with a number for each row.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi
from typing import Any, Protocol

import numpy as np

from ...errors import UnsupportedError
from ...nn import log_softmax, sigmoid, softplus
from ...random import categorical, normal, split, uniform
from ..spaces import ActionSpec, BoxSpec, DiscreteSpec, MultiBinarySpec, MultiDiscreteSpec

IMPOSSIBLE = -1e8  # the logit of an action that is ruled out: finite, so that 0 times it is 0


class Distribution(Protocol):
    """What a policy says about the next action of each row."""

    def sample(self, key: Any) -> Any:
        """Draw an action for each row."""
        ...

    def mode(self) -> Any:
        """Return the likeliest action of each row."""
        ...

    def log_prob(self, action: Any) -> Any:
        """Return the logarithm of each row's probability, or density, of its action."""
        ...

    def entropy(self) -> Any:
        """Return the entropy of each row."""
        ...


@dataclass(frozen=True)
class Categorical:
    """One of k actions, numbered from 0, with probabilities ``softmax(logits)``."""

    logits: Any  # (n, k)

    def sample(self, key: Any) -> Any:
        return categorical(key, self.logits)

    def mode(self) -> Any:
        return np.argmax(self.logits, axis=-1)

    def log_prob(self, action: Any) -> Any:
        log_probs = log_softmax(self.logits)
        return np.take_along_axis(log_probs, action[:, None], axis=-1)[:, 0]

    def entropy(self) -> Any:
        log_probs = log_softmax(self.logits)
        probs = np.exp(log_probs)
        # an action that is ruled out has probability 0 and log-probability -inf
        return -np.sum(probs * np.where(probs > 0, log_probs, 0), axis=-1)


@dataclass(frozen=True)
class MultiCategorical:
    """Several independent choices: of k1, k2, ... actions."""

    parts: tuple[Categorical, ...]

    def sample(self, key: Any) -> Any:
        keys = split(key, len(self.parts))
        return np.stack([part.sample(k) for part, k in zip(self.parts, keys, strict=True)], axis=1)

    def mode(self) -> Any:
        return np.stack([part.mode() for part in self.parts], axis=1)

    def log_prob(self, action: Any) -> Any:
        return sum(part.log_prob(action[:, k]) for k, part in enumerate(self.parts))

    def entropy(self) -> Any:
        return sum(part.entropy() for part in self.parts)


@dataclass(frozen=True)
class Bernoulli:
    """Several independent truth values, each true with probability ``sigmoid(logit)``."""

    logits: Any  # (n, k)

    def sample(self, key: Any) -> Any:
        u = uniform(key, self.logits.shape, self.logits.dtype)
        return (u < sigmoid(self.logits)).astype(np.int64)

    def mode(self) -> Any:
        return (self.logits > 0).astype(np.int64)

    def log_prob(self, action: Any) -> Any:
        sign = (2 * action - 1).astype(self.logits.dtype)
        return -np.sum(softplus(-sign * self.logits), axis=-1)

    def entropy(self) -> Any:
        x = self.logits
        return np.sum(softplus(x) - x * sigmoid(x), axis=-1)


@dataclass(frozen=True)
class DiagGaussian:
    """Independent normal numbers."""

    mean: Any  # (n, k)
    log_std: Any  # (k,) or (n, k)

    def sample(self, key: Any) -> Any:
        noise = normal(key, self.mean.shape, self.mean.dtype)
        return self.mean + np.exp(self.log_std) * noise

    def mode(self) -> Any:
        return self.mean

    def log_prob(self, action: Any) -> Any:
        scaled = (action - self.mean) * np.exp(-self.log_std)
        each = -0.5 * scaled * scaled - self.log_std - 0.5 * log(2 * pi)
        return np.sum(each, axis=-1)

    def entropy(self) -> Any:
        # log_std may have one row for all; every row of the mean has an entropy
        each = 0.0 * self.mean + self.log_std + 0.5 * (1 + log(2 * pi))
        return np.sum(each, axis=-1)


@dataclass(frozen=True)
class SquashedGaussian:
    """``tanh`` of independent normal numbers: between -1 and 1.

    References
    ----------
    T. Haarnoja et al.: "Soft actor-critic algorithms and applications", arXiv:1812.05905 (2018),
    appendix C.
    """

    mean: Any  # (n, k)
    log_std: Any  # (n, k)

    def sample(self, key: Any) -> Any:
        return self.sample_with_log_prob(key)[0]

    def mode(self) -> Any:
        return np.tanh(self.mean)

    def sample_with_log_prob(self, key: Any) -> tuple[Any, Any]:
        """Draw, and return the log-density as well, exact also where tanh rounds to 1."""
        before = DiagGaussian(self.mean, self.log_std)
        x = before.sample(key)
        # log(1 - tanh(x)**2) without cancellation
        log_slope = 2.0 * (log(2) - x - softplus(-2.0 * x))
        return np.tanh(x), before.log_prob(x) - np.sum(log_slope, axis=-1)


def n_parameters(spec: ActionSpec) -> int:
    """Return how many outputs of a network say what the distribution of actions is."""
    match spec:
        case DiscreteSpec(n):
            return n
        case MultiDiscreteSpec(nvec):
            return sum(nvec)
        case MultiBinarySpec((k,)):
            return k
        case BoxSpec((k,)):
            return k
        case _:
            raise UnsupportedError(f"actions of shape {spec.shape}: flatten them to one axis")


def distribution(
    spec: ActionSpec, outputs: Any, log_std: Any = None, mask: Any = None
) -> Distribution:
    """Return the distribution that a network's outputs stand for.

    Actions for which the mask is False have probability 0.
    """
    if mask is not None:
        outputs = np.where(mask, outputs, np.asarray(IMPOSSIBLE, outputs.dtype))
    match spec:
        case DiscreteSpec():
            return Categorical(outputs)
        case MultiDiscreteSpec(nvec):
            ends = np.cumsum(nvec).tolist()
            parts = zip([0, *ends], ends, strict=False)
            return MultiCategorical(tuple(Categorical(outputs[:, a:b]) for a, b in parts))
        case MultiBinarySpec():
            return Bernoulli(outputs)
        case BoxSpec():
            return DiagGaussian(outputs, log_std)


def to_environment(spec: ActionSpec, action: Any) -> Any:
    """Return what the environment takes for an action of a distribution.

    Actions of a bounded Box are drawn for the interval from -1 to 1, cut off there, and stretched
    to its bounds; those of an unbounded one are taken as they are. Numbers of actions begin at the
    space's start.
    """
    match spec:
        case DiscreteSpec(_, start):
            return action + start if start else action
        case MultiDiscreteSpec(_, start):
            return action + np.asarray(start, np.int64) if any(start) else action
        case MultiBinarySpec():
            return action.astype(np.int8)
        case BoxSpec(_, dtype):
            if not spec.is_bounded:
                return np.clip(action, *spec.bounds(dtype)).astype(dtype)
            low, high = spec.bounds(dtype)
            middle, half = high / 2 + low / 2, high / 2 - low / 2
            stretched = (middle + half * np.clip(action, -1, 1)).astype(dtype)
            return np.clip(stretched, low, high)  # rounding may lead beyond
