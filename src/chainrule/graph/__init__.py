"""Nodes, graphs, types, text, verification, and the oracle evaluator."""
