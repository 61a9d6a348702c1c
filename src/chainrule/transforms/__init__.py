"""What users do to functions: differentiate, compile, loop, check."""

from .branches import cond, while_loop
from .check import check_grads
from .gradient import grad, jvp, value_and_grad, vjp
from .jit import jit
from .loops import fori_loop, scan
from .make_graph import make_graph
from .stop import stop_gradient

__all__ = [
    "check_grads",
    "cond",
    "fori_loop",
    "grad",
    "jit",
    "jvp",
    "make_graph",
    "scan",
    "stop_gradient",
    "value_and_grad",
    "vjp",
    "while_loop",
]
