"""Modules: fields, structure, immutability, and transformations of whole models."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from enum import Enum
from typing import Any, Literal

import numpy as np
import pytest

from chainrule import nn, random, tree
from chainrule.transforms import grad, jit, scan, value_and_grad


class Colour(Enum):
    """An annotation that is not an array."""

    RED = 1


class Mixed(nn.Module):
    """One field of each kind."""

    weight: np.ndarray
    parts: list[Any]
    by_name: dict[str, Any]
    inner: nn.Module | None
    entry: np.float64
    count: int
    rate: float
    name: str | None
    flags: tuple[bool, ...]
    mode: Literal["a", "b"]
    function: Callable[[Any], Any]
    colour: Colour
    dtype: np.dtype[Any]
    marked: Any = nn.static(default=5)


def mixed() -> Mixed:
    """An instance with arrays 0 to 4 in the order of its leaves."""
    return Mixed(
        weight=np.array([0.0]),
        parts=[np.array([1.0])],
        by_name={"x": np.array([2.0])},
        inner=Pair(np.array([3.0]), None),
        entry=np.float64(4.0),
        count=3,
        rate=0.5,
        name=None,
        flags=(True, False),
        mode="a",
        function=np.tanh,
        colour=Colour.RED,
        dtype=np.dtype("float32"),
    )


class Pair(nn.Module):
    """A weight and perhaps a bias."""

    weight: np.ndarray
    bias: np.ndarray | None

    def __call__(self, x: Any) -> Any:
        y = x * self.weight
        return y if self.bias is None else y + self.bias


class Own(nn.Module):
    """A module with an `__init__` of its own."""

    weight: np.ndarray
    size: int

    def __init__(self, size: int) -> None:
        self.size = size
        self.weight = np.full(size, 2.0)


class Child(Own):
    """Inherits fields and `__init__`."""

    def twice(self) -> Any:
        """A method of its own."""
        return 2.0 * self.weight


def test_arrays_are_leaves_in_the_order_of_fields_and_nothing_else_is() -> None:
    """Five arrays in fields of arrays, lists, dicts and modules; the rest is structure."""
    leaves = tree.leaves(mixed())
    assert [float(np.squeeze(leaf)) for leaf in leaves] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert tree.names(mixed()) == ["weight", "parts.0", "by_name.x", "inner.weight", "entry"]


def test_flatten_and_unflatten_are_inverse() -> None:
    """Every field comes back, static ones included, without running `__init__`."""
    leaves, structure = tree.flatten(mixed())
    back: Any = tree.unflatten(structure, [leaf + 10.0 for leaf in leaves])
    assert type(back) is Mixed
    assert back.inner.weight.tolist() == [13.0]
    assert (back.count, back.rate, back.name, back.marked) == (3, 0.5, None, 5)
    own = tree.unflatten(tree.structure(Own(2)), [np.zeros(7)])
    assert own.size == 2 and own.weight.shape == (7,)


def test_structure_holds_the_static_values() -> None:
    """Equal static values: equal and equally hashed structures; another value: another one."""
    first, same = tree.structure(mixed()), tree.structure(mixed())
    assert first == same and hash(first) == hash(same)
    assert first != tree.structure(mixed().replace(count=4))
    assert first != tree.structure(mixed().replace(function=np.sin))


def test_a_leaf_may_be_anything_while_it_is_mapped() -> None:
    """tree.map of a model to shapes or names gives a model of these."""
    pair = Pair(np.zeros((2, 3)), np.zeros(3))
    assert tree.leaves(tree.map(np.size, pair)) == [6, 3]
    assert tree.map(lambda x: str(x.shape), pair).weight == "(2, 3)"


def test_fields_are_set_once() -> None:
    """A module does not change, and has no fields that were not declared."""
    pair = Pair(np.zeros(2), None)
    with pytest.raises(AttributeError, match=r"Pair\.weight is set.*replace\(weight=\.\.\.\)"):
        pair.weight = np.ones(2)
    with pytest.raises(AttributeError, match="Pair has no field 'wieght'"):
        pair.wieght = np.ones(2)
    with pytest.raises(AttributeError, match="cannot be deleted"):
        del pair.weight


def test_replace_makes_another() -> None:
    """replace leaves the module alone, skips __init__, and refuses what is no field."""
    own = Own(2)
    other = own.replace(weight=np.ones(5))
    assert own.weight.tolist() == [2.0, 2.0]
    assert other.weight.tolist() == [1.0] * 5 and other.size == 2
    with pytest.raises(AttributeError, match="Own has no field 'wait'"):
        own.replace(wait=1)


def test_inherited_init_is_kept() -> None:
    """A subclass without fields of its own is made like its base, and is its own node."""
    child = Child(3)
    assert child.twice().tolist() == [4.0] * 3
    assert type(tree.map(np.negative, child)) is Child


def test_copy_and_pickle() -> None:
    """Modules are plain objects to Python's own tools."""
    for back in (copy.deepcopy(mixed()), pickle.loads(pickle.dumps(mixed()))):
        assert tree.structure(back) == tree.structure(mixed())
        assert [float(np.squeeze(x)) for x in tree.leaves(back)] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_repr_shows_shapes() -> None:
    """Arrays by dtype and shape, functions by name; too long for a line: one field a line."""
    assert repr(Pair(np.zeros((2, 3), np.float32), None)) == "Pair(weight=f32[2,3], bias=None)"
    assert repr(mixed()).splitlines()[:4] == [
        "Mixed(",
        "  weight=f64[1],",
        "  parts=[f64[1]],",
        "  by_name={'x': f64[1]},",
    ]
    assert "  function=tanh," in repr(mixed()).splitlines()


def test_bad_field_values() -> None:
    """Text or a function where an array belongs; an array or a module where none may be."""
    with pytest.raises(TypeError, match=r"Pair\.weight is 'one', which is no array.*nn\.static"):
        Pair("one", None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Pair\.bias is <ufunc 'tanh'>"):
        Pair(np.zeros(1), np.tanh)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Mixed\.count is static and holds a ndarray"):
        mixed().replace(count=np.zeros(2))
    with pytest.raises(TypeError, match=r"Mixed\.function is static .* would not be trained"):
        mixed().replace(function=Pair(np.zeros(1), None))


def test_a_forgotten_field_is_named() -> None:
    """An __init__ that leaves a field out is found at the first use as a tree."""

    class Forgetful(nn.Module):
        weight: np.ndarray

        def __init__(self) -> None:
            pass

    with pytest.raises(AttributeError, match=r"Forgetful\.weight was never set"):
        tree.leaves(Forgetful())


def test_annotations_that_cannot_be_evaluated_are_children() -> None:
    """A class may name itself, or what only a type checker knows."""

    class Chain(nn.Module):
        weight: np.ndarray
        rest: Chain | Unknown | None  # type: ignore[name-defined] # noqa: F821

    chain = Chain(np.array([1.0]), Chain(np.array([2.0]), None))
    assert [float(x[0]) for x in tree.leaves(chain)] == [1.0, 2.0]


def test_grad_jit_and_scan_of_a_whole_model() -> None:
    """The gradient is a model; so is a compiled step's result, and a scan's carry."""
    model = Pair(np.array([2.0]), np.array([1.0]))

    def loss(m: Pair, x: Any) -> Any:
        return np.sum(m(x) ** 2)

    gradient: Any = grad(loss)(model, 3.0)  # 2 (3 w + b) (3, 1)
    assert type(gradient) is Pair
    assert gradient.weight.tolist() == [42.0] and gradient.bias.tolist() == [14.0]

    def step(m: Pair, x: Any) -> tuple[Pair, Any]:
        value, g = value_and_grad(loss)(m, x)
        return tree.map(lambda p, d: p - 0.01 * d, m, g), value

    xs = np.array([3.0, -1.0, 0.5])
    expected, values = model, []
    for x in xs:
        expected, value = step(expected, x)
        values.append(float(value))
    for run in (scan, jit(scan, static_argnums=0)):
        got, history = run(step, model, xs)
        assert type(got) is Pair
        for leaf, wanted in zip(tree.leaves(got), tree.leaves(expected), strict=True):
            np.testing.assert_allclose(leaf, wanted, rtol=1e-14)
        np.testing.assert_allclose(history, values, rtol=1e-14)


def test_jit_traces_again_for_another_static_value() -> None:
    """A static field is part of the program."""

    class Power(nn.Module):
        weight: np.ndarray
        exponent: int

    run = jit(lambda m: m.weight**m.exponent)
    assert run(Power(np.array([3.0]), 2)).tolist() == [9.0]
    assert run(Power(np.array([3.0]), 3)).tolist() == [27.0]


def test_keys_make_models_under_jit() -> None:
    """A model may be made inside a compiled function, of a traced key."""
    make = jit(lambda key: nn.Dense(3, 2, key=key))
    np.testing.assert_allclose(
        make(random.key(4)).weight, nn.Dense(3, 2, key=random.key(4)).weight, rtol=1e-6
    )
