"""docs/numpy.md says of each function what holds: a twentieth of it is proved anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import DRAWS
from forms import Form, free_names, written
from proving import NATIVE, NONE, REFERENCE, REFUSED, RIGHT, WRONG, prove
from public import AROUND, WHOLE, WITHOUT_FORM, public_functions, reasons
from registry import SEED, all_forms, is_in_twentieth
from tables import counts, key_of, read, versions

import chainrule as cr
from chainrule.scipy_rules import MODULES
from chainrule.trace.interception import rules
from chainrule.trace.patches import patches

DOCUMENT = (Path(__file__).parents[2] / "docs" / "numpy.md").read_text(encoding="utf-8")
SAME_VERSIONS = f"With {versions()}:" in DOCUMENT
PARTS = 12
documented = pytest.mark.skipif(
    not SAME_VERSIONS, reason="the document is about other versions of NumPy and SciPy"
)


@documented
@pytest.mark.parametrize("part", range(PARTS))
def test_a_twentieth_of_the_document(part: int) -> None:
    """What a form gives is what its row says. After a change: python tests/docs/supported.py."""
    said = read(DOCUMENT)
    differences = []
    for form in [form for form in all_forms() if is_in_twentieth(form)][part::PARTS]:
        cells = prove(form, SEED).cells
        row = said[key_of(form)].cells
        if cr.config.backend != "llvm":
            cells = cells._replace(code=row.code)
        if cells != row:
            differences.append(f"{form.key}: {cells}, and the document says {row}")
    assert not differences, "\n".join(differences)


@documented
def test_the_document_has_all_forms_and_no_others() -> None:
    """Each form has one row, nothing is wrong, and the counts are those of the rows."""
    said = read(DOCUMENT)
    assert {key_of(form) for form in all_forms()} == set(said)
    assert not [key for key, proof in said.items() if WRONG in proof.cells]
    assert counts({key: proof.cells for key, proof in said.items()}) in DOCUMENT


@documented
@pytest.mark.parametrize("module", WHOLE)
def test_every_public_function_has_a_form_or_a_reason(module: str) -> None:
    """What is new in a module is asked for."""
    with_form = {form.function for form in all_forms() if form.module == module}
    without = set(reasons(module))
    public = public_functions(module)
    assert public - with_form - without == set()
    assert without - public == set() == without & with_form
    assert set(AROUND.get(module, "").split()) <= with_form | (without | public)
    assert set(WITHOUT_FORM) <= set(WHOLE)


@documented
def test_every_rule_has_a_form() -> None:
    """Of the modules of which not all functions are listed: what is entered for its value."""
    patches.load_rules()
    with_form = {(form.module, form.function) for form in all_forms()}
    modules = {f"scipy.{name}" for name in MODULES} - set(WHOLE) - {"scipy.stats"}
    modules |= {"scipy.sparse.linalg", "scipy.spatial.distance", "scipy.spatial.transform"}
    without = {
        (module, name)
        for module, name in rules()
        if module in modules - {"scipy.sparse"}  # whose rules are methods of all its classes
        and not {(module, name), (module, name.split(".")[0])} & with_form
    }
    assert set() == without


def double(x: Any, factor: float) -> Any:
    """2 x, and another multiple where it is traced."""
    return x * (2.0 if type(x) is np.ndarray else factor)  # `==` would be true of a traced one


def lost(x: Any) -> Any:
    """x**2 with half of its slope."""
    return x * cr.stop_gradient(x)


@pytest.mark.parametrize(
    ("call", "cells"),
    [
        (lambda x: double(x, 2.0), (RIGHT,) * 5),
        (lambda x: double(x, 2.001), (WRONG, WRONG, WRONG, NONE, WRONG)),
        (lambda x: lost(x), (RIGHT, WRONG, WRONG, NONE, RIGHT)),
        (lambda x: np.floor(x), (RIGHT, NONE, NONE, NONE, RIGHT)),
        (lambda x: np.frompyfunc(abs, 1, 1)(x).astype(float), (REFUSED,) * 5),
        (lambda x: x[x > 0], (RIGHT,) * 5),
    ],
)
def test_the_prover_tells_right_from_wrong(call: Any, cells: tuple[str, ...]) -> None:
    """Planted mistakes are called so."""
    form = Form("here", "planted", "", call, (np.array([0.3, -1.2, 0.8]),))
    assert prove(form, 0).cells[:5] == cells


def test_the_prover_sees_who_computes() -> None:
    """A product is native; what has no native code is the reference's."""
    native, reference = written("numpy", {"add": "np.add(x, y)", "unwrap": "np.linalg.svd(A)"})
    if cr.config.backend == "llvm":
        assert (NATIVE, REFERENCE) == (prove(native, 0).cells.code, prove(reference, 0).cells.code)


def test_forms_are_drawn_from_their_seed() -> None:
    """The same numbers for a seed; no form has a name of a letter by accident."""
    (form,) = written("numpy", {"add": "np.add(x, 2.0 * s)"})
    assert form.drawn == ("x", "s") == free_names(form.text)
    first, again, other = form.draw(1), form.draw(1), form.draw(2)
    assert np.array_equal(first[0], again[0]) and not np.array_equal(first[0], other[0])
    assert all(name in DRAWS for form in all_forms() for name in form.drawn)
    assert "|" not in "".join(form.text for form in all_forms())
