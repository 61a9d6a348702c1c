"""`--report`: one HTML page with every section, and the command that repeats it."""

import html
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule.data import read_table

pytestmark = pytest.mark.usefixtures("_unoptimised")

QUICK = ("--epochs", "4", "--hidden-layer-sizes", "8", "-q")
SECTIONS = (
    "verdict", "scores", "data", "learning", "rows", "importances", "dependence", "health", "card",
    "command",
)  # fmt: skip


def sections(text):
    return set(re.findall(r'<section id="(\w+)"', text))


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes"])
def test_a_training_tells_everything(run, name):
    """Curves, confusion matrix or residuals, importances, gradients, card, command."""
    code, _, err = run("train", name, *QUICK, "--report")
    assert (code, err) == (0, "")
    text = Path(f"{name}.html").read_text()
    kind = "classification" if name == "breast_cancer" else "regression"
    assert {*SECTIONS, kind} == sections(text) - {"advice", "groups"}  # of these two, no others
    numbers = json.loads(Path(f"{name}.json").read_text())
    assert (kind, "HistGradientBoosting") == (numbers["task"], list(numbers["intervals"])[1])
    assert html.unescape(re.search(r"headline\">.*?</b>(.*?)</p>", text)[1]).strip().replace(
        "\xa0", " "
    ) == numbers["verdict"][0]  # fmt: skip
    for word in ("Gradient norm", "Update by weight", "dead units", "layers.0", "embedding",
                 "of 4 are kept", "Training", "Versions"):  # fmt: skip
        assert word in text
    words = ("Confusion matrix", "ROC", "Precision and recall", "Calibration")
    for word in words if kind == "classification" else ("Residuals", "Predicted against true"):
        assert word in text
    code = re.search(r"command[^>]*><code>(.*?)</code>", text)[1]
    told = html.unescape(re.sub("<.*?>", "", code))
    first = chainrule.estimators.load(f"{name}.safetensors")
    assert run(*shlex.split(told)[1:])[0] == 0
    again = chainrule.estimators.load(f"{name}.safetensors")
    np.testing.assert_array_equal(first.network_.coefs_[0], again.network_.coefs_[0])


def test_a_report_changes_no_weight(run):
    """With and without it, the model's bytes are the same."""
    run("train", "iris", *QUICK)
    plain = Path("iris.safetensors").read_bytes()
    run("train", "iris", *QUICK, "--report")
    assert plain == Path("iris.safetensors").read_bytes()


def test_where_it_goes(run):
    """Beside by default; to a path that ends like a page, or follows an equals sign."""
    assert run("train", "--report", "iris", *QUICK)[0] == 0
    assert Path("iris.html").exists()
    assert run("train", "iris", "--report", "a.html", *QUICK)[0] == 0
    assert run("train", "iris", "--report=b", *QUICK)[0] == 0
    assert Path("a.html").exists() and Path("b").exists()
    Path("old.html").mkdir()
    code, _, err = run("train", "iris", "--report", "old.html", *QUICK)
    assert (code, err.count("\n")) == (2, 1)
    assert "--report" in err


def test_the_json_spares_other_files(run):
    """A file of its name that is no report stays as it is."""
    Path("iris.json").write_text('{"rows": []}')
    code, _, err = run("train", "iris", *QUICK, "--report")
    assert (0, '{"rows": []}') == (code, Path("iris.json").read_text())
    assert "iris.json is another file: the report's numbers go to iris.report.json" in err
    assert "chainrule report" in Path("iris.report.json").read_text()


def test_of_an_evaluation(run, trained):
    """All but the training; a column that moved is what to look out for."""
    frame = read_table(str(trained / "houses.csv")).frame
    frame["area"] += 500.0
    frame.to_csv("moved.csv", index=False)
    code, out, err = run(
        "evaluate", trained / "houses.safetensors", "moved.csv", "--report", "e.html"
    )
    assert (0, "") == (code, err) and "these 120 rows" in out.replace("\n", " ")
    text = Path("e.html").read_text()
    assert {*SECTIONS, "advice", "regression"} - {"learning", "health"} == sections(text) - {
        "groups"
    }
    told = json.loads(Path("e.json").read_text())
    assert [("drift", ["area"])] == [(one["kind"], one["columns"]) for one in told["advice"]]
    areas = next(one for one in told["overview"]["columns"] if one["name"] == "area")
    assert ("as in the training", "530") == (areas["why"], areas["ends"][0])
    assert told["verdict"][0] in " ".join(out.split())
    worst = told["wrong_rows"][0]
    assert worst["error"] == pytest.approx(worst["truth"] - worst["predicted"])


def test_names_cannot_break_the_page(run):
    """What comes from the table is escaped."""
    rows = "\n".join(f"{k},{'<i>' if k % 2 else 'b'}" for k in range(40))
    Path("t.csv").write_text(f'<script>alert(1)</script>,"y & <b>"\n{rows}\n')
    assert run("train", "t.csv", *QUICK, "--report")[0] == 0
    text = Path("t.html").read_text()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
