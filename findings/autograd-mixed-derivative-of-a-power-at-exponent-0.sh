#!/usr/bin/env bash
# HIPS/autograd 1.9.1 with NumPy 2.4.6.
# The mixed second derivative of x**y at (2, 0) is x**(y-1) (1 + y log x) = 1/2, whichever variable
# comes first. autograd gives 1/2 if y comes first and 2.0 if x does: its derivative by x replaces
# the exponent y - 1 by 1 where y is 0, to avoid 0**-1, and then differentiates that replacement.
# The first derivative is right, so that a check of gradients sees nothing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 autograd==1.9.1
"$work/venv/bin/python" - <<'PY'
import autograd.numpy as np
from autograd import grad

by_x = float(grad(lambda y: grad(np.power, 0)(2.0, y))(0.0))
by_y = float(grad(lambda x: grad(np.power, 1)(x, 0.0))(2.0))
first = float(grad(np.power, 0)(2.0, 0.0))
print(f"d/dx: {first} (right: 0); d2/dxdy: {by_x} by x first, {by_y} by y first (right: 0.5)")
raise SystemExit(0 if (first, by_x, by_y) == (0.0, 2.0, 0.5) else 1)
PY
