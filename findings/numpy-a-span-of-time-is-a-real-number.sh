#!/usr/bin/env bash
# NumPy 2.4.6.
# Code that takes columns of tables apart asks isinstance(value, numbers.Real) or np.integer to tell
# numbers from dates. One would expect a span of time, np.timedelta64, to be on the side of dates,
# as np.datetime64 is. It is on the side of numbers: timedelta64 is a subclass of np.signedinteger,
# which NumPy registers as numbers.Integral. So a column of durations passes for whole numbers, of
# whatever unit it happens to have.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import numbers

import numpy as np

span, date = np.timedelta64(90, "s"), np.datetime64("2026-01-01")
kinds = (numbers.Real, numbers.Integral, np.integer, np.number)
found = {kind.__name__: (isinstance(span, kind), isinstance(date, kind)) for kind in kinds}
for name, (of_span, of_date) in found.items():
    print(f"isinstance of {name}: a span of time {of_span}, a date {of_date}")
raise SystemExit(0 if set(found.values()) == {(True, False)} else 1)
PY
