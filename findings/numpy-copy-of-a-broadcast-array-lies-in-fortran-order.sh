#!/usr/bin/env bash
# NumPy 2.4.6.
# np.broadcast_to(row, (3, 4)) shows one row three times. One would expect its copy, a new array
# that nobody asked to lie in any special way, to lie in C order as new arrays do. It does not:
# np.copy and astype keep the order of strides (order="K"), the repeated axis has stride 0, which
# counts as the smallest, and so the copy lies in Fortran order. Then copy.ravel() is another copy,
# and what is written into it is lost; a ufunc on the same array gives C order.
# Whoever traces NumPy's views and copies has to know.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import numpy as np

repeated = np.broadcast_to(np.arange(4.0), (3, 4))
copied = np.copy(repeated)
computed = repeated * 1.0
print("strides of np.copy:", copied.strides, "of a ufunc's result:", computed.strides)
copied.ravel()[0] = 7.0
computed.ravel()[0] = 7.0
print("written through ravel():", copied[0, 0], "and", computed[0, 0])
same = (copied.flags.f_contiguous and not copied.flags.c_contiguous
        and computed.flags.c_contiguous and copied[0, 0] == 0.0 and computed[0, 0] == 7.0)
raise SystemExit(0 if same else 1)
PY
