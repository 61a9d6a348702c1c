"""Rows of tables: columns to features, the fitted detector, its reasons and its file."""
