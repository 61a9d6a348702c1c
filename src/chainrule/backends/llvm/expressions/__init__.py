"""What a loop nest computes at one point of its domain: trees of loads and operations.

In: nodes, and views of those that lie in memory. Out: expressions, in which views have vanished
into indices. Imports `fuse` and `layout`.
"""
