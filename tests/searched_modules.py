"""Of the tests' modules a trace searches only that of the test that runs, and what others import.

While a function is traced, NumPy's names are exchanged in all modules of the user that are loaded.
In a process that has collected all tests these are hundreds, and a trace takes twice its time.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from chainrule.forks import intercepting
from chainrule.trace import patches as exchanged

# Packages that hold NumPy, and that no test traces
UNTRACED = {
    "PIL", "anyio", "google", "joblib", "ml_dtypes", "mpmath", "narwhals", "onnx", "onnxruntime",
    "openpyxl", "optuna", "packaging", "pyarrow", "pygments", "rich", "safetensors", "starlette",
}  # fmt: skip


def search_only(module: ModuleType) -> None:
    """Leave out the modules of all other tests, from now on."""
    patches = exchanged.patches
    others = _alone() - {module.__name__}
    with intercepting:
        exchanged._NOT_SEARCHED.difference_update(_alone())
        exchanged._NOT_SEARCHED.update(others, UNTRACED)
        for name in [name for name in sys.modules if not exchanged.is_searched(name)]:
            namespace = id(getattr(sys.modules.get(name), "__dict__", None))
            patches.aliases.pop(namespace, None)
            patches.sizes.pop(namespace, None)
        patches.loaded = -1


@cache
def _alone() -> frozenset[str]:
    """The modules of tests, which are collected by now, that no other module imports."""
    modules = [module for module in sys.modules.values() if isinstance(module, ModuleType)]
    tests = {module.__name__ for module in modules if module.__name__.startswith("test_")}
    imported = {
        value.__name__
        for module in modules
        if (getattr(module, "__file__", None) or "").startswith(_FOLDER)
        for value in list(vars(module).values())
        if isinstance(value, ModuleType)
    }
    return frozenset(tests - imported)


_FOLDER = str(Path(__file__).parent)
