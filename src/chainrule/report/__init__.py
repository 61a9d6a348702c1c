"""One HTML file that says what a trained model is worth. Thin: no maths of its own.

Scores come from scikit-learn, charts are SVG drawn here, and the file needs nothing else: no
network, no script, no font. The same `Report` gives the same bytes.
"""

from .anomaly import AnomalyReport, SeriesChart, Shift, render_anomaly
from .document import Report
from .forecast import render_forecast
from .forecast_document import (
    CommitteeMember,
    ForecastReport,
    ForecastSeries,
    IntervalCoverage,
    verdict_of,
)
from .machine import FORMAT, as_json
from .page import render, write_json, write_page, write_report
from .reinforcement import ReinforcementReport, render_reinforcement
from .table_parts import (
    AdviceItem,
    ColumnOverview,
    Dependence,
    GroupScore,
    Overview,
    WrongRow,
)

__all__ = [
    "FORMAT",
    "AdviceItem",
    "AnomalyReport",
    "ColumnOverview",
    "CommitteeMember",
    "Dependence",
    "ForecastReport",
    "ForecastSeries",
    "GroupScore",
    "IntervalCoverage",
    "Overview",
    "ReinforcementReport",
    "Report",
    "SeriesChart",
    "Shift",
    "WrongRow",
    "as_json",
    "render",
    "render_anomaly",
    "render_forecast",
    "render_reinforcement",
    "verdict_of",
    "write_json",
    "write_page",
    "write_report",
]
