"""The chain rule of one call, number by number."""

from .explanation import Edge, Explanation, Step, explain

__all__ = ["Edge", "Explanation", "Step", "explain"]
