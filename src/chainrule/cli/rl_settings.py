"""What the commands of `chainrule rl` share: algorithms, environments, `--set`, mistakes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ChainruleError, DataError, Refusal, at_user_line
from ..lazy import LazyModule

rl = LazyModule("chainrule.rl")
algorithm_settings = LazyModule("chainrule.rl.algorithms.settings")
algorithm_environments = LazyModule("chainrule.rl.algorithms.environments")
gymnasium = LazyModule("gymnasium", extra="rl")

POLICY_SETTINGS = ("net_arch", "activation")  # of policy_kwargs, which `--set` takes as well
EVALUATION_SEED = 10_000  # of episodes that no training began with

Gymnasium = Annotated[
    bool,
    typer.Option(
        "--gymnasium", help="Take Gymnasium's environment, also where there is one of ours."
    ),
]


class GymnasiumEnvironment:
    """A function that makes Gymnasium's environment of a name, to which it answers."""

    def __init__(self, name: str) -> None:
        self.name, self.spec = name, gymnasium.spec(name)

    def __call__(self) -> Any:
        """Make one."""
        return gymnasium.make(self.name)


def load_model(path: Path) -> Any:
    """The model of a file."""
    return rl.load().load(path)  # of the module, which `LazyModule.load` returns


def environment(name: str, of_gymnasium: bool) -> Any:
    """What a name means, as an algorithm's constructor takes it."""
    if not of_gymnasium:
        return name
    with mistakes(name):
        return GymnasiumEnvironment(name)


def is_in_graph(name: str, of_gymnasium: bool) -> bool:
    """Whether the environment of a name is compiled with the training."""
    prefix = f"{algorithm_environments.NAMESPACE}/"
    return not of_gymnasium and name.removeprefix(prefix) in rl.ENVIRONMENTS


def where_it_runs(name: str, of_gymnasium: bool) -> str:
    """Say which environment is used."""
    if is_in_graph(name, of_gymnasium):
        return "ours, which runs in the compiled loop"
    return "Gymnasium's"


def algorithm(name: str) -> Any:
    """The class of an algorithm's name, in any case, with or without dashes.

    Raises
    ------
    DataError
        If there is none.
    """
    by_name = {_plain(known): cls for known, cls in rl.ALGORITHMS.items()}
    if _plain(name) not in by_name:
        raise DataError(f"--algo {name}: {_near(name, _option_names())}")
    return by_name[_plain(name)]


def option_name(cls: Any) -> str:
    """The word by which `--algo` means an algorithm: ``q-learning`` for QLearning."""
    name: str = cls.__name__
    words = "".join(f"-{c}" if c.isupper() and k else c for k, c in enumerate(name))
    return name.lower() if name.isupper() or any(c.isdigit() for c in name) else words.lower()


def _option_names() -> list[str]:
    return [option_name(cls) for cls in rl.ALGORITHMS.values()]


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def settings(cls: Any, words: Sequence[str]) -> dict[str, Any]:
    """Settings of an algorithm from ``name=value`` words.

    Values are JSON, ``linear:START`` or ``linear:START:END``, noise such as ``normal:0.1``, or else
    texts; an activation is a name.

    Raises
    ------
    DataError
        If there is no such setting, or a word is none.
    """
    chosen: dict[str, Any] = {}
    policy: dict[str, Any] = {}
    names = sorted({*cls.DEFAULTS, *POLICY_SETTINGS})
    for word in words:
        name, sign, text = word.partition("=")
        name = name.strip().replace("-", "_")
        if not sign or not text.strip():
            raise DataError(f"--set {word}: give name=value, such as --set learning_rate=0.001")
        if name not in names:
            raise DataError(
                f"--set {name}: {cls.__name__} has no such setting; {_near(name, names)}"
            )
        target = policy if name in POLICY_SETTINGS else chosen
        if name in target:
            raise DataError(f"--set {name}: it comes twice, and one of them would be ignored")
        target[name] = _value(name, text.strip())
    if policy:
        inner = chosen.setdefault("policy_kwargs", {})
        if not isinstance(inner, dict) or inner.keys() & policy.keys():
            raise DataError("--set policy_kwargs: give net_arch and activation once")
        chosen["policy_kwargs"] = {**inner, **policy}
    kwargs = chosen.get("policy_kwargs")
    if isinstance(kwargs, dict) and "activation" in kwargs:
        kwargs["activation"] = _activation(kwargs["activation"])
    return chosen


def _value(name: str, text: str) -> Any:
    kind, sign, numbers = text.partition(":")
    kinds: Mapping[str, Any] = {
        "linear": rl.Linear, "normal": rl.NormalActionNoise,
        "ornstein-uhlenbeck": rl.OrnsteinUhlenbeckActionNoise,
    }  # fmt: skip
    if sign and kind in kinds:
        try:
            return kinds[kind](*map(float, numbers.split(":")))
        except (TypeError, ValueError):
            raise DataError(f"--set {name}={text}: give numbers, such as {kind}:0.001") from None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        value = json.loads(text)
    except ValueError:
        if text[0] in "[{":
            raise DataError(
                f"--set {name}={text}: it is no JSON; give such as --set 'net_arch=[64, 64]'"
            ) from None
        with suppress(ValueError):  # what JSON has no number for, such as .5
            return float(text)
        return text
    if value is None:
        raise DataError(f"--set {name}={text}: leave it out for the default")
    return value


def _activation(name: Any) -> Any:
    known = algorithm_settings.ACTIVATIONS
    if name not in known:
        raise DataError(f"--set activation={name}: {_near(str(name), list(known))}")
    return known[name]


def _near(name: str, names: Sequence[str]) -> str:
    """Name those that are meant by a wrong name, or all."""
    close = get_close_matches(name.lower(), names, n=4, cutoff=0.5)
    return f"did you mean {', '.join(close)}?" if close else f"there are {', '.join(names)}"


@contextmanager
def mistakes(name: str) -> Iterator[None]:
    """Tell what algorithms and environments refuse in one line, without a line of Python.

    Parameters
    ----------
    name : str
        Of the environment, for errors of Gymnasium.
    """
    prefix = at_user_line("")
    try:
        yield
    except (ValueError, TypeError, Refusal) as error:
        message = str(error).removeprefix(prefix)
        if isinstance(error, ChainruleError):
            raise type(error)(message) from error
        raise DataError(message) from error
    except ModuleNotFoundError:
        raise
    except Exception as error:
        if not type(error).__module__.startswith("gymnasium"):
            raise
        raise DataError(f"{name}: {' '.join(str(error).split())}") from error
