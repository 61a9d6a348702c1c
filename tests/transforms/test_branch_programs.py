"""Random programs that branch on numbers, with `jit` and without: see `branch_programs`."""

from __future__ import annotations

import pytest
from branch_programs import run


def test_random_programs() -> None:
    """Each call gives the numbers, the decisions or the error of the plain call, and gradients."""
    differ, refused = run(30, seed=1, every=30, quick=True)
    assert differ == []
    assert sum(refused.values()) < 10, refused


@pytest.mark.slow
def test_more_random_programs() -> None:
    """So it is for more of them, with more calls each."""
    differ, refused = run(30, seed=2, every=10)
    assert differ == []
    assert sum(refused.values()) < 13, refused
