"""Models as files: settings and spaces in JSON, networks as arrays, in one safetensors file."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from ... import tree
from ...container import checked_path, damaged, dumps, loads, read, write
from ...errors import ModelFileError, at_user_line
from ...version import __version__
from ..spaces import (
    BoxSpec,
    DictSpec,
    DiscreteSpec,
    MultiBinarySpec,
    MultiDiscreteSpec,
    SpaceSpec,
    TupleSpec,
    n_features,
)
from .settings import from_json, to_json

KIND = "rl"
_LEAST_SIZE = 1000  # a size that is harmless in any file


def save_model(model: Any, path: str | Path) -> None:
    """Write a model; see `Algorithm.save`."""
    target = checked_path(path, "save")
    portable = model.agent.portable(model.state)
    names = tree.names(portable)
    arrays = {name: np.asarray(x) for name, x in zip(names, tree.leaves(portable), strict=True)}
    write(target, dumps({"chainrule": __version__, **_description(model)}, arrays))


def _description(model: Any) -> dict[str, Any]:
    """Return what a file says beside its arrays and the version."""
    return {
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
        settings, model = _from_file(cls, description, arrays, policy)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error
    except _WRONG as error:
        raise ModelFileError(f"{path}: {damaged(f'its description is wrong ({error})')}") from error
    if env is None and not changes:
        return model
    changed = cls(env, **{**settings, **changes}, policy=policy, seed=model.seed, dtype=model.dtype)
    old = [model.agent.observation, model.agent.action]
    if env is None:
        changed.without_environment(*old, model.environment_name)
    elif [changed.agent.observation, changed.agent.action] != old:
        raise ModelFileError(
            f"{path}: it was trained on other observations or actions than this environment's"
        )
    try:
        changed.set_state(_filled(changed.agent, changed.state, arrays))
    except ModelFileError as error:
        raise ValueError(
            at_user_line(f"{path}: it holds another network than {', '.join(changes)} make")
        ) from error
    return changed


def _from_file(
    cls: Any, description: Mapping[str, Any], arrays: Mapping[str, Any], policy: Any
) -> tuple[dict[str, Any], Any]:
    """Return the settings and the model, without an environment."""
    if description["algorithm"] != cls.__name__:
        raise ModelFileError(
            f"it is a model of {description['algorithm']!r:.40}: read it with rl.load"
        )
    if type(description["custom_policy"]) is not bool:
        raise damaged("it does not say whose policy it has")
    if description["custom_policy"] and policy is None:
        raise ModelFileError("its policy is of your own: give load(path, policy=...)")
    settings = from_json(description["settings"])
    observation, action = (space_from_json(description[name]) for name in ("observation", "action"))
    if policy is None:
        _check_sizes(settings, observation, action, sum(array.size for array in arrays.values()))
    model = cls(
        None, **settings, policy=policy, seed=_whole(description["seed"]),
        dtype=np.dtype(description["dtype"]),
    )  # fmt: skip
    model.without_environment(observation, action, _text_or_none(description["environment"]))
    model.set_state(_filled(model.agent, model.state, arrays))
    for name, value in _description(model).items():  # such as a setting that is null
        if description[name] != value and name != "custom_policy":
            raise damaged(f"its {name} are not as `save` writes them")
    return settings, model


_WRONG = (KeyError, TypeError, ValueError, AttributeError, OverflowError, MemoryError,
          RecursionError, NotImplementedError, AssertionError)  # fmt: skip


def _check_sizes(
    settings: Mapping[str, Any], observation: SpaceSpec, action: SpaceSpec, total: int
) -> None:
    """Raise if a file describes networks of more weights than it holds, before they are made."""
    arch = settings.get("policy_kwargs", {}).get("net_arch", ())
    width = n_features(observation)
    n_atoms = settings["n_atoms"] if settings.get("distributional") else 1
    counts = [width, n_features(action), settings.get("n_critics", 1), n_atoms]
    for sizes in arch.values() if isinstance(arch, Mapping) else [arch]:
        layers = [*map(_count, sizes)]
        if not _has_images(observation):
            layers = [width, *layers]
        counts += layers + [a * b for a, b in pairwise(layers)]
    if max(map(_whole, counts)) > max(total, _LEAST_SIZE):
        raise damaged("it describes larger networks than it holds")


def _has_images(spec: SpaceSpec) -> bool:
    match spec:
        case BoxSpec(shape):
            return len(shape) == 3
        case DictSpec(_, parts) | TupleSpec(parts):
            return any(map(_has_images, parts))
        case _:
            return False


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
            box = BoxSpec(sizes, dtype, *(_bound_from_json(x, sizes) for x in (low, high)))
            if not np.all(np.less_equal(*box.bounds())):
                raise damaged("a box has a lower bound above the upper one")
            return box
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
