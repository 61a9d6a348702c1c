#!/usr/bin/env bash
# NumPy 2.4.6: whether np.cumsum(x, out=y) accepts the shape of y depends on where y lies.
#
# Without an axis, cumsum runs over x in one row, so the result of a column of three has the shape
# (3,), and one expects that an `out` of shape (3, 1) is refused, always. It is, with "provided out
# is the wrong size for the accumulation", if y is an array of its own. If y shares memory with x,
# and only then, it is taken, and filled: np.cumsum(x, out=x) for a column x. np.cumprod does the
# same. So code that works in place stops working with an output of its own, and a library that
# traces NumPy cannot tell from shapes alone whether NumPy raises. In NumPy 2.5.5 both are refused.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import numpy as np


def taken(function, x, out):
    try:
        function(x, out=out)
    except ValueError as error:
        return f"refused: {error}"
    return f"taken: {out.tolist()}"


seen = {}
for function in (np.cumsum, np.cumprod):
    for where in ("apart", "itself", "one entry further"):
        memory = np.arange(1.0, 9.0)
        x = memory[:3].reshape(3, 1)
        out = {"apart": np.zeros((3, 1)), "itself": x,
               "one entry further": memory[1:4].reshape(3, 1)}[where]
        seen[function.__name__, where] = taken(function, x, out)
        print(f"{function.__name__} of a column, out {where}: {seen[function.__name__, where]}")
right = {"cumsum": "[[1.0], [3.0], [6.0]]", "cumprod": "[[1.0], [2.0], [6.0]]"}
assert all(
    text == f"taken: {right[name]}" if where != "apart" else text.startswith("refused")
    for (name, where), text in seen.items()
)
PYTHON
