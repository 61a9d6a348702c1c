#!/usr/bin/env bash
# NumPy 2.3.1 and NumPy 2.3.2.
# One would expect that a patch release changes no dtype. The square of an array of truth values,
# b**2, is of int64 in NumPy 2.3.1 and of int8 in 2.3.2, as it was in 2.2.6; np.square(b) is of int8
# and np.power(b, 2) of int64 in all of them. So 200 * b**2 is a product in 2.3.1, and an
# OverflowError in 2.3.2.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for version in numpy==2.3.1 numpy==2.3.2; do
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install --quiet --disable-pip-version-check "$version"
    "$work/$version/bin/python" - <<'PY' | tee -a "$work/out"
import numpy as np

b = np.array([True, False])
try:
    product = (200 * b**2).tolist()
except OverflowError as error:
    product = type(error).__name__
print(np.__version__, (b**2).dtype, np.square(b).dtype, np.power(b, 2).dtype, product)
PY
done
diff "$work/out" - <<'OUT'
2.3.1 int64 int8 int64 [200, 0]
2.3.2 int8 int8 int64 OverflowError
OUT
