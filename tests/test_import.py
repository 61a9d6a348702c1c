"""`import chainrule` is cheap: what only training or showing needs is loaded when they start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule as cr

HEAVY = ["gymnasium", "llvmlite", "matplotlib", "onnx", "pandas", "pyarrow", "rich", "safetensors",
         "scipy", "sklearn", "typer"]  # fmt: skip
LISTED = "; import json, sys; print(json.dumps(sorted(sys.modules)))"


def loaded_by(code: str) -> set[str]:
    """The top-level modules in memory after a fresh interpreter has run `code`."""
    done = subprocess.run(
        [sys.executable, "-c", code + LISTED], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize(
    "code",
    [
        "import chainrule",
        "import chainrule as cr; cr.grad(lambda x: x**3)(2.0)",
        "import chainrule as cr; cr.nn, cr.optim, cr.losses, cr.random",
    ],
)
def test_import_loads_nothing_heavy(code: str) -> None:
    """NumPy and optree are enough to differentiate and to build a network."""
    assert loaded_by(code).isdisjoint(HEAVY)


def test_the_lazy_modules_come_when_asked_for() -> None:
    """A bare import defines no nn; reading `cr.nn` gives it."""
    import_alone = "import chainrule, sys; assert 'chainrule.nn' not in sys.modules"
    assert "chainrule" in loaded_by(import_alone)
    for name in ("data", "estimators", "export", "losses", "nn", "optim", "random", "train"):
        assert getattr(cr, name).__name__ == f"chainrule.{name}"
        assert name in dir(cr)
    with pytest.raises(AttributeError, match="'gradient'"):
        cr.gradient  # noqa: B018


def test_every_public_name_is_there() -> None:
    """`__all__` holds what can be had, each once and in order."""
    assert cr.__all__ == sorted(set(cr.__all__))
    assert all(hasattr(cr, name) for name in cr.__all__)


@pytest.mark.parametrize(
    ("absent", "code"),
    [
        (
            "pyarrow",
            "from chainrule import TabularClassifier; from chainrule.data import read_table; "
            "open('t.csv', 'w').write('size,colour,kind\\n' + '1,red,a\\n2,blue,b\\n' * 30); "
            "table = read_table('t.csv').frame; "
            "model = TabularClassifier((16,), max_iter=30, n_members=1, random_state=0); "
            "model.fit(table[['size', 'colour']], table.kind); "
            "assert model.predict(table[['size', 'colour']]).tolist() == ['a', 'b'] * 30",
        ),
        (
            "pandas",
            "import numpy as np; from chainrule import MLPClassifier; "
            "x = np.linspace(-1, 1, 40)[:, None]; "
            "model = MLPClassifier(random_state=0, solver='lbfgs').fit(x, x[:, 0] > 0); "
            "assert model.predict(x).tolist() == [False] * 20 + [True] * 20",
        ),
        (
            "gymnasium",
            "import numpy as np; from chainrule import random; "
            "from chainrule.rl.environments import CartPole; "
            "keys = random.split(random.key(0), 2); environment = CartPole(); "
            "state, observation = environment.reset(keys); "
            "assert environment.step(state, np.array([0, 1]), keys)[1].shape == (2, 4)\n"
            "try:\n    environment.action_space\n"
            "except ModuleNotFoundError as error:\n    assert 'chainrule[rl]' in str(error)\n"
            "else:\n    raise SystemExit(1)",
        ),
    ],
)
def test_works_without(absent: str, code: str, tmp_path: Path) -> None:
    """Tables need no pyarrow, arrays no pandas, and environments no Gymnasium but for spaces."""
    (tmp_path / f"{absent}.py").write_text(
        f"raise ModuleNotFoundError({absent!r}, name={absent!r})"
    )
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
