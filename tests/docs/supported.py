"""The tables of docs/numpy.md: each form of each function, proved.

``python tests/docs/supported.py`` proves all forms of ``tests/reach`` (some minutes; ``--jobs 4``
has four processes do it) and writes what holds into the document. With names of modules or
functions (``scipy.fft numpy.einsum``) only their forms are proved, and those that the document does
not have yet. A number that is wrong is printed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from textwrap import fill

sys.path += [str(Path(__file__).parents[1] / folder) for folder in ("", "reach")]

from proving import WRONG, Proof, prove
from registry import SEED, all_forms
from tables import key_of, read, written

from chainrule.trace.tracer import METHODS, UFUNC_METHODS

DOCUMENT = Path(__file__).parents[2] / "docs" / "numpy.md"
BEGIN = "<!-- begin: written by tests/docs/supported.py -->\n"
END = "<!-- end -->\n"
BEGIN_COUNTS = "<!-- begin: counted by tests/docs/supported.py -->\n"
END_COUNTS = "<!-- end of the counts -->\n"


def listed(title: str, names: Iterable[str]) -> str:
    """A heading and a paragraph of names."""
    shown = ", ".join(f"`{name}`" for name in sorted(set(names)))
    return f"## {title}\n\n{fill(shown, 100, break_long_words=False, break_on_hyphens=False)}\n"


def methods() -> str:
    """The lists of methods, which do what the functions of their names do."""
    of_arrays = [name for name in METHODS if not name.startswith("__")]
    of_ufuncs = [".".join(pair) for pair in UFUNC_METHODS]
    return "\n".join([listed("Methods of arrays", of_arrays),
                      listed("Methods of ufuncs", of_ufuncs)])  # fmt: skip


def document(numbers: str, tables: str) -> str:
    """The whole document with other counts and tables."""
    text = DOCUMENT.read_text(encoding="utf-8")
    text = _between(text, BEGIN_COUNTS, END_COUNTS, numbers)
    return _between(text, BEGIN, END, f"{tables}\n{methods()}\n")


def _between(text: str, begin: str, end: str, new: str) -> str:
    head, rest = text.split(begin)
    return f"{head}{begin}{new}{end}{rest.split(end)[1]}"


def _prove(number: int) -> Proof:
    return prove(all_forms()[number], SEED)


def main() -> int:
    """Prove all, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="modules or functions (default all)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default 1)")
    arguments = parser.parse_args()
    forms, names = all_forms(), set(arguments.names)
    said = read(DOCUMENT.read_text(encoding="utf-8")) if names else {}
    numbers = [
        number for number, form in enumerate(forms)
        if key_of(form) not in said or names & {form.module, f"{form.module}.{form.function}"}
    ]  # fmt: skip
    with ProcessPoolExecutor(arguments.jobs) as pool:
        proved = dict(zip(numbers, pool.map(_prove, numbers, chunksize=20), strict=True))
    proofs = {form: proved.get(k) or said[key_of(form)] for k, form in enumerate(forms)}
    DOCUMENT.write_text(document(*written(proofs)), encoding="utf-8")
    wrong = [(form, proof) for form, proof in proofs.items() if WRONG in proof.cells]
    for form, proof in wrong:
        print(f"{form.key}\n  {proof.reason}", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
