"""Fusion: which nodes are materialised in memory; all others are computed inside their consumers.

In: a simplified graph. Out: a `FusedGraph`, whose steps become one loop nest, product, loop or
call each. Imports `layout`, and the table of functions of `kernels`, to know what has native code.
"""
