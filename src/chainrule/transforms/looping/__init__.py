"""Loops, branches and calls of Python as nodes of the graph."""
