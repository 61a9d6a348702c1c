"""Flags: of the process, of a block, and of nobody else."""

from __future__ import annotations

import itertools
import threading
from contextvars import copy_context

import pytest
from own_thread import in_thread

import chainrule as cr
from chainrule.config import checks_word, config, configured, threads_word


def test_blocks_of_two_threads_in_any_order() -> None:
    """However enters and exits of two threads interleave, each sees its own, and nothing is left.

    All six orders in which two blocks can begin and end.
    """
    before = config.num_threads, config.debug, threads_word.value
    for order in set(itertools.permutations("aabb")):
        turns = {name: [threading.Event() for _ in range(2)] for name in "ab"}
        done = {name: [threading.Event() for _ in range(2)] for name in "ab"}
        seen: dict[str, list[int]] = {"a": [], "b": []}

        def work(name, number, turns=turns, done=done, seen=seen):
            turns[name][0].wait()
            with configured(num_threads=number, debug=0):
                seen[name].append(config.num_threads)
                done[name][0].set()
                turns[name][1].wait()
                seen[name].append(cr.get_num_threads())
            seen[name].append(config.num_threads)
            done[name][1].set()

        workers = [threading.Thread(target=work, args=pair) for pair in (("a", 5), ("b", 7))]
        for worker in workers:
            worker.start()
        count = {"a": 0, "b": 0}
        for name in order:
            turns[name][count[name]].set()
            done[name][count[name]].wait()
            count[name] += 1
            assert config.num_threads == before[0]
        for worker in workers:
            worker.join()
        assert {"a": [5, 5, before[0]], "b": [7, 7, before[0]]} == seen
        assert (config.num_threads, config.debug, threads_word.value) == before


def test_a_block_is_its_own_thread_s() -> None:
    """Another thread does not see it, unless it was given the context."""
    with configured(lines=7):
        assert config.lines == 7
        assert in_thread(lambda: config.lines) == 0
        context = copy_context()
        assert in_thread(lambda: context.run(lambda: config.lines)) == 7
        with configured(debug=0):
            assert config.lines == 7
    assert config.lines == 0


@pytest.mark.usefixtures("_as_before")
def test_setting_a_flag() -> None:
    """Outside of a block that has it, for all threads; inside, until the block ends."""
    cr.set_num_threads(3)
    assert in_thread(cr.get_num_threads) == 3
    with configured(num_threads=5):
        cr.set_num_threads(6)
        assert cr.get_num_threads() == 6
        assert in_thread(cr.get_num_threads) == 3
    assert cr.get_num_threads() == 3
    with configured(debug=0):
        cr.set_num_threads(4)
        assert cr.get_num_threads() == 4
    assert in_thread(cr.get_num_threads) == 4


def test_unknown_flags() -> None:
    """Both ways of setting name the flags that there are."""
    with pytest.raises(ValueError, match="'thread': the flags are .*'num_threads'"), \
            configured(thread=3):  # fmt: skip
        pass
    with pytest.raises(ValueError, match="'thread': the flags are .*'num_threads'"):
        config.thread = 3


def test_an_error_in_a_block() -> None:
    """The flags are as before."""
    with pytest.raises(ZeroDivisionError), configured(lines=3):
        _ = 1 // 0
    assert config.lines == 0


def test_fast_calls_wait_for_the_end_of_checks() -> None:
    """A word tells native code whether results are to be looked at, in whatever block."""
    assert checks_word.value == 0
    with configured(nans=1):
        assert (checks_word.value, threads_word.value) == (1, -1)
        with configured(nans=0):
            assert checks_word.value == 1  # for the thread that is in the outer block alone
    assert (checks_word.value, threads_word.value) == (0, config.num_threads)
    with configured(nans=0):
        assert checks_word.value == 0
        config.nans = 2  # of the block
        assert checks_word.value == 1
    assert checks_word.value == 0
