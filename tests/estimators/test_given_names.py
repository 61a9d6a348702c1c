"""Estimators of tables: fitted on a frame and asked with an array, and the other way round."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("_unoptimised")


def estimators() -> list[Any]:
    """Of each kind that reads tables."""
    return [
        cr.AnomalyDetector(method="neighbors", false_alarm_rate=0.2, random_state=0),
        cr.TabularRegressor(max_iter=2, random_state=0, progress=False),
    ]


@pytest.mark.parametrize("model", estimators(), ids=lambda model: type(model).__name__)
@pytest.mark.filterwarnings("ignore:X .* feature names:UserWarning")
@pytest.mark.parametrize("named_first", [True, False])
def test_columns_without_names_are_taken_by_their_order(model: Any, named_first: bool) -> None:
    """scikit-learn warns, and the answers are the same."""
    rng = np.random.default_rng(0)
    array = rng.normal(size=(120, 3))
    frame = pd.DataFrame(array, columns=["a", "b", "c"])
    first, second = (frame, array) if named_first else (array, frame)
    y = array[:, 0] + array[:, 1]
    model.fit(first, y)
    np.testing.assert_array_equal(model.predict(first), model.predict(second))
    if hasattr(model, "alarms"):
        rows = [alarm.row for alarm in model.alarms(first)]
        assert rows == [alarm.row for alarm in model.alarms(second)]
        assert rows
