"""Loops of Python, found again in the graph: what was traced iteration by iteration, as a scan."""

from .reroll import find_loops, rerolled

__all__ = ["find_loops", "rerolled"]
