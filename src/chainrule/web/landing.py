"""The page at the address of a server: what its model reads, and how to ask it."""

from __future__ import annotations

import json
import shlex
from typing import Any

from .. import escape
from ..estimators.tabular.input_columns import InputColumn
from ..markup import tag
from .served import Served

STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;"
    "margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}.scroll{overflow-x:auto}"
    "table{border-collapse:collapse;width:100%;overflow-wrap:break-word}"
    "td,th{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8886;"
    "vertical-align:top;max-width:24rem}"
    "pre{overflow-x:auto;padding:.75rem;border:1px solid #8886}"
)
MOST_COLUMNS = 500
MOST_VALUES = 8


def landing_page(served: Served, host: str) -> str:
    """The page as HTML, without any script or address of another place."""
    rows = [
        tag("tr", tag("td", column.name), tag("td", column.kind), tag("td", _values(column)))
        for column in served.columns[:MOST_COLUMNS]
    ]
    more = len(served.columns) - MOST_COLUMNS
    head = tag(
        "head", tag("meta", charset="utf-8"), tag("title", f"{served.target} by {served.name}"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("style", STYLE),
    )  # fmt: skip
    header = tag("tr", tag("th", "column"), tag("th", "kind"), tag("th", "in the training"))
    body = tag(
        "body", tag("h1", served.name),
        tag("p", "Send rows as JSON, and get a prediction of ", tag("code", served.target),
            " for each of them. What can be asked is described in ",
            tag("a", "openapi.json", href="openapi.json"), "."),
        tag("pre", example(served, host)),
        tag("div", tag("table", header, rows), class_="scroll", role="region", tabindex=0,
            aria_label="The columns that the model reads"),
        tag("p", f"and {more} more columns" if more > 0 else ""),
    )  # fmt: skip
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def example(served: Served, host: str) -> str:
    """A command that asks for one row.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> model = SimpleNamespace(columns=(InputColumn("size", "number", examples=(3.0,)),))
    >>> print(example(model, "localhost:8000"))
    curl http://localhost:8000/predict -H 'Content-Type: application/json' -d '[{"size": 3.0}]'
    """
    row: dict[str, Any] = {
        column.name: column.examples[0] if column.examples else None for column in served.columns
    }
    words = ["curl", f"http://{host}/predict", "-H", "Content-Type: application/json", "-d"]
    return escape.terminal(shlex.join([*words, json.dumps([row])]))


def _values(column: InputColumn) -> str:
    """What a column held in the training, in a few words."""
    if column.ends:
        return f"{column.ends[0]:g} to {column.ends[1]:g}"
    listed = ", ".join(column.levels[:MOST_VALUES])
    return listed + (", ..." if len(column.levels) > MOST_VALUES else "")
