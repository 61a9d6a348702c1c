"""Tables from files, as the files hold them: sources, formats, dialects, headers, footers.

The stages in the order in which a file meets them: `sources` (which files, and their bytes),
`archives` (packings), `formats` (what they are); of text `dialect`, `layout`, `header`, `records`,
`footers`, `parsing`, all together `delimited`; `spreadsheets`, `json_records`, `columnar`,
`databases`; `joining` (several files), `reading` (all of it).
"""

from .builtin import BUILT_IN
from .formats import SUFFIXES
from .reading import read_cells, read_table, typed_table
from .table import Table

__all__ = ["BUILT_IN", "SUFFIXES", "Table", "read_cells", "read_table", "typed_table"]
