"""What columns did to a prediction: planted effects are named, and all effects add up."""

import numpy as np
import pandas as pd
import pytest

import chainrule
from chainrule import TabularClassifier, TabularRegressor
from chainrule.errors import DataError
from chainrule.estimators.tabular import explanations
from chainrule.estimators.tabular.explanations import (
    BACKGROUND,
    Effects,
    by_gradient,
    learn_background,
    log_odds,
    shapley,
    signed,
)

pytestmark = pytest.mark.usefixtures("_unoptimised")

SMALL = {"hidden_layer_sizes": (8,), "max_iter": 3, "n_members": 2, "progress": False,
         "random_state": 0, "numeric_embedding": None}  # fmt: skip
PLAIN = {**SMALL, "gaussian_process_rows": 0}


def table(rows, seed=0):
    """Numbers, texts and empty cells."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "a": rng.normal(size=rows), "b": rng.uniform(-2, 2, rows),
        "town": rng.choice(["Rome", "Oslo", "Kiel"], rows, p=[0.5, 0.3, 0.2]),
        "d": rng.exponential(1, rows), "noise": rng.normal(size=rows),
    })  # fmt: skip
    frame.loc[rng.random(rows) < 0.2, "d"] = np.nan
    return frame


def test_effects_of_a_linear_function_are_exact():
    """Each is the weight times the distance from the background's mean, whatever the order."""
    rng = np.random.default_rng(0)
    weights, x = np.array([2.0, -1.0, 0.5, 3.0]), rng.normal(size=(5, 4))
    background = rng.normal(size=(6, 4)).astype(np.float32)
    effects = shapley(
        lambda rows, _: rows @ weights, x, np.zeros(5, int), background, [[0], [1, 2], [3]]
    )
    single = weights * (x - background.mean(axis=0, dtype=np.float64))
    expected = np.stack([single[:, 0], single[:, 1] + single[:, 2], single[:, 3]], axis=1)
    np.testing.assert_allclose(effects, expected, rtol=1e-6)


def test_two_columns_that_act_together_share():
    """Of a product both get half of what it adds, where the background is 0."""
    x, background = np.array([[3.0, 4.0, 9.0]]), np.zeros((2, 3), np.float32)
    effects = shapley(
        lambda rows, _: rows[:, 0] * rows[:, 1], x, np.zeros(1, int), background, [[0], [1], [2]]
    )
    assert [[6.0, 6.0, 0.0]] == effects.tolist()


def test_the_gradient_adds_up_as_well():
    """Along the lines of a square the points are not all: the rest is divided in proportion."""

    class Square:
        def __call__(self, x, _):
            return (x**2).sum(axis=1)

        def gradient(self, x, _):
            return 2 * x

    x, background = np.array([[3.0, 1.0], [0.0, 0.0]]), np.zeros((2, 2), np.float32)
    effects = by_gradient(Square(), x, np.zeros(2, int), background, [[0], [1]])
    np.testing.assert_allclose(effects, [[9.0, 1.0], [0.0, 0.0]], rtol=1e-12)


def test_the_background_has_the_columns_quantiles():
    """Means come near those of the rows; texts keep their shares; none is a row of the training."""
    rng = np.random.default_rng(0)
    codes = rng.choice(2, 2_000, p=[0.75, 0.25])
    numbers = rng.normal(size=(2, 2_000))
    x = np.column_stack([*numbers, codes == 0, codes == 1]).astype(np.float32)
    background = learn_background(x, [[0], [1], [2, 3]])
    assert (BACKGROUND, 4) == background.shape
    means = [*numbers.mean(axis=1), 0.75, 0.25]
    np.testing.assert_allclose(background.mean(axis=0), means, atol=0.05)
    np.testing.assert_array_equal(background[:, 2] + background[:, 3], np.ones(BACKGROUND))
    assert abs(np.corrcoef(background[:, 0], background[:, 1])[0, 1]) < 0.2
    rows = {row.tobytes() for row in x}
    assert not any(row.tobytes() in rows for row in background)


@pytest.mark.parametrize("codes", [[0, 1], [1, 0]])
def test_log_odds_are_those_of_the_mean_probability(codes):
    """Also where a probability is 1 in float64."""
    z = np.array([[[0.3], [-2.0]], [[1.5], [40.0]]])
    p = (1 / (1 + np.exp(-z[:, :, 0]))).mean(axis=0)
    p = np.where(np.array(codes) == 1, p, 1 - p)
    np.testing.assert_allclose(log_odds(z, np.array(codes)), np.log(p / (1 - p)), rtol=1e-9)
    many = np.concatenate([np.zeros_like(z), z, z - 1e30], axis=2)  # of which the last never is
    np.testing.assert_allclose(log_odds(many, np.array(codes)), np.log(p / (1 - p)), rtol=1e-9)
    certain = log_odds(np.array([[[60.0, 0.0, 0.0]]]), np.array([0]))
    np.testing.assert_allclose(certain, [60 - np.log(2)], rtol=1e-12)


@pytest.mark.parametrize("most", [32, 0])
def test_effects_add_up_to_the_prediction(monkeypatch, most):
    """Of regressors in the target's units, of classes in log-odds; by both ways of dividing."""
    monkeypatch.setattr(explanations, "MOST_COLUMNS", most)
    frame = table(120)
    y = 1000 * frame["a"].to_numpy()
    model = TabularRegressor(**PLAIN).fit(frame, y)
    explained = model.explain_rows(frame[:6])
    total = explained.base + explained.effects.to_numpy().sum(axis=1)
    np.testing.assert_allclose(total, model.predict(frame[:6]), rtol=1e-5)
    np.testing.assert_allclose(explained.base, explained.base[0], rtol=1e-5)
    assert ["a", "b", "town", "d", "noise"] == list(explained.effects.columns)
    for classes in (["low", "high"], ["low", "mid", "high"]):
        names = pd.qcut(y, len(classes), labels=classes).astype(str)
        model = TabularClassifier(**SMALL).fit(frame, names)
        explained = model.explain_rows(frame[:6])
        p = model.predict_proba(frame[:6]).max(axis=1)
        total = explained.base + explained.effects.to_numpy().sum(axis=1)
        np.testing.assert_allclose(total, np.log(p / (1 - p)), rtol=1e-4, atol=1e-4)


def test_the_answer_for_a_row_is_its_own():
    """Other rows do not change it; labels of rows stay; the class may be chosen."""
    frame = table(120)
    names = np.where(frame["a"] > 0, "high", "low")
    model = TabularClassifier(**SMALL).fit(frame, names)
    some = frame[3:9].set_axis(list("pqrstu"))
    explained = model.explain_rows(some)
    assert list("pqrstu") == explained.effects.index.tolist()
    alone = model.explain_rows(some[2:3])
    np.testing.assert_allclose(alone.effects.loc["r"], explained.effects.loc["r"], atol=1e-5)
    chosen = model.explain_rows(some, classes=np.array(["high"] * 6))
    sign = np.where(model.predict(some) == "high", 1.0, -1.0)
    np.testing.assert_allclose(chosen.effects, explained.effects.mul(sign, axis=0), atol=1e-5)
    done = []
    model.explain_rows(pd.concat([some] * 30), done.append)
    assert [128, 180] == done


def test_a_file_holds_the_background(tmp_path):
    """Explanations are the same after loading; a model without one says what to do."""
    frame = table(120)
    model = TabularRegressor(**PLAIN).fit(frame, frame["a"].to_numpy())
    model.save(tmp_path / "m.safetensors")
    loaded = chainrule.load(tmp_path / "m.safetensors")
    first, second = (each.explain_rows(frame[:3]).effects for each in (model, loaded))
    np.testing.assert_array_equal(first, second)
    del model.background_
    model.save(tmp_path / "old.safetensors")
    with pytest.raises(DataError, match="train it again"):
        chainrule.load(tmp_path / "old.safetensors").explain_rows(frame[:3])


def test_effects_as_text_and_json():
    """Three digits and thousands; columns that did nothing are left out."""
    frame = pd.DataFrame([[1.0, 0.0, -2345.6, 0.5]], columns=list("abcd"))
    explained = explanations.Explanation(frame, np.zeros(1), np.zeros(1))
    (effects,) = explained.strongest(5)
    assert "c -2,350; a +1; d +0.5" == str(effects)
    assert [("c", -2345.6)] == list(explained.strongest(1)[0])
    assert [{"column": "a", "effect": 2.0}] == Effects([("a", 2.0)]).to_json()
    assert ["+1,230,000", "-0.5", "+1e-09", "+0", "+100"] == [
        signed(value) for value in (1.2345e6, -0.5, 1e-9, 0.0, 99.96)
    ]


def test_attributions_of_the_first_of_two_classes_have_its_sign():
    """The only output is the second class's logit: of the first it has the other sign."""
    frame = table(120)
    names = np.where(frame["a"] > 0, "a", "b")
    model = TabularClassifier(**{**SMALL, "max_iter": 30}).fit(frame[["a", "b"]], names)
    rows = pd.DataFrame({"a": [1.5, -1.5], "b": [0.0, 0.0]})
    assert ["a", "b"] == model.predict(rows).tolist()
    assert (model.attributions(rows)["a"] > 0).all()


def planted(kind, frame):
    """What is to be learned, and the true effect of each column on it."""
    town = frame["town"].map({"Rome": 0.0, "Oslo": 3.0, "Kiel": -3.0}).to_numpy()
    missing, a, b = (each.to_numpy() for each in (frame["d"].isna(), frame["a"], frame["b"]))
    if kind == "additive":
        return 2 * a + 3 * np.sin(b) + town + 4 * missing
    return 2 * a * b + town + 3 * missing


def true_effects(kind, rows, frame, repeats=200):
    """The Shapley values of the function itself, by many orders from rows of the table."""
    rng = np.random.default_rng(0)
    names = ["a", "b", "town", "d"]
    effects = {name: np.zeros(len(rows)) for name in [*names, "noise"]}
    for _ in range(repeats):
        current = frame.iloc[rng.integers(len(frame), size=len(rows))].set_axis(rows.index)
        last = planted(kind, current)
        for name in rng.permutation(names):
            current[name] = rows[name]
            now = planted(kind, current)
            effects[name] += (now - last) / repeats
            last = now
    return pd.DataFrame(effects)[list(rows.columns)].to_numpy()


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "most"), [("additive", 32), ("interaction", 32), ("additive", 0)])
def test_planted_effects_are_named_first(monkeypatch, kind, most):
    """Where one column truly did half as much again as all others, it is named first in 95 %."""
    monkeypatch.setattr(explanations, "MOST_COLUMNS", most)
    frame = table(1_000)
    y = planted(kind, frame) + np.random.default_rng(1).normal(0, 0.3, 1_000)
    model = TabularRegressor(
        hidden_layer_sizes=(32,), n_members=2, max_iter=60, random_state=0, progress=False,
        gaussian_process_rows=0,
    ).fit(frame, y)  # fmt: skip
    rows = table(200, seed=2)
    size = np.abs(true_effects(kind, rows, frame))
    order = np.sort(size, axis=1)
    clear = order[:, -1] > 1.5 * order[:, -2]
    named = [effects[0][0] for effects in model.explain_rows(rows).strongest(1)]
    right = np.array(named) == np.array(rows.columns)[size.argmax(axis=1)]
    assert clear.sum() > 60
    assert right[clear].mean() >= 0.95
