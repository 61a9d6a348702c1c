"""How many threads there are, as the environment says."""

import pytest

from chainrule.config import Config


@pytest.mark.parametrize(
    ("own", "outer", "expected"),
    [(None, None, 0), (None, "1", 1), (None, "3,2", 3), ("2", "1", 2), (None, "all", 0)],
)
def test_threads_of_the_environment(monkeypatch, own, outer, expected):
    """CHAINRULE_NUM_THREADS, else OMP_NUM_THREADS, which joblib sets in its workers."""
    for name, value in (("CHAINRULE_NUM_THREADS", own), ("OMP_NUM_THREADS", outer)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert expected == Config().num_threads
