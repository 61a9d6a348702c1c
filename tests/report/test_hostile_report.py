"""Names from anywhere in each place of a page: shown whole or visibly shortened, and only text."""

from __future__ import annotations

import numpy as np
import pytest
from hostile_names import names, seen, steers
from page_reader import Page
from report_examples import COMMON, classes, numbers

from chainrule import escape
from chainrule.report import render, write_report
from chainrule.report.elements import LONGEST


def told(name: str) -> str:
    """A name as a page's text shows it."""
    return "".join(c if c in "\t\n" else escape.terminal(c) for c in name)


def holds(page: Page, name: str) -> bool:
    """Whether a page shows a name: all of it, or its beginning and its end."""
    shown = told(name)
    if len(name) <= 40:
        return shown in page.text
    part = told(name[:20]), told(name[-10:])
    return all(each in page.text for each in part)


def rules(text: str) -> Page:
    """A page on which nothing steers and nothing is an element that is none of ours."""
    assert [] == steers(text.replace("\t", ""))
    page = Page(text)
    assert not {"script", "img", "iframe", "object", "form", "i", "bold"} & {
        name for name, _ in page.elements
    }
    return page


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("count", [5, 25])
def test_classes(seed, count):
    """Of few classes a matrix, of many the worst; names in every other place as well."""
    given = names(seed, count)
    more = names(seed + 1000, 60)
    report = classes(
        count, classes=given, data=more[1], target=more[2],
        baselines={more[3]: {"accuracy": 0.5}},
        importances={name: (0.1 * k, 0.0) for k, name in enumerate(more[4:10])},
        gradient_norms={name: [0.5, 0.4] for name in more[10:12]}, update_ratios={},
        dead={more[12]: 0.125}, saturated={more[13]: 0.5},
        layers=[(name, name, 3) for name in more[14:17]],
        settings={name: name for name in more[17:20]}, dataset=dict.fromkeys(more[20:22], 3),
        versions={more[22]: more[23]}, limitations=more[24], command=more[25],
        examples=[(given[0], given[1], 0.5, tuple(more[26:]), np.ones(len(more[26:])))],
    )  # fmt: skip
    text = render(report)
    page = rules(text)
    for name in more[26:]:
        assert told(name) in page.text
    shown = [*more[1:4], *more[14:26], *(given if count <= 20 else [])]
    assert [] == [name for name in shown if name.strip() and not holds(page, name.strip())]


@pytest.mark.parametrize("name", names(50, 40, empty=False))
def test_numbers(tmp_path, name):
    """A regression whose table and target have a hostile name, as a file."""
    place = tmp_path / "r.html"
    write_report(place, numbers(30, data=name, target=name))
    page = rules(place.read_text(encoding="utf-8"))
    assert holds(page, name.strip())
    title = next(text for text in place.read_text().split("<title>")[1:]).split("</title>")[0]
    assert all(word in title for word in seen(name)) or len(name) > LONGEST


def test_the_plain_report_is_as_it_was():
    """Nothing in an ordinary report is escaped."""
    text = render(classes(3))
    assert "\\x" not in text and "\\u" not in text
    assert COMMON["command"] in Page(text).text
