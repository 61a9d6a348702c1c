"""What arrays say of their memory: flags, strides, base; methods that would read or change it."""

from __future__ import annotations

from inspect import isclass
from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..primitives.structure import identity
from .complex_readiness import takes_complex
from .strides import Strides, is_c_order, strides_of
from .tracer import METHODS, ArrayTracer, Tracer
from .views import Reshaped, View, memory_owner, view

_SHORT = {"C": "c_contiguous", "F": "f_contiguous", "O": "owndata", "W": "writeable",
          "A": "aligned", "X": "writebackifcopy", "CONTIGUOUS": "contiguous"}  # fmt: skip
_REFUSED = {
    "byteswap": "it changes bytes, of which a traced array has none",
    "dump": "return the array from the function, and save it there",
    "dumps": "return the array from the function, and save it there",
    "getfield": "it reads bytes, of which a traced array has none",
    "resize": "use np.resize(x, shape), or np.concatenate with zeros",
    "setfield": "it writes bytes, of which a traced array has none",
    "tobytes": "return the array from the function, or write "
               "np.asarray(chainrule.stop_gradient(x)).tobytes()",
    "tofile": "return the array from the function, and write it there",
}  # fmt: skip


class Flags:
    """`x.flags`: how NumPy's array would lie in memory (`numpy.flagsobj`)."""

    _owner: Tracer

    def __init__(self, owner: Tracer) -> None:
        object.__setattr__(self, "_owner", owner)

    def _is_ordered(self, step: int) -> bool:
        shape = self._owner.shape
        strides = _known_strides(self._owner)
        return 0 in shape or is_c_order(shape[::step], strides[::step])

    @property
    def c_contiguous(self) -> bool:
        """Whether the last axis runs fastest and nothing lies between."""
        return self._is_ordered(1)

    @property
    def f_contiguous(self) -> bool:
        """Whether the first axis runs fastest and nothing lies between."""
        return self._is_ordered(-1)

    contiguous = c_contiguous

    @property
    def fnc(self) -> bool:
        """Whether it lies in Fortran's order and not in C's."""
        return self.f_contiguous and not self.c_contiguous

    @property
    def forc(self) -> bool:
        """Whether it lies in one of both orders."""
        return self.f_contiguous or self.c_contiguous

    @property
    def owndata(self) -> bool:
        """Whether the memory is its own."""
        return _base(self._owner) is None

    @property
    def writeable(self) -> bool:
        """Whether it can be written."""
        x = self._owner
        while isinstance(x, View):
            if x.write is None:
                return False
            x = x.parent
        return isinstance(x, ArrayTracer)

    aligned = True
    writebackifcopy = False
    behaved = writeable

    def __getitem__(self, name: str) -> bool:
        attribute = _SHORT.get(name, name.lower())
        if not hasattr(type(self), attribute):
            raise KeyError("Unknown flag")
        return bool(getattr(self, attribute))

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "writeable" and value == self.writeable:
            return
        raise UnsupportedError(
            at_user_line(f"x.flags.{name} = {value} of a traced array: take a copy instead")
        )

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, _SHORT.get(name, name.lower()), value)


def _known_strides(x: Tracer) -> Strides:
    strides = strides_of(x.node)
    if strides is None:
        raise UnsupportedError(
            at_user_line(
                "how NumPy would have laid this array out in memory is not known: take x.copy()"
            )
        )
    return strides


def _strides(x: Tracer) -> tuple[int, ...]:
    if 1 in x.shape:
        raise UnsupportedError(at_user_line("x.strides of a traced array with an axis of size 1"))
    strides = _known_strides(x)
    if len(strides) == 1 and strides != (1,):  # that there are gaps is all that is known
        raise UnsupportedError(at_user_line("x.strides of a traced array that is cut out"))
    return tuple(step * x.itemsize for step in strides)


def _base(x: Tracer) -> Tracer | None:
    owner = memory_owner(x)
    if owner is not x:
        return owner  # type: ignore[no-any-return]
    # reshape copies an array, and gives a view of the copy
    return ArrayTracer(x.node) if isinstance(x, Reshaped) and not x.raveled else None


def _set_flags(x: Tracer, write: Any = None, align: Any = None, uic: Any = None) -> None:
    for name, value in (("writeable", write), ("aligned", align), ("writebackifcopy", uic)):
        if value is not None and bool(value) != getattr(Flags(x), name):
            raise UnsupportedError(
                at_user_line(f"x.setflags({name}={value}) of a traced array: take a copy instead")
            )


def _view(x: Tracer, dtype: Any = None, type: Any = None) -> Any:
    """Return a view of all entries, the same numbers: others would be read from bytes."""
    kind = type if type is not None else dtype
    if isclass(kind) and issubclass(kind, np.ndarray) and kind is not np.ndarray:
        raise UnsupportedError(
            at_user_line(
                f"x.view({kind.__module__}.{kind.__name__}): a traced array is of no other class "
                "than np.ndarray: use it as it is, with @ for products"
            )
        )
    if kind is not None and kind is not np.ndarray and np.dtype(kind) != x.dtype:
        raise UnsupportedError(
            at_user_line(
                f"x.view({dtype or type}) reads bytes in another way, which has no derivative: "
                "use x.astype(dtype) to convert numbers"
            )
        )
    return view(x, identity, lambda _, new: new)


def _to_device(x: Tracer, device: str, /, *, stream: Any = None) -> Tracer:
    if device != "cpu" or stream is not None:
        raise ValueError(at_user_line(f"x.to_device({device!r}): NumPy knows 'cpu' alone"))
    return x


def _refusal_of(name: str, reason: str) -> Any:
    def rule(x: Tracer, *args: Any, **options: Any) -> Any:
        raise UnsupportedError(
            at_user_line(f"ndarray.{name} of a traced array is not supported: {reason}")
        )

    return rule


METHODS["setflags"] = _set_flags
METHODS["to_device"] = _to_device
METHODS["view"] = _view
METHODS["__array_namespace__"] = lambda x, *, api_version=None: np
for _name, _reason in _REFUSED.items():
    METHODS[_name] = _refusal_of(_name, _reason)


def _install() -> None:
    attributes = {"flags": Flags, "strides": _strides, "base": _base, "device": lambda x: "cpu"}
    for name, rule in attributes.items():
        setattr(Tracer, name, property(rule))


_install()


takes_complex(".setflags", ".to_device", ".view", ".__array_namespace__")
