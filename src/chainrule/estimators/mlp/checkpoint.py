"""Which training a checkpoint is of, and the state of NumPy's generator in one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import tree
from ..inputs.rows import is_compact, issparse

FORMAT = "chainrule-checkpoint-2"
# Settings that another run may change, and yet go on to the same weights
HARMLESS = ("checkpoint", "checkpoint_interval", "callbacks", "verbose", "progress", "n_threads")


@dataclass(frozen=True)
class GeneratorState:
    """The state of a RandomState: its array, and the rest as JSON holds it."""

    keys: Any
    rest: list[Any]

    @staticmethod
    def of(random_state: Any) -> GeneratorState:
        """That of now."""
        kind, keys, *rest = random_state.get_state()
        return GeneratorState(keys, [kind, *rest])

    def restore(self, random_state: Any) -> None:
        """Set a generator to it; raise what is wrong with it."""
        kind, *rest = self.rest
        random_state.set_state((kind, self.keys, *rest))

    def checked(self) -> GeneratorState:
        """Itself, if a generator takes it."""
        self.restore(np.random.RandomState())
        return self


def fingerprint(parameters: Mapping[str, Any], *parts: Any) -> str:
    """A digest of settings and data: a checkpoint of another training is not taken up.

    Parameters
    ----------
    parameters : dict
        All settings of the estimator.
    *parts : Rows, FittedNetwork or None
        Dataclasses of arrays.
    """
    settings = {k: _portable(v) for k, v in parameters.items() if k not in HARMLESS}
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16)
    for part in tree.leaves([_arrays(part) for part in parts]):
        digest.update(f"{part.dtype}{part.shape}".encode())
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def _arrays(part: Any) -> Any:
    """The arrays of rows or of a network, those of a sparse matrix in place of it."""
    if part is None:
        return []
    if hasattr(part, "weights"):
        return [part.weights, part.batch_stats]
    return [
        [a.data, a.indices, a.indptr] if issparse(a)
        else [a.numbers, a.codes, [] if a.rows is None else a.rows] if is_compact(a) else a
        for a in part.arrays
    ]  # fmt: skip


def _portable(value: Any) -> Any:
    """A setting as text that another process writes alike: without addresses of objects."""
    if isinstance(value, (list, tuple)):
        return [_portable(entry) for entry in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if callable(value):
        code = getattr(value, "__code__", None)
        name = getattr(value, "__qualname__", type(value).__qualname__)
        numbers = [c for c in code.co_consts if isinstance(c, (int, float))] if code else []
        return [name, *numbers, code.co_code.hex() if code else ""]
    return type(value).__name__ if isinstance(value, np.random.RandomState) else repr(value)
