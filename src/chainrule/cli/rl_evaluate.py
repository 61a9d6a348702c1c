"""`chainrule rl evaluate`: returns of whole episodes."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import typer

from .. import escape
from ..errors import DataError
from ..lazy import LazyModule
from . import rl_settings
from .console import console, table
from .options import AsJson, Model
from .rl_settings import EVALUATION_SEED, Gymnasium, rl

elements = LazyModule("chainrule.report.elements")

Environment = Annotated[
    str | None,
    typer.Option("--env", metavar="ENV", help="An environment. [default: that of the training]"),
]


def evaluate(
    model: Model,
    env: Environment = None,
    episodes: Annotated[int, typer.Option(min=1, help="How many.")] = 100,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the environment.")] = (
        EVALUATION_SEED
    ),
    stochastic: Annotated[
        bool, typer.Option("--stochastic", help="Draw actions instead of taking the likeliest.")
    ] = False,
    gymnasium: Gymnasium = False,
    as_json: AsJson = False,
) -> None:
    """Run whole episodes with a trained policy, and print what came of them.

    **Examples**

    `chainrule rl evaluate ppo-CartPole-v1.safetensors`

    `chainrule rl evaluate ppo-CartPole-v1.safetensors --env CartPole-v1 --gymnasium --json`
    """
    loaded = rl_settings.load_model(model)
    name = environment_of(loaded, env)
    with rl_settings.mistakes(name):
        results = rl.evaluate_episodes(
            loaded, rl_settings.environment(name, gymnasium), episodes, not stochastic, seed
        )
    facts = summary(results)
    if as_json:
        print(escape.as_json({
            "model": str(model), "environment": name,
            "in_graph": rl_settings.is_in_graph(name, gymnasium), "episodes": episodes,
            "deterministic": not stochastic, "seed": seed, **facts,
        }))  # fmt: skip
        return
    out = console()
    out.say(f"{episodes} episodes of {name}, {rl_settings.where_it_runs(name, gymnasium)}")
    grid = table("", "value", right=(1,))
    for key, value in facts.items():
        grid.add_row(key.replace("_", " "), elements.number(value))
    out.print(grid)


def environment_of(model: Any, env: str | None) -> str:
    """The name that was asked for, or that of the environment a model learned in."""
    name = env or model.environment_name
    if name is None:
        raise DataError("the model does not know its environment's name: give --env ENV")
    return str(name)


def summary(results: Any) -> dict[str, float]:
    """Numbers that describe episodes."""
    returns, lengths = results.returns, results.lengths
    facts = {
        "mean_return": float(np.mean(returns)), "std_return": float(np.std(returns)),
        "min_return": float(np.min(returns)), "max_return": float(np.max(returns)),
        "mean_length": float(np.mean(lengths)),
    }  # fmt: skip
    if results.successes is not None:
        facts["success_rate"] = float(np.mean(results.successes))
    return facts
