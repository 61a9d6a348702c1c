"""`chainrule rl list`: environments that run in the compiled loop, and algorithms."""

from __future__ import annotations

from typing import Any

from .. import escape
from ..errors import UnsupportedError
from ..lazy import LazyModule
from . import rl_settings
from .console import console, table
from .options import AsJson
from .rl_settings import rl

tuned = LazyModule("chainrule.rl.algorithms.tuned")


def list_environments(as_json: AsJson = False) -> None:
    """List the environments that run in the compiled loop, and the algorithms that fit them.

    A star marks settings that were tuned for both. Gymnasium's environments can be trained on as
    well: give their names.

    **Examples**

    `chainrule rl list`
    """
    rows = [_described(name) for name in rl.ENVIRONMENTS]
    if as_json:
        algorithms = [rl_settings.option_name(cls) for cls in rl.ALGORITHMS.values()]
        print(escape.as_json({"environments": rows, "algorithms": algorithms}))
        return
    grid = table("environment", "observation", "action", "steps", "solved at",
                         right=(3, 4))  # fmt: skip
    for row in rows:
        grid.add_row(
            row["name"], row["observation"], row["action"], _or_none(row["max_episode_steps"]),
            _or_none(row["reward_threshold"]),
        )  # fmt: skip
    grid.columns[0].no_wrap = True
    fits = table("algorithm", "environments that it fits")
    for cls in rl.ALGORITHMS.values():
        name = rl_settings.option_name(cls)
        fits.add_row(name, _fitted(name, rows))
    out = console()
    out.print(grid)
    out.print(fits)
    out.say("* with tuned settings. Start with: chainrule rl train CartPole-v1 --algo ppo")


def _fitted(algorithm: str, rows: list[dict[str, Any]]) -> str:
    """Return the names of the environments that an algorithm fits, in as few words as possible."""
    names = [
        f"{row['name']}*" if algorithm in row["tuned"] else row["name"]
        for row in rows
        if algorithm in row["algorithms"]
    ]
    if len(names) < len(rows):
        return ", ".join(names)
    tuned_names = [name for name in names if name.endswith("*")]
    return f"all; {', '.join(tuned_names)}" if tuned_names else "all"


def _described(name: str) -> dict[str, Any]:
    environment = rl.make_environment(name)
    fitting = [cls for cls in rl.ALGORITHMS.values() if _fits(cls, environment)]
    return {
        "name": name,
        "observation": _space(environment.observation_space),
        "action": _space(environment.action_space),
        "max_episode_steps": environment.max_episode_steps,
        "reward_threshold": environment.reward_threshold,
        "algorithms": [rl_settings.option_name(cls) for cls in fitting],
        "tuned": [
            rl_settings.option_name(cls) for cls in fitting if (cls.__name__, name) in tuned.TUNED
        ],
        "render_modes": list(environment.render_modes),
    }


def _fits(cls: Any, environment: Any) -> bool:
    """Whether an algorithm can learn in an environment; no network is made to find out."""
    try:
        cls(None, seed=0).agent_for(environment)
    except UnsupportedError:
        return False
    return True


def _space(space: Any) -> str:
    """A space in a few words."""
    kind = type(space).__name__
    if kind == "Discrete":
        return f"{space.n} choices"
    if kind == "Box":
        sizes = " x ".join(map(str, space.shape))
        return f"{sizes} number" if sizes == "1" else f"{sizes} numbers"
    return " ".join(str(space).split())


def _or_none(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"
