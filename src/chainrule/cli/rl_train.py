"""`chainrule rl train`: from an environment's name to a saved policy and what it is worth."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import typer

from .. import escape
from ..errors import DataError, EnvironmentStepError, TrainingError
from ..lazy import LazyModule
from ..starting import MISTAKE
from . import keeping, options, rl_settings
from .console import complain, console, table
from .options import AsJson, Quiet, Report, Seed
from .rl_evaluate import summary
from .rl_run import Run, policies, reward_threshold
from .rl_settings import EVALUATION_SEED, Gymnasium, rl

elements = LazyModule("chainrule.report.elements")
reporting = LazyModule("chainrule.cli.rl_reporting")
seeds_module = LazyModule("chainrule.rl.seeds")
tuned = LazyModule("chainrule.rl.algorithms.tuned")

_REPORTED = 200  # points of the curves in a report
_LARGEST_SEED = 2**32 - 1


def train(
    env: Annotated[
        str,
        typer.Argument(
            metavar="ENV",
            help="A name that `chainrule rl list` shows, or one of Gymnasium's, such as "
            "LunarLander-v3.",
        ),
    ],
    algo: Annotated[
        str, typer.Option(help="ppo, a2c, reinforce, dqn, sac, td3, ...: see chainrule rl list.")
    ] = "ppo",
    total_timesteps: Annotated[
        int | None,
        typer.Option(
            min=1, help="Steps of all copies together. [default: what settings are tuned for, "
            "else 100000]",
        ),
    ] = None,
    seed: Seed = 0,
    seeds: Annotated[
        int, typer.Option(min=1, max=1000, help="How many trainings, from --seed on, at once.")
    ] = 1,
    n_envs: Annotated[
        int | None, typer.Option(min=1, help="Copies of the environment. [default: tuned, or 1]")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE",
            help="A setting of the algorithm, such as learning_rate=linear:0.001 or "
            "net_arch=[64,64]; may be repeated.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to save. [default: ALGO-ENV.safetensors]"),
    ] = None,
    report: Report = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="A file to go on from: the same command continues after it was killed."),
    ] = None,
    eval_episodes: Annotated[int, typer.Option(min=1, help="Episodes of the evaluation.")] = 20,
    gymnasium: Gymnasium = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Train a policy, evaluate it beside random actions, and save it.

    An environment of ours is compiled with the training into one loop. Settings that are not set
    are those tuned for the environment, if there are any, and else the algorithm's defaults.

    **Examples**

    `chainrule rl train CartPole-v1`

    `chainrule rl train Pendulum-v1 --algo sac --seeds 5 --report`

    `chainrule rl train LunarLander-v3 --algo dqn --set learning_rate=linear:0.001 --set
    net_arch=[64,64]`
    """  # fmt: skip
    if seed + seeds - 1 > _LARGEST_SEED:
        raise DataError(f"--seeds {seeds}: from --seed {seed} on there are no more so many")
    if checkpoint is not None and seeds > 1:
        raise DataError("--checkpoint holds one training: leave out --seeds, or run each seed")
    words = [*(set_ or ()), *([f"n_envs={n_envs}"] if n_envs is not None else [])]
    run = _planned(
        env, gymnasium, algo, total_timesteps, list(range(seed, seed + seeds)), words,
        eval_episodes, output, report, checkpoint,
    )  # fmt: skip
    out = console(quiet=quiet or as_json)
    out.say(f"{env}: {rl_settings.where_it_runs(env, gymnasium)}; {_source(run)}")
    _learn(run, checkpoint, progress_bar=not out.quiet)
    _save(run)
    try:
        _evaluate(run)
    except EnvironmentStepError as error:
        run.failure = run.failure or error
    written = _write_report(run, output)
    if as_json:
        print(escape.as_json(_as_json(run, written)))
    elif quiet:
        returns = [result.returns for result in run.results.values()]
        print(f"{np.mean(returns) if returns else float('nan'):.6g}")
    else:
        _show(out, run, written)
    _leave(run, written)


def _planned(
    env: str, gymnasium: bool, algo: str, total_timesteps: int | None, seeds: list[int],
    words: list[str], eval_episodes: int, output: Path | None, report: Path | None,
    checkpoint: Path | None,
) -> Run:  # fmt: skip
    """Check everything before the work, and make the models."""
    cls = rl_settings.algorithm(algo)
    settings = rl_settings.settings(cls, words)
    stem = f"{rl_settings.option_name(cls)}-{options.stem(env.rpartition(':')[2])}"
    path, page = options.output_paths(stem, output, report)
    if checkpoint is not None:
        keeping.check_apart({"--checkpoint": checkpoint, "--output": path, "--report": page}, ())
        keeping.check_writable(checkpoint, "--checkpoint")
    run = Run(env, gymnasium, cls, 0, seeds, settings, words, eval_episodes, path, page)
    with rl_settings.mistakes(env):
        run.models = seeds_module.models_of_seeds(cls, run.environment(), seeds, **settings)
    name = run.models[0].environment_name
    run.total_timesteps = total_timesteps or tuned.default_timesteps(cls.__name__, name)
    return run


def _source(run: Run) -> str:
    """Say which algorithm trains, and where its settings come from."""
    model = run.models[0]
    tuning = f"settings {model.tuning.source}" if model.tuning else "default settings"
    changed = ", ".join(run.words)
    return f"{run.algorithm.__name__}, {tuning}" + (f", and {changed}" if changed else "")


def _learn(run: Run, checkpoint: Path | None, progress_bar: bool) -> None:
    """Train; a training that fails leaves its error in the run."""
    interval = max(1, run.total_timesteps // _REPORTED)
    callback = seeds_module.Reports(interval) if run.page is not None else None
    start = perf_counter()
    try:
        if checkpoint is not None:
            run.models[0].learn(
                run.total_timesteps, callback, progress_bar=progress_bar, checkpoint=checkpoint
            )
        else:
            seeds_module.learn_together(
                run.models, run.total_timesteps, callback, progress_bar=progress_bar
            )
    except (EnvironmentStepError, TrainingError) as error:
        run.failure = error
    run.seconds = perf_counter() - start
    if run.interrupted:
        complain("chainrule: interrupted; what was learned is kept")


def _save(run: Run) -> None:
    """Write what has learned something, unless its weights are no longer numbers."""
    if isinstance(run.failure, TrainingError):
        return
    for model in run.trained:
        run.saved[model.seed] = keeping.write_somewhere(run.path_of(model.seed), model.save)


def _evaluate(run: Run) -> None:
    """Run episodes with each policy, and with random actions."""
    environment = run.environment()
    run.baseline = rl.evaluate_episodes(
        rl.RandomPolicy(environment, dtype=run.models[0].dtype), None, run.eval_episodes,
        seed=EVALUATION_SEED,
    )  # fmt: skip
    for model in run.trained:
        if model.seed in run.saved:
            run.results[model.seed] = rl.evaluate_episodes(
                model, environment, run.eval_episodes, seed=EVALUATION_SEED
            )


def _write_report(run: Run, output: Path | None) -> Path | None:
    if run.page is None or not run.results:
        return None
    page: Path = reporting.write(run.page, reporting.report(run, run.command(output)))
    return page


def _show(out: Any, run: Run, page: Path | None) -> None:
    """Print what was trained, what it is worth, and how to use it."""
    if run.n_steps:
        rate = run.n_steps / run.seconds
        out.say(f"{run.n_steps:,} steps in {run.seconds:.1f} s, {rate:,.0f} a second")
    if run.results:
        out.print(result_table(run))
        threshold = reward_threshold(run)
        if threshold is not None:
            out.say(f"The task counts as solved from a mean return of {threshold:g} on.")
    if page is not None:
        out.say(f"wrote {page}: open it in a browser")
    for path in list(run.saved.values())[:-1]:
        out.say(f"saved {path}")
    for path in list(run.saved.values())[-1:]:
        out.say(f"saved {path}; use it with: chainrule rl watch {path}")


def result_table(run: Run) -> Any:
    """The returns of each policy, and of random actions."""
    grid = table(
        "policy", "mean return", "deviation", "length", right=(1, 2, 3),
        title=f"{run.eval_episodes} episodes",
    )  # fmt: skip
    for label, results in policies(run):
        facts = summary(results)
        keys = ("mean_return", "std_return", "mean_length")
        grid.add_row(label, *[elements.number(facts[key]) for key in keys])
    return grid


def _as_json(run: Run, page: Path | None) -> dict[str, Any]:
    model = run.models[0]
    return {
        "environment": run.env, "in_graph": rl_settings.is_in_graph(run.env, run.gymnasium),
        "algorithm": run.algorithm.__name__,
        "tuned": model.tuning.source if model.tuning else None,
        "total_timesteps": run.total_timesteps, "seconds": run.seconds,
        "steps_per_second": run.n_steps / run.seconds, "interrupted": run.interrupted,
        "error": None if run.failure is None else str(run.failure),
        "models": [
            {"seed": seed, "path": str(run.saved[seed]), **summary(results)}
            for seed, results in run.results.items()
        ],
        "random": None if run.baseline is None else summary(run.baseline),
        "reward_threshold": reward_threshold(run), "report": None if page is None else str(page),
        "command": run.command(None),
    }  # fmt: skip


def _leave(run: Run, page: Path | None) -> None:
    """End with the exit code that says how it went."""
    if run.failure is not None:
        complain(f"chainrule: {run.failure}", style="red")
        for path in run.saved.values():
            complain(f"chainrule: what was learned before is saved as {path}")
        sys.exit(MISTAKE)
    wanted = [(run.path_of(seed), path) for seed, path in run.saved.items()]
    keeping.leave(run.interrupted, *wanted, (run.page if run.results else None, page))
