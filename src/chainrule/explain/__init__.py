"""The chain rule of one call, number by number."""

from .explanation import Explanation, explain
from .steps import Edge, Step

__all__ = ["Edge", "Explanation", "Step", "explain"]
