"""Estimators as ONNX: onnxruntime gives the same classes, probabilities and numbers."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from exported import onnx, runtime
from sklearn import datasets
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

import chainrule
from chainrule import MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor
from chainrule.data import read_table
from chainrule.errors import ModelFileError, UnsupportedError

DATA = Path(os.environ.get("CHAINRULE_DATA", Path(__file__).parents[3] / "shared" / "data"))
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("_unoptimised"),
]
NEAR = {"rtol": 1e-5, "atol": 1e-5}


def answers(model, rows, dtype=None):
    """Outputs by name, for a table or a matrix."""
    exported = model.to_onnx() if dtype is None else model.to_onnx(dtype)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(
        exported.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feeds = {each.name: fed(each, rows) for each in session.get_inputs()}
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds), strict=True))


def fed(declared, rows):
    kind = np.float32 if declared.type == "tensor(float)" else np.float64
    if declared.name == "X":
        return np.asarray(rows, kind)
    column = rows[declared.name]
    if declared.type == "tensor(string)":
        texts = [["" if pd.isna(value) else str(value).strip()] for value in column]
        return np.array(texts, object)
    return column.to_numpy(kind)[:, None]


def assert_agrees(model, rows, dtype=None):
    made = answers(model, rows, dtype)
    if hasattr(model, "predict_proba"):
        assert ["label", "probabilities"] == list(made)
        expected, label = model.predict_proba(rows), model.predict(rows)
        np.testing.assert_allclose(made["probabilities"], expected, **NEAR)
        assert label.shape == made["label"].shape and expected.shape == made["probabilities"].shape
        top = np.sort(expected, axis=1)
        clear = np.ones(len(top), bool) if top.shape[1] < 2 else top[:, -1] - top[:, -2] > 1e-4
        if label.ndim == 2:
            clear = (np.abs(expected - 0.5) > 1e-4).all(axis=1)
        assert clear.mean() > 0.9
        assert label[clear].tolist() == made["label"][clear].tolist()
        return
    expected = np.asarray(model.predict(rows))
    assert expected.shape == made["prediction"].shape
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(made["prediction"] / scale, expected / scale, **NEAR)


def real(name, most=2000):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the data sets are not here: no {path}")
    frame = pd.read_csv(path)
    return frame.sample(min(len(frame), most), random_state=0).reset_index(drop=True)


REAL = {
    "tabular/titanic.csv.gz": "Survived", "tabular/adult_test.csv.gz": "income",
    "tabular/penguins.csv.gz": "species", "house_prices/california_housing.csv.gz": None,
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_tables(name):
    """Numbers, text, truth values and empty cells, from the columns to the answer."""
    frame = real(name)
    target = REAL[name] or next(c for c in frame if "value" in c.lower() or "price" in c.lower())
    frame = frame[frame[target].notna()]
    x, y = frame.drop(columns=target), frame[target]
    kind = TabularRegressor if REAL[name] is None else TabularClassifier
    model = kind(hidden_layer_sizes=(16, 16), max_iter=3, random_state=0, progress=False)
    assert_agrees(model.fit(x, y), x)


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits", "diabetes"])
def test_built_in_sets(name):
    """Tables, and the same numbers as a matrix in float32 and float64."""
    loaded = read_table(name)
    frame, target = loaded.frame, loaded.target
    x, y = frame.drop(columns=target), frame[target]
    classes = loaded.task == "classification"
    kind = TabularClassifier if classes else TabularRegressor
    settings = {"hidden_layer_sizes": (16,), "max_iter": 3, "n_members": 2, "random_state": 0}
    model = kind(**settings, progress=False).fit(x, y)
    assert_agrees(model, x)
    matrix = StandardScaler().fit_transform(x)
    for dtype in (np.float32, np.float64):
        given = matrix.astype(dtype)
        plain = (MLPClassifier if classes else MLPRegressor)(
            hidden_layer_sizes=(16,), max_iter=10, random_state=0
        )
        assert_agrees(plain.fit(given, y), given)


SETTINGS = [
    {"normalization": "batch", "residual": True, "hidden_layer_sizes": (8, 8)},
    {"normalization": "layer", "n_members": 3},
    {"numeric_embedding": "piecewise", "n_members": 2},
    {"numeric_embedding": "periodic", "numeric_features": [0, 2]},
    {"categorical_features": [3], "numeric_embedding": "piecewise"},
    {"categorical_features": [3], "n_members": 2},
    {"hidden_layer_sizes": ()},
    *[{"activation": name} for name in ("identity", "logistic", "tanh", "elu", "gelu",
                                        "leaky_relu", "silu", "softplus")],
    {"activation": lambda z: np.sin(z) * np.maximum(z, 0.1)},
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda each: ",".join(each))
def test_each_kind_of_network(settings):
    x, y = datasets.load_iris(return_X_y=True)
    x[:, 3] = OrdinalEncoder().fit_transform(x[:, 3:])[:, 0]
    given = {"hidden_layer_sizes": (8,), "max_iter": 4, "random_state": 0, **settings}
    assert_agrees(MLPClassifier(**given).fit(x.astype(np.float32), y), x.astype(np.float32))
    assert_agrees(MLPRegressor(**given).fit(x, x[:, :2]), x)


@pytest.mark.parametrize("loss", ["poisson", "tweedie", "quantile", "absolute_error"])
def test_losses_and_their_output_units(loss):
    x, y = datasets.load_diabetes(return_X_y=True)
    assert_agrees(MLPRegressor(loss, (8,), max_iter=3, random_state=0).fit(x * 20, y / 100), x * 20)


def test_a_variance_is_an_output_as_well():
    x, y = datasets.load_diabetes(return_X_y=True)
    for targets in (y / 100, np.c_[y / 100, x[:, 0]]):
        model = MLPRegressor("gaussian_nll", (8,), max_iter=3, n_members=2, random_state=0)
        made = answers(model.fit(x, targets), x)
        mean, spread = model.predict(x, return_std=True)
        np.testing.assert_allclose(made["prediction"], mean, **NEAR)
        np.testing.assert_allclose(made["deviation"], spread, **NEAR)


@pytest.mark.parametrize(
    "labels", [["no", "yes"], ["x", "y", "z"], [3, 7], [-5, 0, 2], [False, True], [0.0, 2.0], [7],
               np.array(["b", "a"], object), np.array([1, 2, 9], np.uint8)], ids=str,
)  # fmt: skip
def test_labels_are_the_classes(labels):
    x = datasets.load_iris().data
    y = np.resize(np.asarray(labels), len(x))
    model = MLPClassifier((8,), max_iter=40, random_state=0, learning_rate_init=0.01).fit(x, y)
    assert_agrees(model, x)
    label = answers(model, x)["label"]
    expected = {"U": "O", "u": "i"}.get(
        np.asarray(labels).dtype.kind, np.asarray(labels).dtype.kind
    )
    assert expected == label.dtype.kind


def test_labels_of_many_kinds():
    x, y = datasets.load_iris(return_X_y=True)
    several = np.c_[y == 0, y > 0, x[:, 0] > 5.8].astype(int)
    assert_agrees(MLPClassifier((8,), max_iter=30, random_state=0).fit(x, several), x)


def odd(count=120):
    rng = np.random.default_rng(0)
    return pd.DataFrame({
        "large": rng.normal(size=count) * 1e6 + 1e9,
        "holes": np.where(np.arange(count) % 3, rng.normal(size=count), np.nan),
        "open": np.arange(count) % 2 == 0,
        "few": np.arange(count) % 3,
        "text": pd.Series(["a", " b ", None, "c"] * (count // 4), dtype=object),
        "blank": pd.Series(["", "x", "y"] * (count // 3), dtype=object),
        "code": np.arange(count) % 4,
        "same": 1.0,
    })  # fmt: skip


def test_odd_columns():
    """Large numbers, holes, truth values, text with spaces, empty text, numbers as text."""
    frame = odd()
    model = TabularClassifier(
        (8,), max_iter=4, categorical_features=["code"], random_state=0, progress=False
    ).fit(frame, frame["few"] == 1)
    exported = model.to_onnx()
    kinds = {each.name: each.type.tensor_type.elem_type for each in exported.graph.input}
    text, number = onnx.TensorProto.STRING, onnx.TensorProto.DOUBLE
    assert {"large": number, "holes": number, "open": number, "few": number, "text": text,
            "blank": text, "code": text} == kinds  # fmt: skip
    assert_agrees(model, frame)
    new = odd(12).assign(text="never seen", large=-1e30, code=[9, 1, 2] * 4)
    assert_agrees(model, new)
    one = frame.iloc[:1]
    assert answers(model, one)["label"].shape == (1,)


def test_numbers_may_go_in_as_float32():
    """Where seven digits are enough: the answers agree as far as the inputs do."""
    frame = odd().drop(columns="large")
    y = frame["few"] * 2.0
    model = TabularRegressor(hidden_layer_sizes=(8,), max_iter=4, random_state=0).fit(frame, y)
    assert_agrees(model, frame, "float32")
    x = datasets.load_iris().data
    plain = MLPRegressor(hidden_layer_sizes=(8,), max_iter=4, random_state=0).fit(x, x[:, 0])
    assert_agrees(plain, x.astype(np.float32), "float32")
    with pytest.raises(UnsupportedError, match="give 'float32' or 'float64'"):
        plain.to_onnx("int64")


def test_dates_are_refused():
    frame = odd().assign(day=pd.date_range("2024-01-01", periods=120))
    model = TabularRegressor(hidden_layer_sizes=(4,), max_iter=1, random_state=0)
    model.fit(frame, frame["few"] * 1.0)
    with pytest.raises(UnsupportedError, match="column 'day' holds dates.*columns of numbers"):
        model.to_onnx()


def test_the_file_tells_what_it_is(tmp_path):
    """Class, version and card; the same bytes each time; written whole."""
    x = datasets.load_iris().data
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0).fit(x, x[:, 0])
    model.save(tmp_path / "m", card={"target": "width", "rows": 150})
    again = chainrule.load(tmp_path / "m")
    again.save_onnx(tmp_path / "a.onnx")
    again.save_onnx(tmp_path / "b.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    told = {each.key: each.value for each in onnx.load(tmp_path / "a.onnx").metadata_props}
    assert ("MLPRegressor", chainrule.__version__) == (told["class"], told["chainrule"])
    assert {"target": "width", "rows": 150} == json.loads(told["card"])
    with pytest.raises(ModelFileError, match="choose another place"):
        model.save_onnx(tmp_path)


def test_the_file_says_how_cells_are_written():
    """Texts are stripped by whoever asks, for which ONNX has no operator; levels are stripped."""
    table = pd.DataFrame({"town": ["u ", " v", "w"] * 20, "area": np.arange(60.0)})
    y = np.arange(60.0) % 3
    model = TabularRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0).fit(table, y)
    assert_agrees(model, table)
    made = model.to_onnx()
    told = {each.name: each.doc_string for each in made.graph.input}
    assert told["area"] == "number, NaN for an empty cell"
    assert told["town"].startswith("text without spaces around it")
    assert made.doc_string.startswith("Of the inputs town each cell is a text without spaces")
    [encoder] = [node for node in made.graph.node if node.op_type == "LabelEncoder"]
    keys = next(each.strings for each in encoder.attribute if each.name == "keys_strings")
    assert [b"u", b"v", b"w", b""] == list(keys)
