"""Layer 8: networks as plain NumPy functions that carry their arrays.

A `Module` is a dataclass whose arrays are the leaves of a tree, so every transformation takes
and returns it whole: ``grad(loss)(model, x, y)`` is a model of gradients. Nothing is registered
or hidden; what changes is returned.
"""

from .activations import (
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from .dropout import dropout, mixup
from .embeddings import (
    Embedding,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    quantile_edges,
)
from .ensemble import BatchedDense, BatchEnsembleDense, signs
from .initializers import (
    Initializer,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    ones,
    zeros,
)
from .layers import MLP, Activation, Dense, Function, Sequential
from .module import Module, static
from .normalization import BatchNorm, LayerNorm

__all__ = [
    "MLP",
    "Activation",
    "BatchEnsembleDense",
    "BatchNorm",
    "BatchedDense",
    "Dense",
    "Embedding",
    "Function",
    "Initializer",
    "LayerNorm",
    "Module",
    "PeriodicEmbedding",
    "PiecewiseLinearEmbedding",
    "Sequential",
    "dropout",
    "elu",
    "gelu",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "leaky_relu",
    "lecun_normal",
    "lecun_uniform",
    "log_softmax",
    "mixup",
    "ones",
    "quantile_edges",
    "relu",
    "sigmoid",
    "signs",
    "silu",
    "softmax",
    "softplus",
    "static",
    "tanh",
    "zeros",
]
