"""The paths through a function that branches on values: a program each, under guards.

A path is a trace that followed the numbers of one call (`trace/recording.py`). Its program also
gives what its guards come out as. The first that comes out otherwise says where to go on, for paths
with the same answers so far are one branch of a tree. A path whose guards fail costs time, never a
wrong number, because functions are pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from weakref import ref

from ... import tree
from ...backends import FastCall
from ...config import current
from ...control.effects import has_effect
from ...errors import PerformanceWarning, warn_user
from ...forks import changing
from ...graph.node import reachable
from ...primitives.callback import FIRST_TOKEN
from ...trace.capture import Captured, to_user_arrays
from ...trace.recording import ANSWER_BYTES, ONE, Guard, RaisedOnPath, Recording, answer_of
from ..nan_checks.nonfinite import check_graph
from .compiled import TracedFunction, lie_as
from .path_info import PathInfo, advice, guard_text, is_unpredictable

MOST_PATHS = 64
_HITS_PER_PATH = 4  # calls that programs must have served before one more path is recorded
_PATIENCE = 32  # calls in a row that no path served, after which the tree is asked rarely
_FORESIGHT = 16  # guards


class _Branch:
    """A point in the tree: the paths behind it, by the answer to the next guard."""

    __slots__ = ("_path", "after")

    def __init__(self) -> None:
        self.after: dict[bytes, _Branch] = {}
        self._path: ref[Path] | None = None  # the latest of those that come by

    @property
    def path(self) -> Path | None:
        """A path that comes by; weak, as paths know their branches."""
        return None if self._path is None else self._path()

    def set_path(self, path: Path) -> None:
        self._path = ref(path)

    def likely(self, decisions: bytes, k: int) -> Path | None:
        """Return a path behind this point: the one that fits if the guards after this one are of
        the same numbers on it as on the path that gave these decisions.
        """
        branch = self
        for start in range(k * ANSWER_BYTES, (k + _FORESIGHT) * ANSWER_BYTES, ANSWER_BYTES):
            after = branch.after.get(decisions[start : start + ANSWER_BYTES])
            if after is None:
                break
            branch = after
        return branch.path


class Path:
    """A trace with guards.

    Attributes
    ----------
    answers : list of bytes
        What each guard came out as.
    expected : bytes
        What the program's last result is if all guards hold.
    branches : list of _Branch
        The points of the tree that it comes by, one before each guard.
    asks_effects : bool
        Whether a guard depends on what a callback with effects gave, or whether an error of the
        program may have to be caught after one.
    trial : bool
        Whether the program may run before it is known that the guards hold.
    """

    def __init__(self, captured: Captured, traced: TracedFunction) -> None:
        self.traced, self.guards, self._leaves = traced, captured.guards, captured.leaves
        self.answers = [answer_of(guard, guard.value) for guard in self.guards]
        pairs = zip(self.guards, self.answers, strict=True)
        self.expected = b"".join(ONE if g.kind == "exact" else answer for g, answer in pairs)
        self._expected_bits = int.from_bytes(self.expected, "little")
        self.branches: list[_Branch] = []
        self.calls, self.last_used = 1, 0
        self.compiled = self.allows_fast_call = False
        self.has_effects = captured.has_effects
        self.trial = not (captured.has_effects or is_unpredictable(captured.graph))
        asked = reachable([guard.node for guard in self.guards])
        attempts = any(guard.node.value is not None for guard in self.guards)
        self.asks_effects = captured.has_effects and (attempts or any(map(has_effect, asked)))

    def compile(self) -> None:
        """Make the program, if there is none."""
        self.traced.ensure_compiled()
        self.compiled = True
        self.allows_fast_call = self.trial and self.traced.allows_fast_call

    def run(self, arrays: Sequence[Any]) -> tuple[Any, bytes]:
        """Return the function's result, and what the guards come out as."""
        *results, decisions = self.traced.run(arrays)
        treedef = self.traced.out_treedef
        return tree.unflatten(treedef, to_user_arrays(results)), decisions.tobytes()

    def mismatch(self, arrays: Sequence[Any]) -> tuple[int, bytes] | None:
        """Return the first guard that does not hold, and its answer, one computed after the other.

        What is behind a guard may make no sense, or never end, if that does not hold.
        """
        numbers = Recording(self._leaves, [*arrays, FIRST_TOKEN])
        for k, guard in enumerate(self.guards):
            answer = answer_of(guard, numbers.value(guard.node))
            if answer != self.answers[k]:
                return k, answer
        return None

    def mismatch_or_none(self, arrays: Sequence[Any]) -> tuple[int, bytes] | None:
        """Return the same for arguments for which the program failed; None if this fails, too."""
        try:
            return self.mismatch(arrays)
        except Exception:
            return None

    def difference(self, decisions: bytes) -> tuple[int, bytes]:
        """Return the same from what the program gave; there is no answer for an array."""
        bits = int.from_bytes(decisions, "little") ^ self._expected_bits
        k = ((bits & -bits).bit_length() - 1) // (8 * ANSWER_BYTES)  # where the lowest bit is
        if self.guards[k].kind == "exact":
            return k, b""
        return k, decisions[k * ANSWER_BYTES : (k + 1) * ANSWER_BYTES]

    def instead(self, decisions: bytes) -> Path | None:
        """Return the path to try next, after the program gave these decisions."""
        k, answer = self.difference(decisions)
        branch = self.branches[k].after.get(answer)
        return None if branch is None else branch.likely(decisions, k + 1)

    def beside(self, k: int, answer: bytes) -> Iterator[Path]:
        """Yield paths that agree with this one up to guard k, and may have that answer to it."""
        after = self.branches[k].after
        branches = [after[answer]] if answer in after else []
        if not answer:
            branches = [after[other] for other in list(after) if other != self.answers[k]]
        for branch in branches:
            if branch.path is not None:
                yield branch.path


class Paths:
    """All paths through a function, for arguments of one kind.

    Parameters
    ----------
    name : str
        Of the function, for notes.
    record : callable
        ``record(leaves, arrays) -> (captured, traced)``: trace a call, following its numbers.
    eager : callable
        ``eager(leaves)``: call the function itself.
    layouts : dict
        How those arguments lie in memory; paths may depend on it.
    """

    outside = ()
    asks_outside = False
    distinguishes_scalars = True

    def __init__(
        self, name: str, record: Callable[..., tuple[Captured, TracedFunction]],
        eager: Callable[[list[Any]], Any], layouts: dict[int, Any],
    ) -> None:  # fmt: skip
        self.name, self.layouts = name, layouts
        self._record, self.eager = record, eager
        self.paths: list[Path] = []
        self.latest: Path | None = None
        self._whole: TracedFunction | None = None  # which serves for all paths
        self._depends_on_effects = False
        self.last_used = 0
        self.zero_dim_arguments: frozenset[int] = frozenset()
        self._root = _Branch()
        self._uses = self._recorded = self._misses = 0
        self._failures: dict[tuple[str, int], list[Guard]] = {}
        self._is_noted = False
        self._single: tuple[FastCall, bytes, Any] = _no_call, b"", None

    def takes_unseen(self, leaves: Sequence[Any]) -> bool:
        """Return whether all leaves are arrays, or numbers that programs read where they lie."""
        return self.latest is not None and self.latest.traced.takes_unseen(leaves)

    def has_layout_of(self, arrays: Sequence[Any]) -> bool:
        """Return whether these arrays lie in memory as those that the paths are for."""
        return lie_as(self.layouts, arrays)

    # Calls

    def fast(self, leaves: Sequence[Any]) -> tuple[Any] | None:
        """Return the result in a tuple, if programs serve for arguments that are just right."""
        return self._fast_from(self.latest, leaves)

    def _fast_from(self, path: Path | None, leaves: Sequence[Any]) -> tuple[Any] | None:
        """Return the same, beginning with a path that is likely to be the right one."""
        for _ in range(MOST_PATHS):
            if path is None or not path.allows_fast_call:
                return None
            traced = path.traced
            try:
                results = None if traced.scalars else traced.fast_call(*leaves)
                if results is None:
                    results = traced.fast_call_with_numbers(leaves)
            except Exception:  # on a wrong path, perhaps: `_by_program` says
                return None
            if results is None:
                return None
            decisions = results.pop().tobytes()
            if decisions == path.expected:
                if path is not self.latest:
                    self._use(path)
                path.calls += 1
                return (traced.out_treedef.unflatten(results),)
            path = path.instead(decisions)
        return None

    def fast_single(self, *args: Any) -> Any:
        """Return the result for arrays as arguments; None if programs do not serve for them."""
        call, expected, path = self._single
        try:
            results = call(*args)
        except Exception:  # see above
            return None
        if results is None:
            return None
        decisions = results[1].tobytes()
        if decisions == expected:
            path.calls += 1
            return results[0]
        result = self._fast_from(path.instead(decisions), args)
        return None if result is None else result[0]

    def __call__(self, leaves: list[Any], arrays: list[Any]) -> Any:
        """Return the function's result, by a program where there is one for this path."""
        self._uses += 1
        if self._whole is not None:
            return self._whole(arrays)
        if self._depends_on_effects:  # a path that does not serve would have had them
            return self.eager(leaves)
        if current().nans:  # by what the numbers say, and not by what programs for others do
            return self._take_new(leaves, arrays)
        if self._misses > _PATIENCE and self._uses % _PATIENCE and self._has_enough():
            return self.eager(leaves)
        result = self._by_program(arrays)
        if result is not None:
            self._misses = 0
            return result[0]
        self._misses += 1
        if self._has_enough():
            self._note()
            return self.eager(leaves)
        return self._take_new(leaves, arrays)

    def _take_new(self, leaves: list[Any], arrays: list[Any]) -> Any:
        """Record a call, and return its result."""
        try:
            captured, traced = self._record(leaves, arrays)
        except RaisedOnPath:
            captured = None
        if captured is None:
            return self.eager(leaves)
        if not captured.guards:  # rewritten code asks nothing any more
            self._whole = traced
            return traced(arrays)
        return self.take(captured, traced, arrays)

    def _by_program(self, arrays: Sequence[Any]) -> tuple[Any] | None:
        """Return the result in a tuple, if there is a path that these arguments take."""
        pending = [] if self.latest is None else [self.latest]
        tried: set[Path] = set()
        guard = None
        while pending:
            path = pending.pop()
            if path in tried:
                continue
            tried.add(path)
            try:
                if path.compiled and path.trial:
                    result, decisions = path.run(arrays)
                    differs = None if decisions == path.expected else path.difference(decisions)
                else:
                    differs = path.mismatch(arrays)
                    if differs is None:
                        path.compile()
                        result, _ = path.run(arrays)
            except Exception:
                differs = path.mismatch_or_none(arrays)
                if differs is None and path.has_effects:
                    raise
                if differs is None:  # the function itself says
                    break
            if differs is None:
                path.calls += 1
                self._use(path)
                return (result,)
            guard = path.guards[differs[0]]
            pending.extend(path.beside(*differs))
        if guard is not None:
            self._failures.setdefault((guard.filename, guard.line), []).append(guard)
        return None

    def take(self, captured: Captured, traced: TracedFunction, arrays: Sequence[Any]) -> Any:
        """Enter a path that was recorded, and return the result of the call that it followed."""
        assert captured.values is not None
        values = captured.values()
        if current().nans and not captured.outside:
            check_graph(captured.graph, [*arrays, *[FIRST_TOKEN] * captured.reads_token], values)
        self._recorded += 1
        path = Path(captured, traced)
        self._depends_on_effects |= path.asks_effects
        self._enter(path)
        return tree.unflatten(captured.out_treedef, to_user_arrays(values))

    # The tree

    def _enter(self, path: Path) -> None:
        with changing:
            branch = self._root
            for answer in path.answers:
                branch = branch.after.get(answer, _NOWHERE)
            known = branch.path
            if known is not None and known.answers == path.answers:  # but for rounding
                known.calls += 1
                return
            while len(self.paths) >= MOST_PATHS:
                self.paths.remove(min(self.paths, key=lambda other: other.last_used))
                self._root = _Branch()
            self.paths.append(path)
            for other in self.paths if self._root.path is None else [path]:
                self._insert(other)
            self._use(path)

    def _insert(self, path: Path) -> None:
        branches = [self._root]
        for answer in path.answers:
            branches.append(branches[-1].after.setdefault(answer, _Branch()))
        path.branches = branches[:-1]  # before another thread comes by one and follows the path
        for branch in branches:
            branch.set_path(path)

    def _use(self, path: Path) -> None:
        self._uses += 1
        path.last_used = self._uses
        self.latest = path
        self._expect(path)

    def _expect(self, path: Path) -> None:
        """Have the next call with arrays, to one array, try this path before all else."""
        traced = path.traced
        if path.allows_fast_call and traced.out_treedef.is_leaf():
            call = traced.fast_call_of_numbers if traced.numbers else traced.fast_call
            self._single = call, path.expected, path

    def _has_enough(self) -> bool:
        """Return whether programs serve too few calls to record more paths."""
        hits = sum(path.calls - 1 for path in self.paths)
        return self._recorded >= MOST_PATHS + hits // _HITS_PER_PATH

    def _note(self) -> None:
        """Say once that calls run without a program, and what would serve."""
        if self._is_noted or not self._failures:
            return
        self._is_noted = True
        guard = max(self._failures.values(), key=len)[0]
        warn_user(
            f"jit: {self.name} went {self._recorded} ways through its branches, and most calls go "
            f"new ones: these run without compiled code. Most often {guard_text(guard)} decided "
            f"anew: {advice(guard)}",
            PerformanceWarning,
        )

    def info(self) -> list[PathInfo]:
        """Return the paths, those with most calls first."""
        listed = [
            PathInfo(tuple(map(guard_text, path.guards)), path.calls, path.compiled)
            for path in self.paths
        ]
        return sorted(listed, key=lambda path: -path.calls)


def _no_call(*_: Any) -> None:
    """Stand for the program of a path that has none."""


_NOWHERE = _Branch()
