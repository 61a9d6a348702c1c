"""Exported models compute under onnxruntime what chainrule computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special
from exported import assert_same, onnx, run
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import nn, random
from chainrule.errors import DataError, DtypeError, UnsupportedError
from chainrule.export import OnnxBuilder, save_onnx, to_onnx

COUNTS = (1, 7, 33)
FLOATS = (np.float32, np.float64)


def check(
    function: Callable[..., Any], draw: Callable[[int, Any], Any], dtype: Any = np.float64
) -> Any:
    """Export for five rows, compare for others; returns the model."""
    rng = np.random.default_rng(0)
    model = to_onnx(function, draw(5, rng).astype(dtype))
    for count in COUNTS:
        x = draw(count, rng).astype(dtype)
        with np.errstate(all="ignore"):
            assert_same(function(x), run(model, x)[0])
    return model


def normal(*columns: int) -> Callable[[int, Any], Any]:
    """Draws of normal numbers, `columns` a row."""
    return lambda count, rng: rng.normal(size=(count, *columns))


# Rows


def _write(x: Any) -> Any:
    y = np.zeros_like(x)
    y[:, 1::2] = x[:, ::2]
    y[-1] += 1.0
    return y


ROW_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "flat": lambda x: x.reshape(-1),
    "pairs of axes": lambda x: x.reshape(x.shape[0] * 2, 2),
    "swapped": lambda x: x.T.reshape(2, 2, -1),
    "mean of rows": lambda x: x - np.mean(x, axis=0),
    "scaled": lambda x: (x - x.min(axis=0)) / (np.ptp(x, axis=0) + 1.0),
    "reversed": lambda x: x[::-1],
    "all but ends": lambda x: x[:-1] if x.shape[0] == 0 else np.concatenate([x[-1:], x[:1]]),
    "every second": lambda x: x[::2, 1::2],
    "last row": lambda x: x[-1],
    "padded": lambda x: np.pad(x, ((2, 1), (0, 3))),
    "cut of joined": lambda x: np.concatenate([x[-1:], x, np.tanh(x[-1:])])[1:-2],
    "filled": lambda x: x @ np.ones((x.shape[1], 3)) + np.full(x.shape[0], 0.5)[:, None],
    "broadcast": lambda x: np.broadcast_to(x[:, :1], (x.shape[0], 6)),
    "grown": lambda x: np.broadcast_to(np.sum(x, axis=0), (x.shape[0], 4)),
    "numbered": lambda x: x[np.arange(x.shape[0])[:, None], np.array([2, 0])],
    "sorted rows": lambda x: np.sort(x, axis=0),
    "taken along": lambda x: np.take_along_axis(x, np.argsort(x, axis=1), axis=1),
    "running": lambda x: np.cumsum(x, axis=0) + np.cumprod(x, axis=1),
    "pairwise": lambda x: np.sum((x[:, None] - x[None]) ** 2, axis=-1),
    "attention": lambda x: nn.softmax(x @ x.T) @ x,
    "written": _write,
    "outer axes": lambda x: x.reshape(-1, 2, 2)[:, np.array([1, 0, 1]), ::-1],
    "apart": lambda x: x.reshape(-1, 2, 2)[:, np.array([1, 0]), np.array([0, 1])],
    "together": lambda x: x.reshape(-1, 2, 2)[:, [[1, 0, 1]], [[0], [1]]],
    "together, before an axis": lambda x: x.reshape(-1, 1, 2, 2)[:, [0, 0, 0], [1, 0, 1]],
    "around an axis": lambda x: np.stack([x.reshape(-1, 2, 2)] * 3, -1)[:, [1, 0], :, [0, 2]],
    "first, together": lambda x: np.stack([x[:, :2], x[:, 2:]])[[1, 0, 1], [0, 0, 0]],
    "imputed": lambda x: np.where(np.isnan(x), np.arange(4.0), x),
    "stacked": lambda x: np.stack([x, x + 1.0], axis=1),
    "repeated": lambda x: x * np.tile(np.arange(4.0), (x.shape[0], 1)) + np.mean(x),
    "variance": lambda x: np.var(x, axis=0),
}


@pytest.mark.parametrize("name", ROW_FUNCTIONS)
def test_any_number_of_rows(name: str) -> None:
    """What depends on the number of rows is computed from it."""
    model = check(ROW_FUNCTIONS[name], normal(4))
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "rows"


def test_no_rows() -> None:
    """An empty batch gives an empty result."""
    model = to_onnx(lambda x: nn.softmax(x @ np.ones((3, 2))), np.zeros((5, 3)))
    assert (0, 2) == run(model, np.zeros((0, 3)))[0].shape


def test_output_dimensions_have_names() -> None:
    """Of the result it is declared how its shape depends on the rows."""
    model = to_onnx(lambda x: {"a": x, "b": x.reshape(-1), "c": x[::2]}, np.zeros((5, 2)))
    shown = {
        each.name: [dim.dim_param or dim.dim_value for dim in each.type.tensor_type.shape.dim]
        for each in model.graph.output
    }
    assert {"a": ["rows", 2], "b": ["2*rows"], "c": [0, 2]} == shown


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda x: x @ np.eye(x.shape[1]), "constant cannot be exported: its numbers depend"),
        (lambda x: x + np.linspace(0, 1, x.shape[1]), "its numbers depend"),
        (lambda x: x[:, : x.shape[1] // 2], "slice cannot be exported: one of its sizes"),
        (lambda x: np.cumprod(x, axis=1), "steps of the computation depend"),
        (lambda x: np.broadcast_to(x[0, 0], x.shape[1] ** 2), "broadcast_to.*no multiple"),
    ],
)
def test_rows_that_cannot_be_said(function: Callable[[Any], Any], why: str) -> None:
    """The error names the primitive and the line (here the rows are along the second axis)."""
    with pytest.raises(UnsupportedError, match=why) as caught:
        to_onnx(lambda x: function(x.T), np.zeros((5, 3)))
    assert "test_onnx.py:" in str(caught.value) or "numbers" in str(caught.value)


def test_a_slice_that_ends_at_a_far_row() -> None:
    """`x[:2000]` takes all of few rows, and is not taken for the whole."""
    with pytest.raises(UnsupportedError, match="slice"):
        to_onnx(lambda x: x[:2000], np.zeros((5, 3)))


def test_shapes_that_fit_only_the_examples() -> None:
    """An addition of five rows to five rows fails as soon as it is traced with others."""
    with pytest.raises(ValueError, match="broadcast") as caught:
        to_onnx(lambda x: x + np.ones((5, 3)), np.zeros((5, 3)))
    assert "see batch=False" in caught.value.__notes__[0]
    model = to_onnx(lambda x: x + np.ones((5, 3)), np.zeros((5, 3)), batch=False)
    assert 15.0 == run(model, np.zeros((5, 3)))[0].sum()


def test_loops_are_refused() -> None:
    """The error names the primitive and the line."""
    with pytest.raises(UnsupportedError, match=r"test_onnx.py:\d+: while_loop cannot be exported"):
        to_onnx(
            lambda x: cr.while_loop(lambda c: np.sum(c) < 9.0, lambda c: c + 1.0, x), np.ones(3)
        )


@pytest.mark.parametrize(
    ("function", "dtype", "why"),
    [
        (lambda x: np.power(x, x), np.int64, "of integers, only fixed exponents from 0 to 64"),
        (lambda x: x < x.astype(np.int64), np.uint64, "uint64 and int64 have no common integer"),
    ],
)
def test_integers_that_onnx_would_round_are_refused(
    function: Callable[[Any], Any], dtype: Any, why: str
) -> None:
    """It computes both in floating numbers."""
    with pytest.raises(UnsupportedError, match=why):
        to_onnx(function, np.ones(3, dtype))


# Networks

ACTIVATIONS = [nn.elu, nn.gelu, nn.leaky_relu, nn.log_softmax, nn.relu, nn.sigmoid, nn.silu,
               nn.softmax, nn.softplus, nn.tanh]  # fmt: skip


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda f: f.__name__)
def test_perceptron(activation: Callable[[Any], Any], dtype: Any) -> None:
    """Each activation of `nn`, in a network with softmax at its end."""
    model = nn.MLP(6, (16, 8), 3, activation, key=random.key(0), dtype=dtype)
    check(lambda x: nn.softmax(model(x)), normal(6), dtype)


@pytest.mark.parametrize("dtype", FLOATS)
def test_approximate_gelu(dtype: Any) -> None:
    """The other form of gelu."""
    check(lambda x: nn.gelu(x, approximate=True), normal(5), dtype)


def test_weights_keep_their_names() -> None:
    """Initializers are called as in the module, and are there once."""
    model = nn.MLP(4, (5,), 2, key=random.key(0))
    exported = to_onnx(model, np.zeros((3, 4), np.float32), metadata={"classes": "a,b"})
    names = {each.name for each in exported.graph.initializer}
    assert {"layers.0.weight", "layers.0.bias", "layers.1.weight"} <= names
    assert [("classes", "a,b")] == [(p.key, p.value) for p in exported.metadata_props]
    assert "x" == exported.graph.input[0].name


class Recommender(nn.Module):
    """Two tables of vectors, looked up by codes, beside numbers."""

    people: Any
    things: Any
    top: nn.MLP

    def __call__(self, person: Any, thing: Any, features: Any) -> dict[str, Any]:
        """Scores by name."""
        rows = [
            np.asarray(self.people, like=person)[person],
            np.take(np.asarray(self.things, like=thing), thing, axis=0),
        ]
        logits = self.top(np.concatenate([*rows, features], axis=1))
        return {"probabilities": nn.softmax(logits), "label": np.argmax(logits, axis=1)}


@pytest.mark.parametrize("dtype", FLOATS)
def test_lookups(dtype: Any) -> None:
    """Several inputs of several dtypes, one output a key."""
    rng = np.random.default_rng(1)
    model = Recommender(
        rng.normal(size=(9, 3)).astype(dtype), rng.normal(size=(5, 2)).astype(dtype),
        nn.MLP(7, (8,), 3, key=random.key(2), dtype=dtype),
    )  # fmt: skip

    def draw(count: int) -> Sequence[Any]:
        codes = rng.integers(0, 9, count), rng.integers(0, 5, count, dtype=np.int32)
        return (*codes, rng.normal(size=(count, 2)).astype(dtype))

    exported = to_onnx(model, *draw(4))
    assert ["person", "thing", "features"] == [each.name for each in exported.graph.input]
    for count in COUNTS:
        inputs = draw(count)
        expected = model(*inputs)
        found = dict(zip([o.name for o in exported.graph.output], run(exported, *inputs),
                         strict=True))  # fmt: skip
        assert_same(expected["probabilities"], found["probabilities"])
        assert_same(expected["label"], found["label"])


# Compositions

UNARY: list[Callable[[Any], Any]] = [
    np.tanh, np.sin, np.exp, np.abs, np.square, np.arctan, np.arcsinh, np.cbrt, np.log1p, np.expm1,
    np.sign, np.rint, np.negative, nn.sigmoid, nn.gelu, nn.softplus, nn.relu, np.cosh, np.isnan,
    lambda x: np.sqrt(np.abs(x)), lambda x: np.clip(x, -1.0, 1.0),
]  # fmt: skip
BINARY: list[Callable[[Any, Any], Any]] = [
    np.add, np.subtract, np.multiply, np.maximum, np.logaddexp, np.hypot, np.arctan2,
    lambda x, y: np.where(x < y, x, 2.0 * y), lambda x, y: x / (1.0 + np.abs(y)),
]  # fmt: skip
PROGRAMS = st.lists(
    st.tuples(st.integers(0, len(UNARY) + len(BINARY) - 1), st.integers(0, 9), st.integers(0, 9)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25)
@given(PROGRAMS)
def test_random_compositions(program: Any) -> None:
    """Chains of elementwise functions, each of any values before it, for other row counts."""

    def function(x: Any) -> Any:
        values = [x * 1.0, np.tanh(x) + 0.25]
        for k, first, second in program:
            a, b = values[first % len(values)], values[second % len(values)]
            made = UNARY[k](a) if k < len(UNARY) else BINARY[k - len(UNARY)](a, b)
            values.append(np.tanh(made * 0.5))  # stays where errors do not grow
        return np.stack(values, axis=1)

    check(function, normal(3))


def test_truth_values_are_joined() -> None:
    """Comparisons that chainrule composes are one node each in ONNX."""

    def operations(function: Callable[[Any], Any]) -> list[str]:
        return [node.op_type for node in to_onnx(function, np.zeros(3)).graph.node]

    assert ["LessOrEqual", "Where", "Identity"] == operations(nn.relu)
    assert ["IsNaN", "Where", "Identity"] == operations(lambda x: np.where(np.isnan(x), 0.0, x))
    assert ["Less", "Not", "Identity"] == operations(lambda x: np.logical_not(x < 1.0))
    assert ["Less", "LessOrEqual", "Or", "Identity"] == operations(lambda x: (x < 1) | (x >= 5))


# Models from parts


def test_categories() -> None:
    """Text becomes codes, unknown text the default; the graph reads them beside numbers."""
    builder = OnnxBuilder("table")
    colour = builder.input("colour", str, ["rows"])
    age = builder.input("age", np.float32, ["rows"])
    codes = builder.categories(colour, ["red", "green", "größer"], unknown=3)

    def features(k: Any, age: Any) -> Any:
        one_hot = (k[:, None] == np.arange(3)).astype(np.float32)
        filled = (np.where(np.isnan(age), np.float32(30.0), age) - 30.0) / 10.0
        return np.concatenate([one_hot, filled[:, None]], axis=1)

    (made,) = builder.call(features, [codes, age], np.zeros(5, np.int64), np.zeros(5, np.float32))
    builder.output(codes, "codes")
    builder.output(made, "features")
    found = run(
        builder.model(), np.array(["größer", "blue", "red"], object),
        np.array([40.0, np.nan, 25.0], np.float32),
    )  # fmt: skip
    assert [2, 3, 0] == found[0].tolist()
    assert [[0, 0, 1, 1], [0, 0, 0, 0], [1, 0, 0, -0.5]] == found[1].tolist()


def test_integer_categories() -> None:
    """Levels may be whole numbers, in columns of any shape."""
    builder = OnnxBuilder()
    value = builder.input("year", np.int64, ["rows", 1])
    builder.output(builder.categories(value, [1999, 2005]), "code")
    found = run(builder.model(), np.array([[2005], [7], [1999]]))[0]
    assert [[1], [-1], [0]] == found.tolist()


def test_own_nodes() -> None:
    """Operations of ONNX go before a function and behind it."""
    builder = OnnxBuilder()
    columns = [builder.input(name, np.float32, ["rows", 1]) for name in "ab"]
    joined = builder.node("Concat", *columns, axis=1)
    (total,) = builder.call(lambda x: x.sum(axis=1), [joined], np.zeros((4, 2), np.float32))
    shown = builder.node("Cast", total, to=onnx.TensorProto.STRING)
    builder.output(shown, "shown", str, ["rows"])
    found = run(builder.model(), np.array([[1.0], [2.0]], np.float32), np.ones((2, 1), np.float32))
    assert ["2", "3"] == found[0].tolist()


def test_wrong_parts() -> None:
    """Names twice, values of another dtype, unknown types and odd levels are told at once."""
    builder = OnnxBuilder()
    x = builder.input("x", np.float32, ["rows"])
    text = builder.input("text", str, ["rows"])
    with pytest.raises(DataError, match="two values are called 'x'"):
        builder.input("x", np.float32, ["rows"])
    with pytest.raises(DtypeError, match="'x' is float32, and its example is float64"):
        builder.call(np.tanh, [x], np.zeros(3))
    with pytest.raises(DataError, match="1 values for examples of 2 arrays"):
        builder.call(np.add, [x], np.zeros(3), np.zeros(3))
    with pytest.raises(DtypeError, match="'x' is float32, and the levels"):
        builder.categories(x, ["a"])
    with pytest.raises(DataError, match="none twice"):
        builder.categories(text, ["a", "a"])
    with pytest.raises(DtypeError, match="texts only"):
        builder.categories(text, ["a", 1])
    with pytest.raises(DataError, match="output 'y': give the dtype"):
        builder.output(builder.node("Neg", x), "y")
    with pytest.raises(DataError, match="2 names for examples of 1 arrays"):
        to_onnx(np.tanh, np.zeros(3), names=["a", "b"])
    with pytest.raises(DtypeError, match="longdouble|float128"):
        to_onnx(np.tanh, np.zeros(3, np.longdouble))


def test_save(tmp_path: Path) -> None:
    """The file holds the model; a failure leaves the old one."""
    path = tmp_path / "tanh.onnx"
    save_onnx(path, np.tanh, np.zeros((2, 3)), names=["numbers"], metadata={"made": "here"})
    before = path.read_bytes()
    model = onnx.load(path)
    assert "numbers" == model.graph.input[0].name
    assert_same(np.tanh(np.ones((4, 3))), run(model, np.ones((4, 3)))[0])
    with pytest.raises(UnsupportedError):
        save_onnx(path, lambda x: x[:2000], np.zeros((2, 3)))
    assert before == path.read_bytes()


@pytest.mark.parametrize("dtype", FLOATS)
def test_special_points(dtype: Any) -> None:
    """xlogy at x = 0 beside every y, nan among them; norms, deviations, sums of infinities."""
    x = np.array([[0, 0.5], [0, 0], [0, np.nan], [2, 3], [0, np.inf], [0, -1], [-np.inf, -np.inf]])
    for function in (
        lambda x: scipy.special.xlogy(x[:, 0], x[:, 1]),
        lambda x: np.linalg.norm(x, axis=1),
        lambda x: np.std(x, axis=1),
        scipy.special.expit,
        lambda x: cr.logsumexp(x, axis=1),
        lambda x: cr.grad(lambda x: np.sum(np.sqrt(np.sum(x * x, axis=1))))(x),
    ):
        given = x.astype(dtype)
        model = to_onnx(function, given)
        with np.errstate(all="ignore"):
            assert_same(function(given), run(model, given)[0])
