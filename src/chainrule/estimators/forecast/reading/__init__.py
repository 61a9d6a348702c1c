"""Tables of time series as arrays on one calendar: read, checked and completed."""
