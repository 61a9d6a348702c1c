"""IR that does not depend on a graph: elementwise functions (inline), matrix products and sorts.

The latter two are compiled once a CPU, into the library that programs call.
Imports only `ir` and `target`.
"""
