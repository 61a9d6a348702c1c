"""Find what does not fit in a table, know how sure it is, and see why; then in a stream.

Run: python examples/anomaly_detection.py
"""

import numpy as np
import pandas as pd

import chainrule as cr

rng = np.random.default_rng(0)


def measurements(count):
    """A machine: the current follows from the load, the temperature from the current."""
    load = rng.uniform(0, 100, count)
    current = 2 + 0.1 * load + rng.normal(0, 0.2, count)
    temperature = 20 + 3 * current + rng.normal(0, 1, count)
    mode = np.where(load > 60, "heavy", "light")
    return pd.DataFrame(
        {"load": load, "current": current, "temperature": temperature, "mode": mode}
    )


detector = cr.AnomalyDetector(random_state=0, max_iter=10, n_members=2, progress=False)
detector.fit(measurements(2000))
print(detector.summary_)

# No value below is unusual by itself: the bearing of row 500 is hot for its current.
day = measurements(1000)
day.loc[500, ["load", "current", "mode"]] = [20.0, 4.0, "light"]
day.loc[500, "temperature"] = 52.0
alarms = detector.alarms(day, false_alarm_rate=0.01)
first = alarms[0]
print(f"alarms in 1000 rows at a false-alarm rate of 0.01: {len(alarms)}")
print(f"the strangest row: {first.row}, p-value {first.p_value:.4f}")
for reason in first.reasons:
    print(f"  {reason}")

# A stream takes rows as they come, and tells when the world itself has changed.
stream = detector.stream(false_alarm_rate=0.01)
for row in measurements(500).to_dict("records"):
    stream.update(row)
print(f"drift after 500 rows like those of the training: {stream.drift.has_drifted}")
hotter = measurements(500)
hotter["temperature"] += 8
for row in hotter.to_dict("records"):
    stream.update(row)
drift = stream.drift
print(f"drift after 500 rows that are 8 degrees hotter: {drift.has_drifted}")
print(f"the column that drifts: {drift.columns[0].column}")
