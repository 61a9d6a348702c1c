"""Settings of algorithms: where each comes from, what it may be, and how files hold it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple
from typing import Any

import numpy as np

from ... import nn
from ...errors import at_user_line
from ..agents.action_noise import (
    ActionNoise,
    NormalActionNoise,
    OrnsteinUhlenbeckActionNoise,
)
from ..agents.base import Linear
from .tuned import TUNED, Tuning

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    name: getattr(nn, name)
    for name in ("tanh", "relu", "elu", "gelu", "silu", "leaky_relu", "sigmoid", "softplus")
}

_NOISES: dict[str, Any] = {
    "normal_noise": NormalActionNoise,
    "ornstein_uhlenbeck_noise": OrnsteinUhlenbeckActionNoise,
}


_VISIT_DECAY = 0.7  # of learning rates by visits


def is_number(value: Any) -> bool:
    """Return whether something is a number, and no truth value."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Return whether something is a whole number, and no truth value."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _is_schedule(value: Any) -> bool:
    if not isinstance(value, Linear):
        return callable(value)
    ends = (value.start, value.end)
    return all(is_number(x) and 0 <= x < np.inf for x in ends) and max(ends) > 0


Rule = tuple[Callable[[Any], bool], str]
_POSITIVE: Rule = (lambda x: is_number(x) and 0 < x < np.inf, "a number above 0")
_SCHEDULE: Rule = (
    lambda x: _is_schedule(x) or (is_number(x) and 0 < x < np.inf),
    "a number above 0, rl.Linear(start), or a function of the fraction that remains, from 1 to 0",
)
_FRACTION: Rule = (lambda x: is_number(x) and 0 <= x <= 1, "a number from 0 to 1")
_NOT_NEGATIVE: Rule = (lambda x: is_number(x) and 0 <= x < np.inf, "a number of 0 or more")
_COUNT: Rule = (lambda x: is_whole(x) and x >= 1, "a whole number of 1 or more")
_COUNT_OR_0: Rule = (lambda x: is_whole(x) and x >= 0, "a whole number of 0 or more")
_TRUTH: Rule = (lambda x: isinstance(x, (bool, np.bool_)), "True or False")
_NUMBER: Rule = (lambda x: is_number(x) and np.isfinite(x), "a finite number")


def _or_none(rule: Rule) -> Rule:
    return (lambda x: x is None or rule[0](x), f"{rule[1]}, or None")


RULES: dict[str, Rule] = {
    "learning_rate": _SCHEDULE,
    "n_envs": _COUNT,
    "n_steps": _COUNT,
    "batch_size": _COUNT,
    "n_epochs": _COUNT,
    "gamma": _FRACTION,
    "gae_lambda": _FRACTION,
    "clip_range": _SCHEDULE,
    "clip_range_vf": _or_none(_SCHEDULE),
    "ent_coef": (
        lambda x: (is_number(x) and 0 <= x < np.inf) or (isinstance(x, str) and _is_auto(x)),
        'a number of 0 or more; for SAC also "auto", or "auto_0.1" to begin with 0.1',
    ),
    "vf_coef": _NOT_NEGATIVE,
    "max_grad_norm": _or_none(_POSITIVE),
    "target_kl": _or_none(_POSITIVE),
    "normalize_advantage": _TRUTH,
    "normalize_observations": _TRUTH,
    "normalize_rewards": _TRUTH,
    "use_rms_prop": _TRUTH,
    "rms_prop_eps": _POSITIVE,
    "baseline": _TRUTH,
    "recurrent": _TRUTH,
    "buffer_size": _COUNT,
    "learning_starts": _COUNT_OR_0,
    "tau": (lambda x: is_number(x) and 0 < x <= 1, "a number above 0, at most 1"),
    "train_freq": _COUNT,
    "gradient_steps": (
        lambda x: is_whole(x) and (x >= 1 or x == -1), "1 or more, or -1 for as many as steps"
    ),
    "target_update_interval": _COUNT,
    "exploration_fraction": (
        lambda x: is_number(x) and 0 < x <= 1, "a number above 0, at most 1"
    ),
    "exploration_initial_eps": _FRACTION,
    "exploration_final_eps": _FRACTION,
    "prioritized_replay": _TRUTH,
    "priority_alpha": _FRACTION,
    "priority_beta": _FRACTION,
    "double_q": _TRUTH,
    "dueling": _TRUTH,
    "distributional": (lambda x: x in (None, "c51", "quantile"), 'None, "c51" or "quantile"'),
    "n_atoms": (lambda x: is_whole(x) and x >= 2, "a whole number of 2 or more"),
    "v_min": _NUMBER,
    "v_max": _NUMBER,
    "n_critics": _COUNT,
    "target_entropy": (
        lambda x: x == "auto" or (is_number(x) and np.isfinite(x)), 'a number, or "auto"'
    ),
    "action_noise": (
        lambda x: isinstance(x, ActionNoise) or _NOT_NEGATIVE[0](x),
        "a number of 0 or more, rl.NormalActionNoise or rl.OrnsteinUhlenbeckActionNoise",
    ),
    "policy_delay": _COUNT,
    "target_policy_noise": _NOT_NEGATIVE,
    "target_noise_clip": _NOT_NEGATIVE,
    "policy_kwargs": (lambda x: isinstance(x, Mapping), "a dict, such as dict(net_arch=[64, 64])"),
}  # fmt: skip


TABULAR_RULES: dict[str, Rule] = {
    "learning_rate": (
        lambda x: callable(x) or (is_number(x) and 0 < x <= 1) or _is_by_visits(x),
        "a number above 0, at most 1; rl.Linear(start), or a function of the fraction that "
        'remains; "visits", or "visits_0.8" for (1 + visits) ** -0.8, a power above 0.5, at most 1',
    ),
    "initial_q": _NUMBER,
    "expected": _TRUTH,
}  # fmt: skip
"""What differs in algorithms with a table."""


def resolve(
    algorithm: str, defaults: Mapping[str, Any], environment: str | None,
    chosen: Mapping[str, Any], special_rules: Mapping[str, Rule] | None = None,
) -> tuple[dict[str, Any], Tuning | None]:  # fmt: skip
    """Return all settings: what the user chose, else what is tuned for the environment, else the
    algorithm's default.

    Raises
    ------
    ValueError
        If one is not what it may be.
    """
    tuned = TUNED.get((algorithm, environment or ""))
    settings = {**defaults, **(tuned.settings if tuned else {})}
    settings.update({name: value for name, value in chosen.items() if value is not None})
    rules = {**RULES, **(special_rules or {})}
    for name, value in settings.items():
        is_right, wanted = rules[name]
        if not is_right(value):
            raise ValueError(at_user_line(f"{algorithm}: {name}={value!r:.60}: give {wanted}"))
    return settings, tuned


def to_json(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as JSON can hold them.

    Raises
    ------
    TypeError
        For a function that has no name here.
    """
    return {name: _value_to_json(name, value) for name, value in settings.items()}


def from_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that `to_json` was given.

    Raises
    ------
    ValueError
        If the values are not as `to_json` makes them.
    """
    return {name: _value_from_json(value) for name, value in values.items()}


def _value_to_json(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _value_to_json(f"{name}[{key!r}]", x) for key, x in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value_to_json(name, x) for x in value]
    if isinstance(value, Linear):
        return {"linear": [float(value.start), float(value.end)]}
    for key, cls in _NOISES.items():
        if isinstance(value, cls):
            return {key: [float(x) for x in astuple(value)]}
    if value is None or isinstance(value, (bool, str)):
        return value
    if is_whole(value):
        return int(value)
    if is_number(value):
        return float(value)
    for key, activation in ACTIVATIONS.items():
        if value is activation:
            return {"activation": key}
    raise TypeError(
        f"{name} is {value!r:.60}, which a file cannot hold: give a number or rl.Linear, for an "
        f"activation one of nn.{', nn.'.join(ACTIVATIONS)}"
    )


def _value_from_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_value_from_json(x) for x in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"linear"} and isinstance(value["linear"], list):
        start, end = map(float, value["linear"])
        return Linear(start, end)
    for key, cls in _NOISES.items():
        if value.keys() == {key} and isinstance(value[key], list):
            return cls(*map(float, value[key]))
    if value.keys() == {"activation"}:
        name = value["activation"]
        if name not in ACTIVATIONS:
            raise ValueError(f"there is no activation {name!r:.40}")
        return ACTIVATIONS[name]
    return {name: _value_from_json(x) for name, x in value.items()}


def visit_decay(learning_rate: Any) -> float | None:
    """Return the power of a learning rate that falls with visits: 0.7 for "visits"; else None."""
    if not isinstance(learning_rate, str):
        return None
    _, _, power = learning_rate.partition("_")
    return float(power) if power else _VISIT_DECAY


def _is_by_visits(text: Any) -> bool:
    if not isinstance(text, str) or text.partition("_")[0] != "visits":
        return False
    try:
        decay = visit_decay(text)
    except ValueError:
        return False
    # H. Robbins, S. Monro (1951): the rates add up to infinity, their squares do not
    return decay is not None and 0.5 < decay <= 1


def _is_auto(text: str) -> bool:
    if text == "auto":
        return True
    prefix, _, number = text.partition("_")
    try:
        return prefix == "auto" and 0 < float(number) < np.inf
    except ValueError:
        return False
