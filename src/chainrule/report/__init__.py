"""One HTML file that says what a trained model is worth. Thin: no maths of its own.

Scores come from scikit-learn, charts are SVG drawn here, and the file needs nothing else: no
network, no script, no font. The same `Report` gives the same bytes.
"""

from .document import Report
from .page import render, write_page, write_report
from .reinforcement import ReinforcementReport, render_reinforcement

__all__ = [
    "ReinforcementReport",
    "Report",
    "render",
    "render_reinforcement",
    "write_page",
    "write_report",
]
