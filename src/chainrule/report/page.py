"""The page: its head, its sections in order, and how it gets to the disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

from ..errors import DataError
from ..files import write_atomically
from ..markup import Markup, markup, tag
from ..version import __version__
from .card import card, command
from .classification import classification
from .dependence import dependence
from .document import Report
from .elements import label, shortened
from .examples import examples
from .gradients import health
from .importances import importances
from .judgement import advice, compared, judgement
from .machine import as_json
from .overview import overview
from .regression import regression
from .training import learning
from .worst_rows import groups, worst_rows

# Identifier, heading, and what makes the section, or None where there is nothing to show.
SECTIONS: tuple[tuple[str, str, Callable[[Report], Markup | None]], ...] = (
    ("verdict", "Verdict", judgement),
    ("scores", "Scores", compared),
    ("advice", "What to look out for", advice),
    ("data", "The data", overview),
    ("learning", "Learning curves", learning),
    ("classification", "Classes", classification),
    ("regression", "Predictions", regression),
    ("groups", "Groups of rows", groups),
    ("rows", "The rows that are most wrong", worst_rows),
    ("examples", "Words that decided", examples),
    ("importances", "Feature importances", importances),
    ("dependence", "What the columns do", dependence),
    ("health", "Gradient health", health),
    ("card", "Model card", card),
    ("command", "Repeat it", command),
)
# Nothing may be loaded, run or sent, whatever a column's name tries.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def render(report: Report) -> str:
    """The report as one HTML page.

    The same report gives the same text. Whatever comes from the data is escaped, and the page's
    Content-Security-Policy allows nothing but its own styles.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str

    Examples
    --------
    >>> from chainrule.report import Report, render
    >>> page = render(Report("classification", "<iris>", "2026-11-25", {"accuracy": 0.96}))
    >>> "<h1>&lt;iris&gt;</h1>" in page, "0.9600" in page, "http" in page.replace("http-equiv", "")
    (True, True, False)
    """
    sections = [(name, title, build(report)) for name, title, build in SECTIONS]
    of = markup(" of ", label(report.target)) if report.target else None
    return html_page(
        report.data, f"{report.task} report", [markup(report.task, of), report.date], sections
    )


def html_page(
    name: str, kind: str, about: Sequence[str], sections: Sequence[tuple[str, str, Markup | None]]
) -> str:
    """Put a page together; its policy lets it load, run and send nothing.

    Parameters
    ----------
    name, kind : str
        The heading, and what is added to it in the title.
    about : sequence of str
        What stands below the heading; empty ones are left out.
    sections : sequence of (str, str, Markup or None)
        Identifier, heading and content of each; None is left out.

    Returns
    -------
    str
    """
    present = [(key, title, body) for key, title, body in sections if body is not None]
    style = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"chainrule {__version__}"),
        tag("title", f"{shortened(name)}: {kind}"),
        tag("link", rel="icon", href="data:,"),  # else browsers ask the server for one
        tag("style", Markup(style)),
    )
    contents = [tag("li", tag("a", title, href=f"#{key}")) for key, title, _ in present]
    lines = [tag("span", label(text)) for text in about if text]
    body = tag(
        "body",
        tag("header", tag("h1", label(name)), tag("p", lines)),
        tag("nav", tag("ul", contents), aria_label="Sections") if contents else "",
        tag("main", [
            tag("section", tag("h2", title, id=f"{key}-title"), content, id=key,
                aria_labelledby=f"{key}-title")
            for key, title, content in present
        ]),
    )  # fmt: skip
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def write_report(path: str | Path, report: Report) -> None:
    """Render a report into a file; what was there before is replaced by the whole of it.

    Parameters
    ----------
    path : str or Path
    report : Report

    Raises
    ------
    DataError
        If the place cannot be written; a file that was there is left as it was.

    Examples
    --------
    >>> import tempfile
    >>> from chainrule.report import Report, write_report
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "iris.html")
    ...     write_report(path, Report("classification", "iris", "today", {"accuracy": 0.96}))
    ...     path.read_text()[:15]
    '<!doctype html>'
    """
    write_page(path, render(report))


def write_json(path: str | Path, report: Report) -> None:
    """Write the numbers of a report as JSON, for other programs; see `machine.as_json`.

    Parameters
    ----------
    path : str or Path
    report : Report

    Raises
    ------
    DataError
        If the place cannot be written; a file that was there is left as it was.

    Examples
    --------
    >>> import json, tempfile
    >>> from chainrule.report import Report, write_json
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "iris.json")
    ...     write_json(path, Report("classification", "iris", "today", {"accuracy": 0.96}))
    ...     json.loads(path.read_text())["scores"]
    {'accuracy': 0.96}
    """
    write_page(path, as_json(report))


def write_page(path: str | Path, page: str) -> None:
    """Write a page that was rendered; see `write_report`."""
    try:
        write_atomically(path, page.encode())
    except OSError as error:
        raise DataError(
            f"cannot write the report to {path}: {error.strerror or error}; choose another place"
        ) from error
