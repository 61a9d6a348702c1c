#!/usr/bin/env bash
# sktime 1.2.0 with scikit-learn 1.9.1, pandas 3.0.6 and NumPy 2.4.6.
# A reduction with pooling="global" learns one regressor from all series of a panel, and its tag
# capability:unequal_length says that they may differ in length. One expects each to be forecast
# from its own last values, or an error, or NaN. Instead the window of every series ends where the
# longest one ends, in a table made with 0.0 in it, into which the known values are written: a
# series that stopped earlier is forecast as if it had fallen to 0. One missing day costs the level
# of the series a fifth where the window has 5 lags; after 5 nothing of it is left. The two series
# rise by 1 a day, from 0 and from 1000, so that the forecast for day 100 should be 100 and 1100.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 pandas==3.0.6 scikit-learn==1.9.1 sktime==1.2.0
"$work/venv/bin/python" - <<'PY'
import warnings

import pandas as pd
from sklearn.linear_model import LinearRegression
from sktime.forecasting.compose import make_reduction

warnings.simplefilter("ignore", FutureWarning)  # of a default that 1.3.0 will change


def rising(start, days):
    return pd.DataFrame({"y": [float(start + day) for day in range(days)]})


seen = []
for missing in (0, 1, 2, 5):
    panel = pd.concat({"low": rising(0, 100), "high": rising(1000, 100 - missing)})
    panel.index.names = ["series", "day"]
    forecaster = make_reduction(
        LinearRegression(), window_length=5, strategy="recursive", pooling="global"
    )
    forecast = forecaster.fit(panel, fh=[1]).predict()["y"].round(3)
    unequal = forecaster.get_tag("capability:unequal_length")
    print(f"unequal lengths allowed: {unequal}; high ends {missing} days early:", end=" ")
    print(", ".join(f"{name} on day {day}: {y}" for (name, day), y in forecast.items()))
    seen.append((unequal, *forecast))
# A fifth of the sum of the lags, plus 3, is what both series obey, and what the regressor learns.
zeros = [3 + sum(1000 + day for day in range(95, 100 - missing)) / 5 for missing in (0, 1, 2, 5)]
raise SystemExit(0 if seen == [(True, 100.0, value) for value in zeros] else 1)
PY
