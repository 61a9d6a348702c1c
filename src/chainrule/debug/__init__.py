"""To see what a program does: where nans arise, and what each line takes.

`nans` raises an error at the operation that made a nan, `time` gives the lines of a compiled
function by their time. See also `chainrule.explain`, and the flags of `chainrule.config`.
"""

from .line_times import LineTime, LineTimes
from .nonfinite import nans
from .timing import time

__all__ = ["LineTime", "LineTimes", "nans", "time"]
