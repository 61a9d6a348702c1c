#!/usr/bin/env bash
# hierarchicalforecast 1.5.3 with pandas 2.3.3 and NumPy 2.4.6.
# MinTrace(method="wls_var") moves forecasts until they add up, each by an amount in proportion to
# the variance of its errors in the past. A series that began later has fewer errors; where they
# are as large as the others' one expects it to be moved as much, or more, there being less
# evidence. It is moved less: its squared errors are summed over the days it has and divided by the
# days of the longest series, so that a series with a tenth of the history passes for one with a
# tenth of the variance. Nothing warns. The errors are 1 or -1 in all series, and the total is
# forecast 4 too high for its parts, 10 and 10: each of the three should be moved by 4/3.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 pandas==2.3.3 hierarchicalforecast==1.5.3
"$work/venv/bin/python" - <<'PY'
import warnings

import numpy as np
import pandas as pd
from hierarchicalforecast.core import HierarchicalReconciliation
from hierarchicalforecast.methods import MinTrace

names = ["total", "old", "young"]
sums = pd.DataFrame({"unique_id": names, "old": [1.0, 1.0, 0.0], "young": [1.0, 0.0, 1.0]})
levels = {"top": np.array(["total"]), "bottom": np.array(["old", "young"])}
days = pd.date_range("2024-01-01", periods=101)
# Not 1 and -1 in turn: where the errors of all series sum to 0 it raises, "residuals close to 0".
errors = np.where(np.arange(100) % 3, 1.0, -1.0)
base = pd.DataFrame({"unique_id": names, "ds": days[100], "model": [24.0, 10.0, 10.0]})


def moved(first_day):
    past = []
    for name, level in zip(names, (20.0, 10.0, 10.0)):
        table = {"unique_id": name, "ds": days[:100], "y": level + errors, "model": level}
        past.append(pd.DataFrame(table)[first_day if name == "young" else 0 :])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        adjusted = HierarchicalReconciliation([MinTrace(method="wls_var")]).reconcile(
            base, S_df=sums, tags=levels, Y_df=pd.concat(past)
        )
    by = adjusted.iloc[:, -1].to_numpy() - base["model"].to_numpy()
    about = [str(warning.message) for warning in caught if "nan" in str(warning.message).lower()]
    print(f"young has {100 - first_day:3} of 100 days:", end=" ")
    print(*(f"{name} moved by {d:+.4f}," for name, d in zip(names, by)), f"warnings: {about}")
    return by, about


still = []
for first_day in (0, 50, 90):
    by, about = moved(first_day)
    variances = np.array([1.0, 1.0, (100 - first_day) / 100])
    expected = 4 * variances / variances.sum() * [-1, 1, 1]
    still.append(np.allclose(by, expected, atol=1e-5) and not about)
raise SystemExit(0 if all(still) else 1)
PY
