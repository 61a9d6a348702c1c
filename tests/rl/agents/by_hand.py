"""Perceptrons and optimisers in plain NumPy, with backpropagation written out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Layers = Sequence[tuple[Any, Any]]
Gradients = list[tuple[Any, Any]]


def layers_of(network: Any) -> Layers:
    """Weights and biases of a perceptron of the library, in float64."""
    return [
        (np.array(layer.weight, np.float64), np.array(layer.bias, np.float64))
        for layer in network.layers
    ]


def forward(layers: Layers, x: Any, activation: str) -> list[Any]:
    """What goes into each layer, and the output."""
    passed = [np.asarray(x, np.float64)]
    for k, (weight, bias) in enumerate(layers):
        x = passed[-1] @ weight + bias
        if k < len(layers) - 1:
            x = np.tanh(x) if activation == "tanh" else np.maximum(x, 0)
        passed.append(x)
    return passed


def backward(
    layers: Layers, passed: list[Any], slope: Any, activation: str
) -> tuple[Gradients, Any]:
    """The gradients of weights and biases, and of the input, from that of the output."""
    gradients: Gradients = []
    for k in range(len(layers) - 1, -1, -1):
        gradients.insert(0, (passed[k].T @ slope, slope.sum(axis=0)))
        slope = slope @ layers[k][0].T
        if k:
            slope = slope * (1 - passed[k] ** 2 if activation == "tanh" else passed[k] > 0)
    return gradients, slope


def flat(gradients: Any) -> list[Any]:
    """Gradients of layers as a list of arrays: weight, bias, weight, bias, ..."""
    return [x for pair in gradients for x in pair]


def clipped(gradients: list[Any], max_norm: float) -> list[Any]:
    """All scaled by one factor so that their norm is at most this."""
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    return [g * min(1.0, max_norm / norm) for g in gradients]


class Adam:
    """Kingma and Ba's algorithm 1."""

    def __init__(self, learning_rate: float, eps: float = 1e-8) -> None:
        self.learning_rate, self.eps, self.t = learning_rate, eps, 0
        self.m: list[Any] = []
        self.v: list[Any] = []

    def step(self, params: list[Any], gradients: list[Any]) -> list[Any]:
        """The parameters after a step."""
        if not self.t:
            self.m = [np.zeros_like(g) for g in gradients]
            self.v = [np.zeros_like(g) for g in gradients]
        self.t += 1
        self.m = [0.9 * m + 0.1 * g for m, g in zip(self.m, gradients, strict=True)]
        self.v = [0.999 * v + 0.001 * g * g for v, g in zip(self.v, gradients, strict=True)]
        first, second = 1 - 0.9**self.t, 1 - 0.999**self.t
        return [
            p - self.learning_rate * (m / first) / (np.sqrt(v / second) + self.eps)
            for p, m, v in zip(params, self.m, self.v, strict=True)
        ]


def softmax(logits: Any) -> Any:
    """Probabilities of each row."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)
