"""A fitted network of demands as arrays, and back."""

from __future__ import annotations

import numpy as np

from ....container import Arrays, damaged
from ....random import key
from ...serialization.perceptron import ArrayReader
from .count_network import WIDTH, CountNetwork, FittedCountNetwork, Standardizing


def network_to_state(fitted: FittedCountNetwork) -> Arrays:
    """All weights, and the means and deviations of the features."""
    network = fitted.network
    arrays = {
        "shared.weight": network.shared.weight, "shared.bias": network.shared.bias,
        "step.weight": network.step.weight, "step.bias": network.step.bias,
        "last.weight": network.last.weight, "linear": network.linear, "slope": network.slope,
        "step_linear": network.step_linear, "bias": network.bias,
        "shared.means": fitted.shared.means, "shared.deviations": fitted.shared.deviations,
        "step.means": fitted.step.means, "step.deviations": fitted.step.deviations,
    }  # fmt: skip
    return {name: np.asarray(array) for name, array in arrays.items()}


def network_from_state(
    arrays: ArrayReader, shared: int, step: int, horizon: int
) -> FittedCountNetwork:
    """The network of `network_to_state`, for so many features of a window and of a step.

    Raises
    ------
    ModelFileError
        For arrays that are not those of such a network.
    """
    network = CountNetwork(shared, step, horizon, 0.0, key=key(0))

    def read(name: str, *shape: int) -> np.ndarray:
        return np.asarray(arrays.numbers(name, shape, "f4"))

    layers = {
        name: getattr(network, name).replace(weight=read(f"{name}.weight", inputs, WIDTH),
                                             bias=read(f"{name}.bias", WIDTH))
        for name, inputs in (("shared", shared), ("step", step))
    }  # fmt: skip
    network = network.replace(
        **layers, last=network.last.replace(weight=read("last.weight", WIDTH, 2)),
        linear=read("linear", shared, 2), slope=read("slope", shared, 2),
        step_linear=read("step_linear", step, 2), bias=read("bias", horizon, 2),
    )  # fmt: skip
    scalings = []
    for name, inputs in (("shared", shared), ("step", step)):
        one = Standardizing(read(f"{name}.means", inputs), read(f"{name}.deviations", inputs))
        if not (one.deviations > 0).all():
            raise damaged(f"{name}.deviations has one that is not positive")
        scalings.append(one)
    return FittedCountNetwork(network, *scalings)
