"""Derivatives, graph to graph (or numbers to numbers, where nobody needs the graph)."""
