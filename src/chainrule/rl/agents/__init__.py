"""Algorithms as pure functions of a state; see `base`."""
