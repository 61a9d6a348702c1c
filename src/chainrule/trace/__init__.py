"""Tracers, the tables of NumPy's functions, and capture of user code as a graph."""

from . import (
    arithmetic,
    comparison_table,
    copy_table,
    elementwise_table,
    function_table,
    index,
    join_table,
    number_operators,
    product_table,
    rounding_table,
    shape_table,
)

__all__ = [
    "arithmetic",
    "comparison_table",
    "copy_table",
    "elementwise_table",
    "function_table",
    "index",
    "join_table",
    "number_operators",
    "product_table",
    "rounding_table",
    "shape_table",
]
