#!/usr/bin/env bash
# utilsforecast 0.2.17 with pandas 2.3.3 and NumPy 2.4.6.
# fill_gaps adds the missing rows of a series. Times with a zone are accepted, and come back in that
# zone. But the calendar between is made in UTC, from days (or hours) of UTC: midnight in Berlin is
# 23:00 there, and becomes the next midnight of UTC, 01:00 in Berlin. No time of the series is in
# that calendar, so that a daily series comes back with other times and without one of its values,
# winter and summer alike; with a warning that its times do not meet the frequency, which they do.
# Hours in India, half an hour off, fare the same. London in winter, and UTC, are as one expects.
# Each series has 4 values and lacks its third time.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 pandas==2.3.3 utilsforecast==0.2.17
"$work/venv/bin/python" - <<'PY'
import warnings

import pandas as pd
from utilsforecast.preprocessing import fill_gaps

warnings.simplefilter("ignore")


def values_left(freq, zone):
    times = pd.date_range("2024-01-01", periods=5, freq=freq, tz=zone).delete(2)
    filled = fill_gaps(pd.DataFrame({"unique_id": "a", "ds": times, "y": 7.0}), freq)
    left = int(filled["y"].notna().sum())
    print(f"{freq} {zone:16} 4 values from {times[0]}: {left} values from {filled['ds'].iloc[0]}")
    return left


same = [values_left("D", zone) for zone in ("UTC", "Europe/London")]
same.append(values_left("h", "Europe/Berlin"))
lost = [values_left("D", zone) for zone in ("Europe/Berlin", "America/New_York", "Asia/Tokyo")]
lost.append(values_left("h", "Asia/Kolkata"))
raise SystemExit(0 if same == [4, 4, 4] and lost == [0, 0, 0, 0] else 1)
PY
