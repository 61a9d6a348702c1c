"""Tracers: what a user's function receives in place of arrays and numbers; they record by use.

NumPy hands every call on a tracer to `__array_ufunc__` or `__array_function__`, and those look
the function up in a table. There are two kinds, as there are in NumPy: an array can be written in
place, so that all its names see it, and a number cannot, so that ``x += 1`` binds one name anew.
Which of them a function gives is NumPy's rule: whole indices, reductions to one number and ufuncs
of numbers give numbers; 0-d arrays come of views, copies, `np.where` and few more.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np

from ..errors import GradientError, UnsupportedError, at_user_line
from ..graph.node import Node, constant
from ..primitives.structure import broadcast_to, cast, identity
from .complex_readiness import TAKES_COMPLEX, refuse_complex
from .in_place import count_references
from .plain_index import PLAIN_ARRAY, refuse_plain_index
from .plain_numbers import concrete_value, detached_value, formatted
from .recording import is_known
from .selected import Selected
from .strides import set_layout_like
from .tracing import tracing
from .unsupported import unsupported

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
UFUNCS: dict[str, Callable[..., Any]] = {}
UFUNC_METHODS: dict[tuple[str, str], Callable[..., Any]] = {}
METHODS: dict[str, Callable[..., Any]] = {}
SEES_OUT: set[Any] = set()  # functions whose rules write or refuse out= themselves
LIST_READERS: dict[Any, Callable[..., Any]] = {}  # how a function's lists become arrays
HOOKS: dict[str, Callable[..., Any]] = {}  # what tracers and tables need of later files


class _TracerType(type):
    """The type of tracers' types, so that ``type(x) == np.ndarray`` is right or an error."""

    def __eq__(cls, other: object) -> bool:
        if other is np.ndarray:
            return issubclass(cls, ArrayTracer)
        if isinstance(other, type) and other in _NUMBERS and issubclass(cls, ScalarTracer):
            raise TypeError(
                at_user_line(
                    f"type(x) == {other.__name__} is not known of a traced number: use "
                    "isinstance(x, ...) or x.dtype"
                )
            )
        return cls is other

    __hash__ = type.__hash__


_NUMBERS = {float, int, bool, complex, *np.sctypeDict.values()}


class Tracer(metaclass=_TracerType):
    """An array or a number while it is traced."""

    __slots__ = ("__weakref__", "_node")
    __array_priority__ = 1000.0
    __pandas_priority__ = 10_000  # an operator with a Series or a DataFrame is ours
    weak = False

    def __init__(self, node: Node) -> None:
        self._node = node

    def __init_subclass__(cls) -> None:
        # CPython drops an inherited hook for good where C code looks up an attribute while an
        # exception is on its way; one in the type's own dictionary it finds.
        cls.__getattr__ = Tracer.__getattr__  # type: ignore[method-assign]

    @property
    def node(self) -> Node:
        """The node that holds the present value."""
        return self._node

    def reset(self, node: Node) -> None:
        """Hold the node that an argument had before its function is traced again."""
        self._node = node

    # What an array knows without its numbers

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return self.node.shape  # type: ignore[no-any-return]

    @shape.setter
    def shape(self, sizes: Any) -> None:
        HOOKS["set_shape"](self, sizes)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Kind of number."""
        return self.node.dtype  # type: ignore[no-any-return]

    @dtype.setter
    def dtype(self, kind: Any) -> None:
        raise UnsupportedError(at_user_line("x.dtype = ... of a traced array: use x.astype(...)"))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.node.shape)

    @property
    def size(self) -> int:
        """Number of entries."""
        return prod(self.node.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of one entry."""
        return int(self.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """Bytes of all entries."""
        return self.size * self.itemsize

    # Numbers, if they are known: to branch on and to show, always; to compute with, only where no
    # derivative is lost

    def __bool__(self) -> bool:
        return bool(concrete_value(self.node, "a truth value", "truth"))

    def __int__(self) -> int:
        number = int(concrete_value(self.node, "int()", "integer"))
        if abs(number) >= _ALL_WHOLE:  # nothing is cut off: it is the number itself
            detached_value(self.node, "int() of a number that has no digits after its point")
        return number

    def __index__(self) -> int:
        if not is_known(self.node):
            refuse_plain_index(self, sys._getframe(1))
        value = concrete_value(self.node, "an index", "integer")
        if value.dtype.kind not in "biu":
            raise TypeError(at_user_line(f"an index must be an integer, not {value.dtype}"))
        return value.__index__()  # type: ignore[no-any-return]

    def __hash__(self) -> int:
        if not self.shape and self.dtype.kind in "iub":
            request = "a key (of a dictionary, a set or a cache)"
            return hash(concrete_value(self.node, request, "integer").item())
        raise UnsupportedError(
            at_user_line(
                "a traced number is used as a key of a dictionary, a set or a cache, which would "
                "compare it by its value: use chainrule.stop_gradient(x).item(), or no cache"
            )
        )

    def __float__(self) -> float:
        if formatted(sys._getframe(1)):
            number = float(concrete_value(self.node, "text % number"))
            HOOKS["note_text"](self, "", sys._getframe(1))
            return number
        return float(detached_value(self.node, "float(), or a function of plain numbers,"))

    def __complex__(self) -> complex:
        return complex(detached_value(self.node, "complex()"))

    def __repr__(self) -> str:
        value = self.node.value
        contents = str(self.node.type) if value is None else repr(value)
        return f"Tracer({contents})"

    def __str__(self) -> str:
        return HOOKS["plain_text"](self)  # type: ignore[no-any-return]

    def __format__(self, spec: str) -> str:
        if not spec:
            return HOOKS["plain_text"](self)  # type: ignore[no-any-return]
        text = format(concrete_value(self.node, "format"), spec)
        HOOKS["note_text"](self, text, sys._getframe(1))
        return text

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if not is_known(self.node):
            refuse_plain_index(self, sys._getframe(1))
        return np.array(detached_value(self.node, PLAIN_ARRAY), dtype=dtype)

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        for x in inputs:
            if issubclass(type(x), Selected):
                return NotImplemented  # which has rules of its own
        references = count_references(kwargs, inputs) if kwargs else 0
        called = method == "__call__"
        name: Any = ufunc.__name__ if called else (ufunc.__name__, method)
        rule = UFUNCS.get(name) if called else UFUNC_METHODS.get(name)
        if rule is None and not called:
            rule = HOOKS["ufunc_method"](ufunc, method)
        if rule is None and called:  # of a module that was imported since the trace began
            HOOKS["load_rules"]()
            rule = UFUNCS.get(name)
        if rule is None:
            name = name if called else ".".join(name)
            raise UnsupportedError(at_user_line(unsupported(f"np.{name}", name)))
        if name not in TAKES_COMPLEX:
            refuse_complex(ufunc, method, inputs)
        if kwargs:
            return HOOKS["ufunc_options"](rule, ufunc, method, inputs, kwargs, references)
        return rule(*inputs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(kind, Selected) for kind in types):
            return NotImplemented
        rule = FUNCTIONS.get(func)
        if rule is None:  # of a module that was imported since the trace began
            HOOKS["load_rules"]()
            rule = FUNCTIONS.get(func)
        if rule is None:  # for like=, NumPy names what stands for its function now
            rule = FUNCTIONS.get(getattr(func, "__wrapped__", None))
        if rule is None:
            name = f"{func.__module__.replace('numpy', 'np', 1)}.{func.__name__}"
            raise UnsupportedError(at_user_line(unsupported(name, func.__name__)))
        if func not in TAKES_COMPLEX and getattr(func, "__wrapped__", None) not in TAKES_COMPLEX:
            refuse_complex(func, "", (args, kwargs))
        out = None if func in SEES_OUT else kwargs.pop("out", None)
        read = LIST_READERS.get(func)
        if read is not None:
            args = [read(x) if type(x) is list or type(x) is tuple else x for x in args]
        result = rule(*args, **kwargs)
        return result if out is None else HOOKS["write_out"]((out,), (None,), result, 0)

    def __getattr__(self, name: str) -> Any:
        method = METHODS.get(name)
        if method is not None:
            if self.node.dtype.kind == "c" and f".{name}" not in TAKES_COMPLEX:
                raise UnsupportedError(at_user_line(f"x.{name}() of complex numbers"))
            return _BoundMethod(method, self, name in _TAKES_OUT)
        if name in _TAKES_NUMBERS and type(self) is ScalarTracer:
            detached_value(self.node, f"{name}()")
        if name.startswith(_PROBES) or not hasattr(self.__class__, name):
            raise AttributeError(f"a traced array has no attribute {name!r}")
        raise UnsupportedError(at_user_line(unsupported(f"ndarray.{name}", name)))

    @property
    def T(self) -> Any:
        """All axes in reverse order."""
        return METHODS["transpose"](self)

    @property
    def mT(self) -> Any:
        """The last two axes exchanged."""
        return METHODS["swapaxes"](self, -1, -2)

    def __copy__(self) -> Any:
        return METHODS["copy"](self, "K")

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return METHODS["copy"](self, "K")

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise GradientError(at_user_line("a traced array cannot be pickled: return it instead"))


# What NumPy looks for, and in NumPy 2.4 has to be there or an AttributeError: anything else ends
# the process, where an object that has `__array__` hands the question on. Then what turns a Python
# float into plain numbers
_PROBES = ("__array_", "__cuda_array_interface__")
_TAKES_OUT = {"all", "any", "argmax", "argmin", "clip", "cumprod", "cumsum", "dot", "max", "mean",
              "min", "prod", "round", "std", "sum", "take", "trace", "var"}  # fmt: skip
_ALL_WHOLE = 2**52  # numbers of double precision above are
_TAKES_NUMBERS = {"as_integer_ratio", "hex"}


class ScalarTracer(Tracer):
    """A NumPy scalar or a Python number while it is traced: it never changes.

    Attributes
    ----------
    weak : bool
        Whether it stands for a Python number, which takes the dtype of what is beside it.
    """

    __slots__ = ("weak",)

    def __init__(self, node: Node, weak: bool = False) -> None:
        self._node = node
        self.weak = weak

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # what `isinstance` asks for
        kind = self._node.dtype
        return _PYTHON[kind.kind] if self.weak else kind.type

    __iter__ = None  # what has __getitem__ would be iterated over

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        if any(part is not None and part is not Ellipsis for part in parts):
            raise IndexError(at_user_line("invalid index to scalar variable"))
        return self if index == () else HOOKS["getitem"](ArrayTracer(self.node), index)


_PYTHON: dict[str, type] = {"f": float, "i": int, "u": int, "b": bool, "c": complex}


class ArrayTracer(Tracer):
    """An `numpy.ndarray` while it is traced: writing into it gives it another node."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # what `isinstance` asks for
        if not self._node.shape:
            tracing.kind_observed = True
        return np.ndarray

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(at_user_line("len() of an array without axes"))
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError(at_user_line("iteration over an array without axes"))
        return (self[k] for k in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return bool(METHODS["any"](self == value))

    def __getitem__(self, index: Any) -> Any:
        return HOOKS["getitem"](self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        if type(value) is list or type(value) is tuple:
            value = HOOKS["as_one_array"](value)
        HOOKS["setitem"](self, index, value)

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
        elif node.serial <= old.serial or hasattr(node, "order"):
            node = identity(node)  # another array's: its memory order is not ours
        set_layout_like(node, old)
        self._write(node)

    def drop_graph(self) -> None:
        """Hold the numbers alone, where they are known: the trace that they came from is over."""
        if self._node.value is not None and self._node.inputs:
            self._node = constant(self._node.value)

    def _write(self, node: Node) -> None:
        if self._node.serial < tracing.first_serial:
            raise UnsupportedError(
                at_user_line(
                    "a function that is traced for jit, scan or another loop writes into an array "
                    "from outside, which would happen once, while it is traced: return the new "
                    "values instead (a loop hands them on as its state)"
                )
            )
        self._node = node


def traced(node: Node, weak: bool = False) -> Tracer:
    """Wrap a node as NumPy would return it: a number if it has no axes, else an array."""
    return ArrayTracer(node) if node.shape else ScalarTracer(node, weak)


class _BoundMethod:
    """A method of `METHODS` bound to a tracer."""

    __slots__ = ("function", "owner", "takes_out")

    def __init__(self, function: Callable[..., Any], owner: Tracer, takes_out: bool) -> None:
        self.function = function
        self.owner = owner
        self.takes_out = takes_out

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None) if self.takes_out else None
        result = self.function(self.owner, *args, **kwargs)
        return result if out is None else HOOKS["write_out"]((out,), (None,), result, 0)


def repeated(node: Node, shape: tuple[int, ...]) -> Node:
    """Broadcast the node to a shape if that is possible, else return it unchanged."""
    pairs = zip(node.shape[::-1], shape[::-1], strict=False)
    fits = len(node.shape) <= len(shape) and all(n in (1, m) for n, m in pairs)
    return broadcast_to(node, shape=shape) if fits else node
