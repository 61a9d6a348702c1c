"""Forks while others compile, train, share work and write: the child works, and ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")

# What NumPy multiplies, it multiplies on one thread: its OpenBLAS, in NumPy 2.4.6, waits for its
# threads before a fork, which hangs if a thread of Python is multiplying at that moment.
ALONE = {"OPENBLAS_NUM_THREADS": "1"}

# What goes on while a process forks: each a loop in a thread of its own
SCRIPT = """
import faulthandler, itertools, os, random, signal, sys, threading, time, warnings
import numpy as np
import chainrule as cr
from chainrule import losses, nn, optim
from chainrule.backends.llvm import tiering

warnings.simplefilter("ignore", DeprecationWarning)  # of forks of processes with threads
tiering._WORTH_TIERING = 0.0  # all code starts unoptimised, and is optimised in the background
cr.set_num_threads(2)
LONGEST = 200  # seconds of a child: it takes one or two, on a busy machine more
forks, seed = int(sys.argv[1]), int(sys.argv[2])
numbers = itertools.count(1)
stop = threading.Event()
X = np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)
LARGE = np.random.default_rng(0).normal(size=(300, 300)) * 0.05
shared = cr.jit(lambda x: np.tanh(x @ x) @ x)
EXPECTED = shared(LARGE)

def compiling():
    k = float(next(numbers))
    loop = lambda x: cr.fori_loop(0, 3, lambda _, c: np.tanh(c * x) * k, x)
    cr.jit(loop, tiered=True)(LARGE[0])

def training():
    model = nn.MLP(8, (4 + next(numbers) % 7,), 2, key=cr.random.key(0))
    cr.train.fit(model, X, Y, loss=losses.softmax_cross_entropy, optimizer=optim.adam(1e-2),
                 epochs=3)

def sharing():
    assert np.array_equal(shared(LARGE), EXPECTED)

def for_ever(act):
    while not stop.is_set():
        act()
        time.sleep(0.002)

def child(k):
    faulthandler.dump_traceback_later(LONGEST - 20)
    (sharing, compiling, training)[k % 3]()
    sharing()
    compiling()
    return 0
threads = [threading.Thread(target=for_ever, args=(act,), daemon=True)
           for act in (compiling, training, sharing)]
for thread in threads:
    thread.start()
draw = random.Random(seed)
failed = []
for k in range(forks):
    time.sleep(draw.random() * 0.1)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = child(k)
        finally:
            os._exit(status)
    end = time.monotonic() + LONGEST
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > end:
            status = "hangs"
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            break
        time.sleep(0.005)
    if status != 0:
        failed.append((k, status))
stop.set()
for thread in threads:
    thread.join()
print("failed:", failed)
"""


def forked(tmp_path: Path, forks: int, seed: int = 0) -> str:
    """What the script says at its end."""
    script = tmp_path / "forking.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, **ALONE, "CHAINRULE_CACHE_DIR": str(tmp_path / "code")}
    done = subprocess.run(
        [sys.executable, str(script), str(forks), str(seed)],
        env=environment, capture_output=True, text=True, timeout=3000,
    )  # fmt: skip
    return done.stdout + done.stderr


# A module, since compiled functions are not sent to other processes, but imported there
WORK = """
import warnings
import numpy as np
import chainrule as cr
from chainrule.backends.llvm import tiering

warnings.simplefilter("ignore", DeprecationWarning)  # of forks of processes with threads
tiering._WORTH_TIERING = 0.0  # all code starts unoptimised, and is optimised in the background
LARGE = np.random.default_rng(0).normal(size=(300, 300)) * 0.05
shared = cr.jit(lambda x: np.tanh(x @ x) @ x)

def work(k):
    cr.set_num_threads(2)
    loop = lambda x: cr.fori_loop(0, 3, lambda _, c: np.tanh(c * x) * (k + 0.5), x)
    compiled = cr.jit(loop, tiered=True)(LARGE[0])
    return float(np.sum(shared(LARGE))), float(np.sum(compiled))

"""

POOLS = """
import multiprocessing, sys, threading
import chainrule as cr
from pooled_work import work

def for_ever():
    k = 0
    while not stop.is_set():
        k += 1
        work(k)

if __name__ == "__main__":
    cr.set_num_threads(2)
    expected = [work(k) for k in range(4)]
    stop = threading.Event()
    thread = threading.Thread(target=for_ever, daemon=True)
    thread.start()
    if sys.argv[1].startswith("joblib"):
        from joblib import Parallel, delayed
        found = Parallel(n_jobs=2, backend=sys.argv[1].split("-")[1])(
            delayed(work)(k) for k in range(4)
        )
    else:
        with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
            found = pool.map(work, range(4))
    stop.set()
    thread.join()
    print(found == expected)
"""


@pytest.mark.parametrize(
    "way",
    ["fork", "forkserver", "spawn", "joblib-loky", "joblib-threading"],
)
def test_pools_of_processes(tmp_path: Path, way: str) -> None:
    """Every way of starting processes, while a thread compiles and shares work."""
    script = tmp_path / "pools.py"
    script.write_text(POOLS)
    (tmp_path / "pooled_work.py").write_text(WORK)
    environment = {**os.environ, **ALONE, "CHAINRULE_CACHE_DIR": str(tmp_path / "code")}
    done = subprocess.run(
        [sys.executable, str(script), way], env=environment, capture_output=True, text=True,
        timeout=600,
    )  # fmt: skip
    assert done.stdout + done.stderr == "True\n"


def test_locks_out_of_order_are_noticed() -> None:
    """By the locks that the tests use: see `ranked_locks`."""
    from chainrule.forks import changing, compiling

    with compiling, changing, compiling:  # who holds one may take it again
        pass
    with changing:
        assert compiling.acquire(blocking=False)  # who does not wait may take any
        compiling.release()
        with pytest.raises(AssertionError, match="after"):
            compiling.acquire()


def test_a_few_forks(tmp_path: Path) -> None:
    """Children of a process that compiles, trains, shares and writes do all of this, too."""
    assert forked(tmp_path, 4) == "failed: []\n"


@pytest.mark.slow
def test_many_forks(tmp_path: Path) -> None:
    """At many moments."""
    assert forked(tmp_path, int(os.environ.get("CHAINRULE_TEST_FORKS", "28")), 1) == "failed: []\n"
