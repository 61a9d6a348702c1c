"""Intervals that hold: conformal calibration on past forecasts, and sample paths."""
