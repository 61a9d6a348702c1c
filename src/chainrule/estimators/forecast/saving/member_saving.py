"""The members of a committee, and the views that they share, as a description and arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .... import random, tree
from ....container import Arrays, Description, damaged
from ....transforms import make_graph
from ...serialization.perceptron import ArrayReader
from ...serialization.schema import each, fields, finite, flag, one_of, positive, whole
from ..members.effects import Effects
from ..members.lag_ridge import CENTRES, LagMap
from ..members.member import Member
from ..members.naive import Drift, SeasonalNaive
from ..members.network_member import NETWORKS, NetworkMember, NetworkSpec
from ..members.ridges import Ridge, RidgeSpec
from ..members.scaling import TRANSFORMS, Scaling
from ..members.view import View

Floats: TypeAlias = NDArray[np.float64]

LONGEST = 2**40  # steps
LEAST_SPREAD = 1e-10  # in units of the level; `Scaling.of` has none below 1e-9
COUNTS = ("spread", "level", "window")
VIEW = fields(
    {"transform": one_of(*TRANSFORMS), "known": one_of("none", "sum", "factor"),
     "with_extras": flag}
)  # fmt: skip
SPEC = {
    "transform": one_of(*TRANSFORMS), "lags": whole(1, LONGEST), "counts": one_of(*COUNTS),
}  # fmt: skip
RIDGE = fields({**SPEC, "centre": one_of(*CENTRES), "penalty": positive, "is_local": flag})
NETWORK = fields(
    {**SPEC, "kind": one_of(*NETWORKS), "centre": one_of("last", "mean"),
     "quantiles": each(finite, 0, 99)}
)  # fmt: skip
MEMBERS = {
    "seasonal_naive": fields({"kind": one_of("seasonal_naive"), "season": whole(1, LONGEST)}),
    "drift": fields({"kind": one_of("drift")}),
    "ridge": fields({"kind": one_of("ridge"), "view": whole(0), "spec": RIDGE}),
    "network": fields({"kind": one_of("network"), "view": whole(0), "spec": NETWORK}),
}  # fmt: skip


@dataclass(frozen=True)
class Sizes:
    """What the arrays of members must fit.

    Attributes
    ----------
    series : int
    known, past, static : int
        Columns of covariates.
    horizon : int
    longest : int
        Values of the longest series.
    """

    series: int
    known: int
    past: int
    static: int
    horizon: int
    longest: int


def members_to_state(members: Sequence[Member], arrays: Arrays) -> Description:
    """Describe members; their numbers are put into `arrays`. A view is kept once."""
    views = {id(member.view): member.view for member in members if member.view is not None}
    numbers = {key: number for number, key in enumerate(views)}
    return {
        "views": [
            _view_to_state(view, f"view{k}.", arrays) for k, view in enumerate(views.values())
        ],
        "members": [
            _member_to_state(member, numbers.get(id(member.view), 0), f"member{k}.", arrays)
            for k, member in enumerate(members)
        ],
    }  # fmt: skip


def members_from_state(
    views: Sequence[Any], members: Sequence[Any], sizes: Sizes, arrays: ArrayReader
) -> tuple[Member, ...]:
    """The members of `members_to_state`; a `ModelFileError` for anything else."""
    checked_views = [
        _view_from_state(view, k, sizes, arrays) for k, view in enumerate(views)
    ]  # fmt: skip
    used: set[int] = set()
    result = []
    for k, entry in enumerate(members):
        kind = entry.get("kind") if isinstance(entry, dict) else None
        if not isinstance(kind, str) or kind not in MEMBERS:
            raise damaged(f"its member {k} is of no kind that this version knows")
        checked = MEMBERS[kind](entry, f"members[{k}]")
        if "view" not in checked:
            result.append(Member(_rule(checked, sizes)))
            continue
        if checked["view"] >= len(checked_views):
            raise damaged(f"the view of its member {k} is absent")
        view = checked_views[checked["view"]]
        if checked["spec"]["transform"] != view.scaling.transform:
            raise damaged(f"its member {k} is of another transform than its view")
        used.add(checked["view"])
        model = _ridge if kind == "ridge" else _network
        result.append(Member(model(checked, view, f"member{k}.", sizes, arrays), view))
    if used != set(range(len(checked_views))):
        raise damaged("it has a view that no member has")
    return tuple(result)


# Views


def _view_to_state(view: View, prefix: str, arrays: Arrays) -> Description:
    scaling, effects = view.scaling, view.effects
    parts = {
        "level": scaling.level, "offset": scaling.offset, "mean": scaling.mean,
        "spread": scaling.spread, "past_mean": view.past_mean,
        "past_deviation": view.past_deviation, "static_mean": view.static_mean,
        "static_deviation": view.static_deviation,
    }  # fmt: skip
    if effects is not None:
        constant = np.isinf(effects.deviation)  # which a file does not hold: 0 stands for it
        parts |= {
            "effects.mean": effects.mean, "effects.weights": effects.weights,
            "effects.deviation": np.where(constant, 0.0, effects.deviation),
            "effects.common": effects.common,
        }  # fmt: skip
    arrays |= {f"{prefix}{name}": part for name, part in parts.items()}
    return {
        "transform": scaling.transform, "known": view.known_use,
        "with_extras": view.with_extras,
    }  # fmt: skip


def _view_from_state(state: Any, number: int, sizes: Sizes, arrays: ArrayReader) -> View:
    checked = VIEW(state, f"views[{number}]")
    prefix, many = f"view{number}.", (sizes.series,)

    def read(name: str, shape: tuple[int, ...], least: float = -np.inf) -> Any:
        return _read(arrays, prefix + name, shape, least)

    scaling = Scaling(
        checked["transform"], read("level", many, 0.0), _offsets(read("offset", many)),
        read("mean", many), read("spread", many, LEAST_SPREAD),
    )  # fmt: skip
    if (scaling.spread > 1.0 / LEAST_SPREAD).any():
        raise damaged(f"{prefix}spread is not that of values in units of their level")
    effects = None
    if checked["known"] != "none":
        if not sizes.known:
            raise damaged("it has effects of covariates, and no covariate")
        width = (sizes.known,)
        deviation = read("effects.deviation", width)
        if (deviation < 0.0).any():
            raise damaged(f"{prefix}effects.deviation is negative")
        deviation = np.where(deviation == 0.0, np.inf, deviation)
        effects = Effects(
            read("effects.mean", width), deviation, read("effects.weights", (*many, *width)),
            read("effects.common", width), checked["known"] == "factor",
        )  # fmt: skip
    past, static = (sizes.series, sizes.past), (sizes.static,)
    return View(
        scaling, effects, read("past_mean", past), read("past_deviation", past, 0.0),
        read("static_mean", static), read("static_deviation", static, 0.0), checked["with_extras"],
    )  # fmt: skip


def _offsets(offset: Floats) -> Floats:
    if (offset < 0.0).any():
        raise damaged("an offset before logarithms is negative")
    return offset


def _read(
    arrays: ArrayReader,
    name: str,
    shape: tuple[int, ...],
    above: float = -np.inf,
    dtype: str = "f8",
) -> Any:
    """Finite numbers above a bound."""
    value: Any = arrays.numbers(name, shape, dtype)
    if not (value > above).all():
        raise damaged(f"{name} has a number that is not positive")
    return value


# Members


def _member_to_state(member: Member, view: int, prefix: str, arrays: Arrays) -> Description:
    model = member.model
    if isinstance(model, SeasonalNaive):
        return {"kind": "seasonal_naive", "season": model.season}
    if isinstance(model, Drift):
        return {"kind": "drift"}
    parts: Arrays
    if isinstance(model, Ridge):
        state: Description = {"kind": "ridge", "view": view, "spec": asdict(model.spec)}
        parts = {"weights": model.fallback.weights, "bias": model.fallback.bias}
        if model.spec.is_local:
            present = [one for one in model.maps if one is not None]
            parts["has_map"] = np.array([one is not None for one in model.maps], np.bool_)
            if present:
                parts["local.weights"] = np.stack([one.weights for one in present])
                parts["local.bias"] = np.stack([one.bias for one in present])
    else:
        spec = {**asdict(model.spec), "quantiles": list(model.spec.quantiles)}
        state = {"kind": "network", "view": view, "spec": spec}
        parts = {"units": model.units, "floors": model.floors}
        for k, (mean, deviation) in enumerate(zip(model.means, model.deviations, strict=True)):
            parts |= {f"mean{k}": mean, f"deviation{k}": deviation}
        for path, leaf in zip(tree.names(model.network), tree.leaves(model.network), strict=True):
            parts[f"network.{path}"] = np.asarray(leaf)
    arrays |= {f"{prefix}{name}": part for name, part in parts.items()}
    return state


def _rule(checked: Description, sizes: Sizes) -> SeasonalNaive | Drift:
    if checked["kind"] == "drift":
        return Drift()
    if checked["season"] > sizes.longest:
        raise damaged("the season of its naive forecast is longer than its series")
    return SeasonalNaive(checked["season"])


def _ridge(
    checked: Description, view: View, prefix: str, sizes: Sizes, arrays: ArrayReader
) -> Ridge:
    spec = RidgeSpec(**checked["spec"])
    shape, steps = (spec.lags + view.n_extras, sizes.horizon), (sizes.horizon,)
    fallback = LagMap(
        _read(arrays, f"{prefix}weights", shape), _read(arrays, f"{prefix}bias", steps)
    )
    if not spec.is_local:
        return Ridge(spec, (), fallback)
    many = (arrays.shape(f"{prefix}has_map") or (0,))[0]
    has_map = arrays.numbers(f"{prefix}has_map", (many,), "?")
    if not 1 <= many <= sizes.series:
        raise damaged("its ridge for each series has not as many maps as there are series")
    count = int(has_map.sum())
    if not count:
        return Ridge(spec, (None,) * many, fallback)
    weights = _read(arrays, f"{prefix}local.weights", (count, *shape))
    bias = _read(arrays, f"{prefix}local.bias", (count, *steps))
    numbers = np.cumsum(has_map) - 1
    maps = tuple(
        LagMap(weights[at], bias[at]) if present else None
        for at, present in zip(numbers, has_map, strict=True)
    )
    return Ridge(spec, maps, fallback)


def _network(
    checked: Description, _view: View, prefix: str, sizes: Sizes, arrays: ArrayReader
) -> NetworkMember:
    quantiles = tuple(checked["spec"]["quantiles"])
    spec = NetworkSpec(**{**checked["spec"], "quantiles": quantiles})
    rising = all(a < b for a, b in pairwise((0.0, *quantiles, 1.0)))
    if quantiles and not (rising and len(quantiles) > 2 and quantiles[len(quantiles) // 2] == 0.5):
        raise damaged("the quantiles of its network do not rise around the median")
    widths = (sizes.known, sizes.past, sizes.static)
    ahead = sizes.horizon * widths[0] + spec.lags * widths[1] + widths[2]
    network = _weights(spec, ahead, len(quantiles), f"{prefix}network.", sizes, arrays)
    means, deviations = (
        tuple(
            _read(arrays, f"{prefix}{name}{k}", (width,), least) for k, width in enumerate(widths)
        )
        for name, least in (("mean", -np.inf), ("deviation", 0.0))
    )
    many = (sizes.series,)
    return NetworkMember(
        spec, network, _read(arrays, f"{prefix}units", many, 0.0),
        _read(arrays, f"{prefix}floors", many, 0.0, "f4"), means, deviations,
    )  # fmt: skip


def _weights(
    spec: NetworkSpec, ahead: int, quantiles: int, prefix: str, sizes: Sizes, arrays: ArrayReader
) -> Any:
    """A network with the weights of a file. Its own are only traced: no size costs memory."""
    stored = sum(array.size for name, array in arrays.left.items() if name.startswith(prefix))
    if spec.lags * sizes.horizon * max(1, quantiles) > stored or ahead > stored:
        raise damaged(f"its network {spec.name!r} is larger than its arrays")  # each has a skip
    structure, layout = _layout(spec.kind, spec.lags, sizes.horizon, ahead, quantiles)
    leaves = [arrays.numbers(f"{prefix}{path}", shape, dtype) for path, shape, dtype in layout]
    return tree.unflatten(structure, leaves)


@lru_cache(maxsize=32)
def _layout(
    kind: str, lags: int, horizon: int, ahead: int, quantiles: int
) -> tuple[Any, list[tuple[str, tuple[int, ...], Any]]]:
    """The structure of a network, and name, shape and dtype of its weights, by tracing it."""
    result: list[Any] = []

    def build(key: Any) -> Any:
        network = NETWORKS[kind](lags, horizon, ahead=ahead, quantiles=quantiles, key=key)
        leaves = zip(tree.names(network), tree.leaves(network), strict=True)
        result.append(tree.structure(network))
        result.append([(name, leaf.shape, leaf.dtype) for name, leaf in leaves])
        return key

    make_graph(build)(random.key(0))
    structure, layout = result[:2]
    return structure, layout
