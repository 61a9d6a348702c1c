"""`TextClassifier`: what it learns, what it takes, what it keeps, and why it decides."""

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from unoptimised import unoptimised

import chainrule as cr
from chainrule.container import dumps, loads, read
from chainrule.data.vocabulary import EncodedTexts, Vocabulary
from chainrule.data.words import cut_texts
from chainrule.errors import DataError, ModelFileError
from chainrule.estimators.raw import text_linear
from chainrule.estimators.raw.text_linear import fit_linear, term_scale, weighted_rows
from chainrule.estimators.raw.text_reading import log_ratios

pytestmark = pytest.mark.usefixtures("_unoptimised")

DATA = Path(os.environ.get("CHAINRULE_DATA", Path(__file__).parents[3] / "shared" / "data"))
ENCODERS = ("bag", "conv", "transformer")
QUICK = {"epochs": 12, "batch_size": 16, "random_state": 0, "progress": False, "n_threads": 1}


def sentences(count, seed=0):
    """Two classes that differ by a word, or by the order of two words; fillers tell nothing."""
    rng = np.random.default_rng(seed)
    fillers = np.array(["the", "a", "one", "film", "plot", "scene", "then", "very", "some"])
    labels = rng.integers(2, size=count)
    made = []
    for k, label in enumerate(labels):
        said = fillers[rng.integers(len(fillers), size=rng.integers(4, 9))].tolist()
        told = ("good" if label else "bad") if k % 2 else ("up down" if label else "down up")
        said.insert(int(rng.integers(len(said))), told)
        made.append(" ".join(said))
    return made, np.where(labels, "yes", "no")


@pytest.fixture(scope="module", params=ENCODERS)
def fitted(request):
    """A model of each kind, of width 16."""
    more = {"epochs": 40, "word_dropout": 0.0} if request.param == "transformer" else {}
    return cr.TextClassifier(request.param, width=16, **{**QUICK, **more}).fit(*sentences(304))


def test_learns_words_and_their_order(fitted):
    """Held-out sentences of which half are told apart by the order of two words alone."""
    assert fitted.score(*sentences(200, seed=1)) > 0.95


def test_probabilities(fitted):
    """Float32, one row each, adding up to 1; `predict` takes the largest."""
    texts, _ = sentences(20, seed=2)
    made = fitted.predict_proba(texts)
    assert made.dtype == np.float32 and made.shape == (20, 2)
    np.testing.assert_allclose(made.sum(axis=1), 1.0, atol=1e-6)
    assert fitted.predict(texts).tolist() == fitted.classes_[made.argmax(axis=1)].tolist()


@pytest.mark.filterwarnings("ignore:.* is not read")
def test_any_text_has_an_answer(fitted):
    """Empty, unknown, foreign, broken, endless: finite, and what is unread counts for nothing."""
    strange = ["", " ", "\N{SNOWMAN}", "qqq www", "\ud83d", "\x00", "映画", "good " * 5000]
    made = fitted.predict_proba(strange)
    assert np.isfinite(made).all()
    for row in made[1:7]:
        np.testing.assert_array_equal(made[0], row)
    with_unknown = fitted.predict_proba(["\N{SNOWMAN} a good film", "a good film"])
    if fitted.encoder != "bag":  # pairs and the count of words see no unknown ones either
        np.testing.assert_allclose(with_unknown[0], with_unknown[1], atol=1e-6)


def test_a_single_text_is_one(fitted):
    """A str is a text, not a list of letters."""
    np.testing.assert_array_equal(
        fitted.predict_proba("a good film"), fitted.predict_proba(["a good film"])
    )


def test_saved_and_loaded(fitted, tmp_path):
    """The same bits, the same file again, the same vocabulary."""
    path, again = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    fitted.save(path, card={"target": "y"})
    loaded = cr.load(path)
    texts = sentences(30, seed=3)[0] + ["", "unknown"]
    np.testing.assert_array_equal(fitted.predict_proba(texts), loaded.predict_proba(texts))
    assert loaded.tokens_ == fitted.tokens_ and loaded.card_ == {"target": "y"}
    loaded.save(again)
    assert path.read_bytes() == again.read_bytes()
    told = loaded.attribute(texts[0])
    assert told.words == fitted.attribute(texts[0]).words


def test_words_add_up(fitted):
    """Scores and base are the log-odds of the text, within 0.001, for each class."""
    for text in (*sentences(3, seed=4)[0], "", "unknown words", "good"):
        no, yes = np.asarray(fitted.module_(fitted._rows([text])), np.float64)[0]
        for code, (label, wanted) in enumerate((("no", no - yes), ("yes", yes - no))):
            told = fitted.attribute(text, label)
            assert told.base + told.scores.sum() == pytest.approx(wanted, rel=1e-3, abs=1e-3)
            assert told.probability == pytest.approx(fitted.predict_proba(text)[0, code], abs=1e-6)
    told = fitted.attribute("the good film")
    assert told.label == "yes"
    if fitted.encoder != "transformer":  # whose normalisation makes much of a path's first step
        assert told.words[int(np.argmax(told.scores))] == "good"


def test_attribution_of_a_bag_is_its_sum():
    """It is linear, so a word's score is its vector's share times the difference of weights."""
    model = cr.TextClassifier("bag", bigrams=False, **QUICK).fit(*sentences(96))
    told = model.attribute("a good film", "yes")
    module, rows = model.module_, model._rows(["a good film"])
    slope = (module.head.weight[:, 1] - module.head.weight[:, 0]).astype(np.float64)
    vectors = module.table.weight[rows["codes"][0]].astype(np.float64)
    wanted = rows["shares"][0] * (vectors @ slope)
    np.testing.assert_allclose(told.scores, wanted[: len(told.scores)], rtol=1e-4, atol=1e-6)
    assert told.base == pytest.approx(float(np.diff(module.head.bias)[0]), abs=1e-6)


def test_html_is_escaped(fitted):
    """Nothing of the text is markup."""
    page = fitted.attribute("<script>alert('x')</script> good & bad").to_html()
    assert "<script" not in page and "&lt;" in page and "&amp;" in page
    assert "good</span>" in page and "http" not in page


def test_log_ratios_by_hand():
    """Counted once a text, smoothed by 1/2, the largest over the classes."""
    codes = np.array([[1, 1, 2], [1, 3, 0], [2, 3, 0]])
    labels = np.array([0, 1, 2])
    inside = {1: [1, 1, 0], 2: [1, 0, 1], 3: [0, 1, 1]}
    wanted = [0.0]
    for code in (1, 2, 3):
        found = []
        for label in range(3):
            own = sum(inside[c][label] + 0.5 for c in inside)
            rest = sum(sum(inside[c]) - inside[c][label] + 0.5 for c in inside)
            a = (inside[code][label] + 0.5) / own
            b = (sum(inside[code]) - inside[code][label] + 0.5) / rest
            found.append(abs(np.log(a / b)))
        wanted.append(max(found))
    read = EncodedTexts(codes[codes > 0], np.ones(7), (codes > 0).sum(axis=1))
    np.testing.assert_allclose(log_ratios(read, labels, 4), wanted, rtol=1e-6)


def test_log_ratios_of_many_classes():
    """300 classes of 50,000 words: 120 MB as a matrix, which is never made."""
    read = EncodedTexts(np.arange(1, 301), np.ones(300), np.ones(300, int))
    tracemalloc.start()
    try:
        found = log_ratios(read, np.arange(300), 50_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.shape == (50_000,) and peak < 10e6


def test_same_seed_same_bits():
    """And neither the kind of container nor the threads matter."""
    texts, labels = sentences(80)
    one = cr.TextClassifier(**QUICK).fit(texts, labels).predict_proba(texts)
    frame = pd.DataFrame({"review": texts})
    other = cr.TextClassifier(**{**QUICK, "n_threads": 2}).fit(frame, pd.Series(labels))
    np.testing.assert_array_equal(one, other.predict_proba(np.array(texts)))
    third = cr.TextClassifier(**{**QUICK, "random_state": 1}).fit(texts, labels)
    assert (one != third.predict_proba(texts)).any()


def test_scikit_learns_habits():
    """Parameters are kept as they are given; a clone is not fitted and learns the same."""
    texts, labels = sentences(64)
    labels = (labels == "yes").astype(int)
    model = cr.TextClassifier("bag", min_df=1, class_weight="balanced", **QUICK)
    copy = clone(model.fit(texts, labels))
    assert copy.get_params() == model.get_params() and not hasattr(copy, "module_")
    np.testing.assert_array_equal(
        copy.fit(texts, labels).predict_proba(texts), model.predict_proba(texts)
    )
    assert model.predict(texts[:3]).dtype == np.int64


def test_class_weight_finds_the_rare():
    """Of 1 in 20, more are found, and the others pay for it."""
    rng = np.random.default_rng(0)
    texts, labels = [], []
    for k in range(608):
        rare = k % 20 == 0
        texts.append(" ".join(rng.choice(["win", "now"] if rare else ["win", "hi", "ok"], 4)))
        labels.append("spam" if rare else "ham")

    def found(weight):
        model = cr.TextClassifier(class_weight=weight, **{**QUICK, "epochs": 3})
        return float(np.mean(model.fit(texts, labels).predict(texts) == "spam"))

    assert found("balanced") > found(None)


@pytest.mark.parametrize(
    ("texts", "labels", "told"),
    [
        (["a", "b"], ["x", "x"], "one class only"),
        (["a", None], ["x", "y"], "row 1 of X is missing"),
        (["a", float("nan"), "b"], ["x", "y", "x"], "row 1 of X is missing"),
        (["a", 7], ["x", "y"], "row 1 of X is 7"),
        (["", " "], ["x", "y"], "none of the 2 texts has a word"),
        (["a", "b"], ["x"], "2 inputs and y 1 labels"),
        (["a", "b"], ["x", None], "is missing"),
        ([], [], "empty"),
    ],
)
def test_what_cannot_be_learned(texts, labels, told):
    """One sentence that names the row."""
    with pytest.raises(DataError, match=told):
        cr.TextClassifier(**QUICK).fit(texts, labels)


@pytest.mark.parametrize(
    ("encoder", "min_df", "bigrams"),
    [
        *(("bag", min_df, bigrams) for min_df in (1, 2) for bigrams in (None, True, False)),
        *(pytest.param(e, 1, None, marks=pytest.mark.slow) for e in ENCODERS if e != "bag"),
    ],
)
def test_rare_words_alone(encoder, min_df, bigrams, tmp_path):
    """A vocabulary of pieces is saved; where nothing is kept, fit says so."""
    with unoptimised():  # one epoch
        saves_pieces(encoder, min_df, bigrams, tmp_path)


def saves_pieces(encoder, min_df, bigrams, tmp_path):
    texts, labels = [f"w{k}" for k in range(40)], ["a", "b"] * 20
    settings = {**QUICK, "epochs": 1, "batch_size": 20, "min_df": min_df, "bigrams": bigrams}
    model = cr.TextClassifier(encoder, **settings).fit(texts, labels)
    assert len(model.tokens_.words) == (40 if min_df == 1 else 0)
    model.save(tmp_path / "m.safetensors")
    again = cr.load(tmp_path / "m.safetensors")
    assert again.tokens_ == model.tokens_
    np.testing.assert_array_equal(again.predict_proba(texts), model.predict_proba(texts))
    rare = ["one", "two", "three", "four"]
    model = cr.TextClassifier(encoder, **settings)
    if min_df == 1:
        model.fit(rare, [0, 1, 0, 1]).save(tmp_path / "m.safetensors")
        return
    with pytest.raises(DataError, match="none of the 4 words of the 4 texts is in 2 of them"):
        model.fit(rare, [0, 1, 0, 1])


@pytest.mark.parametrize(
    "setting",
    [{"encoder": "lstm"}, {"width": 0}, {"width": 10**6}, {"min_df": 0}, {"max_words": 10**9},
     {"max_length": 0}, {"C": 0}, {"solver": "sgd"}, {"word_dropout": 1.0}, {"dropout": -0.1},
     {"bigrams": 2}],
)  # fmt: skip
def test_settings_are_checked(setting):
    """Each against its range."""
    with pytest.raises(ValueError, match=next(iter(setting))):
        cr.TextClassifier(**{**QUICK, **setting}).fit(["a", "b"], [0, 1])


def test_a_label_that_is_none(fitted):
    """The classes are told."""
    with pytest.raises(DataError, match=r"label='perhaps' is no class: \['no', 'yes'\]"):
        fitted.attribute("good", "perhaps")
    with pytest.raises(DataError, match="text is a list: give one text"):
        fitted.attribute(["good", "bad"])


def test_onnx(fitted):
    """onnxruntime gives the same from the same codes and shares, within 1e-5."""
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("onnx", reason="onnx is not installed")
    session = runtime.InferenceSession(fitted.to_onnx().SerializeToString())
    texts = sentences(7, seed=5)[0] + ["", "unknown"]
    label, made = session.run(["label", "probabilities"], fitted._rows(texts))
    np.testing.assert_allclose(made, fitted.predict_proba(texts), atol=1e-5)
    assert label.tolist() == fitted.predict(texts).tolist()


@pytest.fixture(scope="module")
def linear():
    """What a bag is by default: all at once, to the minimum of its loss."""
    return cr.TextClassifier(random_state=0).fit(*sentences(304))


def test_a_linear_bag(linear, tmp_path):
    """It learns words and pairs, as itself after loading, and its network says what it says."""
    assert linear.solver_ == "lbfgs" and linear.stopped_ == "converged"
    assert linear.score(*sentences(200, seed=1)) > 0.97
    asked = [*sentences(30, seed=2)[0], "", "unknown", "goodness", "\ud83d", "good " * 5000]
    answers = linear.predict_proba(asked)
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers[-1], linear.predict_proba(asked[-1])[0], rtol=1e-6)
    assert answers[-3, 1] > answers[-4, 1]  # pieces of an unknown word
    network = linear.probability_network()(linear.network_inputs(asked))
    np.testing.assert_allclose(network, answers, atol=1e-6)
    linear.save(tmp_path / "a.safetensors")
    again = cr.load(tmp_path / "a.safetensors")
    assert again.tokens_ == linear.tokens_ and again.solver_ == "lbfgs"
    np.testing.assert_array_equal(again.predict_proba(asked), answers)
    again.save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    for text in asked[:3] + asked[-5:-1]:
        parts, (no, yes) = again.attribute(text, "yes"), again.predict_proba(text)[0].astype(float)
        assert parts.base + parts.scores.sum() == pytest.approx(np.log(yes / no), abs=1e-3)
        assert len(parts.scores) == len(parts.words)


@pytest.mark.parametrize(("classes", "columns"), [(2, 1), (3, 3)])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_minimum_is_that_of_logistic_regression(classes, columns, weighted, monkeypatch):
    """The same probabilities as scikit-learn's, whose C counts one column where we count both."""
    monkeypatch.setattr(text_linear, "TOLERANCE", 1e-6)
    rng = np.random.default_rng(classes)
    rows = sparse.random(60, 25, density=0.3, random_state=0, format="csr", dtype=np.float32)
    labels = rng.integers(classes, size=60)
    weights = rng.random(60) if weighted else None
    fit = fit_linear(rows, labels, weights, classes, 5.0)
    peer = LogisticRegression(C=5.0 * (2 if columns == 1 else 1), tol=1e-8, max_iter=1000)
    peer.fit(rows, labels, sample_weight=weights)
    logits = (rows @ fit.weight + fit.bias).astype(float)
    expected = peer.predict_log_proba(rows)
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(logits, expected, atol=2e-3)
    assert fit.losses == sorted(fit.losses, reverse=True)


def test_rows_of_a_linear_bag_by_hand():
    """(1 + log count) * scale; words with pairs, and pieces, are each of length 1."""
    tokens = Vocabulary(("ab", "c"), ("ab c",), ("<ab", "ab>"), spelled=True)
    counts = tokens.counts(cut_texts(["ab ab c", "c", "", "abz"]))
    assert counts.toarray().tolist() == [
        [0, 2, 1, 1, 2, 2], [0, 0, 1, 0, 0, 0], [0] * 6, [0, 0, 0, 0, 1, 0],
    ]  # fmt: skip
    scale = np.array([0, 1, 2, 3, 4, 4], np.float32)
    rows = weighted_rows(counts, scale, tokens).toarray()
    two = 1 + np.log(2)
    np.testing.assert_allclose(rows[0, 1:4], np.array([two, 2, 3]) / np.hypot(two, 13**0.5))
    np.testing.assert_allclose(rows[0, 4:], [0.5**0.5] * 2, rtol=1e-6)
    assert rows[1:].tolist() == [[0, 0, 1, 0, 0, 0], [0] * 6, [0, 0, 0, 0, 1, 0]]


def test_scale_of_few_texts_and_of_many(monkeypatch):
    """Rarity, and of words and pairs of many the log-ratios."""
    texts, labels = ["a b", "a c", "a b"], np.array([0, 1, 0])
    cut = cut_texts(texts)
    tokens = Vocabulary.learn_cut(cut, pairs=True, min_count=1, max_size=9, spelled=True)
    assert (tokens.words, tokens.pairs) == (("a", "b", "c"), ("a b",))
    counts = tokens.counts(cut)
    few = term_scale(counts, labels, tokens)
    rarity = 1 + np.log(4 / np.array([4, 3, 2, 3]))
    np.testing.assert_allclose(few[1:5], rarity * [1, 1, 1, 0.5], rtol=1e-6)
    monkeypatch.setattr(text_linear, "TEXTS_FOR_RATIOS", 1)
    many = term_scale(counts, labels, tokens)
    without = Vocabulary(tokens.words, tokens.pairs)
    np.testing.assert_allclose(many[:5], log_ratios(without.encode(cut), labels, 5), rtol=1e-6)
    np.testing.assert_array_equal(many[5:], few[5:])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 3}, "does not use epochs"),
        ({"dropout": 0.1, "width": 8}, "does not use dropout, width"),
        ({"encoder": "conv"}, "does not use encoder='conv'"),
        ({"solver": "adam", "C": 1.0}, "does not use C"),
        ({"solver": "auto", "epochs": 3, "C": 1.0}, "does not use C"),
    ],
)
def test_no_setting_is_ignored(settings, message):
    """What a solver does not use is refused."""
    with pytest.raises(DataError, match=message):
        cr.TextClassifier(**{"solver": "lbfgs", **settings}).fit(["a", "b"], [0, 1])


def test_few_texts_of_a_class():
    """5 of each class of words with common stems: above TF-IDF, whose words are mostly unknown."""
    rng = np.random.default_rng(0)
    stems, ends = (["lov", "happ", "delight"], ["hat", "bor", "aw"]), ["ed", "ing", "ily", "ful"]

    def draw(count):
        labels = np.arange(count) % 2
        return [
            f"the {rng.choice(stems[k])}{rng.choice(ends)} {rng.choice(['film', 'plot', 'day'])}"
            for k in labels
        ], labels

    texts, labels = draw(10)
    asked, truth = draw(400)
    tfidf = TfidfVectorizer(ngram_range=(1, 2))
    peer = LogisticRegression().fit(tfidf.fit_transform(texts), labels)
    ours = cr.TextClassifier().fit(texts, labels).score(asked, truth)
    assert ours > 0.05 + peer.score(tfidf.transform(asked), truth)


def long_texts(count, length, seed=0):
    """A tenth of the words tells, and they are the last; the others say nothing."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=count)
    fillers = np.array(["the", "a", "one", "film", "plot", "scene", "then", "very", "some"])
    last = length // 10
    made = [
        " ".join([*fillers[rng.integers(9, size=length - last)], *[told] * last])
        for told in np.where(labels, "good", "bad")
    ]
    return made, np.where(labels, "yes", "no")


def test_a_bag_reads_all(tmp_path):
    """Also what comes after 512 entries; in training, in answers, and why."""
    length = 600
    texts, labels = long_texts(64, length)
    model = cr.TextClassifier(**{**QUICK, "epochs": 30}).fit(texts, labels)
    assert model.tokens_.whole and model.unread_ == 0.0
    asked, truth = long_texts(40, length, seed=1)
    assert model.score(asked, truth) == 1.0
    longer, truth = long_texts(20, 5 * length, seed=2)  # longer than those of the training
    assert model.score(longer, truth) == 1.0
    mixed = [asked[0], "good", longer[0], ""]
    np.testing.assert_allclose(
        np.concatenate([model.predict_proba(text) for text in mixed]),
        model.predict_proba(mixed), rtol=1e-5,
    )  # fmt: skip
    told = model.attribute(longer[0], "yes")
    assert len(told.words) == 5 * length
    assert int(np.argmax(np.abs(told.scores))) >= 9 * length // 2
    p = float(model.predict_proba(longer[0])[0, 1])
    assert told.base + told.scores.sum() == pytest.approx(np.log(p / (1 - p)), abs=1e-3)
    model.save(tmp_path / "a.safetensors")
    again = cr.load(tmp_path / "a.safetensors")
    assert again.tokens_ == model.tokens_ and again.unread_ == 0.0
    np.testing.assert_array_equal(model.predict_proba(mixed), again.predict_proba(mixed))


def test_a_bag_that_is_told_how_far_to_read():
    """With max_length the end is cut off, as asked."""
    texts, labels = long_texts(64, 40)
    model = cr.TextClassifier(max_length=20, bigrams=False, **QUICK).fit(texts, labels)
    assert not model.tokens_.whole and model.unread_ == pytest.approx(20 / 40)
    cut = [" ".join(text.split()[:20]) for text in texts]
    np.testing.assert_array_equal(model.predict_proba(cut), model.predict_proba(texts))


@pytest.mark.parametrize("encoder", ["conv", "transformer"])
def test_other_encoders_say_what_they_do_not_read(encoder, tmp_path):
    """In training and after; nothing is said of less than a hundredth, or of what was asked for."""
    texts, labels = long_texts(8, 700)
    quick = {**QUICK, "epochs": 1, "width": 8}
    with pytest.warns(UserWarning, match=r"27 % of what the training texts hold is not read"):
        model = cr.TextClassifier(encoder, **quick).fit(texts, labels)
    assert model.unread_ == pytest.approx(188 / 700)
    with pytest.warns(UserWarning, match="49 % of what these texts hold .* encoder='bag', which"):
        model.predict(["the " * 1000])
    model.predict(["the " * 500])
    model.save(tmp_path / "a.safetensors")
    assert cr.load(tmp_path / "a.safetensors").unread_ == pytest.approx(188 / 700)
    if encoder == "conv":
        assert cr.TextClassifier(encoder, max_length=700, **quick).fit(texts, labels).unread_ == 0.0


OLD = Path(__file__).parent / "text_of_rule_1.model"


def test_files_of_the_first_rule_answer_as_before(tmp_path):
    """A file of the version before: words end at marks, texts where they did; also saved anew."""
    model = cr.load(OLD)
    asked, wanted = model.card_["asked"], model.card_["probabilities"]
    assert (model.tokens_.rule, model.tokens_.whole, model.unread_) == (1, False, None)
    with pytest.warns(UserWarning, match="91 % of what these texts hold .*; fit it anew"):
        made = model.predict_proba(asked)
    np.testing.assert_allclose(made, wanted, rtol=2e-6)
    model.save(tmp_path / "a.safetensors")
    again = cr.load(tmp_path / "a.safetensors")
    assert again.tokens_ == model.tokens_ and again.unread_ is None
    np.testing.assert_array_equal(again.predict_proba(asked[:4]), model.predict_proba(asked[:4]))
    assert model.attribute("हि").words == ("ह", "ि")


def _newer_rule(told, arrays):
    told["prepared"]["rule"] = 3


def _other_reader(told, arrays):
    told["prepared"]["whole"] = not told["prepared"]["whole"]
    told["prepared"]["length"] = 5000
    for row in told["rows"]["arrays"]:
        row["shape"] = [5000]


def _twice(told, arrays):
    arrays["prepared.words"] = np.frombuffer(b"a\na", np.uint8)


def _no_text(told, arrays):
    arrays["prepared.words"] = np.frombuffer(b"\xff\xfe", np.uint8)


def _other_length(told, arrays):
    told["prepared"]["length"] += 1


def _endless(told, arrays):
    told["prepared"]["length"] = 2**40


def _other_solver(told, arrays):
    told["prepared"]["solver"] = "lbfgs"


def _short(told, arrays):
    arrays["prepared.scale"] = arrays["prepared.scale"][:-1]


def _infinite(told, arrays):
    arrays["prepared.scale"] = arrays["prepared.scale"] + np.float32(np.inf)


def _unknown_part(told, arrays):
    told["prepared"]["parts"].append("sentences")


@pytest.mark.parametrize(
    "spoil",
    [
        _twice,
        _no_text,
        _other_length,
        _endless,
        _short,
        _infinite,
        _unknown_part,
        _newer_rule,
        _other_reader,
        _other_solver,
    ],
)
def test_files_that_lie(fitted, tmp_path, spoil):
    """A vocabulary that does not fit the weights or itself is refused."""
    path = tmp_path / "a.safetensors"
    fitted.save(path)
    told, arrays = loads(read(path))
    arrays = {name: np.array(value) for name, value in arrays.items()}
    spoil(told, arrays)
    path.write_bytes(dumps(told, arrays))
    with pytest.raises(ModelFileError, match="cannot load"):
        cr.load(path)


def test_real_sentences():
    """2,000 sentences of films: well above chance, and above TF-IDF with logistic regression."""
    path = DATA / "text" / "rt_polarity.csv.gz"
    if not path.exists():
        pytest.skip(f"there is no {path}")
    frame = pd.read_csv(path).sample(4000, random_state=0)
    texts, labels = frame["text"].tolist(), frame["label"].to_numpy()
    model = cr.TextClassifier(random_state=0, progress=False).fit(texts[:2000], labels[:2000])
    tfidf = TfidfVectorizer(ngram_range=(1, 2))
    linear = LogisticRegression(max_iter=1000).fit(tfidf.fit_transform(texts[:2000]), labels[:2000])
    baseline = linear.score(tfidf.transform(texts[2000:]), labels[2000:])
    assert model.score(texts[2000:], labels[2000:]) > max(0.68, baseline - 0.01)
