"""Programs as bytes."""

from __future__ import annotations

import numpy as np
import pytest
from stages import scheduled_graph, simplified

from chainrule.backends.llvm.cache.signature import Signature
from chainrule.backends.llvm.emit.module import emit
from chainrule.backends.llvm.program.link import link
from chainrule.backends.llvm.program.serialize import from_bytes, to_bytes
from chainrule.config import configured


def test_a_program_comes_back() -> None:
    """Constants, calls of NumPy, bounds checks and all numbers."""
    table = np.arange(5.0)

    def f(x, i):
        return np.exp(x.astype(np.float16)), np.asarray(table, like=i)[i] + x

    graph = simplified(f, np.ones(4), np.zeros(4, np.int64))
    with configured(num_threads=1):
        schedule = scheduled_graph(graph)
        expected = link(schedule, emit(schedule), ["poll", "order"])
    assert expected.numpy_calls and expected.constants and expected.bounds_checks
    nodes = Signature(graph).nodes
    payload = to_bytes(expected, b"code\nof two lines", nodes)
    assert from_bytes(payload, nodes) == (expected, b"code\nof two lines")


@pytest.mark.parametrize("payload", [b"", b"{}\ncode", b"[1]\ncode", b"no json\ncode"])
def test_foreign_bytes_are_refused(payload: bytes) -> None:
    """By one of the errors that the backend expects."""
    with pytest.raises((ValueError, KeyError, IndexError, TypeError)):
        from_bytes(payload, [])
