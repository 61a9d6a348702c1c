"""Baselines on the network's rows, intervals by bootstrap, and the sentences that follow."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from chainrule.estimators.tabular import baselines as fitting
from chainrule.estimators.tabular import comparison as comparing
from chainrule.estimators.tabular.baselines import BOOSTING, boosting_columns, fit_baselines
from chainrule.estimators.tabular.comparison import Comparison, Interval, compare, compared_metrics
from chainrule.estimators.tabular.metrics import Answers, measure
from chainrule.estimators.tabular.typed_columns import TypedColumn
from chainrule.estimators.tabular.verdict import FitFacts, verdict

ROWS = np.arange(300)
TRAIN, TEST = ROWS[:200], ROWS[200:]


def column(values, name="x", levels=()):
    return TypedColumn(name, "text" if levels else "number", np.asarray(values, float), levels)


def binary(seed=0, rows=400, signal=1.5):
    """True classes, and the answers of a model that sees them through noise."""
    rng = np.random.default_rng(seed)
    truth = rng.random(rows) < 0.3
    p = 1 / (1 + np.exp(-(signal * (truth - 0.5) + rng.normal(size=rows)).round(1)))
    y = np.where(truth, "yes", "no")
    classes = np.array(["no", "yes"])
    return y, Answers(classes[(p > 0.5).astype(int)], np.column_stack([1 - p, p]), classes)


# Baselines


def test_boosting_is_scikit_learns_on_the_same_rows():
    """Its predictions are those of the estimator fitted by hand, also of classes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    y = x[:, 0] ** 2 + rng.normal(scale=0.1, size=300)
    columns = [column(x[:, 0]), column(x[:, 1], "z")]
    baselines = fit_baselines("regression", x, columns, y, TRAIN, TEST)
    expected = HistGradientBoostingRegressor(random_state=0).fit(x[TRAIN], y[TRAIN])
    assert [BOOSTING, "ridge regression", "the mean"] == list(baselines.answers)
    np.testing.assert_allclose(
        expected.predict(x[TEST]), baselines.answers[BOOSTING].predicted, rtol=0.02, atol=0.02
    )
    np.testing.assert_allclose(
        np.full(100, y[TRAIN].mean()), baselines.answers["the mean"].predicted, rtol=1e-12
    )
    labels = np.where(x[:, 0] > 0, "up", "down")
    baselines = fit_baselines("classification", x, columns, labels, TRAIN, TEST)
    trees = HistGradientBoostingClassifier(random_state=0).fit(x[TRAIN], labels[TRAIN])
    np.testing.assert_allclose(
        trees.predict_proba(x[TEST]), baselines.answers[BOOSTING].probabilities, atol=1e-9
    )
    assert ((), True) == (baselines.notes, baselines.half is not None)


def test_boosting_is_told_the_categories():
    """A category that tells the target, in no order of its codes, is learned at once."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 10, 300)
    of_code = rng.permutation(10) % 2 * 1.0
    levels = tuple(f"level {k}" for k in range(10))
    y = of_code[codes] + rng.normal(scale=0.01, size=300)
    baselines = fit_baselines(
        "regression", np.eye(10)[codes], [column(codes, levels=levels)], y, TRAIN, TEST
    )
    assert measure("R2", y[TEST], baselines.answers[BOOSTING]) > 0.8


def test_categories_are_numbered_by_how_often_the_training_has_them():
    codes = np.r_[np.zeros(3), np.full(5, 1.0), np.nan, 2.0]
    x, categorical = boosting_columns(
        [column(codes, levels=("a", "b", "c")), column(codes)], np.arange(9), [9]
    )
    assert [True, False] == categorical
    np.testing.assert_array_equal([1, 1, 1, 0, 0, 0, 0, 0, np.nan, np.nan], x[:, 0])
    np.testing.assert_array_equal(codes, x[:, 1])
    many = np.arange(300.0)
    x, _ = boosting_columns([column(many, levels=tuple(map(str, range(300))))], ROWS, TEST[:0])
    assert (254, 46) == (len(np.unique(x[~np.isnan(x)])), np.isnan(x).sum())


def test_what_takes_too_long_is_cut_and_said(monkeypatch):
    """Many classes make fewer iterations; more of them leave boosting out."""
    monkeypatch.setattr(fitting, "BUDGET", 30)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4))
    columns = [column(x[:, k], f"x{k}") for k in range(4)]
    some = np.array([f"{k:03}" for k in rng.integers(0, 10, 300)])
    notes = fit_baselines("classification", x, columns, some, TRAIN, TEST).notes
    assert ["75 iterations at a learning rate of 0.133"] == [
        note.split(" had ")[1].split(",")[0] for note in notes
    ]
    many = np.array([f"{k:03}" for k in ROWS % 150])
    baselines = fit_baselines("classification", x, columns, many, TRAIN, TEST)
    assert BOOSTING not in baselines.answers
    assert ["HistGradientBoosting was left out: it would grow 150 trees in each iteration, one for "
            "each class."] == list(baselines.notes)  # fmt: skip


def test_wide_tables_are_cut_to_the_strongest_columns(monkeypatch):
    monkeypatch.setattr(fitting, "BUDGET", 10)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 1300))
    y = x[:, 1200] * 3 + rng.normal(size=300)
    columns = [column(x[:, k], f"x{k}") for k in range(1300)]
    baselines = fit_baselines("regression", x[:, 1190:1210], columns, y, TRAIN, TEST)
    assert "40 columns of 1,300" in baselines.notes[0]
    assert measure("R2", y[TEST], baselines.answers[BOOSTING]) > 0.5


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_targets_of_any_size_have_baselines(scale):
    x = np.linspace(-1.0, 1.0, 300)
    order = np.random.default_rng(0).permutation(300)
    baselines = fit_baselines(
        "regression", x[:, None], [column(x)], x * scale, order[:200], order[200:]
    )
    for name in (BOOSTING, "ridge regression"):
        assert measure("R2", (x * scale)[order[200:]], baselines.answers[name]) > 0.95


# Intervals


@pytest.mark.parametrize("metric", ["accuracy", "log loss", "ROC AUC", "average precision"])
def test_a_resample_has_scikit_learns_score(metric):
    """Weights by hand against rows drawn by hand: the same number, ties among them."""
    y, answers = binary()
    rule = comparing.RULES[metric](y, answers)
    counts = next(comparing.resampled_counts(len(y), 3))[:5]
    for drawn in counts:
        rows = np.repeat(np.arange(len(y)), drawn.astype(int))
        part = Answers(answers.predicted[rows], answers.probabilities[rows], answers.classes)
        assert measure(metric, y[rows], part) == pytest.approx(rule(drawn[None])[0], rel=1e-9)
    whole = rule(np.ones((1, len(y))))[0]
    assert measure(metric, y, answers) == pytest.approx(whole, rel=1e-9)


def test_r2_of_a_resample():
    rng = np.random.default_rng(0)
    y = rng.normal(1e6, 3.0, 200)
    answers = Answers(y + rng.normal(size=200))
    rule = comparing.RULES["R2"](y, answers)
    for drawn in next(comparing.resampled_counts(200, 0))[:5]:
        rows = np.repeat(np.arange(200), drawn.astype(int))
        expected = metrics.r2_score(y[rows], answers.predicted[rows])
        assert expected == pytest.approx(rule(drawn[None])[0], rel=1e-6)


def test_the_interval_of_an_accuracy_is_that_of_a_share():
    """0.8 of 400 rows: 1.96 standard errors of 0.02 to both sides."""
    y = np.array(["a"] * 400)
    answers = Answers(np.array(["a"] * 320 + ["b"] * 80))
    compared = compare(("accuracy",), y, {"network": answers, "the commonest class": answers})
    score = compared.scores["network"]["accuracy"]
    assert (0.8, pytest.approx(0.761, abs=0.006), pytest.approx(0.839, abs=0.006)) == (
        score.value, score.low, score.high
    )  # fmt: skip
    gap = compared.differences["the commonest class"]["accuracy"]
    assert (0.0, 0.0, 0.0) == (gap.value, gap.low, gap.high)
    assert not compared.beyond_trivial


def test_without_an_error_the_interval_is_the_rule_of_three():
    y = np.array(["a", "b"] * 15)
    compared = compare(("accuracy",), y, {"network": Answers(y), "the commonest class": Answers(y)})
    score = compared.scores["network"]["accuracy"]
    assert (1.0, 0.9, 1.0) == (score.value, score.low, score.high)


def test_pairs_see_what_two_intervals_do_not():
    """A model that is right on a few more of the same rows is better beyond noise."""
    rng = np.random.default_rng(0)
    right = rng.random(500) < 0.8
    better = right | (np.arange(500) % 10 == 0)
    y = np.array(["a"] * 500)

    def of(mask):
        return Answers(np.where(mask, "a", "b"))

    compared = compare(("accuracy",), y, {
        "network": of(right), "logistic regression": of(better), "the commonest class": of(right),
    })  # fmt: skip
    ours, theirs = (
        compared.scores[name]["accuracy"] for name in ("network", "logistic regression")
    )
    gap = compared.differences["logistic regression"]["accuracy"]
    assert theirs.low < ours.high  # the intervals overlap
    assert 0 < gap.low < gap.value == theirs.value - ours.value < gap.high < 0.05


def test_what_accuracy_does_not_see_the_probabilities_do():
    """Of a rare class that is never predicted the ranking may still be worth much."""
    y, answers = binary(signal=2.0)
    shy = Answers(np.full(len(y), "no"), answers.probabilities, answers.classes)
    prior = np.tile([0.7, 0.3], (len(y), 1))
    guess = Answers(np.full(len(y), "no"), prior, answers.classes)
    compared = compare(("accuracy",), y, {"network": shy, "the commonest class": guess})
    assert compared.beyond_trivial and list(compared.scores["network"]) == ["accuracy"]
    said = verdict(compared, FitFacts("classification", 0.7, 1000))
    assert "probabilities do say something" in " ".join(said.sentences)
    alike = compare(("accuracy",), y, {"network": guess, "the commonest class": guess})
    assert not alike.beyond_trivial


def test_metrics_of_the_table():
    assert ("ROC AUC", "average precision", "log loss") == compared_metrics("ROC AUC", 2)
    assert (("accuracy",), ("R2",)) == (compared_metrics("accuracy", 5), compared_metrics("R2", 0))
    y, answers = binary()
    names = compared_metrics("ROC AUC", 2)
    compared = compare(names, y, {"network": answers, "the commonest class": answers})
    assert list(names) == list(compared.to_json()["scores"]["network"])


def test_of_many_rows_fewer_resamples_are_drawn():
    pieces = [len(piece) for piece in comparing.resampled_counts(150_000, 0)]
    assert (200, True) == (sum(pieces), max(pieces) * 150_000 <= comparing.AT_ONCE)
    assert 1000 == sum(len(piece) for piece in comparing.resampled_counts(50, 0))


# Sentences


def of_scores(metric, ours, theirs, gap, trivial=None, half=None, width=0.02, rows=500):
    """A comparison with boosting, with these numbers."""
    guess = {"R2": 0.0, "accuracy": 0.5}[metric] if trivial is None else trivial
    values = {"network": ours, BOOSTING: theirs, "the mean": guess, "the commonest class": guess}
    trivials = {"R2": "the commonest class", "accuracy": "the mean"}
    del values[trivials[metric]]
    scores = {n: {metric: Interval(v, v - width, v + width)} for n, v in values.items()}
    differences = {
        name: {metric: Interval(v - ours, v - ours - 0.01, v - ours + 0.01)}
        for name, v in values.items()
        if name != "network"
    }
    differences[BOOSTING] = {metric: Interval(theirs - ours, *gap)}
    return Comparison((metric,), scores, differences, rows, half=half)


def test_another_model_is_ahead():
    """The first line says so, and by how much."""
    said = verdict(of_scores("R2", 0.44, 0.47, (0.01, 0.05)), FitFacts("regression", 0.6, 5000))
    assert "behind" == said.standing
    assert (
        "HistGradientBoosting is ahead: R2 0.470 against 0.440, and the difference of 0.030 is "
        "beyond noise (95 % interval 0.010 to 0.050)." == said.headline
    )


def test_the_network_is_ahead():
    said = verdict(of_scores("R2", 0.5, 0.3, (-0.3, -0.1)), FitFacts("regression", 0.55, 5000))
    assert ("ahead", "sound") == (said.standing, said.fit)
    assert (
        "The network is ahead: R2 0.50 against 0.30 of HistGradientBoosting, and the difference of "
        "0.20 is beyond noise (95 % interval 0.10 to 0.30)." == said.headline
    )


def test_level_within_noise():
    said = verdict(of_scores("R2", 0.44, 0.45, (-0.01, 0.03)), FitFacts("regression", 0.5, 5000))
    assert "level" == said.standing
    assert (
        "The network and HistGradientBoosting are level within noise: R2 0.440 and 0.450 (95 % "
        "interval of the difference -0.010 to 0.030)." == said.headline
    )


def test_of_a_loss_the_smaller_is_ahead():
    values = {"network": 0.5, "logistic regression": 0.3, "the commonest class": 0.7}
    scores = {name: {"log loss": Interval(x, x - 0.01, x + 0.01)} for name, x in values.items()}
    gaps = {"logistic regression": {"log loss": Interval(-0.2, -0.25, -0.15)},
            "the commonest class": {"log loss": Interval(0.2, 0.15, 0.25)}}  # fmt: skip
    said = verdict(Comparison(("log loss",), scores, gaps, 900),
                   FitFacts("classification", 0.45, 5000))  # fmt: skip
    assert said.headline.startswith("Logistic regression is ahead: log loss 0.30 against 0.50")
    assert "95 % interval 0.15 to 0.25" in said.headline
    assert "underfitting" == said.fit


@pytest.mark.parametrize(
    ("fit", "option", "compared", "facts"),
    [
        ("overfitting", "--dropout", of_scores("R2", 0.5, 0.5, (-0.1, 0.1)),
         FitFacts("regression", 0.9, 500)),
        ("underfitting", "--epochs", of_scores("R2", 0.4, 0.6, (0.1, 0.3)),
         FitFacts("regression", 0.42, 500)),
        ("too few rows", "--test-fraction", of_scores("R2", 0.5, 0.5, (-0.1, 0.1), width=0.15),
         FitFacts("regression", 0.9, 90)),
        ("shifted", "--drop", of_scores("R2", 0.5, 0.5, (-0.1, 0.1)),
         FitFacts("regression", 0.9, 500, [0.5, 0.85])),
        ("sound", "", of_scores("accuracy", 0.9, 0.9, (-0.1, 0.1)),
         FitFacts("classification", 0.93, 5000, [0.8, 0.9])),
        ("sound", "chainrule tune", of_scores("accuracy", 0.9, 0.92, (0.01, 0.05)),
         FitFacts("classification", 0.945, 5000)),
    ],
)  # fmt: skip
def test_the_judgement_of_the_fit(fit, option, compared, facts):
    """Each has its numbers, and an option that deals with it."""
    said = verdict(compared, facts)
    assert fit == said.fit
    train, test = facts.train_score, compared.scores["network"][compared.metric].value
    digits = said.sentences[0].split(" on the training rows")[0].split()[-1]
    assert train == pytest.approx(float(digits.rstrip(",")), abs=0.005)
    assert f"{test:.2f}" in said.sentences[0]
    assert option in " ".join(said.next_steps) if option else said.next_steps == ()


def test_few_rows_are_no_excuse_where_another_model_learns_from_them():
    """The interval is as wide, and the network knows its training rows by heart."""
    behind = of_scores("R2", 0.1, 0.8, (0.5, 0.9), width=0.15, rows=60)
    said = verdict(behind, FitFacts("regression", 0.9, 240))
    assert ("behind", "overfitting") == (said.standing, said.fit)


def test_a_validation_score_that_falls_is_named():
    scores = [0.3, 0.5, 0.62, 0.6, 0.55, 0.5, 0.45, 0.4, 0.4, 0.4]
    said = verdict(
        of_scores("R2", 0.6, 0.6, (-0.1, 0.1)), FitFacts("regression", 0.95, 500, scores)
    )
    assert "overfitting" == said.fit
    assert "The validation score fell by 0.220 after its best epoch." in said.sentences[0]


def test_nothing_to_learn():
    """No model is better than the guess: the first line says that, and not who is ahead."""
    y = np.array(["a", "b"] * 100)
    noise = Answers(np.array(["a", "b", "b", "a"] * 50))
    guess = Answers(np.full(200, "a"))
    compared = compare(("accuracy",), y, {
        "network": noise, BOOSTING: noise, "logistic regression": noise,
        "the commonest class": guess,
    })  # fmt: skip
    said = verdict(compared, FitFacts("classification", 0.9, 300))
    assert ("nothing", "nothing to learn") == (said.standing, said.fit)
    assert said.headline.startswith("Nothing to learn was seen: no model is better than the")
    assert "300 to train on and 200 to test on" in said.sentences[0]
    assert "--target" in said.next_steps[0]


def test_too_few_rows_to_see_anything():
    """Of twelve test rows nothing is ahead beyond noise; that says nothing of the columns."""
    y = np.array(["a", "b"] * 6)
    models = {
        "network": Answers(np.array(["a", "b", "b", "a", "a", "b"] * 2)),
        "the commonest class": Answers(np.full(12, "a")),
    }
    said = verdict(compare(("accuracy",), y, models), FitFacts("classification", 1.0, 48))
    assert ("nothing", "too few rows") == (said.standing, said.fit)
    assert said.headline == (
        "The rows are too few to tell any model from the commonest class: accuracy 0.67 of the "
        "network and 0.50 of the commonest class, of 12 test rows."
    )


def of_chances(**by_model):
    """Answers for two classes by the chances of "yes"."""
    classes = np.array(["no", "yes"])
    return {
        name.replace("_", " "): Answers(
            classes[(np.asarray(p) > 0.5).astype(int)],
            np.column_stack([1 - np.asarray(p), p]), classes,
        )
        for name, p in by_model.items()
    }  # fmt: skip


def few(positives, rows=60, metric="ROC AUC", seed=0):
    """A test with few rows of one class, and what is said of two models that know nothing."""
    rng = np.random.default_rng(seed)
    y = np.where(np.arange(rows) < positives, "yes", "no")
    compared = compare(compared_metrics(metric, 2), y, of_chances(
        network=rng.random(rows), logistic_regression=rng.random(rows),
        the_commonest_class=np.full(rows, 0.1),
    ))  # fmt: skip
    return compared, verdict(compared, FitFacts("classification", 0.9, 4 * rows))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("positives", "rows", "lacks"),
    [(0, 60, "no row of the rarer class"), (1, 60, "1 row of the rarer class"),
     (4, 200, "4 rows of the rarer class"), (60, 60, "no row of the rarer class"),
     (1, 2, "2 rows"), (4, 9, "9 rows")],
)  # fmt: skip
def test_of_too_few_rows_nobody_is_ahead(positives, rows, lacks, seed):
    """However the scores come out: no interval, no winner, but the numbers."""
    compared, said = few(positives, rows, seed=seed)
    assert (lacks, "unknown", "too few rows") == (compared.shortage, said.standing, said.fit)
    assert said.headline.startswith(f"Too few rows to compare: the test has {lacks}.")
    assert " ahead" not in " ".join(said.lines)
    plain = compared.to_json()
    for part in (plain["scores"], plain["differences"]):
        assert {None} == {by["ROC AUC"][end] for by in part.values() for end in ("low", "high")}
    defined = 0 < positives < rows
    assert defined == ("ROC AUC is" in said.headline)
    assert defined == ("0.50 of the commonest class" in said.headline)


@pytest.mark.parametrize(
    ("y", "lacks"),
    [([1.0, 2.0, 4.0], "3 rows"), (np.full(40, 7.0), "40 rows of one and the same target")],
)
def test_numbers_that_no_score_can_tell_apart(y, lacks):
    answers = {
        "network": Answers(np.asarray(y) + 0.1), "ridge regression": Answers(np.asarray(y)),
        "the mean": Answers(np.full(len(y), 2.0)),
    }  # fmt: skip
    compared = compare(("R2",), np.asarray(y), answers)
    assert not compared.beyond_trivial and np.isnan(compared.scores["network"]["R2"].low)
    said = verdict(compared, FitFacts("regression", 0.9, 12))
    assert f"Too few rows to compare: the test has {lacks}." in said.headline


def test_classes_that_the_training_did_not_have():
    """A time split may test on new ones alone: there is no log loss, and nothing is better."""
    y = np.array(["new"] * 40)
    answers = of_chances(network=[0.3] * 40, guess=[0.1] * 40)
    compared = compare(("accuracy",), y, answers)
    assert (0.0, False) == (compared.scores["network"]["accuracy"].value, compared.beyond_trivial)
    assert "no row of a class that the training had" == compared.shortage
    alone = compare(("accuracy",), np.full(40, "no"), answers)
    assert ("40 rows of one and the same class", False) == (alone.shortage, alone.beyond_trivial)
    assert np.isnan(measure("log loss", y, of_chances(x=[0.5] * 40)["x"]))


@pytest.mark.parametrize(("more", "beyond"), [(5, False), (6, True)])
def test_five_rows_make_no_difference(more, beyond):
    """Five coins fall alike in 1 of 16 times: an accuracy by five rows is within noise."""
    y = np.array(["a", "b"] * 20)
    flipped = np.where(np.arange(40) < more, np.where(y == "a", "b", "a"), y)
    compared = compare(("accuracy",), y, {"network": Answers(y), "guess": Answers(flipped)})
    assert beyond == compared.beyond_trivial == (compared.differences["guess"]["accuracy"].high < 0)


def test_below_the_guess_nobody_is_praised():
    """Of two models that rank the wrong way round, the better one is not ahead: the guess is."""
    rng = np.random.default_rng(0)
    truth = np.arange(200) % 2 == 0
    worse, bad = 0.5 - 0.4 * truth + 0.1 * rng.random(200), 0.5 - 0.2 * truth * rng.random(200)
    compared = compare(compared_metrics("ROC AUC", 2), np.where(truth, "yes", "no"), of_chances(
        network=worse, logistic_regression=bad, the_commonest_class=np.full(200, 0.5),
    ))  # fmt: skip
    said = verdict(replace(compared, beyond_trivial=True), FitFacts("classification", 0.9, 800))
    assert said.headline.startswith("The commonest class is ahead: ROC AUC 0.500 against 0.000")
    assert said.headline.endswith("beyond noise (the same in each resample).")
    assert not compared.beyond_trivial and not any("other model" in x for x in said.next_steps)


def test_a_few_extreme_targets():
    """R2 sees the extreme rows alone: that is not to say that the columns are useless."""
    level = replace(of_scores("R2", 0.0, 0.01, (-0.05, 0.05)), beyond_trivial=False)
    said = verdict(level, FitFacts("regression", 0.1, 480, extreme_share=0.93))
    assert "extreme targets" == said.fit
    assert "makes up 93% of their variance" in said.sentences[0]
    assert "--log" in said.next_steps[0]


def test_more_rows_are_asked_for_where_the_learning_curve_rises():
    rising = of_scores("R2", 0.5, 0.5, (-0.1, 0.1), half=Interval(0.06, 0.02, 0.1))
    said = verdict(rising, FitFacts("regression", 0.55, 500))
    assert "with half of them HistGradientBoosting has R2 0.440 in place of 0.500" in " ".join(
        said.sentences
    )
    flat = of_scores("R2", 0.5, 0.5, (-0.1, 0.1), half=Interval(0.01, -0.02, 0.03))
    assert "half" not in " ".join(verdict(flat, FitFacts("regression", 0.55, 500)).sentences)
    perfect = of_scores("R2", 0.999, 0.99, (-0.01, 0.0), half=Interval(0.01, 0.005, 0.02))
    assert "half" not in " ".join(verdict(perfect, FitFacts("regression", 1.0, 500)).sentences)


def test_the_simplest_of_equals_is_named():
    values = {"network": 0.9, "logistic regression": 0.89, "the commonest class": 0.5}
    scores = {name: {"accuracy": Interval(x, x - 0.03, x + 0.03)} for name, x in values.items()}
    gaps = {"logistic regression": {"accuracy": Interval(-0.01, -0.03, 0.01)},
            "the commonest class": {"accuracy": Interval(-0.4, -0.45, -0.35)}}  # fmt: skip
    said = verdict(Comparison(("accuracy",), scores, gaps, 400),
                   FitFacts("classification", 0.92, 2000))  # fmt: skip
    assert "Logistic regression does as well within noise (accuracy 0.890)" in said.sentences[-1]
    plain = said.to_json()
    assert ("level", list(said.sentences)) == (plain["standing"], plain["sentences"])
    assert [said.headline, *said.sentences, *said.next_steps] == list(said.lines)
