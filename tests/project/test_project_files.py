"""Files of the project agree: versions, lowest dependencies, workflows, pages of the site."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import chainrule

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TOOLS = {"docs", "bench", "programs", "sktime"}  # the last two have pandas below 3 or 3.1
UNBOUND = {"mypy", "pandas-stubs", "ruff", "scipy-stubs"}  # read the source and do not run it
YAML = sorted(
    [*ROOT.glob(".github/**/*.yml"), ROOT / ".pre-commit-config.yaml", ROOT / "CITATION.cff",
     ROOT / "mkdocs.yml"]
)  # fmt: skip


def read(path: Path | str) -> Any:
    """The content of a YAML file."""
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def requirements() -> list[Requirement]:
    """What the package and the extras that tests use require."""
    extras = PROJECT["project"]["optional-dependencies"]
    listed = [line for name, lines in extras.items() if name not in TOOLS for line in lines]
    return [Requirement(line) for line in [*PROJECT["project"]["dependencies"], *listed]]


@pytest.mark.parametrize("path", YAML, ids=[path.name for path in YAML])
def test_yaml_is_read(path: Path) -> None:
    """Each file is a mapping."""
    assert isinstance(read(path), dict)


def test_versions_agree() -> None:
    """version.py is the one place; the citation and, once released, the changelog say the same."""
    assert ["version"] == PROJECT["project"]["dynamic"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "src/chainrule/version.py"
    assert chainrule.__version__ == read("CITATION.cff")["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.split(r"^## \[([^\]]+)\].*$", changelog, flags=re.MULTILINE)[1:]
    texts = dict(zip(sections[::2], sections[1::2], strict=True))
    if not texts.pop("Unreleased", "").strip():
        assert chainrule.__version__ == next(iter(texts))


def test_the_citation_is_complete() -> None:
    """What version 1.2.0 of the Citation File Format demands."""
    citation = read("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert [{"name": "The chainrule developers"}] == citation["authors"]
    assert PROJECT["project"]["license"] == citation["license"]


def test_the_lowest_versions_are_those_allowed() -> None:
    """`.github/lowest.txt` pins each lower bound, and nothing else."""
    lines = (ROOT / ".github" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    pinned = {canonicalize_name(pin.name): pin.specifier for pin in pins}
    assert sorted(pinned) == [canonicalize_name(pin.name) for pin in pins]
    lowest: dict[str, set[Version]] = {}
    for requirement in requirements():
        name = canonicalize_name(requirement.name)
        if name not in UNBOUND:
            bounds = {Version(x.version) for x in requirement.specifier if x.operator == ">="}
            assert len(bounds) == 1, f"{requirement} has no lower bound"
            lowest.setdefault(name, set()).update(bounds)
    pinned_versions = {name: {Version(x.version) for x in pinned[name]} for name in pinned}
    assert lowest == pinned_versions


def test_the_workflow_tests_what_is_claimed() -> None:
    """Each Python of the classifiers, the oldest dependencies, and documents without a warning."""
    jobs = read(".github/workflows/ci.yml")["jobs"]
    claimed = [
        line.rpartition(" :: ")[2]
        for line in PROJECT["project"]["classifiers"]
        if re.search(r"Python :: 3\.\d+$", line)
    ]
    assert claimed == jobs["tests"]["strategy"]["matrix"]["python"]
    commands = {name: [step.get("run") for step in job["steps"]] for name, job in jobs.items()}
    assert "pip install '.[test]' --constraint .github/lowest.txt" in commands["lowest"]
    assert "mkdocs build --strict" in commands["docs"]
    assert ".ci/run" in commands["checks"]
    assert any("pytest --cov" in (command or "") for command in commands["coverage"])


def test_pre_commit_runs_the_tools_of_the_tests() -> None:
    """Its version of ruff is one that the extra `test` allows."""
    repos = {repo["repo"]: repo for repo in read(".pre-commit-config.yaml")["repos"]}
    used = repos["https://github.com/astral-sh/ruff-pre-commit"]["rev"].removeprefix("v")
    (allowed,) = {str(x.specifier) for x in requirements() if x.name == "ruff"}
    assert Requirement(f"ruff{allowed}").specifier.contains(used)


def test_every_document_is_a_page_of_the_site() -> None:
    """The navigation lists each file of `docs/`, each public package, and what is at the root."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = set(re.findall(r"^\s+- (\S+\.md)$", text, flags=re.MULTILINE))
    documents = {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")}
    roots = {path.name for path in ROOT.glob("*.md")} - {"README.md"} | {"index.md"}
    listed = {Path(page).stem for page in pages if page.startswith("reference/")}
    assert documents | roots <= pages
    source = Path(chainrule.__file__).parent
    public = {name for name in chainrule.__all__ if (source / name).is_dir()}
    assert public <= listed
