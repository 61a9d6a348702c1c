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
from .casting import float_to_int
from .forwarding import StoreForwarding
from .loop import CountedLoop
from .types import (
    BOOL,
    ELEMENTS,
    I32,
    Index,
    conversion,
    literal,
    llvm_type,
    overload_suffix,
)
from .value import Value


class Module:
    """One module of IR: declarations, global data, functions."""

    def __init__(self) -> None:
        self.declarations: dict[str, str] = {}
        self.functions: list[FunctionBuilder] = []

    def declare(self, name: str, line: str) -> None:
        """Add a declaration or a global, once."""
        self.declarations.setdefault(name, line)

    def function(
        self, name: str, arguments: Sequence[tuple[str, str]], returns: str = "void",
        attributes: str = "", linkage: str = "",
    ) -> FunctionBuilder:  # fmt: skip
        """Begin a function. Arguments are pairs (LLVM type with attributes, name without %)."""
        result = FunctionBuilder(self, name, arguments, returns, attributes, linkage)
        self.functions.append(result)
        return result

    def text(self, triple: str) -> str:
        """Return the module as LLVM reads it."""
        parts = [f'target triple = "{triple}"', *self.declarations.values()]
        parts += [function.text() for function in self.functions]
        return "\n".join(parts) + "\n"


_FLOAT_COMPARE = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "uno": "uno"}


class FunctionBuilder:
    """One function, which is written from its first line to its last."""

    def __init__(
        self, module: Module, name: str, arguments: Sequence[tuple[str, str]], returns: str,
        attributes: str, linkage: str,
    ) -> None:  # fmt: skip
        self.module = module
        listed = ", ".join(f"{kind} %{argument}" for kind, argument in arguments)
        self.head = f"define {linkage} {returns} @{name}({listed}) nounwind {attributes} {{"
        self.lines: list[str] = ["entry:"]
        self.block = "entry"
        self.forwarding = StoreForwarding()
        self._count = self._scratch = 0

    def text(self) -> str:
        """Return the function as LLVM reads it."""
        return "\n".join([self.head, *self.lines, "}"])

    def scratch(self, nbytes: int) -> str:
        """Return the address of memory on the stack, whose numbers nobody else expects to stay."""
        self._scratch = max(self._scratch, nbytes)
        self.lines[0] = f"entry:\n%scratch = alloca [{self._scratch} x i8], align 64"
        return "%scratch"

    def declare(self, name: str, line: str) -> None:
        """Add a declaration or a global to the module, once."""
        self.module.declare(name, line)

    # Lines

    def emit(self, line: str) -> None:
        """Write an instruction without a result: a call, a store, the end of a block."""
        self.forwarding.clear()
        self.lines.append(line)

    def fresh(self, stem: str = "v") -> str:
        """Return a name that is not used yet, without % in front."""
        self._count += 1
        return f"{stem}{self._count}"

    def name(self, right: str) -> str:
        """Write an instruction and return the name of its result."""
        result = "%" + self.fresh()
        if right.startswith("call") and "@llvm." not in right:
            self.forwarding.clear()
        self.lines.append(f"{result} = {right}")
        return result

    def value(self, right: str, dtype: np.dtype[Any], lanes: int, origin: Any = None) -> Value:
        """Write an instruction and return its result as a value."""
        return Value(self, self.name(right), dtype, lanes, origin)

    # Numbers

    def constant(self, number: Any, dtype: Any, lanes: int = 1) -> Value:
        """Return the same number in all lanes."""
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
        """Return a constant vector, one number for each lane."""
        dtype = np.dtype(dtype)
        element = ELEMENTS[dtype]
        listed = ", ".join(f"{element} {literal(x, dtype)}" for x in numbers)
        return Value(self, f"<{listed}>", dtype, len(numbers))

    def splat(self, x: Value, lanes: int) -> Value:
        """Broadcast a scalar to all lanes."""
        if x.lanes == lanes:
            return x
        if x.origin is not None and x.origin[0] == "constant":
            return self.constant(x.origin[1], x.dtype, lanes)
        kind = llvm_type(x.dtype, lanes)
        one = self.name(f"insertelement {kind} poison, {x}, i64 0")
        right = f"shufflevector {kind} {one}, {kind} poison, <{lanes} x i32> zeroinitializer"
        return self.value(right, x.dtype, lanes)

    def shuffle(self, x: Value, y: Value | None, order: Sequence[int | str]) -> Value:
        """Permute the lanes of x, followed by those of y; "poison" is one that nobody reads."""
        second = f"{x.type} poison" if y is None else str(y)
        listed = ", ".join(f"i32 {k}" for k in order)
        right = f"shufflevector {x}, {second}, <{len(order)} x i32> <{listed}>"
        return self.value(right, x.dtype, len(order))

    def extract(self, x: Value, lane: int) -> Value:
        """Return one lane of a vector as a scalar."""
        return x if x.lanes == 1 else self.value(f"extractelement {x}, i64 {lane}", x.dtype, 1)

    def insert(self, x: Value | None, scalar: Value, lane: int, lanes: int) -> Value:
        """Return the vector with one lane set. Without a vector the other lanes are undefined."""
        kind = llvm_type(scalar.dtype, lanes)
        before = f"{kind} poison" if x is None else str(x)
        right = f"insertelement {before}, {scalar}, i64 {lane}"
        return self.value(right, scalar.dtype, lanes)

    def binary(self, operation: str, x: Value, y: Value) -> Value:
        """Write an instruction of two operands of one type."""
        return self.value(f"{operation} {x}, {y.name}", x.dtype, x.lanes, (operation, x, y))

    def unary(self, operation: str, x: Value) -> Value:
        """Write an instruction of one operand."""
        return self.value(f"{operation} {x}", x.dtype, x.lanes, (operation, x))

    def compare(self, relation: str, x: Value, y: Value) -> Value:
        """Compare lane by lane by lt, le, gt, ge, eq, or uno (one of both is nan)."""
        if x.dtype.kind == "f":
            right = f"fcmp {_FLOAT_COMPARE[relation]} {x}, {y.name}"
        elif relation == "eq":
            right = f"icmp eq {x}, {y.name}"
        else:
            sign = "s" if x.dtype.kind == "i" else "u"
            right = f"icmp {sign}{relation} {x}, {y.name}"
        return self.value(right, BOOL, x.lanes, (relation, x, y))

    def select(self, condition: Value, x: Any, y: Any) -> Value:
        """Return x where the condition holds, else y. One of them may be a Python number."""
        x = x if isinstance(x, Value) else y.like(x)
        y = y if isinstance(y, Value) else x.like(y)
        return self.value(f"select {condition}, {x}, {y}", x.dtype, x.lanes)

    def fma(self, x: Value, y: Any, z: Any) -> Value:
        """Return x * y + z, rounded once if the CPU can do so, else twice."""
        y, z = (v if isinstance(v, Value) else x.like(v) for v in (y, z))
        return self.intrinsic("fmuladd", x, y, z)

    def intrinsic(self, name: str, *inputs: Value, returns: np.dtype[Any] | None = None) -> Value:
        """Call ``llvm.<name>``, overloaded by the type of its first input."""
        x = inputs[0]
        suffix = overload_suffix(x.dtype)
        full = f"llvm.{name}.{suffix if x.lanes == 1 else f'v{x.lanes}{suffix}'}"
        result = x.type if returns is None else llvm_type(returns, x.lanes)
        kinds = ", ".join(v.type for v in inputs)
        self.declare(full, f"declare {result} @{full}({kinds})")
        right = f"call {result} @{full}({', '.join(map(str, inputs))})"
        return self.value(right, x.dtype if returns is None else returns, x.lanes)

    def bitcast(self, x: Value, dtype: Any) -> Value:
        """Read the same bits as another dtype of the same size."""
        dtype = np.dtype(dtype)
        if ELEMENTS[dtype] == ELEMENTS[x.dtype]:
            return Value(self, x.name, dtype, x.lanes)
        return self.value(f"bitcast {x} to {llvm_type(dtype, x.lanes)}", dtype, x.lanes)

    def convert(self, x: Value, dtype: Any) -> Value:
        """Convert to another dtype as NumPy's astype does."""
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
            return float_to_int(self, x, target)
        right = f"{conversion(source, target)} {x} to {llvm_type(dtype, x.lanes)}"
        return self.value(right, dtype, x.lanes)

    def clock(self) -> str:
        """Return the name of an i64: ticks of a clock that user code may read on this CPU."""
        x86 = host().triple.startswith("x86_64")
        name = "llvm.readcyclecounter" if x86 else "llvm.readsteadycounter"
        self.declare(name, f"declare i64 @{name}()")
        return self.name(f"call i64 @{name}()")

    # Index arithmetic, constant-folded as it is written

    def plus(self, a: Index, b: Index) -> Index:
        """Return a + b."""
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        if a == 0:
            return b
        return a if b == 0 else self.name(f"add nsw i64 {a}, {b}")

    def times(self, a: Index, b: Index) -> Index:
        """Return a * b."""
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        if a == 0 or b == 0:
            return 0
        if a == 1:
            return b
        return a if b == 1 else self.name(f"mul nsw i64 {a}, {b}")

    def smaller(self, a: Index, b: Index) -> str:
        """Return the smaller of two indices."""
        less = self.name(f"icmp slt i64 {a}, {b}")
        return self.name(f"select i1 {less}, i64 {a}, i64 {b}")

    # Memory

    def offset(self, pointer: str, index: Index, itemsize: int) -> str:
        """Return the address of entry `index` of an array of items of so many bytes."""
        if index == 0:
            return pointer
        if isinstance(index, int):
            result = self.name(f"getelementptr i8, ptr {pointer}, i64 {index * itemsize}")
            self.forwarding.advance(pointer, result, index * itemsize)
            return result
        return self.name(f"getelementptr {{ [{itemsize} x i8] }}, ptr {pointer}, i64 {index}")

    def load(self, pointer: str, dtype: Any, lanes: int = 1, mask: Value | None = None) -> Value:
        """Load consecutive numbers. Masked lanes are not read and are 0. A bool is a byte."""
        dtype = np.dtype(dtype)
        memory_dtype = _memory_dtype(dtype)
        kind = llvm_type(memory_dtype, lanes)
        if mask is None:
            known = self.forwarding.known_value(pointer, dtype, lanes)
            if known is not None:
                stored_value, lane = known
                return stored_value if lane is None else self.extract(stored_value, lane)
            right = f"load {kind}, ptr {pointer}, align {dtype.itemsize}"
        else:
            full = f"llvm.masked.load.v{lanes}{overload_suffix(memory_dtype)}.p0"
            masks = f"<{lanes} x i1>"
            self.declare(full, f"declare {kind} @{full}(ptr, i32, {masks}, {kind})")
            right = (
                f"call {kind} @{full}(ptr {pointer}, i32 {dtype.itemsize}, {mask}, "
                f"{kind} zeroinitializer)"
            )
        return self._from_memory(right, dtype, lanes)

    def store(self, x: Value, pointer: str, mask: Value | None = None) -> None:
        """Store consecutive numbers. Masked lanes are not written."""
        unconverted, x = x, self._for_memory(x)
        if mask is None:
            self.lines.append(f"store {x}, ptr {pointer}, align {x.dtype.itemsize}")
            self.forwarding.record_store(unconverted, pointer)
            return
        full = f"llvm.masked.store.v{x.lanes}{overload_suffix(x.dtype)}.p0"
        self.declare(full, f"declare void @{full}({x.type}, ptr, i32, <{x.lanes} x i1>)")
        self.emit(f"call void @{full}({x}, ptr {pointer}, i32 {x.dtype.itemsize}, {mask})")

    def gather(self, pointer: str, dtype: Any, offsets: Value, mask: Value) -> Value:
        """Load numbers at int64 offsets from an address. Offsets count numbers, not bytes."""
        dtype = np.dtype(dtype)
        memory_dtype = _memory_dtype(dtype)
        lanes, kind = offsets.lanes, llvm_type(memory_dtype, offsets.lanes)
        addresses = self._addresses(pointer, memory_dtype, offsets)
        full = f"llvm.masked.gather.v{lanes}{overload_suffix(memory_dtype)}.v{lanes}p0"
        masks = f"<{lanes} x i1>"
        self.declare(full, f"declare {kind} @{full}(<{lanes} x ptr>, i32, {masks}, {kind})")
        right = (
            f"call {kind} @{full}(<{lanes} x ptr> {addresses}, i32 {memory_dtype.itemsize}, "
            f"{mask}, {kind} zeroinitializer)"
        )
        return self._from_memory(right, dtype, lanes)

    def scatter(self, x: Value, pointer: str, offsets: Value, mask: Value) -> None:
        """Store numbers at int64 offsets from an address. Offsets count numbers, not bytes."""
        x, lanes = self._for_memory(x), x.lanes
        addresses = self._addresses(pointer, x.dtype, offsets)
        full = f"llvm.masked.scatter.v{lanes}{overload_suffix(x.dtype)}.v{lanes}p0"
        kinds = f"{x.type}, <{lanes} x ptr>, i32, <{lanes} x i1>"
        self.declare(full, f"declare void @{full}({kinds})")
        self.emit(
            f"call void @{full}({x}, <{lanes} x ptr> {addresses}, i32 {x.dtype.itemsize}, {mask})"
        )

    def _from_memory(self, right: str, dtype: np.dtype[Any], lanes: int) -> Value:
        """Name what an instruction loads; bytes become truth values."""
        loaded = self.value(right, _memory_dtype(dtype), lanes)
        if dtype.kind != "b":
            return loaded
        return self.value(f"icmp ne {loaded}, {loaded.like(0).name}", dtype, lanes)

    def _for_memory(self, x: Value) -> Value:
        """Convert truth values to bytes."""
        byte = _memory_dtype(x.dtype)
        zext = f"zext {x} to {llvm_type(byte, x.lanes)}"
        return self.value(zext, byte, x.lanes) if x.dtype.kind == "b" else x

    def _addresses(self, pointer: str, dtype: np.dtype[Any], offsets: Value) -> str:
        element = ELEMENTS[dtype]
        return self.name(f"getelementptr {element}, ptr {pointer}, {offsets}")

    def first_lanes(self, count: Index, lanes: int) -> Value:
        """Return a mask of the first `count` lanes."""
        if isinstance(count, int):
            return self.vector([k < count for k in range(lanes)], BOOL)
        number = self.name(f"trunc i64 {count} to i32")
        spread = self.splat(Value(self, number, I32, 1), lanes)
        return self.vector(range(lanes), I32) < spread

    # Control flow

    def label(self, name: str) -> None:
        """Begin a block."""
        self.forwarding.clear()
        self.lines.append(f"{name}:")
        self.block = name

    def jump(self, name: str) -> None:
        """Jump to a block."""
        self.emit(f"br label %{name}")

    def branch(self, condition: str, yes: str, no: str) -> None:
        """Jump to one of two blocks, depending on an i1."""
        self.emit(f"br i1 {condition}, label %{yes}, label %{no}")

    def loop(
        self, start: Index, stop: Index, step: Index = 1, carried: Sequence[Value] = (),
        at_least_once: bool = False,
    ) -> CountedLoop:  # fmt: skip
        """Write a counted loop: ``with f.loop(0, n) as loop:`` and ``loop.index``."""
        return CountedLoop(self, start, stop, step, carried, at_least_once)

    @contextmanager
    def when(self, condition: str, returns: bool = False) -> Iterator[None]:
        """Write code that runs only if the i1 holds. With `returns` the function ends after it."""
        yes, after = self.fresh("yes"), self.fresh("after")
        self.branch(condition, yes, after)
        self.label(yes)
        yield
        if returns:
            self.emit("ret void")
        else:
            self.jump(after)
        self.label(after)


def _memory_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of a number in memory: a truth value is a byte."""
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype
