"""Compiled code that is made once for all tests of what is trained and said, by any process.

Most of their time was the compiler's, which is the same for each test of a kind of network. The
compiler's own tests, and those of all that makes graphs, compile as ever. The code lies in the
folder that ``CHAINRULE_TEST_CODE`` names, which several runs may share, else in one of this run.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

TESTS = Path(__file__).parent
SHARING = {"cli", "docs", "estimators", "examples", "notebook", "report", "rl", "train"}
SHARING_FILES = {"test_doctests.py"}
# Of which value and which graph a function has, in code of any level, whose bits are the same
RULES = {
    "autodiff", "control", "debug", "explain", "export", "graph", "losses", "nn", "optim",
    "primitives", "random", "reach", "scipy_rules", "signal", "solvers", "trace",
}  # fmt: skip
CODE = {"backends", "transforms"}


def install() -> None:
    """Choose the folder, in which processes that tests start have their code, too."""
    folder = os.environ.get("CHAINRULE_TEST_CODE")
    if not folder:
        owner = os.getpid()
        folder = os.environ["CHAINRULE_TEST_CODE"] = tempfile.mkdtemp(prefix="chainrule-tests-")
        atexit.register(lambda: os.getpid() == owner and shutil.rmtree(folder, ignore_errors=True))
    os.environ["CHAINRULE_CACHE_DIR"] = f"{folder}/optimised"


def mebibytes(path: Path) -> int:
    """How many of them the code may have that a test makes: none, unless the test shares it."""
    first = _first(path)
    return 2048 if first in SHARING or first in SHARING_FILES else 0


def is_about_rules(path: Path) -> bool:
    """Whether a test's subject is what is computed, and not the code that computes it."""
    return _first(path) in RULES


def is_about_code(path: Path) -> bool:
    """Whether it is the code, how it is kept and called."""
    return _first(path) in CODE


def _first(path: Path) -> str:
    return path.relative_to(TESTS).parts[0]
