"""What networks read of observations, and what they say of actions, against plain NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import nn, random, tree
from chainrule.errors import UnsupportedError
from chainrule.rl.policies.actor_critic import ActorCritic
from chainrule.rl.policies.continuous import (
    Critics,
    DeterministicActor,
    SquashedGaussianActor,
    smallest,
)
from chainrule.rl.policies.features import FeatureExtractor
from chainrule.rl.policies.q_network import QNetwork
from chainrule.rl.spaces import (
    BoxSpec,
    DictSpec,
    DiscreteSpec,
    MultiBinarySpec,
    MultiDiscreteSpec,
    TupleSpec,
)

pytestmark = pytest.mark.usefixtures("_unoptimised")
KEY = random.key(0)
NEAR = {"rtol": 1e-12, "atol": 1e-12}
ROWS = BoxSpec((3,), "float32", -np.inf, np.inf)
IMAGE = BoxSpec((5, 4, 2), "uint8", 0.0, 255.0)


def perceptron(network: nn.MLP, x: Any, activation: Any) -> Any:
    """A forward pass by hand."""
    *hidden, last = network.layers
    for layer in hidden:
        x = activation(x @ layer.weight + layer.bias)
    return x @ last.weight + last.bias


def test_actor_critic() -> None:
    """Two perceptrons of the sizes asked for, each orthogonal of its length."""
    policy = ActorCritic(ROWS, DiscreteSpec(2), key=KEY, net_arch={"pi": [5], "vf": [4, 6]},
                       dtype=np.float64)  # fmt: skip
    x = np.random.default_rng(0).normal(size=(7, 3))
    actions, value = policy(x)
    np.testing.assert_allclose(actions.logits, perceptron(policy.pi, x, np.tanh), **NEAR)
    np.testing.assert_allclose(value, perceptron(policy.vf, x, np.tanh)[:, 0], **NEAR)
    np.testing.assert_allclose(policy.value(x), value, **NEAR)
    np.testing.assert_allclose(policy.distribution(x).logits, actions.logits, **NEAR)
    first, last = policy.pi.layers[0].weight, policy.pi.layers[-1].weight
    np.testing.assert_allclose(first @ first.T, 2 * np.eye(3), atol=1e-12)
    np.testing.assert_allclose(last.T @ last, 1e-4 * np.eye(2), atol=1e-12)
    value_weight = policy.vf.layers[-1].weight
    np.testing.assert_allclose(value_weight.T @ value_weight, [[1.0]], **NEAR)
    assert policy.log_std is None


def test_actor_critic_of_a_box() -> None:
    """One deviation for each entry, whatever is seen."""
    policy = ActorCritic(ROWS, BoxSpec((2,), "float32", -1.0, 1.0), key=KEY, log_std_init=-0.5)
    actions = policy.distribution(np.zeros((4, 3), np.float32))
    np.testing.assert_array_equal(actions.log_std, [-0.5, -0.5])
    np.testing.assert_array_equal(actions.mode(), np.zeros((4, 2)))


@pytest.mark.parametrize("arch", [{"pi": [4]}, {"pi": [4], "vf": [4], "qf": [4]}])
def test_sizes_name_both_networks(arch: Any) -> None:
    """A dict with other names is refused."""
    with pytest.raises(ValueError, match="give sizes for pi and vf"):
        ActorCritic(ROWS, DiscreteSpec(2), key=KEY, net_arch=arch)


def test_squashed_actor_needs_a_hidden_layer() -> None:
    """Its two outputs are layers on top of one."""
    with pytest.raises(ValueError, match=r"net_arch=\[\]: give one hidden layer or more"):
        SquashedGaussianActor(ROWS, BoxSpec((2,), "float32", -1.0, 1.0), key=KEY, net_arch=[])


def test_networks_of_continuous_actions() -> None:
    """Squashed means, limited deviations, and one value a critic."""
    action = BoxSpec((2,), "float32", -1.0, 1.0)
    x = np.random.default_rng(0).normal(size=(7, 3))
    sizes: Any = {"net_arch": {"pi": [5, 4], "qf": [6]}, "dtype": np.float64}
    actor = SquashedGaussianActor(ROWS, action, key=KEY, **sizes)
    relu = lambda x: np.maximum(x, 0)  # noqa: E731
    hidden = relu(perceptron(actor.network, x, relu))
    np.testing.assert_allclose(actor(x).mean, hidden @ actor.mean.weight + actor.mean.bias, **NEAR)
    np.testing.assert_allclose(
        actor(x).log_std, hidden @ actor.log_std.weight + actor.log_std.bias, **NEAR
    )
    far = actor(x * 1e6).log_std
    assert (far.min(), far.max()) == (-20.0, 2.0)
    decided = DeterministicActor(ROWS, action, key=KEY, **sizes)
    np.testing.assert_allclose(decided(x), np.tanh(perceptron(decided.network, x, relu)), **NEAR)
    critics = Critics(ROWS, action, key=KEY, n_critics=3, **sizes)
    both = np.concatenate([x, decided(x)], axis=1)
    values = critics(x, decided(x))
    for network, value in zip(critics.networks, values, strict=True):
        np.testing.assert_allclose(value, perceptron(network, both, relu)[:, 0], **NEAR)
    np.testing.assert_array_equal(smallest(values), np.min(values, axis=0))
    assert 3 == len({value[0] for value in values})


@pytest.mark.parametrize("n_atoms", [1, 3])
def test_dueling(n_atoms: int) -> None:
    """Value plus advantage less the mean advantage, for each atom."""
    q = QNetwork(ROWS, DiscreteSpec(4), key=KEY, net_arch=[5], dueling=True, n_atoms=n_atoms,
                 dtype=np.float64)  # fmt: skip
    x = np.random.default_rng(0).normal(size=(7, 3))
    relu = lambda x: np.maximum(x, 0)  # noqa: E731
    advantage = perceptron(q.q, x, relu).reshape(7, 4, n_atoms)
    value = perceptron(q.state_value, x, relu).reshape(7, 1, n_atoms)
    expected = value + advantage - advantage.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(q(x), expected[:, :, 0] if n_atoms == 1 else expected, **NEAR)


def test_features_of_all_kinds() -> None:
    """Categories one-hot from their start, bytes as they are, bits, floats, and nested spaces."""
    spec = DictSpec(
        ("a", "b", "c", "d"),
        (
            DiscreteSpec(3, 5), MultiDiscreteSpec((2, 2), (0, -1)),
            TupleSpec((MultiBinarySpec((2,)), BoxSpec((2, 1), "float32", 0.0, 1.0))),
            BoxSpec((2,), "uint8", 0.0, 255.0),
        ),
    )  # fmt: skip
    features = FeatureExtractor(spec, key=KEY, dtype=np.float64)
    seen = {
        "a": np.array([7, 5]), "b": np.array([[0, 0], [1, -1]]),
        "c": (np.array([[1, 0], [1, 1]], np.int8), np.array([[[0.5], [0.25]], [[1.0], [0.0]]])),
        "d": np.array([[7, 255], [0, 1]], np.uint8),
    }  # fmt: skip
    expected = [
        [0, 0, 1, 1, 0, 0, 1, 1, 0, 0.5, 0.25, 7 / 255, 1],
        [1, 0, 0, 0, 1, 1, 0, 1, 1, 1.0, 0.0, 0, 1 / 255],
    ]
    np.testing.assert_array_equal(features(seen), expected)
    assert 13 == features.width
    assert [] == tree.leaves(features)


def convolved(features: FeatureExtractor, x: Any) -> Any:
    """One convolution of 3 x 3 and a dense layer, by hand."""
    network = features.networks[0]
    weight = np.asarray(network.convolution.weight)
    n, height, width, channels = x.shape
    columns = np.zeros((n, height - 2, width - 2, 16)) + network.convolution.bias
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    kernel = weight if weight.shape == (3, 3, channels, 16) else None
    assert kernel is not None, weight.shape
    columns = columns + np.einsum("nhwcij,ijco->nhwo", windows, kernel)
    flat = np.maximum(columns, 0).reshape(n, -1)
    return np.maximum(flat @ network.dense.weight + network.dense.bias, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_small_images(dtype: Any) -> None:
    """Bytes are divided by 255; channels may come first or last; weights have the dtype."""
    pixels = np.random.default_rng(0).integers(0, 256, size=(3, 5, 4, 2)).astype(np.uint8)
    last = FeatureExtractor(IMAGE, key=KEY, dtype=dtype)
    first = FeatureExtractor(BoxSpec((2, 5, 4), "uint8", 0.0, 255.0), key=KEY, dtype=dtype)
    near = {"rtol": 1e-4, "atol": 1e-5} if dtype == np.float32 else NEAR
    expected = convolved(last, pixels / 255)
    np.testing.assert_allclose(last(pixels), expected, **near)
    np.testing.assert_allclose(first(pixels.transpose(0, 3, 1, 2)), expected, **near)
    assert {np.dtype(dtype)} == {x.dtype for x in tree.leaves(last)}
    assert 128 == last.width


def test_large_images() -> None:
    """From 36 pixels on, three convolutions and 512 features, of bytes alone."""
    features = FeatureExtractor(
        BoxSpec((36, 40, 1), "uint8", 0.0, 255.0), key=KEY, dtype=np.float64
    )
    shapes = [layer.weight.shape[-1] for layer in features.networks[0].convolutions]
    assert [32, 64, 64] == shapes
    assert (1, 512) == features(np.zeros((1, 36, 40, 1), np.uint8)).shape
    assert {np.dtype(np.float64)} == {x.dtype for x in tree.leaves(features)}
    with pytest.raises(UnsupportedError, match="give images as uint8"):
        FeatureExtractor(BoxSpec((36, 40, 1), "float32", 0.0, 1.0), key=KEY)
