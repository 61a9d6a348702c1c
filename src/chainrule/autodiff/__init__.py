"""Derivatives, graph to graph (or numbers to numbers, where no graph is needed)."""
