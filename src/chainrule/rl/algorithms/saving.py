"""Models as files: settings and spaces in JSON, networks as arrays, in one safetensors file."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from ... import tree
from ...container import checked_path, damaged, dumps, loads, read, write
from ...errors import ModelFileError
from ...version import __version__
from ..spaces import (
    BoxSpec,
    DictSpec,
    DiscreteSpec,
    MultiBinarySpec,
    MultiDiscreteSpec,
    SpaceSpec,
    TupleSpec,
)
from .settings import from_json, to_json

KIND = "rl"


def save_model(model: Any, path: str | Path) -> None:
    """Write a model; see `Algorithm.save`."""
    target = checked_path(path, "save")
    description = {
        "chainrule": __version__,
        "kind": KIND,
        "algorithm": type(model).__name__,
        "environment": model.environment_name,
        "settings": to_json(model.settings),
        "custom_policy": model.has_custom_policy,
        "seed": int(model.seed),
        "dtype": str(model.dtype),
        "observation": space_to_json(model.agent.observation),
        "action": space_to_json(model.agent.action),
        "num_timesteps": model.num_timesteps,
    }
    portable = model.agent.portable(model.state)
    names = tree.names(portable)
    arrays = {name: np.asarray(x) for name, x in zip(names, tree.leaves(portable), strict=True)}
    write(target, dumps(description, arrays))


def read_model(path: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the description and the arrays of a model file of this package.

    Raises
    ------
    ModelFileError
        If it is none, or damaged.
    """
    source = checked_path(path, "load")
    try:
        description, arrays = loads(read(source))
        if description.get("kind") != KIND:
            raise ModelFileError("it is a model of another kind: read it with chainrule.load")
    except ModelFileError as error:
        raise ModelFileError(f"{source}: {error}") from error
    return description, arrays


def load_model(
    cls: Any, path: str | Path, env: Any, policy: Any, changes: Mapping[str, Any]
) -> Any:
    """Read a model of a class; see `Algorithm.load`."""
    description, arrays = read_model(path)
    try:
        if description["algorithm"] != cls.__name__:
            raise ModelFileError(
                f"it is a model of {description['algorithm']!r:.40}: read it with rl.load"
            )
        if description["custom_policy"] and policy is None:
            raise ModelFileError("its policy is of your own: give load(path, policy=...)")
        settings = {**from_json(description["settings"]), **changes}
        spaces = [space_from_json(description[name]) for name in ("observation", "action")]
        model = cls(
            env, **settings, policy=policy, seed=_whole(description["seed"]),
            dtype=np.dtype(description["dtype"]),
        )  # fmt: skip
        if env is None:
            model.without_environment(*spaces, _text_or_none(description["environment"]))
        elif [model.agent.observation, model.agent.action] != spaces:
            raise ModelFileError(
                "it was trained on other observations or actions than this environment's"
            )
        model.set_state(_filled(model.agent, model.state, arrays))
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelFileError(f"{path}: {damaged(f'its description is wrong ({error})')}") from error
    return model


def _filled(agent: Any, state: Any, arrays: Mapping[str, Any]) -> Any:
    """Return a state with the arrays of a file."""
    portable = agent.portable(state)
    leaves, structure = tree.flatten(portable)
    names = tree.names(portable)
    if set(names) != set(arrays):
        raise damaged("its arrays are those of another network")
    for name, leaf in zip(names, leaves, strict=True):
        array = arrays[name]
        if array.shape != np.shape(leaf) or array.dtype != np.asarray(leaf).dtype:
            raise damaged(f"{name} is {array.dtype}{list(array.shape)}")
    return agent.with_portable(state, tree.unflatten(structure, [arrays[n] for n in names]))


def space_to_json(spec: SpaceSpec) -> dict[str, Any]:
    """Return a space as JSON can hold it; infinite bounds as texts."""
    match spec:
        case DiscreteSpec(n, start):
            return {"discrete": [n, start]}
        case MultiDiscreteSpec(nvec, start):
            return {"multi_discrete": [list(nvec), list(start)]}
        case MultiBinarySpec(shape):
            return {"multi_binary": list(shape)}
        case BoxSpec(shape, dtype, low, high):
            return {"box": [list(shape), dtype, _bound_to_json(low), _bound_to_json(high)]}
        case DictSpec(names, parts):
            return {"dict": [list(names), [space_to_json(part) for part in parts]]}
        case TupleSpec(parts):
            return {"tuple": [space_to_json(part) for part in parts]}


def space_from_json(value: Any) -> SpaceSpec:
    """Return the space that `space_to_json` was given.

    Raises
    ------
    ModelFileError
        If it is none.
    """
    if not isinstance(value, dict) or len(value) != 1:
        raise damaged("a space is not as `save` writes it")
    ((kind, content),) = value.items()
    match kind, content:
        case "discrete", [n, start]:
            return DiscreteSpec(_count(n), _whole(start))
        case "multi_discrete", [list(nvec), list(start)] if len(nvec) == len(start):
            return MultiDiscreteSpec(tuple(map(_count, nvec)), tuple(map(_whole, start)))
        case "multi_binary", list(shape):
            return MultiBinarySpec(tuple(map(_count, shape)))
        case "box", [list(shape), str(dtype), low, high]:
            if dtype not in _BOX_DTYPES:
                raise damaged(f"a box is of {dtype!r:.20}")
            sizes = tuple(map(_count, shape))
            return BoxSpec(sizes, dtype, *(_bound_from_json(x, sizes) for x in (low, high)))
        case "dict", [list(names), list(parts)] if len(names) == len(parts):
            if not all(isinstance(name, str) for name in names):
                raise damaged("a space has names that are no texts")
            return DictSpec(tuple(names), tuple(map(space_from_json, parts)))
        case "tuple", list(parts):
            return TupleSpec(tuple(map(space_from_json, parts)))
    raise damaged("a space is not as `save` writes it")


_BOX_DTYPES = {f"{kind}{bits}" for kind in ("int", "uint", "float") for bits in (8, 16, 32, 64)}
_INFINITE = {"inf": inf, "-inf": -inf}


def _bound_to_json(bound: float | tuple[float, ...]) -> Any:
    if isinstance(bound, tuple):
        return [_bound_to_json(x) for x in bound]
    return str(bound) if bound in (inf, -inf) else bound


def _bound_from_json(value: Any, shape: tuple[int, ...]) -> float | tuple[float, ...]:
    if isinstance(value, list):
        if len(value) != np.prod(shape):
            raise damaged("a box has bounds of another shape")
        return tuple(map(_one_bound, value))
    return _one_bound(value)


def _one_bound(value: Any) -> float:
    if isinstance(value, str):
        return _INFINITE[value]
    return float(value)


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise damaged(f"{value!r:.40} is no whole number")
    return value


def _count(value: Any) -> int:
    if _whole(value) < 1 or value > 2**31:
        raise damaged(f"{value!r:.40} is no size")
    return int(value)


def _text_or_none(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise damaged(f"{value!r:.40} is no name of an environment")
    return value
