#!/usr/bin/env bash
# SciPy 1.17.1 with NumPy 2.4.6: scipy.optimize.least_squares, method "trf", without bounds.
# Documented to take fewer residuals than unknowns (only "lm" does not). Of the one residual
# x0 - 2 in two unknowns, from (0, 0), it returns x0 = 1, "`ftol` termination condition is
# satisfied", success, with a gradient of 1 where the tolerance is 1e-8; "dogbox" finds x0 = 2.
# For a Jacobian without full column rank the step is put on the boundary of the trust region,
# however near the minimum is (`solve_lsq_trust_region` has an inner solution for full rank only):
# from x0 = 1 a step of 2 leads to 3, as far beyond the minimum. Then the reductions, the actual one
# and the predicted one, are both 0, their ratio counts as 1, and that as convergence.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 scipy==1.17.1
"$work/venv/bin/python" -W error - <<'PY'
import numpy as np
from scipy.optimize import least_squares

points = []


def residual(x):
    points.append(x.copy())
    return x[:1] - 2.0


def jacobian(x):
    return np.array([[1.0, 0.0]])


result = least_squares(residual, np.zeros(2), jacobian)
other = least_squares(residual, np.zeros(2), jacobian, method="dogbox")
print("trf:   ", result.x, result.message, f"optimality {result.optimality}", points[:3])
print("dogbox:", other.x, other.message)
stopped_short = result.success and result.x[0] == 1.0 and result.optimality == 1.0
raise SystemExit(0 if stopped_short and abs(other.x[0] - 2.0) < 1e-8 else 1)
PY
