"""The environments by name, here and in Gymnasium."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from ...lazy import LazyModule
from .acrobot import Acrobot
from .blackjack import Blackjack
from .cart_pole import CartPole
from .cliff_walking import CliffWalking
from .frozen_lake import FrozenLake
from .mini_breakout import MiniBreakout
from .mountain_car import MountainCar, MountainCarContinuous
from .navigation import Navigation
from .pendulum import Pendulum
from .protocol import Environment
from .two_link_arm import TwoLinkArm

gymnasium = LazyModule("gymnasium", extra="rl")

ENVIRONMENTS: dict[str, type[Environment[Any]]] = {
    "Acrobot-v1": Acrobot,
    "Blackjack-v1": Blackjack,
    "CartPole-v1": CartPole,
    "CliffWalking-v1": CliffWalking,
    "CliffWalkingSlippery-v1": CliffWalking,
    "FrozenLake-v1": FrozenLake,
    "FrozenLake8x8-v1": FrozenLake,
    "MiniBreakout-v0": MiniBreakout,
    "MountainCar-v0": MountainCar,
    "MountainCarContinuous-v0": MountainCarContinuous,
    "Navigation-v0": Navigation,
    "Pendulum-v1": Pendulum,
    "TwoLinkArm-v0": TwoLinkArm,
}
"""The class of each name. What Gymnasium has too is called as there, version included."""

# Names that mean a class with other settings than its defaults
VARIANTS: dict[str, dict[str, Any]] = {
    "CliffWalkingSlippery-v1": {"is_slippery": True},
    "FrozenLake8x8-v1": {"map_name": "8x8", "max_episode_steps": 200},
}

NAMESPACE = "chainrule"
_ADAPTERS = "chainrule.rl.environments"


def make_environment(name: str, **settings: Any) -> Environment[Any]:
    """Make the environment of a name.

    Parameters
    ----------
    name : str
        A key of `ENVIRONMENTS`.
    **settings
        Fields of the class, such as ``max_episode_steps=200``.

    Returns
    -------
    Environment

    Raises
    ------
    ValueError
        If there is none of that name.
    TypeError
        If the class has no such setting.

    Examples
    --------
    >>> make_environment("CartPole-v1", max_episode_steps=200).max_episode_steps
    200
    """
    if name not in ENVIRONMENTS:
        close = get_close_matches(name, ENVIRONMENTS, n=3, cutoff=0.4) or sorted(ENVIRONMENTS)
        raise ValueError(f"there is no environment {name!r}: did you mean {', '.join(close)}?")
    return ENVIRONMENTS[name](**{**VARIANTS.get(name, {}), **settings})


def register_environments() -> None:
    """Make the environments known to Gymnasium as ``chainrule/CartPole-v1`` and so on.

    Importing `chainrule.rl.environments` calls this where Gymnasium is installed.

    Examples
    --------
    >>> import gymnasium
    >>> register_environments()
    >>> gymnasium.make("chainrule/Pendulum-v1").spec.max_episode_steps
    200
    """
    for name in ENVIRONMENTS:
        if f"{NAMESPACE}/{name}" in gymnasium.registry:
            continue
        environment = make_environment(name)
        gymnasium.register(
            f"{NAMESPACE}/{name}",
            entry_point=f"{_ADAPTERS}.gymnasium_env:make_single",
            vector_entry_point=f"{_ADAPTERS}.gymnasium_vector:make_vector",
            reward_threshold=environment.reward_threshold,
            max_episode_steps=environment.max_episode_steps,
            kwargs={"name": name},
        )
