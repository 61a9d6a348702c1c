"""IR text to object code, and object code into this process."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any

from ....config import config
from ....errors import CompileError
from ....forks import compiling
from .host import Host, binding, host

# Code generation at level 1 gives the speed of level 3 on code that is already vectorised, and
# saves 150-300 ms; level 0 is 4 times slower (measured, see ARCHITECTURE.md).
_LEVEL = 1


@lru_cache(maxsize=8)
def _machine(target: Host, level: int) -> Any:
    return _new_machine(target, level)


def _new_machine(target: Host, level: int = _LEVEL) -> Any:
    llvm_target = binding.Target.from_triple(target.triple)
    return llvm_target.create_target_machine(
        cpu=target.cpu, features=target.features, opt=level, jit=True, codemodel="default",
        reloc="pic",
    )  # fmt: skip


def assemble(text: str, level: int = _LEVEL) -> bytes:
    """Return the object code of a module of IR.

    At level 0 it takes a third of the time, and the code is slower, but computes the same bits.

    Raises
    ------
    CompileError
        If LLVM refuses it.
    """
    with compiling:
        try:
            with binding.parse_assembly(text) as module:  # freed before the lock is
                if config.check:
                    module.verify()
                machine = _machine(host(), level)
                if config.debug >= 5:
                    print(machine.emit_assembly(module), file=sys.stderr)
                return machine.emit_object(module)  # type: ignore[no-any-return]
        except RuntimeError as error:
            raise CompileError(f"LLVM: {str(error).strip()[:300]}") from error


class LoadedCode:
    """Object code in this process; it is unloaded when the last reference is gone."""

    def __init__(self, code: bytes, symbols: dict[str, int], exports: Sequence[str]) -> None:
        with compiling:
            _unload()
            builder = binding.JITLibraryBuilder().add_object_img(code)
            for symbol, address in symbols.items():
                builder.import_symbol(symbol, address)
            for name in exports:
                builder.export_symbol(name)
            session, number = _sessions.next()
            try:
                library = builder.link(session, f"chainrule{number}")
            except RuntimeError as error:
                raise CompileError(f"LLVM: {str(error).strip()[:300]}") from error
        self.addresses: list[int] = [library[name] for name in exports]
        self._key = next(_keys)
        _loaded[self._key] = [session, library]

    def __del__(self) -> None:
        """Unload the code now if no other thread uses LLVM; else the next one to use it does.

        This runs wherever the last reference is dropped, so it must not wait.
        """
        key = getattr(self, "_key", None)
        ended = globals().get("_dropped") is None  # so is the interpreter
        if key is None or ended:  # or it was never linked
            return
        _dropped.append(_loaded.pop(key))
        if compiling.acquire(blocking=False):
            try:
                _unload()
            finally:
                compiling.release()


# What is loaded, by keys. If code is a part of a cycle, the garbage collector must not see LLVM's
# objects: it would end them wherever it runs, without the lock that forks wait for.
_loaded: dict[int, list[Any]] = {}
_keys = count()
_dropped: list[list[Any]] = []


def _unload() -> None:
    """Unload what was dropped, each library before its session; the caller holds the lock."""
    while _dropped:
        parts = _dropped.pop()
        parts.pop()
        parts.clear()


class _Sessions:
    """JIT sessions, one after the other; the caller holds the lock.

    A session keeps 9 KB of each library that it ever linked, so it is used for a while only; its
    memory is free once it and the last of its libraries are gone.

    JITLink puts all sections of an object side by side. The older linker allocates each by itself,
    and ends the process if code and constants come to lie more than 2 GB apart, which happens in
    one that has large arrays.
    """

    _LIBRARIES = 64

    def __init__(self) -> None:
        self._count = 0
        self._session: Any = None

    def next(self) -> tuple[Any, int]:
        """Return the session for a new library, and the library's number."""
        if self._count % self._LIBRARIES == 0:
            self._session = binding.create_lljit_compiler(_new_machine(host()), use_jit_link=True)
        self._count += 1
        return self._session, self._count


_sessions = _Sessions()
