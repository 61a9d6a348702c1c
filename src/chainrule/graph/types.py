"""Shapes and dtypes: NumPy's own rules (NEP 50, broadcasting), asked rather than repeated."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError, at_user_line

type_alias_placeholder
