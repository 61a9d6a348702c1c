"""Steps with a state of their own: the numbers of the plain function, no copies, and failures."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import numpy as np
import pytest
from writing_programs import A, B, drawn_step

import chainrule as cr
from chainrule import losses, nn, optim, random
from chainrule.config import configured
from chainrule.errors import DtypeError, ShapeError, StateLostError, UnsupportedError

N_STEPS = 4


@cr.jit
def write(buffer: Any, x: Any) -> Any:
    rows, count = buffer["rows"], buffer["count"]
    rows[count] = x
    return {"rows": rows, "count": count + 1}, np.sum(rows)


def buffer(n: int = 4) -> dict[str, Any]:
    return {"rows": np.zeros(n), "count": 0}


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
def test_drawn_steps(backend: str) -> None:
    """Step by step the state and the results of the function itself."""
    for seed in range(24):
        step = drawn_step(np.random.default_rng(seed))

        def function(state: Any, i: Any, step: Any = step) -> Any:
            new = step(i, state)
            return new, (np.sum(state[0]), new[1][::2])

        with configured(backend="numpy"):
            plain = cr.jit(function)
            state: Any = (A, B, np.float64(0.3))
            expected = []
            for i in range(N_STEPS):
                state, result = plain(state, i)
                expected.append(result)
        with configured(backend=backend):
            bound = cr.jit(function).bind((A, B, np.float64(0.3)))
            found = [bound(i) for i in range(N_STEPS)]
            last = bound.state
        for x, y in zip(cr.tree.leaves((last, found)), cr.tree.leaves((state, expected)),
                        strict=True):  # fmt: skip
            np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-12, err_msg=f"seed {seed}")


def test_a_training_step() -> None:
    """Parameters and Adam's state stay where they are; the bits are those of the function."""
    model = nn.Sequential(nn.Dense(4, 8, key=random.key(0)), nn.tanh,
                          nn.Dense(8, 2, key=random.key(1)))  # fmt: skip
    optimizer = optim.adam(1e-2)
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(16, 4)).astype("f4"), draw.normal(size=(16, 2)).astype("f4")

    @cr.jit
    def step(state: Any, x: Any, y: Any) -> Any:
        model, optimizer_state = state
        loss, grads = cr.value_and_grad(lambda m: losses.squared_error(m(x), y))(model)
        updates, optimizer_state = optimizer.update(grads, optimizer_state)
        return (optim.apply_updates(model, updates), optimizer_state), loss

    state: Any = (model, optimizer.init(model))
    bound = step.bind(state)
    for _ in range(20):
        state, loss = step(state, x, y)
        assert bound(x, y) == loss
    for a, b in zip(cr.tree.leaves(bound.state), cr.tree.leaves(state), strict=True):
        np.testing.assert_array_equal(a, b)


def test_arrays_stay_where_they_are() -> None:
    bound = write.bind(buffer())
    bound(1.0)
    addresses = [x.ctypes.data for x in bound._memory.leaves]
    for k in range(3):
        bound(float(k))
    assert addresses == [x.ctypes.data for x in bound._memory.leaves]
    assert bound.state["rows"].tolist() == [1.0, 0.0, 1.0, 2.0]


def test_the_state_is_its_own() -> None:
    """Neither what it was made of nor what it hands out is changed by a step, or changes it."""
    given = buffer()
    bound = write.bind(given)
    copy = bound.state
    bound(1.0)
    copy["rows"][:] = 7.0
    assert given["rows"].tolist() == [0.0] * 4
    assert bound.state["rows"].tolist() == [1.0, 0.0, 0.0, 0.0]
    saved = bound.state
    bound(2.0)
    bound.state = saved
    saved["rows"][:] = 9.0
    assert float(bound(5.0)) == 6.0


def test_other_arguments_are_other_programs() -> None:
    bound = write.bind(buffer())
    results = [bound(x) for x in (1.0, np.float32(2.0), np.ones(()), 3)]
    assert [float(r) for r in results] == [1.0, 3.0, 4.0, 7.0]


def test_a_function_that_leaves_a_part_as_it_is() -> None:
    step = cr.jit(lambda s, x: ((s[0], s[1] + x, s[0] * 2.0), None)).bind((A, B, A))
    assert step(1.0) is None
    for found, expected in zip(step.state, (A, B + 1.0, A * 2.0), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_parts_that_change_places() -> None:
    """Also in turn: each is read before it is overwritten."""
    swap = cr.jit(lambda s: ((s[1], s[2], s[0] * 1.0), s[0][0])).bind((B, B + 1.0, B + 2.0))
    assert [float(swap()) for _ in range(3)] == pytest.approx([B[0], B[0] + 1.0, B[0] + 2.0])
    np.testing.assert_array_equal(swap.state[0], B)


def test_a_step_that_fails_in_the_middle() -> None:
    """An index beyond the end: the state is half changed, which no later call may pass over."""

    @cr.jit
    def step(state: Any, i: Any) -> Any:
        a, b = state
        a[0] += 1.0
        b[i] = np.sum(a)
        return (a, b), b[0]

    bound = step.bind((A, B))
    saved = bound.state
    with pytest.raises(IndexError, match="out of bounds"):
        bound(99)
    for use in (lambda: bound(0), lambda: bound.state):
        with pytest.raises(StateLostError, match="set `state`"):
            use()
    bound.state = saved
    bound(1)
    assert bound.state[0][0].tolist() == (A[0] + 1.0).tolist()


def test_two_threads() -> None:
    """A step that runs refuses another one, rather than mix them."""
    bound = write.bind(buffer())
    bound._memory.running.acquire()
    errors: list[BaseException] = []

    def call() -> None:
        try:
            bound(1.0)
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    bound._memory.running.release()
    assert "in another thread" in str(errors[0])
    assert float(bound(1.0)) == 1.0


def test_wrong_steps_and_states() -> None:
    with pytest.raises(TypeError, match="returns .new state, result."):
        cr.jit(lambda s: s).bind(A)()
    with pytest.raises(ShapeError, match="was given the state"):
        cr.jit(lambda s: ((s, s), 0.0)).bind(A)()
    with pytest.raises(ShapeError, match=r"state.*f64\[12,3\], and was to become f64\[3\]"):
        cr.jit(lambda s: (s[0], 0.0)).bind(A)()
    with pytest.raises(DtypeError, match=r"state n is i64\[\], and was to become f64\[\]"):
        cr.jit(lambda s: ({"n": s["n"] + 0.5}, 0.0)).bind({"n": 0})()
    with pytest.raises(TypeError, match="static"):
        cr.jit(lambda s, n: (s, n), static_argnums=1).bind(A)
    bound = write.bind(buffer())
    with pytest.raises(ShapeError):
        bound.state = {"rows": np.zeros(4)}
    with pytest.raises(ShapeError, match=r"state rows is f64\[4\], and was to become f64\[5\]"):
        bound.state = buffer(5)
    with pytest.raises(UnsupportedError, match="part of another traced function"):
        cr.grad(lambda x: bound(x))(1.0)
    assert float(bound(1.0)) == 1.0


def test_arguments_of_another_memory_layout() -> None:
    """What is a view of an argument depends on how it lies; each layout has its own program."""

    @cr.jit
    def step(count: Any, x: Any) -> Any:
        flat = x.reshape(-1)  # a view of an array in C order, a copy of a transposed one
        flat[0] = 100.0
        return count + 1, np.sum(x)

    bound = step.bind(np.int64(0))
    square = np.arange(4.0).reshape(2, 2)
    for _ in range(2):
        for x, expected in ((square.T, 6.0), (square, 106.0), (square.T.copy(), 106.0)):
            assert float(bound(x)) == expected
    assert int(bound.state) == 6


def test_two_steps_of_one_state() -> None:
    """One writes what the other reads; neither copies it, and a failure of one stops both."""
    writer = write.bind(buffer())
    reader = cr.jit(lambda s, i: (s, s["rows"][i])).bind(writer)
    writer(2.0)
    writer(3.0)
    assert float(reader(1)) == 3.0
    state = reader.state
    assert state["rows"].tolist() == [2.0, 3.0, 0.0, 0.0]
    writer.state = {**state, "rows": np.ones(4)}
    assert float(reader(1)) == 1.0
    failing = cr.jit(lambda s, i: ({**s, "count": s["count"] + 1}, s["rows"][i])).bind(reader)
    with pytest.raises(IndexError):
        failing(99)
    with pytest.raises(StateLostError):
        writer(1.0)
    reader.state = state
    writer(1.0)
    assert failing.state["count"] == 3


def test_donated_arguments_beside_the_state() -> None:
    """The state is donated anyway; another argument is refused rather than passed over."""
    assert cr.jit(write.function, donate_argnums=0).bind(buffer())(2.0) == 2.0
    for positions in (1, (0, 1), -1):
        with pytest.raises(TypeError, match=r"donates the state alone.*a part of the state"):
            cr.jit(write.function, donate_argnums=positions).bind(buffer())


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
def test_dtypes_of_states(backend: str) -> None:
    """Also float16, with which NumPy computes, between calls where the numbers lie."""

    def step(state: Any, i: Any) -> Any:
        a, b, n = state
        a[i % 4] = b[0] * n
        a[1:3] += b[1:3]
        b = a[::-1] - b
        return (b, a, n + 1), (np.sum(a), b[:2])

    for kind in ("f2", "f4", "i4"):
        first = (np.array([3, -1, 2, 5]).astype(kind), np.arange(4).astype(kind), np.ones((), kind))
        state: Any = (first[0].copy(), first[1].copy(), first[2])
        with configured(backend=backend):
            bound, donating = cr.jit(step).bind(first), cr.jit(step, donate_argnums=0)
            donated: Any = (first[0].copy(), first[1].copy(), first[2])
            for i in range(4):
                plain = (state[0].copy(), state[1].copy(), state[2])
                state, expected = step(plain, i)
                result = bound(i)
                donated, same = donating(donated, i)
                for x, y, z in zip(*map(cr.tree.leaves, (result, same, expected)), strict=True):
                    assert x.dtype == y.dtype == z.dtype
                    np.testing.assert_array_equal(x, z)
                    np.testing.assert_array_equal(y, z)
            for x, y in zip(bound.state, state, strict=True):
                np.testing.assert_array_equal(x, y)


def test_copies_and_pickles() -> None:
    """A copy has a state of its own, with the same code; a pickle could not hold the latter."""
    bound = write.bind(buffer())
    bound(1.0)
    for function in (copy.copy, copy.deepcopy):
        other = function(bound)
        assert float(other(4.0)) == 5.0
        assert bound.state["rows"].tolist() == [1.0, 0.0, 0.0, 0.0]
        assert other.state["rows"].tolist() == [1.0, 4.0, 0.0, 0.0]
    with pytest.raises(TypeError, match="pickle its `state`"):
        pickle.dumps(bound)
    again = write.bind(pickle.loads(pickle.dumps(bound.state)))
    assert float(again(4.0)) == 5.0


def test_states_of_one_kind_share_a_trace() -> None:
    """A function that is bound to several states is traced once; another kind is traced anew."""
    traced: list[Any] = []

    @cr.jit
    def add(state: Any, x: Any) -> Any:
        traced.append(state.dtype)
        return state + x, np.sum(state)

    first, second = add.bind(np.zeros(3)), add.bind(np.ones(3))
    assert (0.0, 3.0) == (first(1.0), second(2.0))
    assert ([1.0] * 3, [3.0] * 3) == (first.state.tolist(), second.state.tolist())
    assert [np.float64] == traced
    third = add.bind(np.ones(3, np.float32))
    assert (3.0, 3.0) == (third(np.float32(1.0)), first(0.0))
    assert [np.float64, np.float32] == traced
