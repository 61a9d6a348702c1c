"""Statements about the libraries: lists of names, signatures and defaults in documents."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from blocks import blocks, run

from chainrule import losses, nn, optim, random, signal, train
from chainrule.config import configured

ROOT = Path(__file__).parents[2]
DOCS = {path.stem: path.read_text(encoding="utf-8") for path in ROOT.glob("docs/*.md")}
README = (ROOT / "README.md").read_text(encoding="utf-8")
LIBRARIES = {
    library.__name__.rpartition(".")[2]: library
    for library in (losses, nn, optim, random, signal, train)
}
PUBLIC = [
    (library, name, getattr(library, name))
    for library in LIBRARIES.values()
    for name in library.__all__
    if inspect.isfunction(getattr(library, name)) or inspect.isclass(getattr(library, name))
]
OPTIMIZERS = {"adam", "adamw", "lion", "rmsprop", "sgd"}
SCHEDULES = {
    "constant", "cosine_decay", "inverse_scaling", "one_cycle", "polynomial_decay", "step_decay",
    "warmup",
}  # fmt: skip
LITERAL = r'(?:"[^"]*"|`\w+`|``[^`]*``|\(\)|[-+\w]+(?:\.\d+)?(?:e-?\d+)?)'
DEFAULT = re.compile(rf"\bDefault ({LITERAL}(?:(?:,| and) {LITERAL})*)(?=[.,:;)]|\s|$)")


def named(text: str) -> set[str]:
    """The names in backticks."""
    return set(re.findall(r"`(\w+)`", text))


def paragraph(document: str, start: str) -> str:
    """The paragraph or list item of a document in which a phrase stands."""
    parts = re.split(r"\n\n|\n- ", DOCS[document])
    (part,) = [part for part in parts if start in part.replace("\n", " ")]
    return part


def public_functions(library: ModuleType, module: str) -> set[str]:
    """The public functions of a library that one of its modules defines."""
    return {
        name
        for name in library.__all__
        if inspect.isfunction(value := getattr(library, name))
        and value.__module__ == f"{library.__name__}.{module}"
    }


def test_the_guide_lists_all_optimizers_and_schedules() -> None:
    """docs/training.md names each; the lists here are those of the modules."""
    modules = ("optimizers", "lion")
    assert OPTIMIZERS == {n for module in modules for n in public_functions(optim, module)}
    assert SCHEDULES == public_functions(optim, "schedules")
    text = paragraph("training", "an optimiser is a pair of pure functions")
    assert OPTIMIZERS | SCHEDULES <= named(text)


def test_the_guide_lists_all_losses_activations_and_initializers() -> None:
    """docs/training.md names each."""
    assert set(losses.__all__) <= named(paragraph("training", "is any function that returns"))
    text = paragraph("training", "activations (")
    assert public_functions(nn, "activations") <= named(text)
    assert public_functions(nn, "initializers") <= named(text)


def test_the_guides_name_all_layers() -> None:
    """Each public layer is in docs/layers.md, recurrent.md, training.md or images.md."""
    text = "".join(DOCS[name] for name in ("layers", "recurrent", "training", "images"))
    words = set(re.findall(r"\w+", text))
    layers = {
        name
        for library, name, value in PUBLIC
        if library is nn and inspect.isclass(value) and issubclass(value, nn.Module)
    }
    assert layers - words - {"Module"} == set()


def test_the_guide_names_all_of_signal() -> None:
    """docs/audio.md lists what is worth knowing; what it names is there."""
    shown = named(paragraph("audio", "`signal` has"))
    assert shown <= {*signal.__all__, "signal"}


@pytest.mark.parametrize("document", [*DOCS, "README"])
def test_names_in_documents_exist(document: str) -> None:
    """Each ``nn.x``, ``optim.x``, ... of a document is public."""
    text = README if document == "README" else DOCS[document]
    text = text.partition("## How to read the tables")[0]  # after which `signal` is SciPy's
    pattern = rf"(?<![\w.])({'|'.join(LIBRARIES)})\.([A-Za-z_]\w*)"
    for library, name in re.findall(pattern, text):
        assert name in ("md", "py", *LIBRARIES[library].__all__), f"{library}.{name}"


def test_defaults_of_fit_are_those_of_the_guide() -> None:
    """docs/training.md prints five of them."""
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(train.fit).parameters.items()
    }
    text = paragraph("training", "The defaults are")
    stated = dict(re.findall(r"`(\w+)=([\d.]+)`", text))
    assert len(stated) == 5
    assert {name: str(defaults[name]) for name in stated} == stated


def test_signatures_in_the_guide_of_layers() -> None:
    """``Name(argument, ...)`` in backticks has the parameters that the class has, in order."""
    shown = re.findall(r"`(?:nn\.)?(\w+)\(((?:\w+(?:=[\w.]+)?(?:, )?)+)\)`", DOCS["layers"])
    checked = [(name, arguments) for name, arguments in shown if name in nn.__all__]
    assert len(checked) >= 7
    for name, arguments in checked:
        parameters = list(inspect.signature(getattr(nn, name)).parameters.values())
        stated = arguments.split(", ")
        actual = [
            p.name if p.default is p.empty else f"{p.name}={p.default}"
            for p in parameters[: len(stated)]
        ]
        assert actual == stated, name


def test_accuracy_of_the_readme() -> None:
    """Its network reads "about 97 %" of the digits that it has not seen."""
    names: dict[str, Any] = {"__name__": "example"}
    with configured(check=0):
        for block in blocks(README):
            if block.language == "python" and "accuracy" not in names:
                run(block.text, names, "example.py")
    assert 0.965 <= names["accuracy"] < 0.985


def documented_defaults(docstring: str) -> list[tuple[list[str], list[str]]]:
    """Names and stated defaults of each entry of a docstring's parameters that states any."""
    section = re.search(r"Parameters\n-+\n(.*?)(?:\n\n[A-Z][\w ]+\n-+\n|\Z)", docstring, re.DOTALL)
    if section is None:
        return []
    entries = re.split(r"\n(?=\S)", section[1])
    found = []
    for entry in entries:
        head, _, body = entry.partition("\n")
        names = head.partition(" : ")[0].split(", ")
        stated = DEFAULT.search(" ".join(body.split()))
        if stated is not None:
            found.append((names, re.split(r", | and ", stated[1])))
    return found


def rendered(default: Any) -> set[str]:
    """How a docstring may write a default."""
    if isinstance(default, str):
        return {f'"{default}"'}
    if callable(default):
        name = getattr(default, "__name__", str(default))
        return {f"`{name}`", name}
    if isinstance(default, float):
        texts = {repr(default), f"{default:g}", f"{default:f}".rstrip("0").rstrip(".")}
        return texts | {f"{default:e}".replace("e-0", "e-").replace(".000000", "")}
    return {repr(default), f"`{default}`"}


@pytest.mark.parametrize(
    ("library", "name", "value"), PUBLIC, ids=[f"{m.__name__[10:]}.{n}" for m, n, _ in PUBLIC]
)
def test_defaults_in_docstrings(library: ModuleType, name: str, value: Any) -> None:
    """ "Default x" in a docstring is the default of the signature."""
    parameters = inspect.signature(value).parameters
    for names, stated in documented_defaults(inspect.getdoc(value) or ""):
        if len(names) == 1:  # "Default 0, plain gradient descent": the rest explains
            stated = stated[:1]
        elif len(stated) == 1:
            stated = stated * len(names)
        for parameter, text in zip(names, stated, strict=True):
            default = parameters[parameter].default
            if default is None:  # the text says what stands in its place
                continue
            if text not in rendered(default):
                raise AssertionError(f"{name}: {parameter} is {default!r} by default, not {text}")
