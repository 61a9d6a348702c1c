"""A fitted detector as a description and arrays, and back; see `serialization.estimator`."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from .... import tree
from ....container import Arrays, Description, damaged
from ...serialization.perceptron import ArrayReader
from ...serialization.schema import anything, by_name, each, fields, finite, one_of, whole
from ..members.ensemble import Ensemble
from ..members.neighbors import Neighbors
from ..members.networks import (
    Autoencoder,
    DenoisingAutoencoder,
    MaskedNetwork,
    VariationalAutoencoder,
)
from ..members.survival import Survival
from ..settings import NETWORKS
from ..thresholds.calibration import Calibration
from .column_reading import columns_from_json
from .columns import DetectorColumns
from .fitted import FittedDetector
from .program import Program
from .reasons import KINDS, Expectations

MAX_WIDTH = 2**20
MAX_MEMBERS = 2**12
SIZES = each(whole(1, MAX_WIDTH), 1, 64)
NETWORK = fields({"members": whole(1, MAX_MEMBERS), "sizes": SIZES})


def _of_epoch(value: Any, where: str) -> Any:
    """A finite number as it is written: the number of an epoch stays a whole one."""
    return value if type(value) is int else finite(value, where)


EPOCHS = each(by_name(_of_epoch))
FITTED = fields(
    {"columns": anything, "members": each(one_of("neighbors", *NETWORKS, "known"), 1),
     "networks": by_name(NETWORK), "history": by_name(EPOCHS), "offset": finite},
    {"neighbors": whole(1), "known": whole(1)},
)  # fmt: skip


def fitted_to_state(fitted: FittedDetector) -> tuple[Description, Arrays]:
    """All of a fitted detector, but the class, the settings and the offset."""
    ensemble = fitted.ensemble
    arrays: Arrays = {
        "calibration": fitted.calibration.scores, "features": fitted.features,
        "typical": fitted.expectations.typical, "ranges": fitted.expectations.ranges,
    }  # fmt: skip
    description: Description = {
        "columns": fitted.columns.to_json(), "members": ensemble.names, "networks": {},
    }  # fmt: skip
    for name, survival in ensemble.survivals.items():
        arrays[f"survival.{name}"] = survival.to_arrays()
    for name, index in (("neighbors", ensemble.neighbors), ("known", ensemble.known)):
        if index is not None:
            arrays[f"points.{name}"] = index.points
            description[name] = int(index.n_neighbors)
    for name, network in ensemble.networks.items():
        description["networks"][name] = {
            "members": int(network.variances.shape[0]), "sizes": network.layer_sizes(),
        }  # fmt: skip
        for path, leaf in zip(tree.names(network), tree.leaves(network), strict=True):
            arrays[f"{name}.{path}"] = leaf
    return description, arrays


def fitted_from_state(checked: Description, arrays: ArrayReader) -> FittedDetector:
    """The detector of `fitted_to_state`; a `ModelFileError` for anything else."""
    columns = columns_from_json(checked["columns"])
    width, members = columns.width, checked["members"]
    if not 1 <= width <= MAX_WIDTH or len(set(members)) < len(members):
        raise damaged("its columns or its members are no detector's")
    networks = {
        name: _network(name, checked["networks"].get(name), columns, arrays)
        for name in members if name in NETWORKS
    }  # fmt: skip
    indices = {name: _index(name, checked, width, arrays) for name in ("neighbors", "known")}
    survivals = {name: _survival(arrays, f"survival.{name}") for name in members}
    ensemble = Ensemble(networks, indices["neighbors"], indices["known"], survivals)
    if ensemble.names != members or checked["networks"].keys() != networks.keys():
        raise damaged("its members are not those that it names")
    scores = vector(arrays, "calibration")
    if (np.diff(scores) < 0).any():
        raise damaged("its calibration scores are not sorted")
    features = arrays.numbers("features", (arrays.shape("features")[:1] or (0,)) + (width,), "f4")
    expectations = Expectations(
        arrays.numbers("typical", (width,), "f4"),
        arrays.numbers("ranges", (len(KINDS), width, 2), "f4"),
    )
    program = Program(columns, networks)
    return FittedDetector(columns, ensemble, expectations, Calibration(scores), features, program)


def reads_table(columns: DetectorColumns, names: list[str]) -> bool:
    """Whether a plan is of the columns of these names: numbers in their order, then categories."""
    numbers = [column.name for column in columns.columns if not column.is_category]
    others = dict.fromkeys(column.name for column in columns.columns if column.is_category)
    if {*numbers, *others} != {*names}:
        return False
    expected = [name for name in names if name not in others] + [n for n in names if n in others]
    return [*numbers, *others] == expected


def _network(name: str, entry: Any, columns: DetectorColumns, arrays: ArrayReader) -> Any:
    """A network of this kind, with the weights of a file."""
    if entry is None:
        raise damaged(f"the sizes of its network {name!r} are absent")
    members, sizes, width = entry["members"], entry["sizes"], columns.width
    stored = sum(prod(arrays.shape(f"{name}.layers.{k}.weight"))
                 for k in range(2 * len(sizes) + 1))  # fmt: skip
    if members * sum(a * b for a, b in pairwise([width, *sizes])) > stored:
        raise damaged(f"its network {name!r} is larger than its arrays")  # before it is made
    key = np.zeros(2, np.uint32)
    if name == "autoencoder":
        network: Any = Autoencoder(members, width, sizes, key=key)
    elif name == "variational":
        network = VariationalAutoencoder(members, width, sizes, key=key)
    elif name == "denoising":
        network = DenoisingAutoencoder(members, width, sizes, key=key)
    else:
        network = MaskedNetwork(members, width, sizes, columns.owners(), key=key)
    leaves = [
        arrays.numbers(f"{name}.{path}", leaf.shape, leaf.dtype)
        for path, leaf in zip(tree.names(network), tree.leaves(network), strict=True)
    ]
    network = tree.unflatten(tree.structure(network), leaves)
    if not (network.variances > 0).all():
        raise damaged(f"a variance of its network {name!r} is not positive")
    return network


def _index(name: str, checked: Description, width: int, arrays: ArrayReader) -> Neighbors | None:
    if name not in checked:
        return None
    shape = arrays.shape(f"points.{name}")
    if not shape or not shape[0]:
        raise damaged(f"the rows of {name!r} are absent")
    points = arrays.numbers(f"points.{name}", (shape[0], width), "f4")
    return Neighbors(points, checked[name], skips_itself=name == "neighbors")


def _survival(arrays: ArrayReader, name: str) -> Survival:
    shape = arrays.shape(name)
    if len(shape) != 2 or shape[0] < 2:
        raise damaged(f"{name} is no distribution of scores")
    survival = Survival.from_arrays(arrays.numbers(name, (shape[0], 2), "f8"))
    rising = (np.diff(survival.knots) > 0).all() and (np.diff(survival.values) >= 0).all()
    if not rising or not survival.slope > 0:
        raise damaged(f"{name} is no distribution of scores")
    return survival


def vector(arrays: ArrayReader, name: str) -> Any:
    """A list of finite numbers, float64, at least one."""
    shape = arrays.shape(name)
    if len(shape) != 1 or not shape[0]:
        raise damaged(f"{name} is no list of numbers")
    return arrays.numbers(name, shape, "f8")
