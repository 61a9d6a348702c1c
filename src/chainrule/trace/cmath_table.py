"""Python's `cmath` of traced numbers: NumPy's functions of complex numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import at_user_line
from ..primitives.structure import cast, reshape
from .complex_readiness import takes_complex
from .interception import intercepts, original
from .tracer import ScalarTracer, Tracer

_COMPLEX = np.dtype(complex)
_OF_COMPLEX = {
    **{name: getattr(np, name) for name in ("cos", "cosh", "exp", "log10", "sin", "sinh", "sqrt",
                                            "tan", "tanh")},
    "acos": np.arccos, "acosh": np.arccosh, "asin": np.arcsin, "asinh": np.arcsinh,
    "atan": np.arctan, "atanh": np.arctanh,
    "log": lambda z, base=None: np.log(z) if base is None else np.log(z) / np.log(base),
    "phase": np.angle,
    "polar": lambda z: (np.abs(z), np.angle(z)),
    "rect": lambda r, phi: r.real * (np.cos(phi.real) + 1j * np.sin(phi.real)),
    "isfinite": np.isfinite, "isinf": np.isinf, "isnan": np.isnan,
}  # fmt: skip


def _complex_number(x: Any, name: str) -> Any:
    """Return an argument as `cmath` reads it: a complex128, of an array with one entry too."""
    if not isinstance(x, Tracer):
        return np.complex128(x)
    if x.size != 1:
        raise TypeError(
            at_user_line(f"only 0-dimensional arrays can be converted to Python scalars: "
                         f"cmath.{name} has one of shape {x.shape}; use NumPy's function")
        )  # fmt: skip
    node = reshape(x.node, shape=()) if x.ndim else x.node
    return ScalarTracer(node if node.dtype == _COMPLEX else cast(node, dtype=_COMPLEX), weak=True)


def _as_python_number(x: Any) -> Any:
    return ScalarTracer(x.node, weak=True) if isinstance(x, Tracer) else x.item()


def _complex_function(name: str, compute: Callable[..., Any]) -> None:
    @intercepts("cmath", name)
    def rule(*args: Any) -> Any:
        numbers = [_complex_number(x, name) for x in args]
        values = [x.node.value if isinstance(x, Tracer) else x for x in numbers]
        if all(value is not None for value in values):  # raises what is outside of its domain
            plain = original("cmath", name)(
                *[v.real.item() if name == "rect" else v.item() for v in values]
            )
            if type(plain) is bool:
                return plain
        with np.errstate(all="ignore"):
            result = compute(*numbers)
        if isinstance(result, tuple):
            return tuple(map(_as_python_number, result))
        return _as_python_number(result)

    takes_complex(f"cmath.{name}")


for _name, _compute in _OF_COMPLEX.items():
    _complex_function(_name, _compute)


@intercepts("cmath", "isclose")
def _complex_is_close(a: Any, b: Any, *, rel_tol: Any = 1e-09, abs_tol: Any = 0.0) -> Any:
    x, y = _complex_number(a, "isclose"), _complex_number(b, "isclose")
    allowed = np.maximum(rel_tol * np.maximum(np.abs(x), np.abs(y)), abs_tol)
    close = (x == y) | ((np.abs(x - y) <= allowed) & np.isfinite(x) & np.isfinite(y))
    known = not isinstance(close, Tracer) or close.node.value is not None
    return bool(close) if known else close


takes_complex("cmath.isclose")
