"""What users do to functions: differentiate, compile, loop, check."""

from typing import TYPE_CHECKING, Any

from ..lazy import load_module
from .branches import cond, while_loop
from .callbacks import ShapeDtypeStruct, io_callback, pure_callback
from .check import check_grads
from .gradient import grad, jvp, value_and_grad, vjp
from .jit import jit
from .loops import fori_loop, scan
from .make_graph import make_graph
from .stop import stop_gradient

if TYPE_CHECKING:
    from .backward_rules import custom_vjp
    from .forward_rules import custom_jvp
    from .implicit import implicit_fixed_point, implicit_root
    from .jacobians import hessian, hvp, jacfwd, jacobian, jacrev
    from .linearization import linearize
    from .mapped import vmap
    from .prefix_scan import associative_scan
    from .recomputation import checkpoint, remat
    from .switches import switch

# What loads at its first use, and its file
LATER = {
    "associative_scan": "prefix_scan",
    "checkpoint": "recomputation",
    "custom_jvp": "forward_rules",
    "custom_vjp": "backward_rules",
    "hessian": "jacobians",
    "hvp": "jacobians",
    "implicit_fixed_point": "implicit",
    "implicit_root": "implicit",
    "jacfwd": "jacobians",
    "jacobian": "jacobians",
    "jacrev": "jacobians",
    "linearize": "linearization",
    "remat": "recomputation",
    "switch": "switches",
    "vmap": "mapped",
}


def later(name: str) -> Any:
    """Return a function that loads at its first use."""
    return getattr(load_module(f"{__name__}.{LATER[name]}"), name)


def __getattr__(name: str) -> Any:
    if name in LATER:
        return later(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "ShapeDtypeStruct",
    "associative_scan",
    "check_grads",
    "checkpoint",
    "cond",
    "custom_jvp",
    "custom_vjp",
    "fori_loop",
    "grad",
    "hessian",
    "hvp",
    "implicit_fixed_point",
    "implicit_root",
    "io_callback",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "linearize",
    "make_graph",
    "pure_callback",
    "remat",
    "scan",
    "stop_gradient",
    "switch",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]
