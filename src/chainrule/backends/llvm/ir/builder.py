"""LLVM IR as text, built in order: values that know their dtype, functions, loops.

Text is built 20 times faster than through `llvmlite.ir`. What is written here is already
vectorised and in SSA form, so no optimisation pass runs on it: code generation alone is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..target.host import host
from .casting import to_whole
from .forwarding import Held
from .loop import Loop
from .types import BOOL, ELEMENTS, F32, F64, I32, I64, Index, Value, literal, llvm_type


class Unit:
    """One module of IR: declarations, global data, functions."""

    def __init__(self) -> None:
        self.declarations: dict[str, str] = {}
        self.functions: list[Function] = []

    def declare(self, name: str, line: str) -> None:
        """Have a declaration or a global, once."""
        self.declarations.setdefault(name, line)

    def function(
        self, name: str, arguments: Sequence[tuple[str, str]], returns: str = "void",
        attributes: str = "", linkage: str = "",
    ) -> Function:  # fmt: skip
        """Begin a function; arguments are (LLVM type with attributes, name without %)."""
        made = Function(self, name, arguments, returns, attributes, linkage)
        self.functions.append(made)
        return made

    def text(self, triple: str) -> str:
        """The whole module."""
        parts = [f'target triple = "{triple}"', *self.declarations.values()]
        parts += [function.text() for function in self.functions]
        return "\n".join(parts) + "\n"


_FLOAT_COMPARE = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "uno": "uno"}


class Function:
    """One function, written from its first line to its last."""

    def __init__(
        self, unit: Unit, name: str, arguments: Sequence[tuple[str, str]], returns: str,
        attributes: str, linkage: str,
    ) -> None:  # fmt: skip
        self.unit = unit
        listed = ", ".join(f"{kind} %{argument}" for kind, argument in arguments)
        self.head = f"define {linkage} {returns} @{name}({listed}) nounwind {attributes} {{"
        self.lines: list[str] = ["entry:"]
        self.block = "entry"
        self.held = Held(self)
        self._count = 0

    def text(self) -> str:
        """The function as LLVM reads it."""
        return "\n".join([self.head, *self.lines, "}"])

    # Lines

    def emit(self, line: str) -> None:
        """Write an instruction without a result: a call, a store, the end of a block."""
        self.held.clear()
        self.lines.append(line)

    def fresh(self, stem: str = "v") -> str:
        """A name that nothing has, without % in front."""
        self._count += 1
        return f"{stem}{self._count}"

    def name(self, right: str) -> str:
        """Write an instruction; the name of its result."""
        made = "%" + self.fresh()
        if right.startswith("call") and "@llvm." not in right:
            self.held.clear()
        self.lines.append(f"{made} = {right}")
        return made

    def value(self, right: str, dtype: np.dtype[Any], lanes: int, origin: Any = None) -> Value:
        """Write an instruction; its result as a value."""
        return Value(self, self.name(right), dtype, lanes, origin)

    # Numbers

    def constant(self, number: Any, dtype: Any, lanes: int = 1) -> Value:
        """The same number in all lanes."""
        dtype = np.dtype(dtype)
        text = literal(number, dtype)
        if lanes > 1:
            if text in ("0", "false", "0x0000000000000000"):
                text = "zeroinitializer"
            else:
                element = ELEMENTS[dtype]
                text = f"splat ({element} {text})"
        return Value(self, text, dtype, lanes, ("constant", number))

    def vector(self, numbers: Sequence[Any], dtype: Any) -> Value:
        """One known number a lane."""
        dtype = np.dtype(dtype)
        element = ELEMENTS[dtype]
        listed = ", ".join(f"{element} {literal(x, dtype)}" for x in numbers)
        return Value(self, f"<{listed}>", dtype, len(numbers))

    def splat(self, x: Value, lanes: int) -> Value:
        """A scalar in all lanes."""
        if x.lanes == lanes:
            return x
        if x.origin is not None and x.origin[0] == "constant":
            return self.constant(x.origin[1], x.dtype, lanes)
        kind = llvm_type(x.dtype, lanes)
        one = self.name(f"insertelement {kind} poison, {x}, i64 0")
        right = f"shufflevector {kind} {one}, {kind} poison, <{lanes} x i32> zeroinitializer"
        return self.value(right, x.dtype, lanes)

    def shuffle(self, x: Value, y: Value | None, order: Sequence[int]) -> Value:
        """Lanes of x (and then of y) in a known order."""
        second = f"{x.type} poison" if y is None else str(y)
        listed = ", ".join(f"i32 {k}" for k in order)
        right = f"shufflevector {x}, {second}, <{len(order)} x i32> <{listed}>"
        return self.value(right, x.dtype, len(order))

    def extract(self, x: Value, lane: int) -> Value:
        """One lane of a vector as a scalar."""
        return x if x.lanes == 1 else self.value(f"extractelement {x}, i64 {lane}", x.dtype, 1)

    def insert(self, x: Value | None, scalar: Value, lane: int, lanes: int) -> Value:
        """The vector with one lane set; without a vector the others are undefined."""
        kind = llvm_type(scalar.dtype, lanes)
        before = f"{kind} poison" if x is None else str(x)
        right = f"insertelement {before}, {scalar}, i64 {lane}"
        return self.value(right, scalar.dtype, lanes)

    def binary(self, operation: str, x: Value, y: Value) -> Value:
        """An instruction of two operands of one type."""
        return self.value(f"{operation} {x}, {y.name}", x.dtype, x.lanes, (operation, x, y))

    def unary(self, operation: str, x: Value) -> Value:
        """An instruction of one operand."""
        return self.value(f"{operation} {x}", x.dtype, x.lanes, (operation, x))

    def compare(self, relation: str, x: Value, y: Value) -> Value:
        """lt, le, gt, ge, eq, or uno (one is nan), lane by lane."""
        if x.dtype.kind == "f":
            right = f"fcmp {_FLOAT_COMPARE[relation]} {x}, {y.name}"
        elif relation == "eq":
            right = f"icmp eq {x}, {y.name}"
        else:
            sign = "s" if x.dtype.kind == "i" else "u"
            right = f"icmp {sign}{relation} {x}, {y.name}"
        return self.value(right, BOOL, x.lanes, (relation, x, y))

    def select(self, condition: Value, x: Any, y: Any) -> Value:
        """x where the condition holds, else y; one of them may be a number."""
        x = x if isinstance(x, Value) else y.like(x)
        y = y if isinstance(y, Value) else x.like(y)
        return self.value(f"select {condition}, {x}, {y}", x.dtype, x.lanes)

    def fma(self, x: Value, y: Any, z: Any) -> Value:
        """x * y + z, rounded once where the CPU can, else twice; y and z may be numbers."""
        y, z = (v if isinstance(v, Value) else x.like(v) for v in (y, z))
        return self.intrinsic("fmuladd", x, y, z)

    def intrinsic(self, name: str, *inputs: Value, returns: np.dtype[Any] | None = None) -> Value:
        """Call ``llvm.<name>``, overloaded by the type of its first input."""
        x = inputs[0]
        suffix = _suffix(x.dtype)
        full = f"llvm.{name}.{suffix if x.lanes == 1 else f'v{x.lanes}{suffix}'}"
        result = x.type if returns is None else llvm_type(returns, x.lanes)
        kinds = ", ".join(v.type for v in inputs)
        self.unit.declare(full, f"declare {result} @{full}({kinds})")
        right = f"call {result} @{full}({', '.join(map(str, inputs))})"
        return self.value(right, x.dtype if returns is None else returns, x.lanes)

    def bitcast(self, x: Value, dtype: Any) -> Value:
        """The same bits read as another dtype of the same size."""
        dtype = np.dtype(dtype)
        if ELEMENTS[dtype] == ELEMENTS[x.dtype]:
            return Value(self, x.name, dtype, x.lanes)
        return self.value(f"bitcast {x} to {llvm_type(dtype, x.lanes)}", dtype, x.lanes)

    def convert(self, x: Value, dtype: Any) -> Value:
        """The number in another dtype, as NumPy's astype."""
        dtype = np.dtype(dtype)
        if x.dtype == dtype:
            return x
        if x.origin is not None and x.origin[0] == "constant":
            with np.errstate(all="ignore"):
                number = np.asarray(x.origin[1], x.dtype).astype(dtype)
            return self.constant(number, dtype, x.lanes)
        if dtype.kind == "b":
            zero = x.like(0)
            relation = "fcmp une" if x.dtype.kind == "f" else "icmp ne"
            return self.value(f"{relation} {x}, {zero.name}", dtype, x.lanes)
        source, target = x.dtype, dtype
        if ELEMENTS[source] == ELEMENTS[target]:
            return Value(self, x.name, dtype, x.lanes)
        if source.kind == "f" and target.kind in "iu":
            return to_whole(self, x, target)
        right = f"{_conversion(source, target)} {x} to {llvm_type(dtype, x.lanes)}"
        return self.value(right, dtype, x.lanes)

    def clock(self) -> str:
        """The name of an i64: ticks of a clock that user code may read on this CPU."""
        x86 = host().triple.startswith("x86_64")
        name = "llvm.readcyclecounter" if x86 else "llvm.readsteadycounter"
        self.unit.declare(name, f"declare i64 @{name}()")
        return self.name(f"call i64 @{name}()")

    # Index arithmetic: known numbers stay known

    def plus(self, a: Index, b: Index) -> Index:
        """a + b."""
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        if a == 0:
            return b
        return a if b == 0 else self.name(f"add nsw i64 {a}, {b}")

    def times(self, a: Index, b: Index) -> Index:
        """a * b."""
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        if a == 0 or b == 0:
            return 0
        if a == 1:
            return b
        return a if b == 1 else self.name(f"mul nsw i64 {a}, {b}")

    def smaller(self, a: Index, b: Index) -> str:
        """The smaller of two."""
        less = self.name(f"icmp slt i64 {a}, {b}")
        return self.name(f"select i1 {less}, i64 {a}, i64 {b}")

    # Memory

    def offset(self, pointer: str, index: Index, itemsize: int) -> str:
        """The address of an entry."""
        if index == 0:
            return pointer
        if isinstance(index, int):
            made = self.name(f"getelementptr i8, ptr {pointer}, i64 {index * itemsize}")
            self.held.moved(pointer, made, index * itemsize)
            return made
        return self.name(f"getelementptr {{ [{itemsize} x i8] }}, ptr {pointer}, i64 {index}")

    def load(self, pointer: str, dtype: Any, lanes: int = 1, mask: Value | None = None) -> Value:
        """Consecutive numbers; a masked lane is not read and is 0. A bool is a byte in memory."""
        dtype = np.dtype(dtype)
        stored = np.dtype(np.uint8) if dtype.kind == "b" else dtype
        kind = llvm_type(stored, lanes)
        if mask is None:
            known = self.held.found(pointer, dtype, lanes)
            if known is not None:
                return known
            right = f"load {kind}, ptr {pointer}, align {dtype.itemsize}"
        else:
            full = f"llvm.masked.load.v{lanes}{_suffix(stored)}.p0"
            masks = f"<{lanes} x i1>"
            self.unit.declare(full, f"declare {kind} @{full}(ptr, i32, {masks}, {kind})")
            right = (
                f"call {kind} @{full}(ptr {pointer}, i32 {dtype.itemsize}, {mask}, "
                f"{kind} zeroinitializer)"
            )
        found = self.value(right, stored, lanes)
        if dtype.kind != "b":
            return found
        return self.value(f"icmp ne {found}, {found.like(0).name}", dtype, lanes)

    def store(self, x: Value, pointer: str, mask: Value | None = None) -> None:
        """Consecutive numbers; a masked lane is not written."""
        whole = x
        if x.dtype.kind == "b":
            byte = np.dtype(np.uint8)
            x = self.value(f"zext {x} to {llvm_type(byte, x.lanes)}", byte, x.lanes)
        if mask is None:
            self.lines.append(f"store {x}, ptr {pointer}, align {x.dtype.itemsize}")
            self.held.stored(whole, pointer)
            return
        full = f"llvm.masked.store.v{x.lanes}{_suffix(x.dtype)}.p0"
        self.unit.declare(full, f"declare void @{full}({x.type}, ptr, i32, <{x.lanes} x i1>)")
        self.emit(f"call void @{full}({x}, ptr {pointer}, i32 {x.dtype.itemsize}, {mask})")

    def gather(self, pointer: str, dtype: Any, offsets: Value, mask: Value) -> Value:
        """Numbers that lie at int64 offsets, counted in numbers, from an address."""
        dtype = np.dtype(dtype)
        stored = np.dtype(np.uint8) if dtype.kind == "b" else dtype
        lanes, kind = offsets.lanes, llvm_type(stored, offsets.lanes)
        places = self._places(pointer, stored, offsets)
        full = f"llvm.masked.gather.v{lanes}{_suffix(stored)}.v{lanes}p0"
        masks = f"<{lanes} x i1>"
        self.unit.declare(full, f"declare {kind} @{full}(<{lanes} x ptr>, i32, {masks}, {kind})")
        right = (
            f"call {kind} @{full}(<{lanes} x ptr> {places}, i32 {stored.itemsize}, {mask}, "
            f"{kind} zeroinitializer)"
        )
        found = self.value(right, stored, lanes)
        if dtype.kind != "b":
            return found
        return self.value(f"icmp ne {found}, {found.like(0).name}", dtype, lanes)

    def scatter(self, x: Value, pointer: str, offsets: Value, mask: Value) -> None:
        """Numbers to int64 offsets, counted in numbers, from an address."""
        if x.dtype.kind == "b":
            byte = np.dtype(np.uint8)
            x = self.value(f"zext {x} to {llvm_type(byte, x.lanes)}", byte, x.lanes)
        places = self._places(pointer, x.dtype, offsets)
        lanes = x.lanes
        full = f"llvm.masked.scatter.v{lanes}{_suffix(x.dtype)}.v{lanes}p0"
        kinds = f"{x.type}, <{lanes} x ptr>, i32, <{lanes} x i1>"
        self.unit.declare(full, f"declare void @{full}({kinds})")
        self.emit(
            f"call void @{full}({x}, <{lanes} x ptr> {places}, i32 {x.dtype.itemsize}, {mask})"
        )

    def _places(self, pointer: str, dtype: np.dtype[Any], offsets: Value) -> str:
        element = ELEMENTS[dtype]
        return self.name(f"getelementptr {element}, ptr {pointer}, {offsets}")

    def first_lanes(self, count: Index, lanes: int) -> Value:
        """A mask of the first `count` lanes."""
        if isinstance(count, int):
            return self.vector([k < count for k in range(lanes)], BOOL)
        number = self.name(f"trunc i64 {count} to i32")
        spread = self.splat(Value(self, number, I32, 1), lanes)
        return self.vector(range(lanes), I32) < spread

    # Flow

    def label(self, name: str) -> None:
        """Begin a block."""
        self.held.clear()
        self.lines.append(f"{name}:")
        self.block = name

    def jump(self, name: str) -> None:
        """Go on at a block."""
        self.emit(f"br label %{name}")

    def branch(self, condition: str, yes: str, no: str) -> None:
        """Go on at one of two blocks; the condition is the name of an i1."""
        self.emit(f"br i1 {condition}, label %{yes}, label %{no}")

    def loop(
        self, start: Index, stop: Index, step: Index = 1, carried: Sequence[Value] = (),
        at_least_once: bool = False,
    ) -> Loop:  # fmt: skip
        """A counted loop: ``with f.loop(0, n) as loop:`` and ``loop.index``; see `Loop`."""
        return Loop(self, start, stop, step, carried, at_least_once)

    @contextmanager
    def when(self, condition: str, returns: bool = False) -> Iterator[None]:
        """What is written inside runs only if the i1 holds, and then the function may return."""
        yes, after = self.fresh("yes"), self.fresh("after")
        self.branch(condition, yes, after)
        self.label(yes)
        yield
        if returns:
            self.emit("ret void")
        else:
            self.jump(after)
        self.label(after)


def _suffix(dtype: np.dtype[Any]) -> str:
    """How LLVM names an element in the names of overloaded functions."""
    element = ELEMENTS[dtype]
    return {"double": "f64", "float": "f32", "half": "f16"}.get(element, element)


def _conversion(source: np.dtype[Any], target: np.dtype[Any]) -> str:
    """The instruction that turns a number of one dtype into another."""
    if source.kind == "f" and target.kind == "f":
        return "fpext" if target.itemsize > source.itemsize else "fptrunc"
    if target.kind == "f":
        return "sitofp" if source.kind == "i" else "uitofp"
    if source.kind != "b" and target.itemsize < source.itemsize:
        return "trunc"
    return "sext" if source.kind == "i" else "zext"


__all__ = ["BOOL", "ELEMENTS", "F32", "F64", "I32", "I64", "Function", "Index", "Unit", "Value"]
