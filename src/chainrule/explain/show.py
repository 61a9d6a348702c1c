"""An explanation as text, as a rich table, and as HTML: the same cells thrice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import escape
from ..graph.types import Type
from ..lazy import LazyModule
from .steps import Step

rich_console = LazyModule("rich.console")
rich_table = LazyModule("rich.table")
rich_text = LazyModule("rich.text")

HEADERS = ("node", "computed as", "value", "upstream", "by", "local derivative", "product", "line")
SHOWN = 6  # entries of an array; a larger one is told by its range
STYLE = "border-collapse:collapse;font-family:monospace;font-size:90%"
CELL = "border:1px solid #ccc;padding:2px 8px;text-align:left;white-space:pre"


def number(x: Any) -> str:
    """A number or a small array by its digits, a large array by its type and range."""
    array = np.asarray(x)
    if array.size <= SHOWN:
        return np.array2string(
            array, formatter={"float_kind": lambda v: f"{v:.4g}"}, separator=" "
        ).replace("\n", "")  # fmt: skip
    low, high = np.min(array), np.max(array)
    return f"{Type(array.shape, array.dtype)} {low:.4g} .. {high:.4g}"


def _local(x: Any) -> str:
    return "(large)" if x is None else number(x)


def cells(steps: Sequence[Step]) -> list[tuple[str, ...]]:
    """The rows of the table: one for each edge; the first of a step names it."""
    rows: list[tuple[str, ...]] = []
    for step in steps:
        place = f"{step.line}  {step.code}".strip()
        head = (step.name, step.operation or "argument", number(step.value), number(step.upstream))
        if not step.edges:
            rows.append((*head, "", "", "", place))
        for k, edge in enumerate(step.edges):
            tail = (edge.source, _local(edge.local), number(edge.product))
            rows.append((*(head if k == 0 else ("",) * 4), *tail, place if k == 0 else ""))
    return rows


def as_text(steps: Sequence[Step]) -> str:
    """Columns of plain text."""
    rows = [HEADERS, *[tuple(map(escape.terminal, row)) for row in cells(steps)]]
    widths = [max(len(row[k]) for row in rows) for k in range(len(HEADERS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def as_rich(steps: Sequence[Step]) -> Any:
    """A `rich.table.Table`; narrower than the text, with the line below what it computed."""
    table = rich_table.Table(title="The chain rule, from the inputs to the loss", show_lines=True)
    for header, style in (
        ("step", "bold"),
        ("value", "cyan"),
        ("upstream gradient", "magenta"),
        ("local derivative", "yellow"),
        ("product", "green"),
    ):
        table.add_column(header, style=style, overflow="fold")
    for step in steps:
        title = f"{step.name} = {step.operation}" if step.operation else step.name
        place = escape.terminal(f"{step.line} {step.code}") if step.line else ""
        products = [f"to {e.source}: {number(e.product)}" for e in step.edges]
        factors = [f"by {e.source}: {_local(e.local)}" for e in step.edges]
        table.add_row(
            rich_text.Text.assemble(
                escape.terminal(title), (place and f"\n{place}", "dim not bold")
            ),
            rich_text.Text(number(step.value)),
            rich_text.Text(number(step.upstream)),
            rich_text.Text("\n".join(map(escape.terminal, factors))),
            rich_text.Text("\n".join(map(escape.terminal, products))),
        )
    return table


def to_terminal(steps: Sequence[Step]) -> None:
    """Print the rich table."""
    rich_console.Console().print(as_rich(steps))


def as_html(steps: Sequence[Step]) -> str:
    """An HTML table for a notebook cell; every text is escaped."""
    head = "".join(f'<th style="{CELL}">{escape.html(header)}</th>' for header in HEADERS)
    body = "".join(
        "<tr>" + "".join(f'<td style="{CELL}">{escape.html(cell)}</td>' for cell in row) + "</tr>"
        for row in cells(steps)
    )
    return f'<table style="{STYLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
