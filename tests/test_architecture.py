"""The rules of the house, read from the source: layers, cycles, sizes, names, seats."""

from __future__ import annotations

import ast
import gc
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from structure import circles, import_graph, imports, nodes, parsed, private_uses

import chainrule
from chainrule.backends import BACKENDS
from chainrule.primitives import REGISTRY

SOURCE = Path(chainrule.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
NAMES = [str(path.relative_to(SOURCE)) for path in FILES]

# Low to high. A package imports those of lower lines; packages of one line do not know each other.
LAYERS = [
    ["errors", "forks", "memory", "starting", "syntax", "typing", "version"],
    ["config", "escape", "files", "lazy"],
    ["container", "faults", "tracebacks"],
    ["markup", "tree"],
    ["graph"],
    ["primitives"],
    ["autodiff"],
    ["control"],
    ["simplify"],
    ["trace"],
    ["backends"],
    ["transforms"],
    ["debug", "scipy_rules"],
    ["random"],
    ["losses", "nn", "optim", "signal", "solvers"],
    ["data"],
    ["train"],
    ["export"],
    ["explain", "estimators", "rl"],
    ["report"],
    ["web"],
    ["cli"],
    ["__main__"],
]
LEVEL = {package: level for level, packages in enumerate(LAYERS) for package in packages}
FACADE = "__init__.py"

# Imported only in these packages: whatever else needs one goes through its home.
HOMES = {
    "PIL": {"data", "rl"},
    "charset_normalizer": {"data"},
    "duckdb": {"data"},
    "gymnasium": {"cli", "rl"},
    "llvmlite": {"backends"},
    "jax": {"backends"},
    "onnx": {"export"},
    "optree": {"tree"},
    "sklearn": {"cli", "data", "estimators", "report"},
    "sktime": {"estimators"},
    "sqlalchemy": {"data"},
    "pandas": {"cli", "data", "estimators"},
    "pyarrow": {"data"},
    "rich": {"cli", "explain", "rl", "train"},
    "soundfile": {"data"},
    "safetensors": {"data", "estimators", "train"},
    "starlette": {"web"},
    "typer": {"cli"},
    "uvicorn": {"web"},
}
# Words that say nothing, or mean several things: ARCHITECTURE.md's glossary has better ones.
BANNED_WORDS = {"found", "given", "held", "hurried", "kept", "made", "moved", "nobody", "own",
                "penance", "place", "places", "room", "rooms", "shown", "told", "turn", "turned",
                "turns", "what"}  # fmt: skip
# NumPy's term, the field's term for rows to validate on, and a name that model files hold
EXEMPT_NAMES = {"in_place", "is_in_place", "_sort_in_place", "fill_in_place",
                "held_out", "held_out_rows", "places"}  # fmt: skip
UNIQUE_NAMES_HOLD = [
    "autodiff", "control", "export", "graph", "losses", "optim", "primitives", "random", "signal",
    "simplify", "train", "trace", "transforms",
]  # fmt: skip
# What each file of a family defines under the same name, for the same purpose.
RULE_NAMES = {"__all__", "_batch", "_evaluate", "_form", "_infer", "_install", "_jvp", "_vjp"}
# The folders of the native compiler in order: each imports only those that are listed for it, all
# of them above it. Planning and scheduling import neither `codegen` nor `ir`: see ARCHITECTURE.md.
STAGES: dict[str, set[str]] = {
    "target": set(),
    "ir": {"target"},
    "layout": set(),
    "pairs": set(),
    "kernels": {"ir", "target"},
    "fuse": {"kernels", "layout"},
    "expressions": {"fuse", "layout"},
    "codegen": {"expressions", "ir", "kernels", "layout", "target"},
    "instructions": {"codegen", "expressions", "fuse", "ir", "kernels", "layout", "target"},
    "plan": {"expressions", "fuse", "instructions", "layout"},
    "schedule": {"instructions", "layout", "plan"},
    "emit": {"codegen", "ir", "layout", "schedule", "target"},
    "cache": set(),
    "runtime": {"cache", "ir", "kernels", "layout", "target"},
    "debug": {"fuse", "instructions", "layout", "schedule"},
    "program": {"debug", "emit", "layout", "runtime", "schedule", "target"},
}
LARGEST_FILE = 400
LARGEST_FUNCTION = 70
MOST_PRIMITIVES = 65  # the last: `custom_call`, a rule of the user's, is no composition; those of
# attention hold no matrix of weights, for which a composition takes several
# Functions that are no compositions of others, or only with a loss of digits; each family's tests
# go through all of its members.
UNLIMITED_FAMILIES = {"linalg", "special", "fft", "complex"}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "misc", "common_utils", "stuff"}


@pytest.fixture(scope="module", autouse=True)
def _source_in_memory() -> Iterator[None]:
    """Millions of nodes, without a collector that looks at each again and again, and then gone."""
    gc.disable()
    yield
    gc.enable()
    for cached in (imported, nodes, parsed):
        cached.cache_clear()


def package_of(path: Path) -> str:
    """`trace` for `chainrule/trace/index.py`, `tree` for `chainrule/tree.py`."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


PACKAGES = sorted({package_of(path) for path in FILES})


@cache
def imported(path: Path) -> tuple[tuple[str, int], ...]:
    """Dotted names of all that a file imports, however late or for types alone, with the line."""
    parts = ("chainrule", *path.relative_to(SOURCE).with_suffix("").parts)
    is_package = path.name == FACADE
    name = ".".join(parts[:-1] if is_package else parts)
    return tuple(imports(name, parsed(path), is_package))


def module_file(name: str) -> Path | None:
    """The file of a dotted name, or of the module that it is a member of."""
    parts = name.split(".")[1:]
    while parts:
        for path in (SOURCE.joinpath(*parts, FACADE), SOURCE.joinpath(*parts).with_suffix(".py")):
            if path.exists():
                return path
        parts.pop()
    return None


@pytest.mark.parametrize("own", PACKAGES)
def test_a_module_imports_only_lower_layers(own: str) -> None:
    """The facade may import all; nobody imports the facade; the rest look down."""
    paths = [path for path in package_files(own) if path != SOURCE / FACADE]
    assert own in LEVEL or own == "__main__" or not paths, f"{own}: give it a line in LAYERS"
    for path, (name, line) in ((p, found) for p in paths for found in imported(p)):
        where = f"{path.relative_to(SOURCE)}:{line}"
        assert name != "chainrule", f"{where} imports the facade"
        if name.startswith("chainrule."):
            other = name.split(".")[1]
            assert other in LEVEL, f"{where} imports {other} from the facade"
            assert other == own or LEVEL[other] < LEVEL[own], f"{where}: {own} imports {other}"


@pytest.mark.parametrize("package", sorted(HOMES))
def test_a_third_party_package_has_one_home(package: str) -> None:
    """What is heavy or may be replaced is imported where it belongs and nowhere else."""
    users = {
        package_of(path)
        for path in FILES
        for name, _ in imported(path)
        if name.split(".")[0] == package
    }
    assert users <= HOMES[package]


def private_imports(path: Path) -> set[str]:
    """Dotted names with an underscore in front of a part that a file imports from elsewhere."""
    names = {name for name, _ in imported(path) if name.split(".")[0] not in ("chainrule", "")}
    return {
        name for name in names
        if any(re.match(r"_(?!_)", part) for part in name.split(".")) and name[0] != "_"
    }  # fmt: skip


def test_private_names_of_other_libraries_are_imported_in_one_file() -> None:
    """Of scikit-learn's, in the file that says with which versions they were tested; of NumPy's, in
    the one that does without where they are not as expected.
    """
    users = {path.relative_to(SOURCE).as_posix() for path in FILES if private_imports(path)}
    assert users == {"estimators/sklearn_private.py", "backends/llvm/kernels/fourier.py"}
    from_sklearn = private_imports(SOURCE / "estimators" / "sklearn_private.py")
    assert all(name.startswith("sklearn.") for name in from_sklearn)


def test_no_cycles_between_files() -> None:
    """Also inside one package, the files have an order, be it for types alone."""
    assert [] == circles(import_graph(SOURCE))


def test_stages_of_the_native_compiler_have_an_order() -> None:
    """Each folder imports what its line allows; the table itself runs one way, and lists all."""
    compiler = SOURCE / "backends" / "llvm"
    folders = {path.name for path in compiler.iterdir() if (path / FACADE).exists()}
    assert set(STAGES) == folders
    for k, allowed in enumerate(STAGES.values()):
        assert allowed <= set(list(STAGES)[:k])
    prefix = "chainrule.backends.llvm."
    for stage, allowed in STAGES.items():
        for path in (compiler / stage).rglob("*.py"):
            for name, line in imported(path):
                other = (
                    name.removeprefix(prefix).split(".")[0] if name.startswith(prefix) else stage
                )
                where = f"{path.relative_to(SOURCE)}:{line}"
                assert other == stage or other in allowed, f"{where}: {stage} imports {other}"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_file_fits_a_reader(package: str) -> None:
    """Files of at most 400 lines, functions of at most 70 with their docstrings left out; each
    begins with its purpose.
    """
    for path in package_files(package):
        text, name = path.read_text(encoding="utf-8"), path.relative_to(SOURCE)
        assert text.count("\n") <= LARGEST_FILE, f"split {name}"
        tree = parsed(path)
        assert ast.get_docstring(tree), f"{name} has no docstring"
        assert [] == [f"{name}: {f}" for f, n in lengths(tree) if n > LARGEST_FUNCTION]


def lengths(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Functions and their lines, without the docstring."""
    for node in nodes(tree):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            yield node.name, (node.end_lineno or 0) - first.lineno + 1


def test_names_say_what_is_inside() -> None:
    """No file or folder is called utils or helpers."""
    found = {part.removesuffix(".py") for name in NAMES for part in Path(name).parts}
    assert not found & FORBIDDEN_NAMES


def identifiers(root: ast.Module) -> Iterator[tuple[str, int]]:
    """Names of functions, classes, parameters, variables and attributes that a file defines."""
    for node in nodes(root):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno


@pytest.mark.parametrize("package", sorted(LEVEL))
def test_names_are_nouns_of_the_field(package: str) -> None:
    """No identifier is, or has as a word of it, what could be said of anything."""
    for path in package_files(package):
        for name, line in identifiers(parsed(path)):
            words = set(name.strip("_").lower().split("_"))
            banned = set() if name in EXEMPT_NAMES else words & BANNED_WORDS
            assert not banned, f"{path.relative_to(SOURCE)}:{line} {name}"


@pytest.mark.parametrize("package", UNIQUE_NAMES_HOLD)
def test_a_name_means_one_thing_in_a_package(package: str) -> None:
    """No function, class or constant is defined at the top of two files of a package."""
    homes: dict[str, set[str]] = {}
    for path in package_files(package):
        for node in parsed(path).body:
            names: list[str] = []
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                names = [node.name]
            elif isinstance(node, ast.Assign) and not is_type_variable(node.value):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names = [node.target.id]
            for name in set(names) - RULE_NAMES:
                homes.setdefault(name, set()).add(str(path.relative_to(SOURCE)))
    assert {} == {name: files for name, files in homes.items() if len(files) > 1}


def is_type_variable(value: ast.expr) -> bool:
    """Whether a constant is a variable of the type system, whose names are local by custom."""
    made_by = getattr(getattr(value, "func", None), "id", "")
    return made_by in ("TypeVar", "ParamSpec", "TypeVarTuple")


def package_files(package: str) -> list[Path]:
    """The files of a package, or the one of a module."""
    return [path for path in FILES if package_of(path) == package]


def test_few_primitives() -> None:
    """The rest of NumPy is a composition of at most 65."""
    limited = [p for p in REGISTRY.values() if p.spec["family"] not in UNLIMITED_FAMILIES]
    assert len(limited) <= MOST_PRIMITIVES


def test_nobody_outside_backends_knows_one() -> None:
    """Only `chainrule.backends` itself is imported from outside, and it offers the reference."""
    for path in FILES:
        if package_of(path) == "backends":
            continue
        for name, line in imported(path):
            file = module_file(name) if name.startswith("chainrule.backends") else None
            allowed = file is None or file.name in (FACADE, "base.py")
            assert allowed, f"{path.relative_to(SOURCE)}:{line} imports {name}"
    assert next(iter(BACKENDS)) == "numpy"


def writes(path: Path) -> Iterator[int]:
    """The lines that write a file, or open one to write to it."""
    for node in nodes(parsed(path)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        of = getattr(getattr(node.func, "value", None), "id", "")
        texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
        modes = [t for t in texts if isinstance(t, str) and re.fullmatch("[rwaxbt+]{1,4}", t)]
        modes += [k.value.value for k in node.keywords
                  if k.arg == "mode" and isinstance(k.value, ast.Constant)]  # fmt: skip
        opens = name in ("open", "fdopen") and any(set(str(mode)) & set("wax+") for mode in modes)
        saves = name in WRITERS or (of == "os" and name in ("replace", "rename", "open"))
        if opens or saves or (name == "to_csv" and node.args):
            yield node.lineno


WRITERS = {"write_text", "write_bytes", "save_file", "savez", "savez_compressed", "savetxt",
           "to_parquet", "mkstemp", "NamedTemporaryFile", "copyfile", "copy2", "touch"}  # fmt: skip


def test_one_way_to_write_a_file() -> None:
    """Whatever is written goes by `chainrule.files`, whole or not at all."""
    allowed = {
        "files.py",
        "container.py",  # opens to read, without waiting for pipes
        "cli/console.py",  # closes standard output
    }
    found = {
        name: lines
        for path, name in zip(FILES, NAMES, strict=True)
        if (lines := list(writes(path))) and name not in allowed
    }
    assert {} == found
    assert list(writes(SOURCE / "files.py"))


def test_this_test_sees() -> None:
    """The reader of imports finds relative, late and lazy ones."""
    names = {name for name, _ in imported(SOURCE / "explain" / "show.py")}
    assert {"rich.table", "chainrule.graph.types.Type"} <= names
    assert module_file("chainrule.graph.types.Type") == SOURCE / "graph" / "types.py"


def test_modules_leave_each_others_private_names_alone() -> None:
    """Fewer than 20 uses are left: tracers' nodes, and what NumPy and scikit-learn do not offer."""
    assert len(private_uses(SOURCE)) < 20
