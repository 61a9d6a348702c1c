"""Reads a report's page back: elements, texts, numbers, and whether each tag is closed."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img"}


class Page(HTMLParser):
    """A page, taken apart; an AssertionError if it is not well-formed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []  # the cells of all tables
        self.headings: list[str] = []
        self.values: list[float] = []  # of <data>, with all digits
        self.text = ""  # all of it, without styles
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "h2":
            self.headings.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag}: an attribute is given twice"
        self.elements.append((tag, dict(attrs)))
        if tag == "data":
            self.values.append(float(dict(attrs)["value"] or "nan"))

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open[-1] == tag, f"</{tag}> closes {self._open[-1:]}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.text += data
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data
        if "h2" in self._open:
            self.headings[-1] += data

    def row(self, name: str, after: str = "") -> list[str]:
        """The cells beside the first one of that text, in the first such row of the page, or
        the first after a row that begins with `after`."""
        start = next((k for k, row in enumerate(self.rows) if row[:1] == [after]), 0)
        return next(row[1:] for row in self.rows[start:] if row[0] == name)

    def attributes(self, tag: str, name: str) -> list[str]:
        """That attribute of all such elements."""
        return [given[name] or "" for each, given in self.elements if each == tag and name in given]
