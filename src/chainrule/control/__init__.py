"""Layer 4: primitives that hold graphs, and how their bodies are differentiated."""

from .scan import scan

__all__ = ["scan"]
