#!/usr/bin/env bash
# NumPy 2.4.6.
# x.ravel() is commonly read as x.reshape(-1): both flatten, "a copy is made only if needed". For a
# reversed or strided array of one axis none is needed, and reshape(-1) gives a view. ravel() gives
# a copy all the same, since it promises memory that lies side by side; what is written into it
# does not reach x.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import numpy as np

found = {}
for name, part in (("reversed", slice(None, None, -1)), ("every other", slice(None, None, 2))):
    x = np.arange(6.0)
    view = x[part]
    found[name] = (np.shares_memory(x, view.reshape(-1)), np.shares_memory(x, view.ravel()))
    print(f"{name}: reshape(-1) is a view: {found[name][0]}, ravel() is a view: {found[name][1]}")
raise SystemExit(0 if set(found.values()) == {(True, False)} else 1)
PY
