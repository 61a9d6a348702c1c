"""Rows that come one at a time: alarms, and drift apart from them."""
