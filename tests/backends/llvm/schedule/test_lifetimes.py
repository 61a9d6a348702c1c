"""Memory of the arena: what shares it, and what must not."""

from __future__ import annotations

from typing import Any

import numpy as np
from stages import scheduled

import chainrule as cr
from chainrule.backends.llvm.instructions.base import walk
from chainrule.backends.llvm.layout.frame import AUTOTUNE_WORDS
from chainrule.backends.llvm.layout.view import Buffer
from chainrule.backends.llvm.schedule.lifetimes import Lifetimes, allocate, padded_size
from chainrule.config import configured

F64 = np.dtype(np.float64)


def test_buffers_share_memory_if_they_are_not_in_use_together() -> None:
    """a, then a and b, then b and c: c takes the memory of a."""
    a, b, c = (Buffer(100, F64) for _ in range(3))
    lifetimes = Lifetimes()
    for used in ([a], [a, b], [b, c]):
        lifetimes.use(used)
    arena = allocate(lifetimes)
    assert arena.offsets[a] == arena.offsets[c] != arena.offsets[b]
    assert arena.nbytes == 2 * padded_size(a)
    apart = allocate(lifetimes, overlap=False)
    assert len(set(apart.offsets.values())) == 3 and apart.nbytes == 3 * padded_size(a)


def test_what_a_loop_reads_lives_until_its_end() -> None:
    """The next iteration reads it again."""
    before, inside, late = (Buffer(8, F64) for _ in range(3))
    lifetimes = Lifetimes()
    lifetimes.use([before])
    with lifetimes.loop():
        lifetimes.use([before, inside])
        lifetimes.use([late])
    offsets = allocate(lifetimes).offsets
    assert offsets[before] != offsets[late] and offsets[inside] == offsets[late]


def first_fit(lifetimes: Lifetimes) -> dict[Buffer, int]:
    """Offsets by looking at all other buffers: the lowest at which a buffer meets none."""
    offsets: dict[Buffer, int] = {}
    first, last = lifetimes.first, lifetimes.last
    for buffer in sorted(first, key=lambda b: (-b.nbytes, first[b])):
        offset = 0
        for other, start in sorted(offsets.items(), key=lambda pair: pair[1]):
            together = first[other] <= last[buffer] and first[buffer] <= last[other]
            if together and start < offset + padded_size(buffer):
                offset = max(offset, start + padded_size(other))
        offsets[buffer] = offset
    return offsets


def test_each_buffer_lies_where_it_fits_first() -> None:
    """The largest first, at the lowest offset that is free all the time that it is in use."""
    rng = np.random.default_rng(0)
    for _ in range(150):
        lifetimes = Lifetimes()
        lifetimes.time = int(rng.integers(1, 40))
        for size in rng.choice([0, 1, 8, 9, 17, 100, 1000], int(rng.integers(1, 50))):
            buffer = Buffer(int(size), F64)
            ends = sorted(rng.integers(1, lifetimes.time + 1, 2).tolist())
            lifetimes.first[buffer], lifetimes.last[buffer] = ends
        arena = allocate(lifetimes)
        assert arena.offsets == first_fit(lifetimes)
        sizes = [start + padded_size(buffer) for buffer, start in arena.offsets.items()]
        assert arena.nbytes == max(sizes)


def test_rows_take_the_memory_of_rows_that_were_read() -> None:
    """In tiles of rows, whose steps are at one point in time: the tanh of a product takes the
    product's memory, number by number.
    """

    def f(x: Any, w: Any, v: Any) -> Any:
        return np.tanh(x @ w + 1.0) @ v

    x, w, v = np.ones((4096, 64)), np.ones((64, 64)), np.ones((64, 64))
    with configured(num_threads=2, check=1):
        schedule = scheduled(f, x, w, v)
    arena = schedule.arena
    large = [buffer for buffer in arena.offsets if buffer.nbytes == x.nbytes]
    assert len(large) == 2 and len({arena.offsets[buffer] for buffer in large}) == 1
    compiled = cr.jit(f)(x, w, v)
    np.testing.assert_allclose(compiled, np.tanh(x @ w + 1.0) @ v, rtol=1e-13)


def test_arguments_are_not_in_the_arena() -> None:
    """Their addresses stand in the frame."""
    lifetimes = Lifetimes()
    lifetimes.use([Buffer(8, F64, word=12)])
    assert allocate(lifetimes).nbytes == 0


def chain(x: Any) -> Any:
    for _ in range(10):
        x = np.tanh(x @ x)
    return x


def test_a_guarded_arena_overlaps_nowhere() -> None:
    """With ``CHAINRULE_CHECK=2`` each buffer has its own bytes."""
    x = np.ones((64, 64))
    with configured(num_threads=1, check=1):
        shared = scheduled(chain, x)
    with configured(num_threads=1, check=2):
        apart = scheduled(chain, x)
    assert apart.guarded and apart.arena.nbytes > 2 * shared.arena.nbytes


def test_innermost_loops_with_small_work_are_autotuned() -> None:
    """One loop, one state, if threads could share its work; none on one thread's."""
    x = np.ones((64, 256))

    def f(x: Any) -> Any:
        return cr.fori_loop(0, 9, lambda _, x: cr.fori_loop(0, 9, lambda _, x: np.tanh(x), x), x)

    with configured(num_threads=2, check=1):
        schedule = scheduled(f, x)
    words = [getattr(step, "autotune_word", 0) for step in walk(schedule.instructions)]
    (word,) = [word for word in words if word]
    assert word + AUTOTUNE_WORDS == schedule.n_words
