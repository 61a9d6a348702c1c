"""Text to machine code, and machine code into this process."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ...config import config
from .host import Host, binding, host

# Code generation at level 1 gives the speed of level 3 on code that is already vectorised, and
# saves 150-300 ms; level 0 is 4 times slower (measured, see ARCHITECTURE.md).
_LEVEL = 1


@lru_cache(maxsize=8)
def _machine(target: Host) -> Any:
    found = binding.Target.from_triple(target.triple)
    return found.create_target_machine(
        cpu=target.cpu, features=target.features, opt=_LEVEL, jit=True, codemodel="default",
        reloc="pic",
    )  # fmt: skip


def assemble(text: str) -> bytes:
    """Object code of a module of IR."""
    module = binding.parse_assembly(text)
    if config.check:
        module.verify()
    machine = _machine(host())
    if config.debug >= 5:
        print(machine.emit_assembly(module))
    return machine.emit_object(module)  # type: ignore[no-any-return]


class Loaded:
    """Object code in this process; unloaded when nobody holds it any more."""

    _count = 0

    def __init__(self, code: bytes, symbols: dict[str, int] | None = None) -> None:
        Loaded._count += 1
        name = f"chainrule{Loaded._count}"
        builder = binding.JITLibraryBuilder().add_object_img(code)
        for symbol, address in (symbols or {}).items():
            builder = builder.import_symbol(symbol, address)
        self._exports: list[str] = []
        self._builder, self._name = builder, name
        self._tracker: Any = None

    def addresses(self, *names: str) -> list[int]:
        """Where functions begin; asked for once, with all names."""
        builder = self._builder
        for name in names:
            builder = builder.export_symbol(name)
        self._tracker = builder.link(_jit(), self._name)
        return [self._tracker[name] for name in names]


@lru_cache(maxsize=1)
def _jit() -> Any:
    return binding.create_lljit_compiler(_machine(host()))
