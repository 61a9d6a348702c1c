"""Time series: of all forms as arrays, and from files of all kinds."""

from .files import read_series, read_series_dataset
from .labelled import LabelledSeries
from .series import Series, as_series

__all__ = ["LabelledSeries", "Series", "as_series", "read_series", "read_series_dataset"]
