#!/usr/bin/env bash
# NumPy 2.4.6 (2.3.2 does the same).
# np.einsum's optimize= names how the order of several products is searched: "greedy" or "optimal".
# Expected: a misspelt name is an error, however many arrays there are. With one or two operands any
# name passes in silence, so that a call with optimize="optimum" works until a third array comes; then
# it is a KeyError whose text was never put together ('Path name %s not found', 'optimum').
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import numpy as np

a = np.eye(3)
two = np.einsum("ij,jk->ik", a, a, optimize="optimum")
print("two operands: no error, the product is right:", bool((two == a).all()))
try:
    np.einsum("ij,jk,kl->il", a, a, a, optimize="optimum")
except KeyError as error:
    print("three operands: KeyError", error.args)
    raise SystemExit(0 if "%s" in error.args[0] else 1)
raise SystemExit(1)
PY
