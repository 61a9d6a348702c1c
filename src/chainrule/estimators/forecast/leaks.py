"""Covariates that tell more than can be known ahead."""

from __future__ import annotations

import numpy as np

from ...errors import warn_user
from .forecast_warning import LeakWarning
from .reading.panel import Panel

NEARLY_ALL = 0.985  # correlation of changes, above which a covariate determines the target
LEAST_CHANGES = 20


def warn_of_leaks(panel: Panel) -> None:
    """Warn of known covariates whose changes are those of the target.

    Parts of the target (registered users of all users) and its other units are such.
    """
    for column, name in enumerate(panel.known_names):
        changes, others = [], []
        for one in panel.series:
            changes.append(np.diff(one.values))
            others.append(np.diff(one.known[: len(one.values), column]))
        change, other = np.concatenate(changes), np.concatenate(others)
        if len(change) < LEAST_CHANGES or not change.any() or not other.any():
            continue
        correlation = float(np.corrcoef(change, other)[0, 1])
        if abs(correlation) > NEARLY_ALL:
            warn_user(
                f"covariate {name!r} changes just as the target does (correlation "
                f"{correlation:.3f}): is it really known ahead? If it is known only once the step "
                f"is over, name it in past= instead of known=",
                LeakWarning,
            )
