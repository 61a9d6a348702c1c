"""What users do to functions: differentiate, compile, loop, check."""

from typing import TYPE_CHECKING, Any

from ..lazy import load_module
from .compiling.jit import jit
from .compiling.make_graph import make_graph
from .differentiating.check import check_grads
from .differentiating.gradient import grad, jvp, value_and_grad, vjp
from .differentiating.stop import stop_gradient
from .looping.branches import cond, while_loop
from .looping.callbacks import ShapeDtypeStruct, io_callback, pure_callback
from .looping.loops import fori_loop, scan

if TYPE_CHECKING:
    from .batching.mapped import vmap
    from .differentiating.jacobians import hessian, hvp, jacfwd, jacobian, jacrev
    from .differentiating.linearization import linearize
    from .looping.prefix_scan import associative_scan
    from .looping.switches import switch
    from .rules.backward_rules import custom_vjp
    from .rules.forward_rules import custom_jvp
    from .rules.implicit import implicit_fixed_point, implicit_root
    from .rules.recomputation import checkpoint, remat

# What loads at its first use, and its file
LATER = {
    "associative_scan": "looping.prefix_scan",
    "checkpoint": "rules.recomputation",
    "custom_jvp": "rules.forward_rules",
    "custom_vjp": "rules.backward_rules",
    "hessian": "differentiating.jacobians",
    "hvp": "differentiating.jacobians",
    "implicit_fixed_point": "rules.implicit",
    "implicit_root": "rules.implicit",
    "jacfwd": "differentiating.jacobians",
    "jacobian": "differentiating.jacobians",
    "jacrev": "differentiating.jacobians",
    "linearize": "differentiating.linearization",
    "remat": "rules.recomputation",
    "switch": "looping.switches",
    "vmap": "batching.mapped",
}


def __getattr__(name: str) -> Any:
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(load_module(f"{__name__}.{LATER[name]}"), name)
    globals()[name] = value  # the next time it is there
    return value


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
