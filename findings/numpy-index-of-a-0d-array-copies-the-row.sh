#!/usr/bin/env bash
# NumPy 2.4.6.
# m[np.int64(1)] is a view of a row, and writing into it writes into m. One would expect the same of
# m[np.array(1)], an index that holds the same integer without an axis, as np.where or a slice
# x[0, ...] give it: NumPy takes it for an integer, too (the result has one axis less, and no fancy
# axis). But the row is a copy, and what is written into it is lost.
# A program that picks a row by an index that was computed meets either, by how it was computed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import numpy as np

m = np.zeros((3, 2))
by_scalar = m[np.int64(1)]
by_array = m[np.array(1)]
by_scalar += 1.0
by_array += 10.0
print("shapes:", by_scalar.shape, by_array.shape, "the row afterwards:", m[1])
print("shares memory:", np.shares_memory(m, by_scalar), np.shares_memory(m, by_array))
raise SystemExit(0 if m[1].tolist() == [1.0, 1.0] and not np.shares_memory(m, by_array) else 1)
PY
