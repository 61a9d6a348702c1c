#!/usr/bin/env bash
# SciPy 1.17.1 with NumPy 2.4.6.
# scipy.linalg.solve_continuous_are(a, b, q, r, e=e) solves the generalized Riccati equation
#   a' X e + e' X a - e' X b r^-1 b' X e + q = 0.
# By default it balances the matrices first (balanced=True), which should change rounding only. Where
# that has an effect and e is not diagonal, the answer does not solve the equation at all: its residual
# is as large as the matrices, and nothing is raised (or an error about eigenvalues too close to the
# imaginary axis, where there are none). With balanced=False it is solved to 11 digits; with e
# diagonal, in both ways. Four matrices are drawn for which balancing has an effect.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 scipy==1.17.1
"$work/venv/bin/python" - <<'PY'
import numpy as np
from scipy.linalg import solve_continuous_are



def residuals(seed):
    """Largest residual with balancing, without it, and with a diagonal e."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(3, 3)), rng.normal(size=(3, 2))
    e = np.eye(3) + 0.4 * rng.normal(size=(3, 3))
    a = a @ np.diag([1.0, 10.0, 0.1])
    q, r = np.eye(3), np.eye(2)
    results = []
    for matrix, balanced in ((e, True), (e, False), (np.diag(np.diag(e)), True)):
        x = solve_continuous_are(a, b, q, r, e=matrix, balanced=balanced)
        left = a.T @ x @ matrix + matrix.T @ x @ a - matrix.T @ x @ b @ b.T @ x @ matrix + q
        results.append(float(np.abs(left).max()))
    return results


rows = [residuals(seed) for seed in (18, 47, 60, 66)]
for balanced, plain, diagonal in rows:
    print(f"residual {balanced:.1e} balanced, {plain:.1e} not balanced, {diagonal:.1e} e diagonal")
wrong = all(row[0] > 0.1 and row[1] < 1e-9 and row[2] < 1e-9 for row in rows)
raise SystemExit(0 if wrong else 1)
PY
