"""`Tracer`: what a user's function receives in place of an array; it records by being used.

NumPy hands every call on a tracer to `__array_ufunc__` or `__array_function__`, and those look
the function up in `numpy_table`. A tracer holds one immutable node; writing into a tracer gives
it another node, and a view made by indexing or reshaping writes through to what it views.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any

import numpy as np

from ..errors import (
    AbstractValueError,
    GradientError,
    UnsupportedError,
    at_user_line,
    user_frame,
)
from ..graph.node import Node, Primitive, apply, constant
from ..graph.types import weak_constant
from ..primitives.structure import cast

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
UFUNCS: dict[str, Callable[..., Any]] = {}
UFUNC_METHODS: dict[tuple[str, str], Callable[..., Any]] = {}
METHODS: dict[str, Callable[..., Any]] = {}


class Tracer:
    """An array while it is traced. Behaves as `numpy.ndarray` does."""

    __slots__ = ("__weakref__", "_node", "weak")
    __array_priority__ = 1000.0
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, node: Node, weak: bool = False) -> None:
        self._node = node
        self.weak = weak

    @property
    def node(self) -> Node:
        """The node that holds the present value."""
        return self._node

    def rebind(self, node: Node) -> None:
        """Take a new value, as an array written in place does: same shape, same dtype."""
        old = self.node
        if node.shape != old.shape:
            raise ValueError(
                at_user_line(f"a result of shape {node.shape} does not fit into {old.shape}")
            )
        if node.dtype != old.dtype:
            if not np.can_cast(node.dtype, old.dtype, "same_kind"):
                raise TypeError(
                    at_user_line(f"cannot write {node.dtype} into an array of {old.dtype}")
                )
            node = cast(node, dtype=old.dtype)
        self._write(node)
        self.weak = False

    def _write(self, node: Node) -> None:
        self._node = node

    # What an array knows without its numbers

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return self.node.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Kind of number."""
        return self.node.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.node.shape)

    @property
    def size(self) -> int:
        """Number of entries."""
        return int(np.prod(self.node.shape))

    @property
    def itemsize(self) -> int:
        """Bytes of one entry."""
        return int(self.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """Bytes of all entries."""
        return self.size * self.itemsize

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(at_user_line("len() of an array without axes"))
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))

    # Numbers, if they are known

    def _number(self, what: str) -> Any:
        value = self.node.value
        if value is None:
            raise AbstractValueError(
                at_user_line(
                    f"{what} needs the numbers of an array of shape {self.shape}, but under jit "
                    "(and in scan) only shapes and dtypes are known. Use np.where for a choice, "
                    "chainrule.scan or fori_loop for a loop, static_argnums for an argument that "
                    "shapes depend on, or call without jit"
                )
            )
        return value

    def __bool__(self) -> bool:
        return bool(self._number("a truth value"))

    def __float__(self) -> float:
        value = self._number("float()")
        if not _means_float():
            raise GradientError(at_user_line(_LOST))
        return float(value)

    def __int__(self) -> int:
        return int(self._number("int()"))

    def __index__(self) -> int:
        return self._number("an index").__index__()  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        value = self.node.value
        shown = str(self.node.type) if value is None else repr(value)
        return f"Tracer({shown})"

    def __format__(self, spec: str) -> str:
        return format(self._number("format"), spec) if spec else repr(self)

    def item(self, *args: Any) -> Any:
        """The entry as a Python number."""
        return self._number("item()").item(*args)

    def tolist(self) -> Any:
        """The entries as nested lists of Python numbers."""
        return self._number("tolist()").tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if self.dtype.kind == "f":
            raise GradientError(at_user_line(_LOST))
        return np.array(self._number(_PLAIN), dtype=dtype)  # integers carry no derivative

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        if method == "__call__":
            rule = UFUNCS.get(ufunc.__name__)
        else:
            rule = UFUNC_METHODS.get((ufunc.__name__, method))
        if rule is None:
            name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            raise UnsupportedError(at_user_line(unsupported(f"np.{name}", name)))
        if kwargs:
            kwargs = _plain(ufunc, kwargs)
        result = rule(*inputs, **kwargs)
        return result if out is None else _into(out, inputs, result)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        rule = FUNCTIONS.get(func)
        if rule is None:
            name = f"{func.__module__.replace('numpy', 'np', 1)}.{func.__name__}"
            raise UnsupportedError(at_user_line(unsupported(name, func.__name__)))
        out = kwargs.pop("out", None)
        result = rule(*args, **kwargs)
        return result if out is None else _into((out,), (None,), result)

    def __getattr__(self, name: str) -> Any:
        method = METHODS.get(name)
        if method is None:
            if name in _PROBES or not hasattr(np.ndarray, name):
                raise AttributeError(f"a traced array has no attribute {name!r}")
            raise UnsupportedError(at_user_line(unsupported(f"ndarray.{name}", name)))
        return _Bound(method, self)

    @property
    def T(self) -> Any:
        """All axes in reverse order."""
        return METHODS["transpose"](self)

    @property
    def mT(self) -> Any:
        """The last two axes exchanged."""
        return METHODS["swapaxes"](self, -1, -2)

    @property
    def real(self) -> Any:
        """The array itself: complex numbers are not supported."""
        return self

    def __getitem__(self, index: Any) -> Any:
        return METHODS["__getitem__"](self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        METHODS["__setitem__"](self, index, value)


_PROBES = {"__array_interface__", "__array_struct__", "__cuda_array_interface__"}


_PLAIN = (
    "np.asarray() or an index into a plain array (there write np.asarray(plain, like=x)[index])"
)
_LOST = (
    "a traced number was asked for as a plain one, and its derivative would be lost. Instead of "
    "np.array([a, b]) use np.stack([a, b]); instead of out = np.zeros(n); out[i] = a use "
    "out = np.zeros_like(x) or np.zeros(n, like=x); instead of math.sin(a) use np.sin(a), "
    "instead of scipy.special.logsumexp(a) chainrule.logsumexp(a); instead "
    "of np.asarray(a) use a itself; float(a) is for numbers that need no derivative"
)


def _means_float() -> bool:
    """Whether the user wrote `float(x)`, rather than `plain[i] = x` or `math.sin(x)`."""
    frame = user_frame()
    if frame is None:
        return True
    operation = dis.opname[frame.f_code.co_code[frame.f_lasti]]
    if operation.startswith(("CALL", "PRECALL")):
        return not {"float", "map"}.isdisjoint(frame.f_code.co_names)
    return operation != "STORE_SUBSCR"


class _Bound:
    """A method of `METHODS` bound to a tracer."""

    __slots__ = ("function", "owner")

    def __init__(self, function: Callable[..., Any], owner: Tracer) -> None:
        self.function = function
        self.owner = owner

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(self.owner, *args, **kwargs)


class View(Tracer):
    """What basic indexing or reshaping gives: reads what its parent holds now, writes through."""

    __slots__ = ("parent", "read", "seen", "write")

    def __init__(
        self,
        parent: Tracer,
        read: Callable[[Node], Node],
        write: Callable[[Node, Node], Node],
    ) -> None:
        self.parent = parent
        self.read = read
        self.write = write
        self.seen = parent.node
        super().__init__(read(self.seen))

    @property
    def node(self) -> Node:
        """The node that holds the present value."""
        now = self.parent.node
        if now is not self.seen:
            self.seen = now
            self._node = self.read(now)
        return self._node

    def _write(self, node: Node) -> None:
        self.parent.rebind(self.write(self.parent.node, node))
        self.seen = self.parent.node
        self._node = node


_DEFAULTS = (("casting", "same_kind"), ("order", "K"), ("subok", True))


def _plain(ufunc: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Keyword arguments without those that only repeat NumPy's defaults."""
    kept = {}
    for key, value in kwargs.items():
        if key in ("dtype", "axis", "keepdims", "initial"):
            kept[key] = value
        elif not (key == "where" and value is True) and (key, value) not in _DEFAULTS:
            raise UnsupportedError(
                at_user_line(f"np.{ufunc.__name__}({key}=...) of a traced array is not supported")
            )
    return kept


def _into(out: tuple[Any, ...], inputs: tuple[Any, ...], result: Any) -> Any:
    """`x += traced`: Python rebinds x to what we return. Any other `out=` array cannot be."""
    target = out[0]
    if isinstance(target, Tracer):
        target.rebind(node_of(result))
        return target
    frame = user_frame()
    in_place = (
        target is inputs[0]
        and frame is not None
        and dis.opname[frame.f_code.co_code[frame.f_lasti]] in _IN_PLACE
    )
    if not in_place:
        raise UnsupportedError(
            at_user_line(
                "out= names a plain array, which cannot hold a traced result: use the value that "
                "the function returns"
            )
        )
    if not np.can_cast(result.dtype, target.dtype, "same_kind"):
        raise TypeError(at_user_line(f"cannot write {result.dtype} into {target.dtype} in place"))
    if result.shape != target.shape:
        raise ValueError(
            at_user_line(f"a result of shape {result.shape} does not fit into {target.shape}")
        )
    if result.dtype != target.dtype:
        return Tracer(cast(node_of(result), dtype=target.dtype))
    return result


_IN_PLACE = {"BINARY_OP", "INPLACE_ADD"}


def unsupported(shown: str, name: str) -> str:
    """The message for a NumPy function that has no rule: it names the nearest that has."""
    near = _nearest(name, {f.__name__ for f in FUNCTIONS} | set(UFUNCS))
    hint = f"; the nearest supported one is np.{near}" if near else ""
    return f"{shown} of a traced array is not supported{hint}"


def _nearest(name: str, known: set[str]) -> str | None:
    matches = get_close_matches(name, sorted(known), n=1, cutoff=0.7)
    return matches[0] if matches else None


def node_of(x: Any, beside: np.dtype[Any] | None = None) -> Node:
    """The node of a tracer, or a constant; a Python number takes the dtype `beside` it."""
    if isinstance(x, Tracer):
        node = x.node
        if x.weak and beside is not None:
            wanted = np.result_type(beside, 1.0 if node.dtype.kind == "f" else 1)
            return node if node.dtype == wanted else cast(node, dtype=wanted)
        return node
    if isinstance(x, Node):
        return x
    if beside is None:
        beside = np.asarray(x).dtype if isinstance(x, (bool, int, float)) else np.dtype(float)
    return constant(weak_constant(x, beside))


def is_weak(x: Any) -> bool:
    """Whether x is a Python number, or stands for one (NEP 50)."""
    kind = type(x)
    return kind is float or kind is int or kind is bool or (isinstance(x, Tracer) and x.weak)


def nodes_of(*xs: Any) -> tuple[Node, ...]:
    """Nodes of the arguments of one elementwise function, by NEP 50."""
    strong: Any = None
    for x in xs:
        if not is_weak(x):
            dtype = x.dtype if isinstance(x, (Tracer, np.ndarray, np.generic)) else None
            if dtype is None:
                dtype = np.asarray(x).dtype
            strong = dtype if strong is None or strong == dtype else np.result_type(strong, dtype)
    return tuple(node_of(x, strong) for x in xs)


def record(primitive: Primitive, *xs: Any, **params: Any) -> Tracer:
    """Apply a primitive to tracers, arrays and Python numbers."""
    return Tracer(apply(primitive, nodes_of(*xs), params))
