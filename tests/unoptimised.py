"""Code as a program has it until its optimised code is there: LLVM's level 0, the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from chainrule.backends.llvm import compiler
from chainrule.backends.llvm.target.assembler import assemble


@contextmanager
def unoptimised() -> Iterator[None]:
    """What is compiled inside is not optimised, also not later: a third of the time, or less."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(compiler, "assemble", partial(assemble, level=0))
        patched.setattr(compiler, "promote_in_background", lambda promotion: None)
        yield
