"""Calls of the inner loops of ufuncs: vectors go through memory, one call for all lanes."""

from __future__ import annotations

from ..ir.builder import FunctionBuilder, Module
from ..ir.types import llvm_type
from ..ir.value import Value
from .ufunc_loops import DATA, Loop


def call_loop(f: FunctionBuilder, loop: Loop, inputs: list[Value]) -> Value:
    """Compute vectors of equal lanes by one call of a loop, through memory."""
    operands = [f.convert(x, dtype) for x, dtype in zip(inputs, loop.inputs, strict=True)]
    lanes = operands[0].lanes
    name = f"call.{loop.symbol}.{loop.result}.x{lanes}"
    if not any(f" @{name}(" in g.head for g in f.module.functions):
        _write_caller(f.module, name, loop, lanes)
    dtype = loop.outputs[loop.result]
    listed = ", ".join(map(str, operands))
    return f.value(f"call {llvm_type(dtype, lanes)} @{name}({listed})", dtype, lanes)


def _write_caller(module: Module, name: str, loop: Loop, lanes: int) -> None:
    """Write the function that calls a loop for vectors: its memory is gone when it returns."""
    dtypes = (*loop.inputs, *loop.outputs)
    kinds = [llvm_type(dtype, lanes) for dtype in dtypes]
    count, last = len(loop.inputs), len(loop.inputs) + loop.result
    arguments = [(kind, f"x{k}") for k, kind in enumerate(kinds[:count])]
    f = module.function(name, arguments, kinds[last], linkage="internal")
    data, number = loop.symbol + DATA, f"count.x{lanes}"
    steps = ", ".join(f"i64 {dtype.itemsize}" for dtype in dtypes)
    sizes = f"[{len(dtypes)} x i64] [{steps}]"
    f.declare(f"{name}.steps", f"@{name}.steps = private constant {sizes}, align 8")
    f.declare(number, f"@{number} = private constant i64 {lanes}, align 8")
    f.declare(loop.symbol, f"declare void @{loop.symbol}(ptr, ptr, ptr, ptr)")
    f.declare(data, f"@{data} = external global i8")
    table = f.name(f"alloca [{len(dtypes)} x ptr], align 8")
    cells = [f.name(f"alloca {kind}") for kind in kinds]
    for k, cell in enumerate(cells):
        if k < count:
            f.emit(f"store {kinds[k]} %x{k}, ptr {cell}")
        f.emit(f"store ptr {cell}, ptr {f.offset(table, k, 8)}, align 8")
    f.emit(f"call void @{loop.symbol}(ptr {table}, ptr @{number}, ptr @{name}.steps, ptr @{data})")
    f.emit(f"ret {kinds[last]} {f.name(f'load {kinds[last]}, ptr {cells[last]}')}")
