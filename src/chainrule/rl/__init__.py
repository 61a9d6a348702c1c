"""Reinforcement learning: environments and algorithms, compiled into one graph."""
