"""Whether an environment keeps the protocol: run it, and compare what must be equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ... import random, tree
from ...errors import ChainruleError, EnvironmentCheckError, UnsupportedError
from ...transforms import jit, scan
from ...typing import Array
from ..spaces import action_spec_of, spec_of, zeros
from .auto_reset import where_rows
from .protocol import Environment

_RESET = ("state", "observation")
_STEP = ("state", "observation", "reward", "terminated", "truncated")
# Of NumPy's and compiled functions, and of NumPy's on more and fewer numbers
_TOLERANCE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-9}

_CHANGES = (
    (slice(0, 1), "row 0 of the {} changes when the other rows are left out"),
    (slice(None, None, -1), "rows of the {} do not move with those of the arguments"),
)


def check_environment(
    environment: Environment[Any], n: int = 5, seed: int = 0, steps: int = 50
) -> None:
    """Run an environment with random actions, and raise where it breaks the protocol.

    Checked are the spaces; shapes and dtypes, and that those of the state stay the same; that
    rewards are finite and observations in their space; that equal arguments give equal results and
    stay unchanged; that a row of the results depends on the same row of the arguments alone; and
    that `reset` and `step` are traced, and compute the same when compiled.

    Parameters
    ----------
    environment : Environment
    n : int
        The number of copies, 2 or more. Default 5.
    seed : int
        Of keys and actions. Default 0.
    steps : int
        Default 50. Copies whose episode is over step on, with what `reset` gives instead.

    Raises
    ------
    EnvironmentCheckError
        With what is wrong and what to do.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from chainrule.rl.environments import Pendulum
    >>> check_environment(Pendulum())
    >>> @dataclass(frozen=True)
    ... class Centred(Pendulum):
    ...     def step(self, state, action, key):
    ...         state, observation, reward, *ends = super().step(state, action, key)
    ...         return (state, observation, reward - reward.mean(), *ends)
    >>> check_environment(Centred())
    Traceback (most recent call last):
    chainrule.errors.EnvironmentCheckError: Centred.step: row 0 of the reward changes when the \
other rows are left out: compute each row from the same row of the arguments
    """
    if n < 2:
        raise ValueError(f"n={n}: give 2 or more, so that rows can be told apart")
    _Check(environment, n).run(seed, steps)


class _Check:
    """One run of an environment."""

    def __init__(self, environment: Environment[Any], n: int) -> None:
        self.environment, self.n = environment, n
        self.name = type(environment).__name__
        self.compiled: dict[str, Callable[..., Any]] = {
            "reset": jit(_as_body(environment.reset), strict=True),
            "step": jit(_as_body(environment.step), strict=True),
        }

    def fail(self, where: str, message: str) -> NoReturn:
        raise EnvironmentCheckError(f"{self.name}{where}: {message}")

    def run(self, seed: int, steps: int) -> None:
        self.check_settings()
        first, second, third = random.split(random.key(seed), 3)
        state, _ = self.call("reset", random.split(first, self.n))
        types = _types(state)
        self.action_space = self.environment.action_space
        self.action_space.seed(seed)
        for k in range(steps):
            keys = random.split(random.fold_in(second, k), self.n)
            after, _, _, terminated, truncated = self.call("step", state, self.actions(), keys)
            if _types(after) != types:
                self.fail(".step", f"the state was {types}, and becomes {_types(after)}")
            start, _ = self.call("reset", random.split(random.fold_in(third, k), self.n))
            if _types(start) != types:
                self.fail(".reset", f"the state was {types}, and becomes {_types(start)}")
            done = terminated | truncated
            state = tree.map(lambda new, old, rows=done: where_rows(rows, new, old), start, after)

    def check_settings(self) -> None:
        try:
            hash(self.environment)
        except TypeError as error:
            self.fail("", f"{error}: make it a frozen dataclass of numbers, strings and tuples")
        for name, value_of, more in (
            ("observation_space", spec_of, ", or a Dict or Tuple of them"),
            ("action_space", action_spec_of, ""),
        ):
            space = getattr(self.environment, name, None)
            try:
                value_of(space)
            except UnsupportedError:
                self.fail(f".{name}", f"{space!r:.60}: give a Box, Discrete, MultiDiscrete or "
                          f"MultiBinary of gymnasium.spaces{more}")  # fmt: skip

    def actions(self) -> Array:
        sampled = np.array([self.action_space.sample() for _ in range(self.n)])
        return sampled.astype(np.int64) if sampled.dtype.kind in "iu" else sampled

    def call(self, name: str, *args: Any) -> Any:
        """Call `reset` or `step`, check what it returns, and that it would again."""
        function: Callable[..., Any] = getattr(self.environment, name)
        before = tree.map(np.copy, args)
        results = function(*args)
        fields = _RESET if name == "reset" else _STEP
        if type(results) is not tuple or len(results) != len(fields):
            self.fail(f".{name}", f"return a tuple ({', '.join(fields)}), not {results!r:.60}")
        self.check_results(name, dict(zip(fields, results, strict=True)))
        if not _equal(before, args):
            self.fail(f".{name}", "an argument was written to: make new arrays instead")
        if not _equal(results, function(*args)):
            self.fail(f".{name}", "the same arguments give other results the second time: draw "
                      "random numbers from `key` alone, and store nothing")  # fmt: skip
        self.check_rows(name, fields, results, args)
        self.check_compiled(name, fields, results, args)
        return results

    def check_results(self, name: str, results: dict[str, Any]) -> None:
        where, n, space = f".{name}", self.n, self.environment.observation_space
        for path, leaf in _named_leaves(results["state"]):
            if getattr(leaf, "shape", ())[:1] != (n,):
                self.fail(where, f"state {path} is {_describe(leaf)}: give arrays whose leading "
                          f"axis is the {n} copies")  # fmt: skip
        expected = {"observation": zeros(spec_of(space), (n,))}
        if name == "step":
            expected |= {key: np.zeros(n, np.bool_) for key in ("terminated", "truncated")}
            expected["reward"] = np.zeros(n, self.environment.dtype)
        for key, example in expected.items():
            self.check_types(where, key, results[key], example)
        for k in range(n):
            row = tree.map(lambda x, k=k: x[k], results["observation"])
            if not space.contains(row):
                self.fail(where, f"the observation {row!s:.80} is not in {space}")
        if name == "step" and not np.isfinite(results["reward"]).all():
            self.fail(where, f"the reward {results['reward']} is not finite")

    def check_types(self, where: str, key: str, value: Any, example: Any) -> None:
        """Check that a result, or each part of it, has the shape and dtype of an example."""
        parts = [value]
        if not tree.is_leaf(example):
            if tree.structure(value) != tree.structure(example):
                self.fail(where, f"the {key} is {value!r:.60}: give arrays for all parts of "
                          f"{self.environment.observation_space}")  # fmt: skip
            parts = tree.leaves(value)
        for part, wanted in zip(parts, tree.leaves(example), strict=True):
            if getattr(part, "shape", None) != wanted.shape or part.dtype != wanted.dtype:
                self.fail(where, f"the {key} is {_describe(part)}: give {_describe(wanted)}")

    def check_rows(self, name: str, fields: Any, results: Any, args: Any) -> None:
        """Row k alone, and rows in reverse order, must give the same rows."""
        function: Callable[..., Any] = getattr(self.environment, name)
        for rows, change in _CHANGES:
            some = function(*tree.map(lambda x, rows=rows: x[rows], args))
            for field, whole, part in zip(fields, results, some, strict=True):
                if not _close(tree.map(lambda x, rows=rows: x[rows], whole), part):
                    self.fail(
                        f".{name}",
                        f"{change.format(field)}: compute each row from the same row of the "
                        "arguments",
                    )

    def check_compiled(self, name: str, fields: Any, results: Any, args: Any) -> None:
        try:
            compiled = self.compiled[name](*args)
        except ChainruleError as error:
            raise EnvironmentCheckError(
                f"{self.name}.{name} runs in NumPy and cannot be traced: {error}"
            ) from error
        for field, eager, traced in zip(fields, results, compiled, strict=True):
            if not _close(eager, traced):
                self.fail(f".{name}", f"the {field} is {traced} when compiled and {eager} in NumPy")


def _as_body(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that is traced as it is in the loop of a training: no number is known."""

    def once(*args: Any) -> Any:
        _, results = scan(lambda carry, _: (carry, f(*args)), (), length=1)
        return tree.map(lambda x: x[0], results)

    return once


def _types(state: Any) -> str:
    """The names of a state's leaves and their types, as text."""
    return ", ".join(f"{name}: {_describe(leaf)}" for name, leaf in _named_leaves(state))


def _named_leaves(state: Any) -> list[tuple[str, Any]]:
    leaves = tree.leaves(state)
    fields = getattr(state, "_fields", ())  # of a named tuple, that a tree knows by number
    names = fields if len(fields) == len(leaves) else tree.names(state)
    return list(zip(names, leaves, strict=True))


def _describe(x: Any) -> str:
    if not hasattr(x, "dtype"):
        return f"{type(x).__name__} {x!r:.40}"
    return f"{x.dtype.name}{list(x.shape)}"


def _equal(a: Any, b: Any) -> bool:
    if tree.structure(a) != tree.structure(b):
        return False
    return all(map(_same_array, tree.leaves(a), tree.leaves(b)))


def _same_array(x: Any, y: Any) -> bool:
    return bool(x.dtype == y.dtype and np.array_equal(x, y, equal_nan=x.dtype.kind == "f"))


def _close(a: Any, b: Any) -> bool:
    """Equal types, and numbers that differ by rounding at most."""
    if tree.structure(a) != tree.structure(b):
        return False
    for x, y in zip(tree.leaves(a), tree.leaves(b), strict=True):
        if x.dtype != y.dtype or x.shape != y.shape:
            return False
        tolerance = _TOLERANCE.get(x.dtype, 0.0)
        if not np.allclose(x, y, rtol=tolerance, atol=tolerance, equal_nan=True):
            return False
    return True
