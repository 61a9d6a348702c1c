#!/usr/bin/env bash
# sktime 1.2.0 with scikit-learn 1.9.1, pandas 3.0.6 and NumPy 2.4.6.
# make_reduction(regressor, strategy="direct") fits one regressor for each step of the horizon: the
# one of step h is to learn the value that lies h steps after a window of lags. With
# pooling="global" it learns the value that lies max(1, h - window_length) steps after the window:
# the first window_length + 1 steps all get the forecast of step 1, and every later one comes
# window_length steps late. The rows of features have already lost the first window_length times
# when both they and the targets are cut to n - h + 1 rows, once from either end, so that nothing
# is cut, and nothing shifted, until h passes window_length + 1. Nothing warns, and on a series
# without a trend the scores look sound. pooling="local" is right, and so is strategy="recursive".
# The series is 0, 1, ..., 99, which a line of lags continues exactly: 100, 101, ..., 109.
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

series = pd.DataFrame({"y": [float(t) for t in range(100)]})
about = set()


def ten_steps(pooling, strategy, window):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        forecaster = make_reduction(
            LinearRegression(), window_length=window, strategy=strategy, pooling=pooling
        )
        forecast = forecaster.fit(series, fh=range(1, 11)).predict()["y"]
    # All else is about what later versions of sktime and pandas will change.
    about.update(str(w.message) for w in caught if w.category in (UserWarning, RuntimeWarning))
    print(f"{pooling:6} {strategy:9} window {window}:", *forecast.round(6).astype(int))
    return forecast.round(6).tolist()


right = [100.0 + step for step in range(10)]
sound = [
    ten_steps("local", "direct", 5) == right,
    ten_steps("global", "recursive", 5) == right,
]
late = [
    ten_steps("global", "direct", window) == [99.0 + max(1, step - window) for step in range(1, 11)]
    for window in (2, 5)
]
print("warnings:", sorted(about))
raise SystemExit(0 if all(sound + late) and not about else 1)
PY
