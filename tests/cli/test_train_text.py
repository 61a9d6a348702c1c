"""`chainrule train text` and `predict` with texts: files in, scores, pages and answers out."""

import contextlib
import json
import shlex

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.cli import main

pytestmark = pytest.mark.usefixtures("_unoptimised")

QUICK = ("--epochs", "10", "-q")


def drawn_reviews():
    """200 texts of two classes, told apart by a word, with a column that tells nothing."""
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=200)
    fillers = np.array(["the", "film", "was", "really", "so", "<b>", "café"])
    texts = [
        " ".join([*rng.choice(fillers, 5), "good" if label else "bad", *rng.choice(fillers, 3)])
        for label in labels
    ]
    return pd.DataFrame({"id": np.arange(200), "review": texts, "label": labels})


@pytest.fixture
def reviews(tmp_path):
    """These texts, also as a file."""
    frame = drawn_reviews()
    frame.to_csv(tmp_path / "reviews.csv", index=False)
    return frame


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model of them, trained once for tests that only ask it."""
    folder = tmp_path_factory.mktemp("reviews")
    drawn_reviews().to_csv(folder / "reviews.csv", index=False)
    with contextlib.chdir(folder), pytest.raises(SystemExit) as ended:
        main(["train", "text", "reviews.csv", "-o", "m.safetensors", *QUICK])
    assert not ended.value.code
    return folder / "m.safetensors"


def test_from_csv_to_an_answer(run, reviews):
    """The score beside those of the baselines; a model that is loaded; an answer for a text."""
    code, out, err = run("train", "text", "reviews.csv", "--target", "label")
    assert (code, err) == (0, "")
    for word in ("2 classes of 'label' from 'review'", "160 texts to train on, 40 to test on",
                 "TF-IDF and logistic regression", "the commonest class",
                 "saved reviews.safetensors"):  # fmt: skip
        assert word in out
    model = cr.load("reviews.safetensors")
    assert model.card_["score"] > 0.95 and model.card_["text"] == "review"
    code, out, err = run("predict", "reviews.safetensors", "a good film", "--proba")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "label,p(0),p(1)"
    assert out.splitlines()[1].startswith("1,")


def test_predict_reads_the_column_again(run, model, reviews):
    """A file has an answer for each row, whatever its other columns."""
    code, out, _ = run("predict", model, "reviews.csv")
    answers = pd.Series(out.split()[1:]).astype(int)
    assert code == 0 and (answers == reviews["label"]).mean() > 0.95
    pd.DataFrame({"review": ["good", None]}).to_csv("two.csv", index=False)
    code, out, _ = run("predict", model, "two.csv")
    assert code == 0 and len(out.split()) == 3
    pd.DataFrame({"a": ["x"], "b": ["y"]}).to_csv("other.csv", index=False)
    code, _, err = run("predict", model, "other.csv")
    assert code == 2 and "has no column 'review'" in err
    code, out, err = run("predict", model, "")  # a text without words, no folder
    assert (code, err) == (0, "") and len(out.split()) == 2
    code, _, err = run("predict", model, "good", "--explain", "--proba")
    assert code == 2 and "not both" in err


def test_explain(run, model, reviews):
    """The words that matter, with numbers that add up; and as a page that is escaped."""
    code, out, err = run("predict", model, "a good <i> film", "--explain", "-o", "why.html")
    assert (code, err) == (0, "")
    assert out.startswith("1 0.9") and "good +" in out and "log-odds" in out
    with open("why.html", encoding="utf-8") as file:
        page = file.read()
    assert "&lt;</span>" in page and "<i>" not in page and "good</span>" in page
    code, _, err = run("predict", model, "reviews.csv", "--explain")
    assert code == 2 and "at most" in err
    for place in ("missing/why.html", "/proc/why.html"):  # the second looks as if one could write
        code, _, err = run("predict", model, "good", "--explain", "-o", place)
        assert code == 2 and f"cannot write {place}" in err


def test_evaluate(run, model, reviews):
    """Of a table: the scores that the classes by themselves give; rows without a class are out."""
    reviews.assign(label=reviews["label"].where(reviews.index % 4 > 0).astype("Int64")).to_csv(
        "more.csv", index=False
    )
    code, out, err = run("evaluate", model, "more.csv", "--json", "--report")
    told = json.loads(out)
    assert (code, err, told["rows"], told["target"]) == (0, "", 150, "label")
    kept = reviews[reviews.index % 4 > 0]
    right = cr.load(model).predict(kept["review"]).astype(str) == kept["label"].astype(str)
    assert told["scores"]["accuracy"] == pytest.approx(np.mean(right), abs=1e-12)


def test_report(run, reviews):
    """One page with scores, curves and coloured texts of the test."""
    code, _, err = run("train", "text", "reviews.csv", "--report", *QUICK)
    assert (code, err) == (0, "")
    with open("reviews.html", encoding="utf-8") as file:
        page = file.read()
    for word in ("Words that decided", "Learning curves", "TF-IDF and logistic regression",
                 "good</span>", "&lt;</span>"):  # fmt: skip
        assert word in page
    assert "<script" not in page


def test_the_command_is_told(run, reviews):
    """What the card says gives the same answers again, whatever the defaults will be."""
    run("train", "text", "reviews.csv", "--epochs", "2", "--balanced", "-q")
    before = cr.load("reviews.safetensors")
    words = shlex.split(before.card_["command"])
    assert words[:4] == ["chainrule", "train", "text", "reviews.csv"]
    assert {"--target", "--text", "--epochs", "--batch-size", "--balanced"} <= set(words)
    run(*words[1:], "-q")
    after = cr.load("reviews.safetensors")
    texts = reviews["review"][:20]
    np.testing.assert_array_equal(before.predict_proba(texts), after.predict_proba(texts))
    assert before.card_ == after.card_


def test_jsonl_and_folders(run, tmp_path, reviews):
    """The same texts from lines of JSON and from files in folders."""
    with open("r.jsonl", "w", encoding="utf-8") as file:
        for row in reviews.itertuples():
            file.write(json.dumps({"body": row.review, "y": "ab"[row.label]}) + "\n")
    code, out, _ = run("train", "text", "r.jsonl", "--text", "body", "--target", "y", *QUICK)
    assert code == 0 and float(out) > 0.9
    for row in reviews.itertuples():
        folder = tmp_path / "mails" / "ab"[row.label]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{row.id}.txt").write_text(row.review, encoding="utf-8")
    code, out, _ = run("train", "text", "mails", *QUICK)
    assert code == 0 and float(out) > 0.9
    assert cr.load("mails.safetensors").classes_.tolist() == ["a", "b"]
    for name, data in (("r", "r.jsonl"), ("mails", "mails")):
        code, out, err = run("evaluate", f"{name}.safetensors", data, "--json")
        told = json.loads(out)
        assert (code, err, told["rows"]) == (0, "", 200)
        assert told["scores"]["accuracy"] > 0.9


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["absent.csv"], "no file 'absent.csv'"),
        (["reviews.csv", "--target", "stars"], "--target: reviews.csv has no column 'stars'"),
        (["reviews.csv", "--text", "body"], "--text: reviews.csv has no column 'body'"),
        (["reviews.csv", "--encoder", "lstm"], "--encoder lstm: give bag, conv or transformer"),
        (["reviews.csv", "--test-fraction", "1"], "--test-fraction 1"),
        (["reviews.csv", "-o", "no/where"], "cannot write"),
        (["numbers.csv"], "no column of text"),
        (["one.csv"], "one class only"),
        (["few.csv"], "has 3 texts"),
    ],
)
def test_mistakes(run, reviews, words, told):
    """One line, exit code 2, and nothing written."""
    pd.DataFrame({"a": [1, 2], "b": [3, 4]}).to_csv("numbers.csv", index=False)
    pd.DataFrame({"t": ["x"] * 20, "y": [1] * 20}).to_csv("one.csv", index=False)
    pd.DataFrame({"t": ["x", "y", "z"], "y": [1, 0, 1]}).to_csv("few.csv", index=False)
    code, out, err = run("train", "text", *words)
    assert (code, out) == (2, "")
    assert told in " ".join(err.split())


@pytest.mark.parametrize(
    ("name", "more"),
    [
        *((name, []) for name in ("nosuch.csv", "nofile.jsonl", "no.TXT", "no.csv.gz", "no.json",
                                  "no.parquet", "texts/no", "{here}/nothing", "my texts/no")),
        ("a film.txt", ["--explain"]), ("nosuch.csv", ["--proba"]),
    ],
)  # fmt: skip
def test_a_mistyped_file_is_no_text(run, model, tmp_path, name, more):
    """An error that says how to give it as a text, which then has an answer."""
    name = name.replace("{here}", str(tmp_path))
    (tmp_path / "my texts").mkdir()
    code, out, err = run("predict", model, name, *more)
    assert (2, "", 1) == (code, out, err.count("\n"))
    assert f"there is no file {name}: check its name, or add --as-text" in err
    for said in ([name, "--as-text"], ["good and/or bad. It is so."]):
        code, _, err = run("predict", model, *said, *more)
        assert (code, err) == (0, "")


@pytest.mark.parametrize(
    ("cell", "words"),
    [("7", "is 7, a"), ('["a"]', "is ['a'], a list"), ("true", "is True, a bool"),
     ('{"a": 1}', "is {'a': 1}, a dict"), ('"\\ud800"', "half of a character")],
)  # fmt: skip
def test_cells_that_are_no_text(run, model, tmp_path, cell, words):
    """Named by their row, when they are asked for, scored, and learned from."""
    lines = [f'{{"review": "good {k}\u2028", "label": {k % 2}}}' for k in range(20)]
    lines[2] = f'{{"review": {cell}, "label": 1}}'
    (tmp_path / "x.jsonl").write_text("\n".join(lines), encoding="utf-8")
    for command in (
        ["predict", model, "x.jsonl"],
        ["evaluate", model, "x.jsonl"],
        ["train", "text", "x.jsonl", "-t", "label", "--text", "review"],
    ):
        code, out, err = run(*command)
        assert (2, 1) == (code, err.count("\n")), (out, err)
        assert "row 3" in err or "line 3" in err
        assert words in err
