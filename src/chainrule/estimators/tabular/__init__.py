"""Networks for tables of columns of any kind, and from a table to a tested model."""
