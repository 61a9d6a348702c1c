"""Intermittent demand: counts and amounts that are often 0.

`fit_counts` trains one small network on all series of a panel. It gives a distribution for each
step ahead, negative binomial for counts or Tweedie for amounts. The forecast is its *mean*: the
median of intermittent demand is 0 for most items, which is why a forecast of 0 has the best MASE,
and which is of no use to whoever orders stock. Stock is decided by the mean and by quantiles.
TSB is the fallback where there are too few windows to train on.
"""

from .count_forecast import CountForecast
from .count_model import CountModel, fit_counts
from .intermittent import has_open_hours, is_intermittent, likelihood_for

__all__ = [
    "CountForecast",
    "CountModel",
    "fit_counts",
    "has_open_hours",
    "is_intermittent",
    "likelihood_for",
]
