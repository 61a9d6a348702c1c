"""The policy card: settings and their source, the environment, layers, where not to trust it."""

from __future__ import annotations

import re
from typing import Any

from ..markup import Markup, markup, tag
from .elements import facts, number, table


def section(report: Any) -> Markup | None:
    """The section, or None if nothing is known."""
    tables = []
    if report.settings:
        rows = [(name, str(value), source) for name, value, source in report.settings]
        tables.append(table("Settings", ("setting", "value", "from"), rows, texts=[1, 2]))
    if report.layers:
        total = sum(count for *_, count in report.layers)
        rows = [*report.layers, (tag("b", "all"), "", total)]
        tables.append(table(f"Layers: {number(total)} parameters", ("layer", "shape", "parameters"),
                            rows, texts=[1]))  # fmt: skip
    for caption, pairs in (("Training", report.dataset), ("Versions", report.versions)):
        if pairs:
            tables.append(facts(caption, pairs.items()))
    paragraphs = [text for text in re.split(r"\n\s*\n", report.limitations.strip()) if text]
    if not tables and not paragraphs:
        return None
    return markup(
        tag("div", tables, class_="tables") if tables else "",
        tag("h3", "Limitations") if paragraphs else "",
        [tag("p", text) for text in paragraphs],
    )
