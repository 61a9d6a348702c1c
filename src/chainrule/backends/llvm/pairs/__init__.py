"""Graphs of complex numbers as graphs of their real and imaginary parts, which have native code."""
