"""The warning about data that can be used, but not quite as the user may think."""

from __future__ import annotations


class SeriesDataWarning(UserWarning):
    """Rows that were dropped, levels that are unknown, series of which much is missing."""
