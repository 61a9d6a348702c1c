"""The type of arrays in signatures."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any] | Any
"""An array of NumPy's, or what stands for one while a function is traced.

With `Any` beside it a type checker knows the members of arrays, and needs no cast where NumPy's own
functions return `Any`.
"""
