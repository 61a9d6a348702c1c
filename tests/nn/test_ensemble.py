"""Layers of ensembles against a loop over their members."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import nn, optim, random, tree
from chainrule.errors import DtypeError, ShapeError
from chainrule.transforms import check_grads, grad, jit, scan

RNG = np.random.default_rng(0)
KEY = random.key(2)
X = RNG.normal(size=(3, 6, 4))


def batched(**options: Any) -> nn.BatchedDense:
    layer = nn.BatchedDense(3, 4, 2, key=KEY, dtype=np.float64, **options)
    return layer if layer.bias is None else layer.replace(bias=RNG.normal(size=(3, 2)))


def shared(**options: Any) -> nn.BatchEnsembleDense:
    layer = nn.BatchEnsembleDense(
        3, 4, 2, key=KEY, dtype=np.float64, output_init=nn.glorot_normal, **options
    )
    return layer if layer.bias is None else layer.replace(bias=RNG.normal(size=(3, 2)))


def weight_of(layer: Any, member: int) -> Any:
    """The matrix that a member stands for: of a shared weight, diag(r) W diag(s)."""
    if isinstance(layer, nn.BatchedDense):
        return layer.weight[member]
    scaled = np.diag(layer.input_scale[member]) @ layer.weight
    return scaled @ np.diag(layer.output_scale[member])


@pytest.mark.parametrize("make", [batched, shared])
@pytest.mark.parametrize("bias", [True, False])
def test_each_member_is_a_dense_layer(make: Any, bias: bool) -> None:
    """Rows for each member, and rows for all of them; compiled alike."""
    layer = make(bias=bias)
    for x in (X, X[0]):
        expected = []
        for k in range(3):
            y = (x if x.ndim == 2 else x[k]) @ weight_of(layer, k)
            expected.append(y if layer.bias is None else y + layer.bias[k])
        np.testing.assert_allclose(layer(x), np.stack(expected), rtol=1e-12)
        compiled = jit(lambda m, x: m(x))(layer, x)
        np.testing.assert_allclose(compiled, np.stack(expected), rtol=1e-12)
    assert layer(X[:, :0]).shape == (3, 0, 2)


@pytest.mark.parametrize("make", [batched, shared])
def test_derivatives(make: Any) -> None:
    """By the input and every parameter, against central differences."""
    layer = make()
    for x in (X, X[0]):
        check_grads(lambda m, x: np.tanh(m(x)), (layer, x))


def test_beginnings() -> None:
    """A weight for each member, as Dense draws it; signs in front and ones behind."""
    layer = nn.BatchedDense(64, 20, 30, key=KEY)
    assert layer.weight.dtype == layer.bias.dtype == np.float32 and not layer.bias.any()
    bound = np.sqrt(6 / 50)
    assert 0.99 * bound < np.abs(layer.weight).max() <= bound
    flat = layer.weight.reshape(64, -1)
    assert np.abs(np.corrcoef(flat) - np.eye(64)).max() < 5 / np.sqrt(600)
    mixed = nn.BatchEnsembleDense(64, 20, 30, key=KEY)
    assert set(np.unique(mixed.input_scale)) == {-1.0, 1.0}
    assert abs(mixed.input_scale.mean()) < 4 / np.sqrt(64 * 20)
    assert np.all(mixed.output_scale == 1)
    assert {leaf.dtype for leaf in tree.leaves(mixed)} == {np.dtype(np.float32)}
    assert np.all(nn.BatchEnsembleDense(2, 3, 4, key=KEY, input_init=nn.ones).input_scale == 1)


def test_members_learn_as_if_alone() -> None:
    """Scanned steps on the sum of the members' losses are each member's own steps."""
    layer, y = batched(), RNG.normal(size=(6, 2))
    optimizer = optim.adam(0.05)

    def trained(model: Any, loss: Any) -> Any:
        def step(carry: Any, _: Any) -> Any:
            model, state = carry
            updates, state = optimizer.update(grad(loss)(model), state)
            return (optim.apply_updates(model, updates), state), None

        return scan(step, (model, optimizer.init(model)), None, length=20)[0][0]

    together = trained(layer, lambda m: np.sum((m(X[0]) - y) ** 2))
    for k in range(3):
        alone = nn.Dense(4, 2, key=KEY, dtype=np.float64).replace(
            weight=layer.weight[k], bias=layer.bias[k]
        )
        alone = trained(alone, lambda m: np.sum((m(X[0]) - y) ** 2))
        np.testing.assert_allclose(together.weight[k], alone.weight, rtol=1e-9)
        np.testing.assert_allclose(together.bias[k], alone.bias, rtol=1e-9)


def test_dtypes_stay() -> None:
    """float32 in, float32 out."""
    x = X.astype(np.float32)
    for make in (nn.BatchedDense, nn.BatchEnsembleDense):
        layer = make(3, 4, 2, key=KEY)
        assert layer(x).dtype == jit(lambda m, x: m(x))(layer, x).dtype == np.float32


def test_errors_name_the_mend() -> None:
    """Other members, other inputs, too few axes, sizes and dtypes."""
    for make in (nn.BatchedDense, nn.BatchEnsembleDense):
        layer = make(3, 4, 2, key=KEY)
        for shape in ((2, 6, 4), (3, 6, 5), (4,), (1, 3, 6, 4)):
            with pytest.raises(
                ShapeError, match=r"takes arrays of shape \(3, rows, 4\), or \(rows, 4\) for all"
            ):
                layer(np.ones(shape))
        with pytest.raises(ValueError, match="members=0: give 1 or more"):
            make(0, 4, 2, key=KEY)
        with pytest.raises(DtypeError, match="dtype=int32: parameters are floats"):
            make(3, 4, 2, key=KEY, dtype=np.int32)
