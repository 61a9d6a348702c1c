"""Networks as plain NumPy functions that carry their arrays.

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
from .attention import MultiHeadAttention, sequence_mask
from .augmentation import cutout, random_crop, random_horizontal_flip, random_rotation, random_shift
from .bfloat16 import BFloat16Dense, to_bfloat16
from .cells import GRUCell, LSTMCell, RNNCell
from .convolution import Conv1d, Conv2d, conv
from .dot_product import dot_product_attention
from .dropout import Dropout, dropout, mixup
from .embedding_bag import EmbeddingBag
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
    orthogonal,
    torch_uniform,
    zeros,
)
from .layers import MLP, Activation, Dense, Flatten, Lambda, Residual, Sequential
from .module import Module, static
from .normalization import BatchNorm, GroupNorm, LayerNorm, RMSNorm
from .pooling import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from .pooling_all import AdaptiveAvgPool1d, AdaptiveAvgPool2d, GlobalAvgPool, GlobalMaxPool
from .positions import PositionalEmbedding, sinusoidal_positions
from .quantize import quantize
from .quantized_layers import QuantizedConv1d, QuantizedConv2d, QuantizedDense
from .recurrent import GRU, LSTM, RNN
from .training import apply_train, with_batch_stats
from .transformer import TransformerEncoder, TransformerEncoderLayer
from .transposed import ConvTranspose1d, ConvTranspose2d

__all__ = [
    "GRU",
    "LSTM",
    "MLP",
    "RNN",
    "Activation",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "BFloat16Dense",
    "BatchEnsembleDense",
    "BatchNorm",
    "BatchedDense",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "Dense",
    "Dropout",
    "Embedding",
    "EmbeddingBag",
    "Flatten",
    "GRUCell",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "GroupNorm",
    "Initializer",
    "LSTMCell",
    "Lambda",
    "LayerNorm",
    "MaxPool1d",
    "MaxPool2d",
    "Module",
    "MultiHeadAttention",
    "PeriodicEmbedding",
    "PiecewiseLinearEmbedding",
    "PositionalEmbedding",
    "QuantizedConv1d",
    "QuantizedConv2d",
    "QuantizedDense",
    "RMSNorm",
    "RNNCell",
    "Residual",
    "Sequential",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "apply_train",
    "conv",
    "cutout",
    "dot_product_attention",
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
    "orthogonal",
    "quantile_edges",
    "quantize",
    "random_crop",
    "random_horizontal_flip",
    "random_rotation",
    "random_shift",
    "relu",
    "sequence_mask",
    "sigmoid",
    "signs",
    "silu",
    "sinusoidal_positions",
    "softmax",
    "softplus",
    "static",
    "tanh",
    "to_bfloat16",
    "torch_uniform",
    "with_batch_stats",
    "zeros",
]
