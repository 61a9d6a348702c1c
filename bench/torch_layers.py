"""PyTorch's layers with the weights of ours: what is called how, and turned which way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Match:
    """One of our arrays, and where PyTorch has it.

    Attributes
    ----------
    ours, theirs : str
        Attributes, with dots and indices on the way: ``cells.0.0.bias``.
    axes : tuple of int
        In which order PyTorch has the axes of ours. Default the same.
    start : int
        Where ours begins within PyTorch's, whose other entries are 0. Default 0.
    """

    ours: str
    theirs: str
    axes: tuple[int, ...] = ()
    start: int = 0

    def in_ours(self, module: Any) -> Any:
        """The array of a module of ours, or of its gradient, as PyTorch has it."""
        array = module
        for name in self.ours.split("."):
            array = array[int(name)] if name.isdecimal() else getattr(array, name)
        return turned(array, self.axes)


def turned(array: Any, axes: tuple[int, ...]) -> Any:
    """The array with its axes in another order; none given, as it is."""
    return np.transpose(array, axes) if axes else array


def dense(ours: str, weight: str, bias: str) -> tuple[Match, ...]:
    return Match(f"{ours}.weight", weight, (1, 0)), Match(f"{ours}.bias", bias)


def linear(ours: str, theirs: str) -> tuple[Match, ...]:
    return dense(ours, f"{theirs}.weight", f"{theirs}.bias")


def norm(ours: str = "", theirs: str = "") -> tuple[Match, ...]:
    return Match(f"{ours}scale", f"{theirs}weight"), Match(f"{ours}shift", f"{theirs}bias")


def attention(ours: str = "", theirs: str = "") -> tuple[Match, ...]:
    return (
        *dense(f"{ours}project", f"{theirs}in_proj_weight", f"{theirs}in_proj_bias"),
        *linear(f"{ours}combine", f"{theirs}out_proj"),
    )


BIAS = Match("bias", "bias")
RECURRENT = (
    Match("cells.0.0.input_weight", "weight_ih_l0", (1, 0)),
    Match("cells.0.0.hidden_weight", "weight_hh_l0", (1, 0)),
    Match("cells.0.0.bias", "bias_ih_l0"),
)
MATCHES: dict[str, tuple[Match, ...]] = {
    "Conv1d": (Match("weight", "weight", (2, 1, 0)), BIAS),
    "Conv2d": (Match("weight", "weight", (3, 2, 0, 1)), BIAS),
    "ConvTranspose2d": (Match("weight", "weight", (2, 3, 0, 1)), BIAS),
    "BatchNorm": norm(),
    "LayerNorm": norm(),
    "GroupNorm": norm(),
    "RMSNorm": (Match("scale", "weight"),),
    "EmbeddingBag": (Match("table.weight", "weight"),),
    "RNN": RECURRENT,
    "LSTM": RECURRENT,
    "GRU": (*RECURRENT, Match("cells.0.0.hidden_bias", "bias_hh_l0", start=128)),
    "MultiHeadAttention": attention(),
    "TransformerEncoderLayer": (
        *attention("attention.", "self_attn."),
        *norm("norm1.", "norm1."),
        *norm("norm2.", "norm2."),
        *linear("first", "linear1"),
        *linear("last", "linear2"),
    ),
}


def copy(torch: Any, module: Any, layer: Any) -> None:
    """Give PyTorch's layer our weights."""
    parameters = dict(layer.named_parameters())
    with torch.no_grad():
        for name, parameter in parameters.items():
            if "bias" in name:
                parameter.zero_()
        for match in matches(module):
            array = np.ascontiguousarray(match.in_ours(module))
            stop = match.start + len(array)
            parameters[match.theirs][match.start : stop] = torch.from_numpy(array)


def matches(module: Any) -> tuple[Match, ...]:
    """Our arrays; none for a layer without weights."""
    return MATCHES.get(type(module).__name__, ())


def assert_same_gradients(mine: Any, layer: Any, gradients: Any) -> None:
    """A module of gradients of ours, and those of PyTorch's parameters in their order."""
    found = {name: g for (name, _), g in zip(layer.named_parameters(), gradients, strict=True)}
    for match in matches(mine):
        ours, theirs = match.in_ours(mine), found[match.theirs].numpy()
        assert_near(ours, theirs[match.start : match.start + len(ours)], match.ours)


def assert_near(mine: Any, theirs: Any, name: str) -> None:
    """Sums of many float32: near as the largest of them is."""
    atol = 1e-4 * float(np.abs(theirs).max())
    np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=atol, err_msg=name)
