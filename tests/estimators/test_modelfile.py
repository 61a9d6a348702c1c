"""Model files: the same bits back, the same bytes each time, written whole or not at all."""

import errno
import json
import os
import pickle
import subprocess
import sys

import hostile_files
import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from safetensors.numpy import load as peer_load
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import chainrule
from chainrule import MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor, load
from chainrule.container import dumps, loads
from chainrule.errors import ModelFileError

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("_unoptimised"),
]

NAMES = list(hostile_files.models())
CARD = {
    "target": "y",
    "rows": 60,
    "scores": [0.5, None, True],
    "settings": {"b": 1, "a": "\N{SNOWMAN}"},
}


OTHER_HASHES = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"


def given(name):
    return hostile_files.table() if name in ("table", "prices") else hostile_files.rows()


def quick(kind=MLPClassifier, **settings):
    return kind(hidden_layer_sizes=(4,), solver="lbfgs", max_iter=8, random_state=0, **settings)


@pytest.fixture(scope="module", params=NAMES)
def pair(request, tmp_path_factory):
    """A model, what its file gave back, and the rows to ask it for."""
    model = hostile_files.models()[request.param]
    path = tmp_path_factory.mktemp("models") / "m.safetensors"
    model.save(path, card=CARD)
    return model, load(path), given(request.param)


def bits(value):
    array = np.asarray(value)
    return array.dtype, array.shape, array.tolist() if array.dtype == object else array.tobytes()


def test_the_answers_are_the_same_bits(pair):
    """Also for a single row, for many, and after a copy and a pickle."""
    model, again, x = pair
    assert type(again) is type(model)
    many = pd.concat([x] * 100) if hasattr(x, "columns") else np.concatenate([x] * 100)
    copy = pickle.loads(pickle.dumps(again))
    for rows in (x, x[:1], many):
        assert bits(model.predict(rows)) == bits(again.predict(rows)) == bits(copy.predict(rows))
        if hasattr(model, "predict_proba"):
            assert bits(model.predict_proba(rows)) == bits(again.predict_proba(rows))
    if getattr(model, "loss", "") == "gaussian_nll":
        assert bits(model.predict(x, return_std=True)) == bits(again.predict(x, return_std=True))


def test_all_that_is_told_comes_back(pair):
    """Settings, the record of the training, what scikit-learn asks of a fitted model."""
    model, again, _ = pair
    assert CARD == again.card_
    assert repr(clone(model)) == repr(clone(again))
    assert again.get_params() == {**model.get_params()}
    lost = {"_optimizer", "_random_state", "unseen_answers_"}  # of rows of the training
    assert vars(model).keys() - vars(again).keys() <= lost
    for name in ("n_features_in_", "n_outputs_", "n_iter_", "t_", "n_layers_", "out_activation_",
                 "loss_curve_", "validation_scores_", "best_loss_", "loss_",
                 "best_validation_loss_", "best_validation_score_", "_no_improvement_count",
                 "features_", "history_", "importances_", "center_", "spread_",
                 "range_", "log_offset_"):  # fmt: skip
        if hasattr(model, name):
            assert getattr(model, name) == getattr(again, name), name
    for name in ("classes_", "feature_names_in_", "feature_importances_"):
        if hasattr(model, name):
            assert bits(getattr(model, name)) == bits(getattr(again, name)), name


def test_the_same_model_is_the_same_bytes(pair, tmp_path):
    """Saved twice, saved by what was loaded, and with its card in another order."""
    model, again, _ = pair
    model.save(tmp_path / "a", card=CARD)
    model.save(tmp_path / "b", card=dict(reversed(CARD.items())))
    again.save(tmp_path / "c")
    first, *rest = [(tmp_path / name).read_bytes() for name in "abc"]
    assert [first, first] == rest


def test_the_bytes_do_not_depend_on_the_process(tmp_path):
    """Another order of hashes writes the same file."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import hostile_files as h\n"
        "h.models()['multiclass'].save(sys.argv[2], card={'b': 1, 'a': 2})"
    )
    subprocess.run(
        [sys.executable, "-c", code, os.path.dirname(__file__), str(tmp_path / "there")],
        env={**os.environ, "PYTHONHASHSEED": OTHER_HASHES}, check=True,
    )  # fmt: skip
    hostile_files.models()["multiclass"].save(tmp_path / "here", card={"b": 1, "a": 2})
    assert (tmp_path / "there").read_bytes() == (tmp_path / "here").read_bytes()


def test_any_reader_of_safetensors_reads_it(tmp_path):
    """The format's own library finds the same arrays and the description."""
    model = hostile_files.models()["binary"]
    model.save(tmp_path / "m")
    arrays = peer_load((tmp_path / "m").read_bytes())
    assert [4, 5] == list(arrays["coefs.0"].shape)
    np.testing.assert_array_equal(model.coefs_[0], arrays["coefs.0"])
    with safe_open(tmp_path / "m", framework="numpy") as file:
        told = json.loads(file.metadata()["chainrule"])
    assert ("chainrule-model-1", "MLPClassifier") == (told["format"], told["class"])
    assert chainrule.__version__ == told["chainrule"]
    assert {"dtype": "int64"} == told["classes"]


def test_bytes_of_a_file():
    """`loads` undoes `dumps`, whatever the dtype."""
    arrays = {
        kind: np.arange(6).reshape(2, 3).astype(kind)
        for kind in ("?", "u1", "i1", "<u2", ">i4", "<f2", "<f4", ">f8", "<i8")
    }
    told, found = loads(dumps({"a": [1, 2.5, "\N{SNOWMAN}", None]}, arrays))
    assert {"a": [1, 2.5, "\N{SNOWMAN}", None]} == told
    for name, value in arrays.items():
        assert value.dtype.newbyteorder("=") == found[name].dtype
        np.testing.assert_array_equal(value, found[name])


@pytest.mark.parametrize(
    "labels",
    [[3, 7], [-1, 0, 5], ["no", "yes"], ["x", "y", "zebra"], [False, True], [0.0, 2.0],
     np.array(["b", "a"], object), np.array([2, 9], np.uint8), np.array([0, 1, 2], np.int16), [7]],
    ids=str,
)  # fmt: skip
def test_classes_keep_their_type(labels, tmp_path):
    x = hostile_files.rows()
    y = np.resize(np.asarray(labels), len(x))
    model = quick().fit(x, y)
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert bits(model.classes_) == bits(again.classes_)
    assert bits(model.predict(x)) == bits(again.predict(x))
    assert bits(model.predict(x[:1])) == bits(again.predict(x[:1]))


@pytest.mark.parametrize("kind", [list, pd.Series, lambda y: pd.Series(y, dtype="category")])
def test_classes_of_tables_keep_their_type(kind, tmp_path):
    y = kind(["yes", "no"] * 30)
    model = TabularClassifier((4,), max_iter=1, random_state=0).fit(hostile_files.table(), y)
    model.save(tmp_path / "m")
    assert bits(model.classes_) == bits(load(tmp_path / "m").classes_)


def test_names_of_columns(tmp_path):
    """Columns are known by name, also in a table that is one array."""
    x = pd.DataFrame(hostile_files.rows(), columns=["a", "b", "\N{SNOWMAN}", "d"])
    model = quick(MLPRegressor).fit(x, x["a"])
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert bits(model.predict(x)) == bits(again.predict(x))
    with pytest.raises(ValueError, match="feature names"):
        again.predict(x.rename(columns={"a": "z"}))
    plain = TabularRegressor(hidden_layer_sizes=(), max_iter=1, random_state=0)
    plain.fit(x.to_numpy(), x["a"]).save(tmp_path / "t")
    assert bits(plain.predict(x.to_numpy())) == bits(load(tmp_path / "t").predict(x.to_numpy()))


def test_settings_that_json_lacks(tmp_path):
    """Tuples, dicts with numbers as keys, infinity, NumPy's numbers."""
    x = hostile_files.rows()
    model = MLPClassifier(
        hidden_layer_sizes=np.array([4, 3]), max_iter=np.int64(2), class_weight={0: 1.0, 1: 2.5},
        n_iter_no_change=np.inf, activation=("tanh", "silu"), learning_rate_init=np.float32(0.01),
        random_state=np.random.RandomState(0), numeric_features=None, callbacks=(), verbose=False,
    )  # fmt: skip
    model.fit(x, x[:, 0] > 0)
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    told = again.get_params()
    assert ([4, 3], 2, {0: 1.0, 1: 2.5}) == tuple(
        told[name] for name in ("hidden_layer_sizes", "max_iter", "class_weight")
    )
    assert np.inf == told["n_iter_no_change"] and ("tanh", "silu") == told["activation"]
    assert None is told["random_state"] and float(np.float32(0.01)) == told["learning_rate_init"]
    assert bits(model.predict_proba(x)) == bits(again.predict_proba(x))


def test_training_goes_on_from_the_weights(tmp_path):
    """`partial_fit` of what was loaded is a first step of the optimiser from the same weights."""
    x = hostile_files.rows()
    y = (x[:, 0] > 0).astype(int)
    model = hostile_files.models()["binary"]
    model.save(tmp_path / "m", card={"a": 1})
    first, second = load(tmp_path / "m"), load(tmp_path / "m")
    first.partial_fit(x, y)
    assert len(model.loss_curve_) + 1 == len(first.loss_curve_)
    assert not hasattr(first, "card_")
    second.partial_fit(x, y)
    np.testing.assert_array_equal(first.coefs_[0], second.coefs_[0])
    step = np.abs(first.coefs_[0] - model.coefs_[0]).max()
    assert 0 < step < 1.5 * model.learning_rate_init * len(x)
    warm = load(tmp_path / "m").set_params(warm_start=True, max_iter=1)
    warm.fit(x, y)
    assert np.abs(warm.coefs_[0] - model.coefs_[0]).max() < 1.5 * model.learning_rate_init * len(x)
    first.save(tmp_path / "again")
    assert {} == load(tmp_path / "again").card_


# What cannot be saved


def test_functions_are_named():
    x = hostile_files.rows()
    for name, settings in {
        "activation": {"activation": np.tanh},
        "loss": {"loss": _squares},
    }.items():
        model = quick(MLPRegressor, **settings).fit(x, x[:, 0])
        with pytest.raises(ModelFileError, match=f"^{name}=.* is a function.*pickle or joblib"):
            model.save("nowhere")


def _squares(z, y):
    return (z - y) ** 2


class Own(MLPRegressor):
    pass


def nested(depth):
    """A list in a list in a list ..."""
    made = []
    for _ in range(depth):
        made = [made]
    return made


def test_what_has_no_place_in_a_file(tmp_path):
    x = hostile_files.rows()
    place = tmp_path / "m"
    with pytest.raises(NotFittedError):
        MLPRegressor().save(place)
    model = quick(MLPRegressor).fit(x, x[:, 0])
    for card, words in [
        ({"a": {"b": np.nan}}, r"card\['a'\]\['b'\] is nan"), ({"d": object()}, r"card\['d'\]"),
        ({1: 2}, "card is"), ([1], "give a dict"), ({"a": "\ud800"}, "half a character"),
        ({"a": nested(17)}, "nested 16 deep at most"), ({"a": nested(10**5)}, "nested 16 deep"),
        (nested(10**5), "give a dict"),
        ({"a": list(range(2**20 + 9))}, "more than a model file"), ({"a": "x" * 2**25}, "more"),
    ]:  # fmt: skip
        with pytest.raises(ModelFileError, match=words):
            model.save(place, card=card)
    with pytest.raises(ModelFileError, match="were those changed since `fit`"):
        model.set_params(hidden_layer_sizes=(9,)).save(place)
    own = Own("squared_error", (4,), solver="lbfgs", max_iter=3).fit(x, x[:, 0])
    with pytest.raises(ModelFileError, match="Own is a class of your own"):
        own.save(place)
    dates = pd.Series(pd.date_range("2024-01-01", periods=2).to_list() * 30, dtype=object)
    with pytest.raises((ModelFileError, TypeError, ValueError)):
        TabularClassifier((4,), max_iter=1).fit(hostile_files.table(), dates).save(place)
    assert [] == os.listdir(tmp_path)


# Writing whole


@pytest.mark.parametrize("failing", ["fsync", "replace", "fchmod"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_what_fails_leaves_the_old_file(tmp_path, monkeypatch, failing, error):
    place = tmp_path / "m.safetensors"
    place.write_bytes(b"old")

    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises((ModelFileError, KeyboardInterrupt), match="No space left|^$"):
        hostile_files.models()["binary"].save(place)
    assert b"old" == place.read_bytes()
    assert ["m.safetensors"] == os.listdir(tmp_path)


def test_places_that_cannot_be_written(tmp_path):
    model = hostile_files.models()["lbfgs"]
    (tmp_path / "file").write_bytes(b"old")
    for place in (tmp_path, tmp_path / "absent" / "m", tmp_path / "file" / "m", f"{tmp_path}/a\0b"):
        with pytest.raises(ModelFileError, match="cannot write .*choose another place"):
            model.save(place)
    assert ["file"] == os.listdir(tmp_path)
    model.save(tmp_path / "file")
    assert 0o666 & ~_umask() == (tmp_path / "file").stat().st_mode & 0o777
    assert load(str(tmp_path / "file")).card_ == {}


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
