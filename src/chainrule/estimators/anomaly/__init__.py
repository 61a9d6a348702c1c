"""Detectors of anomalies in tables, time series and streams."""
