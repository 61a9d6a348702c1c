"""Layer 5: tracers, the tables of NumPy's functions, and capture of user code as a graph."""

from . import elementwise_table, function_table, index, product_table, shape_table

__all__ = ["elementwise_table", "function_table", "index", "product_table", "shape_table"]
