"""A hook of MkDocs: pages that are not in `docs/`, and links that work there and on GitHub.

The README, the other Markdown files at the root, in `bench/` and in `examples/` become pages as
they are, and each public package gets a page of reference from its docstrings. Files of the
repository that are no pages, such as the source, cannot be reached from the site: links to them
become plain text.
"""

from __future__ import annotations

import ast
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "chainrule"
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#\s]*)(#[^)\s]*)?\)")
FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
HIDDEN = {"__version__"}


def outside_pages() -> dict[str, str]:
    """The Markdown files outside `docs/`: from the path in the repository to that in the site."""
    paths = [*ROOT.glob("*.md"), *ROOT.glob("bench/*.md"), *ROOT.glob("examples/*.md")]
    pages = {path.relative_to(ROOT).as_posix(): path.relative_to(ROOT).as_posix() for path in paths}
    return {**pages, "README.md": "index.md"}


def public_names(module: str) -> list[str]:
    """The names in `__all__` of a package, or else the classes and functions of a module."""
    folder = SOURCE if module == "chainrule" else SOURCE / module
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return sorted(ast.literal_eval(node.value))
    return [
        node.name
        for node in tree.body
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_")
    ]


def is_package(name: str) -> bool:
    """Whether a name of `chainrule` is a package or module with a page of its own."""
    return (SOURCE / name).is_dir() or (SOURCE / f"{name}.py").exists()


def reference(module: str) -> str:
    """The page of one package: its docstring, and an entry for each public name."""
    whole = "chainrule" if module == "chainrule" else f"chainrule.{module}"
    lines = [f"# {whole}", "", f"::: {whole}", "    options:", "      members: false"]
    lines += ["      show_root_heading: false", ""]
    elsewhere = {*public_names("estimators"), *public_names("solvers")}
    for name in public_names(module):
        if name in HIDDEN or (module == "chainrule" and (is_package(name) or name in elsewhere)):
            continue  # these have pages of their own
        inside = module != "chainrule" and (SOURCE / module / f"{name}.py").exists()
        lines += [f"::: {whole}.{name}.{name}" if inside else f"::: {whole}.{name}", ""]
    if module == "chainrule":
        lines += [
            "`chainrule` also has all names of [chainrule.estimators](estimators.md) and of "
            "[chainrule.solvers](solvers.md).",
            "",
        ]
    return "\n".join(lines)


def on_files(files: Files, *, config: Any) -> Files:
    """Add the pages that are not in `docs/`."""
    for source, target in outside_pages().items():
        content = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, target, content=content))
    listed = re.findall(r"reference/(\w+)\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    for module in listed:
        page = File.generated(config, f"reference/{module}.md", content=reference(module))
        files.append(page)
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    """Let the links of a page lead to the pages of the site."""
    target = page.file.src_uri
    if target.startswith("reference/"):
        return markdown
    sources = {site: source for source, site in outside_pages().items()}
    here = posixpath.dirname(sources.get(target, f"docs/{target}"))
    parts = FENCE.split(markdown)
    return "".join(
        part if part.startswith("```") else _relinked(part, here, target, files) for part in parts
    )


def _relinked(text: str, here: str, page: str, files: Files) -> str:
    def link(match: re.Match[str]) -> str:
        title, target, anchor = match[1], match[2], match[3] or ""
        if not target or "://" in target or target.startswith("mailto:"):
            return match[0]
        source = posixpath.normpath(posixpath.join(here, target))
        site = outside_pages().get(source, source.removeprefix("docs/"))
        if files.get_file_from_path(site) is None:
            if not (ROOT / source).exists():
                raise ValueError(f"{page}: the link to {target} leads nowhere")
            return title
        return f"[{title}]({posixpath.relpath(site, posixpath.dirname(page) or '.')}{anchor})"

    return LINK.sub(link, text)
