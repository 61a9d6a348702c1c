"""The page as a whole: well-formed, closed to the outside, escaped, the same each time."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from page_reader import Page
from report_examples import classes, numbers

from chainrule import escape
from chainrule import report as package
from chainrule.errors import DataError
from chainrule.report import Report, render, write_report

BARE = Report("regression", "d", "", {})
HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</style></title></textarea><!-- ]]> -->",
    "&lt;b&gt; &amp; &#60;",
    "javascript:alert(1)",
    "Größe 价格 🌷 \u202eright to left\u2066",
    "nul \x00, bell \x07, half a pair \ud83d, \r\n two\tlines",
    "x" * 20000,
    "",
    "{%s}{0}%d$(id)`id`",
]
REPORTS = {
    "binary": classes(2),
    "few": classes(3),
    "many": classes(30, 400),
    "numbers": numbers(),
    "large": numbers(3000),
    "bare": BARE,
}


def hostile(name, **changes):
    """A name in every place that a text from the data can come to."""
    return classes(
        3, data=name, date=name, target=name, classes=[name, name + "2", name + "3"],
        scores={name: 0.5}, baselines={name: {name: 0.4}}, score_name=name,
        importances={name: (1.0, 0.1)}, gradient_norms={name: [1.0], "other": [1e-9]},
        update_ratios={name: [0.9]}, dead={name: 0.9}, saturated={name: 0.9},
        layers=[(name, name, 3)], settings={name: name}, dataset={name: [name, name]},
        versions={name: name}, limitations=name, command=name, **changes,
    )  # fmt: skip


@pytest.mark.parametrize("name", REPORTS)
def test_a_page_is_well_formed_and_closed(name):
    """No address, no script, no handler; one identifier each; a name for each chart."""
    text = render(REPORTS[name])
    page = Page(text)
    assert text.startswith('<!doctype html>\n<html lang="en"><head><meta charset="utf-8">')
    assert re.findall(r"https?:|//\w|url\(|@import|<script|\son\w+=", text) == []
    assert {"data:,"} == set(page.attributes("link", "href"))
    assert all(link.startswith("#") for link in page.attributes("a", "href"))
    ids = [given["id"] for _, given in page.elements if "id" in given]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.attributes("a", "href")} <= set(ids)
    charts = [given for tag, given in page.elements if tag == "svg"]
    assert all(g.get("aria-label") if g.get("role") else g["aria-hidden"] for g in charts)
    assert page.attributes("section", "aria-labelledby") == [
        f"{name}-title" for name in page.attributes("section", "id")
    ]


def test_the_policy_comes_before_all_that_it_rules():
    text = render(REPORTS["few"])
    policy = Page(text).attributes("meta", "content")[0]
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in policy
    assert text.index("Content-Security-Policy") < text.index("<style>")


def test_sections_are_there_if_their_data_is():
    def headings(report):
        return Page(render(report)).headings

    both = ["Scores", "Learning curves", "Classes", "Predictions", "Feature importances",
            "Gradient health", "Model card", "Repeat it"]  # fmt: skip
    assert [h for h in both if h != "Predictions"] == headings(REPORTS["few"])
    assert [h for h in both if h != "Classes"] == headings(REPORTS["numbers"])
    assert [] == headings(BARE)
    for heading, given in (
        ("Scores", {"scores": {"R2": 0.5}}),
        ("Learning curves", {"history": [{"epoch": 1, "loss": 0.5}]}),
        ("Predictions", {"truth": [1.0], "predicted": [2.0]}),
        ("Feature importances", {"importances": {"a": (1.0, 0.0)}}),
        ("Gradient health", {"gradient_norms": {"a": [1.0]}}),
        ("Gradient health", {"update_ratios": {"a": [0.01]}}),
        ("Gradient health", {"dead": {"a": 0.0}}),
        ("Gradient health", {"saturated": {"a": 0.0}}),
        ("Model card", {"layers": [("a", "b", 1)]}),
        ("Model card", {"settings": {"rate": 0.1}}),
        ("Model card", {"dataset": {"rows": 1}}),
        ("Model card", {"versions": {"numpy": "2"}}),
        ("Model card", {"seed": 0}),
        ("Model card", {"limitations": "Many."}),
        ("Repeat it", {"command": "make"}),
    ):
        assert [heading] == headings(replace(BARE, **given)), given


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_text(name):
    """The page has the elements that it has for a tame name, and shows the name as it is."""
    page, tame = Page(render(hostile(name))), Page(render(hostile("tame")))
    inert = {"span"}  # around names that are shortened
    if name:  # without one, there is less to show
        assert [tag for tag, _ in tame.elements if tag not in inert] == [
            tag for tag, _ in page.elements if tag not in inert
        ]
    assert {"script", "img"}.isdisjoint(tag for tag, _ in page.elements)
    assert not any(key.startswith("on") for _, given in page.elements for key in given)
    shown = "".join(c if c in "\t\n" else escape.terminal(c) for c in name)
    assert shown in page.text  # whole in the command, at least


def test_long_names_do_not_fill_the_page():
    """Whole in the command and the limitations; elsewhere at most 1,000 characters where the mouse
    rests."""
    text = render(hostile("x" * 20000))
    assert ["xxxx"] * 2 == [run[:4] for run in re.findall("x{1001,}", text)]
    assert len(text) < 2 * 20000 + 100_000


def test_the_same_report_gives_the_same_bytes():
    assert render(classes(3)) == render(classes(3))
    assert render(numbers()) == render(numbers())


def test_pages_are_small():
    assert {n: len(render(r)) < 150_000 for n, r in REPORTS.items()} == dict.fromkeys(REPORTS, True)


def test_write_report_replaces_the_file(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(path, REPORTS["few"])
    assert path.read_bytes() == render(REPORTS["few"]).encode()
    assert ["report.html"] == os.listdir(tmp_path)


def test_an_unwritable_place_is_told_and_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(DataError, match="cannot write the report to .*No such file or directory"):
        write_report(tmp_path / "absent" / "report.html", BARE)
    with pytest.raises(DataError, match=r"cannot write the report to .*directory"):
        write_report(tmp_path, BARE)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="report.html: No space left on device; choose another"):
        write_report(path, BARE)
    assert ("old", ["report.html"]) == (path.read_text(), os.listdir(tmp_path))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"task": "clustering"}, "task='clustering': a report is of classification or regression"),
        ({"truth": None}, "predictions without truth"),
        ({"classes": ["one"]}, "name all classes, two at least"),
        ({"truth": [0, 1, 3]}, "truth holds 3: give class numbers, 0 to 2"),
        ({"truth": [0, 0.5, 1]}, "truth holds 0.5: give class numbers"),
        ({"truth": ["a", "b", "c"]}, "truth holds .*: give numbers"),
        ({"truth": []}, r"truth has shape \(0,\)"),
        ({"probabilities": np.ones((2, 3)) / 3}, r"shape \(2, 3\), which should be \(3, 3\)"),
        ({"probabilities": np.eye(3) * 5}, "range from 0 to 5: apply softmax"),
        ({"probabilities": np.full((3, 3), np.nan)}, "9 nan or infinite numbers"),
        ({"predicted": [0, 1]}, "truth has 3 rows and predicted 2"),
        ({"probabilities": None}, "give predicted or probabilities"),
        ({"task": "regression", "predicted": None}, "give predicted"),
        ({"task": "regression", "predicted": np.ones((3, 2))}, r"predicted has shape \(3, 2\)"),
        ({"task": "regression", "predicted": [1.0, np.nan, 2.0]}, "1 nan or infinite"),
        ({"task": "regression", "predicted": [1.0, 1e200, 2.0]}, "1e\\+200, whose square"),
    ],
)
def test_parts_that_do_not_fit_are_told(given, message):
    fitting = {"task": "classification", "data": "d", "date": "", "scores": {},
               "classes": "abc", "truth": [0, 1, 2], "probabilities": np.eye(3)}  # fmt: skip
    Report(**fitting)
    with pytest.raises(DataError, match=message):
        Report(**(fitting | given))


def test_it_loads_no_more_than_it_needs():
    """A page without predictions is made without scikit-learn."""
    code = (
        "import sys; from chainrule.report import Report, render; "
        "render(Report('regression', 'd', '', {'R2': 1.0})); print('sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False" == done.stdout.strip()
    assert {"Report", "render", "write_report"} < set(package.__all__)
