"""Layer 1: nodes, graphs, types, text, verification, and the oracle evaluator."""
