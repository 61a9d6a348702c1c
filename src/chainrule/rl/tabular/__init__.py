"""Reinforcement learning with a table: its rules, exact solutions, and how both are looked at."""

from .dynamic_programming import policy_evaluation, transition_table, value_iteration
from .explanation import TableExplanation, TableStep
from .grids import render_values

__all__ = [
    "TableExplanation",
    "TableStep",
    "policy_evaluation",
    "render_values",
    "transition_table",
    "value_iteration",
]
