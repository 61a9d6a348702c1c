#!/usr/bin/env bash
# SciPy 1.17.1 with NumPy 2.4.6.
# RegularGridInterpolator(method="cubic") is a tensor product of cubic splines, which interpolates:
# at the points of the grid one expects the data to rounding. Its coefficients are found by an
# iterative solver whose tolerance is 1e-5 by default, and nothing says so: on a grid of 9 x 8 smooth
# values it is off at the very points that it was given by far more than rounding, and between them
# from the exact splines as well. With solver=scipy.sparse.linalg.spsolve it is exact.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 scipy==1.17.1
"$work/venv/bin/python" - <<'PY'
import numpy as np
from scipy.interpolate import RegularGridInterpolator
from scipy.sparse.linalg import spsolve

x, y = np.linspace(0.0, 2.0, 9), np.linspace(0.0, 3.0, 8)
values = 10.0 + np.sin(3 * x)[:, None] * np.cos(2 * y)
points = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)


def error(**options):
    found = RegularGridInterpolator((x, y), values, method="cubic", **options)(points)
    return float(np.abs(found - values).max())


default, direct = error(), error(solver=spsolve)
print(f"largest error at the grid's own points: {default:.1e} by default, {direct:.1e} by spsolve")
raise SystemExit(0 if default > 1e-7 and direct < 1e-12 else 1)
PY
