"""What users do to functions: differentiate, compile, loop, check."""

from .branches import cond, while_loop
from .callbacks import ShapeDtypeStruct, io_callback, pure_callback
from .check import check_grads
from .checkpoint import checkpoint
from .custom_jvp import custom_jvp
from .custom_vjp import custom_vjp
from .gradient import grad, jvp, value_and_grad, vjp
from .jacobian import hessian, hvp, jacfwd, jacobian, jacrev
from .jit import jit
from .loops import fori_loop, scan
from .make_graph import make_graph
from .stop import stop_gradient
from .vmap import vmap

__all__ = [
    "ShapeDtypeStruct",
    "check_grads",
    "checkpoint",
    "cond",
    "custom_jvp",
    "custom_vjp",
    "fori_loop",
    "grad",
    "hessian",
    "hvp",
    "io_callback",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "make_graph",
    "pure_callback",
    "scan",
    "stop_gradient",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]
