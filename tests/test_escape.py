"""Text from elsewhere: what steers is shown, what can be seen stays, nothing is left out."""

from __future__ import annotations

import csv
import html.parser
import io
import json

import pytest
from hostile_names import FORMULA, KINDS, names, seen, steers
from hypothesis import given
from hypothesis import strategies as some

from chainrule import escape

ANY = some.text(some.characters(codec=None))  # also halves of surrogate pairs


@given(ANY)
def test_a_terminal_is_never_steered(text):
    """One line, nothing to obey, all words there; what needs no escape is the same."""
    shown = escape.terminal(text)
    assert [] == steers(shown)
    assert "\n" not in shown
    assert all(word in shown for word in seen(text))
    assert len(shown) >= len(text)
    if not steers(text) and "\n" not in text and not {"\ufffe", "\uffff"} & set(text):
        assert shown == text or any("\ufdd0" <= c <= "\ufdef" for c in text)


@given(ANY)
def test_what_was_escaped_can_be_told(text):
    """Python reads the escapes back, where there were no backslashes before."""
    text = text.replace("\\", "")
    shown = escape.terminal(text)
    again = shown.encode("latin-1", "backslashreplace").decode("unicode_escape")
    assert text == again.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") or (
        text.encode("utf-16", "surrogatepass") == again.encode("utf-16", "surrogatepass")
    )


@given(ANY)
def test_a_page_holds_text_alone(text):
    """Read back, it is the text with its escapes, and no element began."""
    found: list[str] = []

    class Reader(html.parser.HTMLParser):
        def handle_data(self, data):
            found.append(data)

        def handle_starttag(self, tag, attrs):
            assert (tag, attrs[0][0]) == ("p", "title")
            found.append(attrs[0][1])

    made = escape.html(text)
    Reader().feed(f'<p title="{made}">{made}</p>')
    assert "".join(found) == 2 * "".join(c if c in "\t\n" else escape.terminal(c) for c in text)
    assert made.encode().decode() == made


@given(ANY)
def test_json_is_what_it_was(text):
    """ASCII, nothing to obey, and the same value."""
    made = escape.as_json({text: [text]})
    assert {text: [text]} == json.loads(made)
    assert made.isascii()
    assert [] == steers(made)


@given(ANY)
def test_cells_that_are_run(text):
    """What begins like a formula gets an apostrophe, and nothing else changes."""
    made = escape.spreadsheet(text)
    assert made in (text, f"'{text}")
    bare = made.lstrip().lstrip("\x00\u200b\ufeff")
    if bare[:1] in ("=", "+", "-", "@", "\t", "\r"):
        float(made)  # only numbers


@pytest.mark.parametrize("text", FORMULA)
def test_formulas(text):
    assert f"'{text}" == escape.spreadsheet(text)


@pytest.mark.parametrize(
    "text", ["-1", "+1.5", "-1e-5", "+.5", "1", "", "a=1", "x@y", "a-b", "'=1"]
)
def test_what_is_no_formula(text):
    """Numbers, and signs further in."""
    assert text == escape.spreadsheet(text)


def test_the_generator_has_every_kind():
    """Of a few hundred names, each piece is in some, and none is there twice."""
    made = names(0, 400)
    assert len(made) == len(set(made))
    assert "" in made
    assert all(any(piece in name for name in made) for kind in KINDS for piece in kind)
    buffer = io.StringIO()
    csv.writer(buffer).writerows([name] for name in made)
    assert made == [row[0] if row else "" for row in csv.reader(io.StringIO(buffer.getvalue(), ""))]
