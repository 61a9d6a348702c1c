"""An explanation as text, as a coloured table for the terminal, and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import Any

import numpy as np

from .. import escape
from ..graph.types import Type
from ..lazy import LazyModule
from ..markup import tag
from .steps import Step

rich_box = LazyModule("rich.box")
rich_console = LazyModule("rich.console")
rich_table = LazyModule("rich.table")
rich_text = LazyModule("rich.text")

HEADERS = ("node", "computed as", "value", "upstream", "by", "local derivative", "product", "line")
RULED = "    \n    \n -- \n" + 5 * "    \n"  # a rich box: nothing but a line below the headers
WIDEST = 10**6  # columns of text: no cell is folded
MAX_ENTRIES = 6  # entries of an array; a larger one is told by its range
STYLE = "border-collapse:collapse;font-family:monospace;font-size:90%"
CELL = "border:1px solid #ccc;padding:2px 8px;text-align:left;white-space:pre"


def number(x: Any) -> str:
    """A number or a small array by its digits, a large array by its type and range."""
    array = np.asarray(x)
    if array.size <= MAX_ENTRIES:
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
        location = f"{step.line}  {step.code}".strip()
        head = (step.name, step.operation or "argument", number(step.value), number(step.upstream))
        if not step.edges:
            rows.append((*head, "", "", "", location))
        for k, edge in enumerate(step.edges):
            tail = (edge.source, _local(edge.local), number(edge.product))
            rows.append((*(head if k == 0 else ("",) * 4), *tail, location if k == 0 else ""))
    return rows


def as_text(steps: Sequence[Step]) -> str:
    """Columns of plain text, as wide as they need to be."""
    box = rich_box.Box(RULED, ascii=True)
    table = rich_table.Table(box=box, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for header in HEADERS:
        table.add_column(header, no_wrap=True)
    for row in cells(steps):
        table.add_row(*[rich_text.Text(escape.terminal(cell)) for cell in row])
    out = StringIO()
    rich_console.Console(file=out, width=WIDEST, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


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
        location = escape.terminal(f"{step.line} {step.code}") if step.line else ""
        products = [f"to {e.source}: {number(e.product)}" for e in step.edges]
        factors = [f"by {e.source}: {_local(e.local)}" for e in step.edges]
        table.add_row(
            rich_text.Text.assemble(
                escape.terminal(title), (location and f"\n{location}", "dim not bold")
            ),
            rich_text.Text(number(step.value)),
            rich_text.Text(number(step.upstream)),
            rich_text.Text("\n".join(map(escape.terminal, factors))),
            rich_text.Text("\n".join(map(escape.terminal, products))),
        )
    return table


def to_terminal(steps: Sequence[Step]) -> None:
    """Print the table of `as_rich`, as wide as the terminal."""
    rich_console.Console().print(as_rich(steps))


def as_html(steps: Sequence[Step]) -> str:
    """An HTML table for a notebook cell; every text is escaped."""
    head = tag("tr", [tag("th", header, style=CELL) for header in HEADERS])
    body = [tag("tr", [tag("td", cell, style=CELL) for cell in row]) for row in cells(steps)]
    return tag("table", tag("thead", head), tag("tbody", body), style=STYLE)
