"""Code as a program has it until its optimised code is there: LLVM's level 0, the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chainrule.backends.llvm import compiler
from chainrule.backends.llvm.cache import disk
from chainrule.backends.llvm.program.serialize import to_bytes
from chainrule.backends.llvm.target.assembler import assemble
from chainrule.backends.llvm.tiering import Promotion


@contextmanager
def unoptimised() -> Iterator[None]:
    """What is compiled inside is not optimised, also not later: a third of the time, or less."""
    codes: dict[str, bytes] = {}

    def quickly(text: str, level: int = 0) -> bytes:
        code = codes[text] = assemble(text, level=0)
        return code

    def store(promotion: Promotion) -> None:
        code = to_bytes(promotion.program.executable, codes[promotion.text], promotion.nodes)
        disk.store(promotion.key, code)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(compiler, "assemble", quickly)
        patched.setattr(compiler, "promote_in_background", store)
        patched.setenv("CHAINRULE_CACHE_DIR", str(Path(disk.directory()).with_name("unoptimised")))
        yield
