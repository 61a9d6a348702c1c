"""What holds for every test: the same draws, graphs verified after each pass, ranked locks, and
code that is made once for many of them.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
import ranked_locks
from hypothesis import HealthCheck, settings

ranked_locks.install()  # before any module of the library takes a lock

# Before a library reads them. Threads wait for each other by counting, and where each worker of
# pytest has several, boosted trees take 10 to 50 times their time.
_said = os.environ.get("CHAINRULE_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS") or "0"
os.environ.setdefault("CHAINRULE_TEST_THREADS", _said.split(",")[0])  # children have the others
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import searched_modules  # noqa: E402
import shared_code  # noqa: E402
from unoptimised import unoptimised  # noqa: E402

import chainrule as cr  # noqa: E402
from chainrule.config import configured  # noqa: E402

shared_code.install()
settings.register_profile(
    "chainrule",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("chainrule")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell script
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the option that writes golden files anew; their diff is reviewed like code."""
    parser.addoption("--update-golden", action="store_true", help="write golden files anew")


def pytest_collection_finish() -> None:
    """The collector seldom goes through what thousands of tests are made of."""
    gc.set_threshold(5_000, 20, 100)


@pytest.fixture(autouse=True, scope="module")
def _searched(request: pytest.FixtureRequest) -> None:
    """Traces search no other test's module."""
    searched_modules.search_only(request.module)


@pytest.fixture(autouse=True)
def _verified(request: pytest.FixtureRequest) -> Iterator[None]:
    """Graphs are verified; of trainings in the slow tests, and on the reference backend.

    Quick tests of rules compile as `_unoptimised` does. Tests of code share work among threads, as
    on the machine; all others compute on one.
    """
    many = shared_code.is_about_code(request.path)
    threads = int(os.environ["CHAINRULE_TEST_THREADS"]) if many else 1
    if cr.config.num_threads != threads:
        cr.set_num_threads(threads)
    cache = shared_code.mebibytes(request.path)
    slow = bool(request.node.get_closest_marker("slow"))
    optimised = slow or not shared_code.is_about_rules(request.path)
    check = int(not cache or slow or cr.config.backend == "numpy")
    with configured(check=check, cache=cache), nullcontext() if optimised else unoptimised():
        yield


@pytest.fixture
def _unoptimised(request: pytest.FixtureRequest) -> Iterator[None]:
    """For quick tests of what is trained and said, not of code: half the time to compile."""
    with nullcontext() if request.node.get_closest_marker("slow") else unoptimised():
        yield


@pytest.fixture
def _as_before() -> Iterator[None]:
    """The number of threads of the process is as before, whatever a test sets."""
    before = cr.config.num_threads
    yield
    cr.set_num_threads(before)
