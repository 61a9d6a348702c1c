"""What the compiler does with each primitive, and what an entry of its result costs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ....graph.node import CONSTANT, ITEM, Node
from ..kernels.fourier import FOURIER, loops
from ..kernels.math import FUNCTIONS
from ..kernels.math.formula import is_formula
from ..kernels.matrix_sizes import MATRIX_FUNCTIONS, is_native_matrix_function
from ..kernels.ufunc_loops import loop_of
from .packed_operands import packed_operands

# float16 is loaded and stored, but NumPy computes with it
NATIVE_DTYPES = frozenset(
    np.dtype(name)
    for name in ("float64", "float32", "int64", "uint64", "int32", "uint32", "int16", "uint16",
                 "int8", "uint8", "bool")
)  # fmt: skip
VIEW_OPS = frozenset(["identity", "stop_gradient", "reshape", "transpose", "broadcast_to", "slice"])
REDUCTIONS = frozenset(["sum", "max", "prod"])
CUMULATIVE = frozenset(["cumsum", "cumprod"])
WRITE_REGIONS = frozenset(["pad", "concatenate"])  # write parts of their result one by one
SCATTERS = frozenset(["scatter", "scatter_add"])
ATTENTION = frozenset(["attention", "attention_vjp"])
CONTROL_FLOW = frozenset(["scan", "while_loop", "cond"])
# Computed by one or two instructions of LLVM
INTRINSIC = frozenset(["add", "sub", "mul", "div", "neg", "equal", "less", "where", "bitwise_and",
                       "bitwise_xor", "shift_right", "cast"])  # fmt: skip

# Steps that compute their inputs inside their loops, rather than read them from memory
_FUSE_INPUTS = WRITE_REGIONS | REDUCTIONS | CUMULATIVE | SCATTERS | frozenset(["argmax", "argsort"])
_OF_INTEGERS = frozenset(["abs", "maximum", "minimum", "remainder", "floor_divide", "sign"])
_OTHERS = (
    VIEW_OPS | REDUCTIONS | CUMULATIVE | CONTROL_FLOW | WRITE_REGIONS | SCATTERS
    | frozenset(["argmax", "gather", "item"])
)  # fmt: skip

# Cost of an entry, in units of an addition
_COSTS = {"div": 4, "sqrt": 4, "exp": 8, "log": 8, "logistic": 12, "tanh": 12, "sin": 10, "cos": 10,
          "power": 25, "expm1": 12, "log1p": 12, "erf": 12, "erfc": 12, "gather": 4, "ndtr": 15,
          "log_ndtr": 40, "erfcx": 25, "gammaln": 40, "psi": 40, "i0": 35, "i1": 35,
          "i0e": 25, "i1e": 25}  # fmt: skip
_OF_A_LOOP = 100


def cost(node: Node) -> int:
    """Return the cost of computing one entry, in units of an addition."""
    name = node.primitive.name
    if name in INTRINSIC or name in VIEW_OPS:
        return _COSTS.get(name, 0 if name in VIEW_OPS or name == "cast" else 1)
    return _OF_A_LOOP if calls_loop(node) else _COSTS.get(name, 10)


def calls_loop(node: Node) -> bool:
    """Whether native code calls the inner loop of a ufunc for the node."""
    native = node.primitive.name in FUNCTIONS or is_formula(node)
    return not native and loop_of(node) is not None


class _Traits(NamedTuple):
    """What follows from a primitive and dtypes alone."""

    native: bool
    elementwise: bool


_BY_PARAMETERS = FOURIER | MATRIX_FUNCTIONS | frozenset(["argsort"])
_PRODUCTS = frozenset(["matmul", "conv"])
_MOST_TRAITS = 4096
_traits: dict[tuple[Any, ...], _Traits] = {}


def _traits_of(node: Node) -> _Traits:
    """Return a node's traits, which are asked for several times of each."""
    key = (node.primitive, node.dtype, *[child.dtype for child in node.inputs])
    known = _traits.get(key)
    if known is None:
        if len(_traits) >= _MOST_TRAITS:
            _traits.clear()
        known = _traits[key] = _Traits(_is_native(node), _is_elementwise(node))
    return known


def is_native(node: Node) -> bool:
    """Whether the compiler has code for the node. If not, NumPy computes it."""
    name = node.primitive.name
    if node.dtype is None or name in _BY_PARAMETERS or _is_of_integers(node):
        return _is_native(node)
    return _traits_of(node).native


def _is_of_integers(node: Node) -> bool:
    """Whether a node is a product of integers, which is native if these are bytes."""
    return node.primitive.name in _PRODUCTS and bool(node.dtype.kind == "i")


def _is_native(node: Node) -> bool:
    dtypes = [child.dtype for child in node.inputs]
    if any(dtype is None for dtype in dtypes):  # it reads several results
        return node.primitive is ITEM
    results = [node.dtype] if node.dtype is not None else [t.dtype for t in node.shape]
    if not NATIVE_DTYPES.issuperset([*dtypes, *results]):
        return False
    name = node.primitive.name
    if name in FOURIER:
        return bool(loops())
    if name in MATRIX_FUNCTIONS:
        return is_native_matrix_function(node)
    if name in ATTENTION:
        return True
    if name == "argsort":
        return bool(node.params["axis"] in (-1, len(node.shape) - 1)) and bool(node.shape)
    if name in _PRODUCTS:
        return bool(node.dtype.kind == "f") or packed_operands(node) is not None
    if name in ("equal", "less") and {"int64", "uint64"} <= {dtype.name for dtype in dtypes}:
        return False  # NumPy compares these exactly, in no common dtype
    if name in FUNCTIONS and node.dtype.kind != "f":
        return name in _OF_INTEGERS and bool(node.dtype.kind in "iu")
    return _is_elementwise(node) or name in _OTHERS


def is_elementwise(node: Node) -> bool:
    """Whether an entry is computed from the entries at the same position, in native code."""
    return _traits_of(node).elementwise


def _is_elementwise(node: Node) -> bool:
    name = node.primitive.name
    return name in INTRINSIC or name in FUNCTIONS or is_formula(node) or calls_loop(node)


def is_inline(node: Node) -> bool:
    """Whether a node may be computed inside the loops of its consumers."""
    if node.dtype is None:
        return False
    name = node.primitive.name
    traits = _traits_of(node)
    return traits.native and (traits.elementwise or name in VIEW_OPS or name == "gather")


def fuses_inputs(node: Node) -> bool:
    """Whether a materialised node computes its inputs inside its own loops."""
    return node.primitive.name in _FUSE_INPUTS and is_native(node)


def uniform_value(node: Node) -> Any:
    """Return the number that a constant, or a view of one, has at every position, or None."""
    node = viewed_node(node)
    if node.primitive is CONSTANT and node.value.size:
        value = np.asarray(node.value)
        if value.size == 1 or not any(value.strides):
            return value.ravel()[0]
    return None


def viewed_node(node: Node) -> Node:
    """Return the node that a chain of views begins with."""
    while node.primitive.name in VIEW_OPS:
        (node,) = node.inputs
    return node


def keeps_axes(reshape: Node) -> bool:
    """Whether a reshape only adds and drops axes of size 1."""
    before = [size for size in reshape.inputs[0].shape if size != 1]
    return before == [size for size in reshape.shape if size != 1]
