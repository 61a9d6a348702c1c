"""What users do to functions: differentiate, compile, loop, check."""

from .associative_scan import associative_scan
from .branches import cond, while_loop
from .callbacks import ShapeDtypeStruct, io_callback, pure_callback
from .check import check_grads
from .checkpoint import checkpoint, remat
from .custom_jvp import custom_jvp
from .custom_vjp import custom_vjp
from .gradient import grad, jvp, value_and_grad, vjp
from .implicit import implicit_fixed_point, implicit_root
from .jacobian import hessian, hvp, jacfwd, jacobian, jacrev
from .jit import jit
from .linearize import linearize
from .loops import fori_loop, scan
from .make_graph import make_graph
from .stop import stop_gradient
from .switch import switch
from .vmap import vmap

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
