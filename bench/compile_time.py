"""How long the first call of a new function takes: the digits' epoch, in a process that is warm."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from chainrule import configured, jit, random

from . import jax_training, peers
from .digits_epoch import KEY, START, equal_weights, first_epoch, labels, weights_of, x
from .harness import Contest

ORDER = random.permutation(KEY, len(x))
ROUNDS = 9


def ours(cache: int) -> list[Any]:
    """Trace, differentiate, simplify, compile or load, run; with so many MiB of cache."""
    with configured(cache=cache):
        return weights_of(jit(first_epoch)(START, KEY, x, labels))


def theirs(jax: Any) -> list[Any]:
    """The same; what JAX keeps in memory is dropped before, which takes 4 ms."""
    jax.clear_caches()
    epoch = jax.jit(jax_training.make_epoch(jax, x, labels))
    return [np.asarray(a) for a in epoch(weights_of(START), ORDER)]


def contests() -> Iterator[Contest]:
    jax = peers.jax()
    if jax is None:
        return
    peer = partial(theirs, jax)
    yield Contest("digits epoch, first call", "JAX jit", lambda: ours(0), peer, equal_weights,
                  ROUNDS)  # fmt: skip
    from jax.experimental.compilation_cache import compilation_cache

    with TemporaryDirectory() as folder:
        os.environ["CHAINRULE_CACHE_DIR"] = os.path.join(folder, "ours")
        compilation_cache.reset_cache()  # it asked for its folder already, and found none
        for name, value in (("jax_compilation_cache_dir", os.path.join(folder, "jax")),
                            ("jax_persistent_cache_min_compile_time_secs", 0),
                            ("jax_persistent_cache_min_entry_size_bytes", -1)):  # fmt: skip
            jax.config.update(name, value)
        yield Contest("digits epoch, first call, compiled code on disk", "JAX jit, its cache",
                      lambda: ours(256), peer, equal_weights, ROUNDS)  # fmt: skip
