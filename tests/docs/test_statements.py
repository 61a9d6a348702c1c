"""Statements of the documents that can be checked are: numbers, lists, levels and defaults."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest
import test_architecture as architecture

import chainrule
from chainrule.config import Config
from chainrule.primitives import REGISTRY

ROOT = Path(__file__).parents[2]
SOURCE = Path(chainrule.__file__).parent
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """What stands under a heading of the second level."""
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_the_number_of_primitives() -> None:
    """The documents name the limit that a test holds, and it is reached."""
    stated = re.findall(r"at most (\d+)\b(?! columns)", ARCHITECTURE + CONTRIBUTING, re.I)
    assert [str(architecture.MOST_PRIMITIVES)] * 3 == stated
    limited = [
        p for p in REGISTRY.values() if p.spec["family"] not in architecture.UNLIMITED_FAMILIES
    ]
    assert architecture.MOST_PRIMITIVES == len(limited)


def test_the_layers() -> None:
    """The table of packages has the packages of LAYERS, in that order."""
    rows = re.findall(r"^\| (`[^|]*) \|", section(ARCHITECTURE, "The layers"), re.M)
    stated = [set(re.findall(r"`(\w+)`", row)) for row in rows]
    level = {name: k for k, names in enumerate(architecture.LAYERS) for name in names}
    assert set(level) == set().union(*stated)
    order = [sorted(level[name] for name in names) for names in stated]
    assert order == sorted(order)


def debug_levels() -> set[int]:
    """The levels that some line of the source compares with or asks for."""
    levels = set()
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        levels |= {int(level) for level in re.findall(r"config\.debug >= (\d)", text)}
        levels |= {1 for _ in re.findall(r"if config\.debug:", text)}
    return levels


def test_the_debug_levels() -> None:
    """`Config` describes the levels that the source knows, and ARCHITECTURE names no others."""
    described = re.split(r"\n\w+ : ", inspect.getdoc(Config) or "")[1]
    levels = debug_levels()
    assert {1, 2, 3, 4, 5} == levels
    assert levels == {int(k) for k in re.findall(r"\b([1-5]) (?:prints|how|the|IR)\b", described)}
    assert levels == {int(k) for k in re.findall(r"CHAINRULE_DEBUG=(\d)", ARCHITECTURE)}


def test_the_defaults_of_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each flag's description ends with the default that it has in an empty environment."""
    for flag in fields(Config):
        monkeypatch.delenv(f"CHAINRULE_{flag.name.upper()}", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    config, text = Config(), re.split(r"\n(\w+) : \w+\n", inspect.getdoc(Config) or "")
    described = dict(zip(text[1::2], text[2::2], strict=True))
    assert set(described) == {flag.name for flag in fields(Config)}
    for name, description in described.items():
        assert f"``CHAINRULE_{name.upper()}``" in description
        stated = re.search(r"Default:? .*?\"?(\w+)\"?\.\s*$", description)
        assert stated is not None and stated[1] == str(getattr(config, name)), name


@pytest.mark.parametrize(
    ("document", "sentence", "flag"),
    [
        ("command-line.md", r"at most (\d+) MiB of it \(`CHAINRULE_CACHE`", "cache"),
        ("command-line.md", r"at most (\d+) times the\s+file's size", "unpack_ratio"),
        ("differentiation.md", r"keeps its last (\d+) traces", "programs"),
    ],
)
def test_defaults_in_documents(document: str, sentence: str, flag: str) -> None:
    """A number in a document is the flag's default."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    stated = re.search(sentence, text)
    default = {item.name: item for item in fields(Config)}[flag].default_factory
    assert stated is not None
    assert callable(default) and int(stated[1]) == default()


# Attributes of a Node that nothing outside of these files may set: what it computes never changes.
NODE_ATTRIBUTES = {
    "primitive": {"graph/node.py"},
    "order": {"autodiff/forms.py", "trace/strides.py", "trace/views.py", "trace/copy_table.py"},
    "source_location": set(),
    "params": set(),
}

NODE_USERS = {"graph", "primitives", "autodiff", "control", "simplify", "trace", "backends",
              "transforms", "export", "explain"}  # fmt: skip


def test_a_node_does_not_change() -> None:
    """Only an argument is frozen and a memory order noted; the rest is set when a node is made."""
    for path in SOURCE.rglob("*.py"):
        name = str(path.relative_to(SOURCE))
        if name.split("/")[0] not in NODE_USERS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                of_self = isinstance(node.value, ast.Name) and node.value.id == "self"
                allowed = NODE_ATTRIBUTES.get(node.attr, {name})
                assert of_self or name in allowed, f"{name}:{node.lineno} sets .{node.attr}"
