#!/usr/bin/env bash
# SciPy 1.17.1 with NumPy 2.4.6.
# scipy.special.zeta(x, q) is the Hurwitz zeta function; with q=1 it is Riemann's, which is also what
# zeta(x) computes, and the documentation gives q=None as the same as q=1. For x > 1 the two calls
# agree to the last bits. Below 1 zeta(x) continues the function analytically (-1.46 at 1/2, -1/12 at
# -1), while zeta(x, 1.0) is nan: the same number, by the argument that should change nothing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 scipy==1.17.1
"$work/venv/bin/python" - <<'PY'
import math

from scipy.special import zeta

for x in (2.0, 0.5, -1.0):
    print(f"x {x:4}  zeta(x) {zeta(x):.6f}  zeta(x, 1.0) {zeta(x, 1.0):.6f}")
same = math.isclose(zeta(2.0), zeta(2.0, 1.0), rel_tol=1e-14)
below = math.isclose(zeta(0.5), -1.4603545088, rel_tol=1e-9) and math.isnan(zeta(0.5, 1.0))
raise SystemExit(0 if same and below and math.isnan(zeta(-1.0, 1.0)) else 1)
PY
