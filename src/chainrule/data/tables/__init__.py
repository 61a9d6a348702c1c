"""Tables from files, as the files hold them: sources, formats, dialects, headers, footers."""

from .old_reading import BUILT_IN, SUFFIXES, Table, _distinct, read_table

__all__ = ["BUILT_IN", "SUFFIXES", "Table", "_distinct", "read_table"]
