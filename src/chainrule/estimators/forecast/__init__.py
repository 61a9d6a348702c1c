"""Forecasts of time series, with backtests and intervals."""
