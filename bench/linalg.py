"""Factorizations and transforms with their gradients, float64, one thread for everybody.

Values and gradients by all arguments, of one matrix of 3 to 1,000 rows and of 1,000 of 5 x 5, and
real Fourier transforms of 2^10 to 2^20 numbers. A gradient is that of a weighted sum of all
results. Times are those of the CPU, which other processes do not change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from time import process_time
from typing import Any

import numpy as np

import chainrule as cr

from . import peers
from .harness import Contest, Outcome, run

SHAPES = ((3, 3), (10, 10), (100, 100), (1000, 1000), (1000, 5, 5))
LENGTHS = tuple(2**k for k in range(10, 21, 2))
TURN = 4e-3  # seconds that the calls of a turn should take
Function = Callable[..., Any]


@dataclass(frozen=True)
class Operation:
    """A function of an array namespace, and its arguments for a shape.

    Attributes
    ----------
    name : str
    value : callable
        ``value(linalg, *arguments)`` returns an array, or a tuple of arrays.
    arguments : callable
        ``arguments(rng, shape)`` returns the arrays.
    """

    name: str
    value: Function
    arguments: Function


def _symmetric(rng: Any, shape: tuple[int, ...]) -> list[Any]:
    """Positive definite matrices with eigenvalues well apart."""
    n = shape[-1]
    q = np.linalg.qr(rng.normal(size=shape))[0]
    return [(q * np.linspace(1.0, n, n)) @ np.swapaxes(q, -1, -2)]


def _general(rng: Any, shape: tuple[int, ...]) -> list[Any]:
    return [rng.normal(size=shape) + 2 * shape[-1] ** 0.5 * np.eye(shape[-1])]


def _system(rng: Any, shape: tuple[int, ...]) -> list[Any]:
    return [*_general(rng, shape), rng.normal(size=(*shape[:-1], 1))]


def _all(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else (results,)


def _weights(results: Any) -> list[Any]:
    rng = np.random.default_rng(1)
    return [rng.normal(size=np.shape(y)) for y in _all(results)]


OPERATIONS = (
    Operation("solve", lambda la, a, b: la.solve(a, b), _system),
    Operation("cholesky", lambda la, a: la.cholesky(a), _symmetric),
    Operation("slogdet", lambda la, a: la.slogdet(a)[1], _general),
    Operation("eigh", lambda la, a: _squared(*la.eigh(a)), _symmetric),
)


def _squared(w: Any, v: Any) -> tuple[Any, Any]:
    """Return what does not depend on the signs of eigenvectors."""
    return w, v * v


def _weighted(la: Any, operation: Operation, weights: list[Any], *arguments: Any) -> Any:
    return sum(
        (w * y).sum() for w, y in zip(weights, _all(operation.value(la, *arguments)), strict=True)
    )


def same(size: int, symmetric: bool, ours: Any, theirs: Any) -> None:
    """Up to the rounding of what is computed from so many numbers.

    Where a matrix is symmetric, a gradient says what both of two entries do, be it in the lower
    triangle, as ours does, or in equal parts, as the peers do.
    """
    for a, b in zip(_all(ours), _all(theirs), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        if symmetric:
            a, b = a + np.swapaxes(a, -1, -2), b + np.swapaxes(b, -1, -2)
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-11 * size * (1 + np.abs(b).max()))


def matched(
    task: str, peer: str, ours: Function, theirs: Function, size: int, symmetric: bool = False
) -> Outcome:
    """As many calls a turn as take some milliseconds, and turns for a second or five."""
    check = partial(same, size, symmetric)
    check(ours(), theirs())
    start = process_time()
    ours()
    theirs()
    slow = process_time() - start
    number = max(1, min(1000, round(TURN / slow)))
    rounds = max(5, min(41, round(2.0 / (slow * number))))
    return run(Contest(task, peer, ours, theirs, check, rounds, number, clock=peers.CLOCK))


def _ours(operation: Operation, weights: list[Any], arguments: list[Any]) -> list[Function]:
    loss = partial(_weighted, np.linalg, operation, weights)
    numbers = tuple(range(len(arguments)))
    value = cr.jit(lambda *x: operation.value(np.linalg, *x))
    gradient = cr.jit(cr.grad(loss, numbers if numbers[1:] else 0))
    return [lambda: value(*arguments), lambda: gradient(*arguments)]


def _in_jax(jax: Any, operation: Operation, weights: list[Any], arguments: Any) -> list[Function]:
    la = jax.numpy.linalg
    there = [jax.numpy.asarray(x) for x in arguments]
    loss = partial(_weighted, la, operation, weights)
    value = jax.jit(lambda *x: operation.value(la, *x))
    gradient = jax.jit(jax.grad(loss, tuple(range(len(there))) if there[1:] else 0))
    return [
        lambda: jax.block_until_ready(value(*there)),
        lambda: jax.block_until_ready(gradient(*there)),
    ]


def _in_torch(
    torch: Any, operation: Operation, weights: list[Any], arguments: Any
) -> list[Function]:
    la = torch.linalg
    plain = [torch.from_numpy(np.array(x)) for x in arguments]
    leaves = [x.clone().requires_grad_() for x in plain]
    there = [torch.from_numpy(np.asarray(w)) for w in weights]

    def value() -> Any:
        with torch.inference_mode():
            return operation.value(la, *plain)

    def gradient() -> Any:
        slopes = torch.autograd.grad(_weighted(la, operation, there, *leaves), leaves)
        return slopes if slopes[1:] else slopes[0]

    return [value, gradient]


def _matrices(jax: Any, torch: Any) -> Iterator[Outcome]:
    for operation in OPERATIONS:
        for shape in SHAPES:
            arguments = operation.arguments(np.random.default_rng(0), shape)
            weights = _weights(operation.value(np.linalg, *arguments))
            ours = _ours(operation, weights, arguments)
            others = {}
            if jax is not None:
                others["JAX jit"] = _in_jax(jax, operation, weights, arguments)
            if torch is not None:
                others["PyTorch eager"] = _in_torch(torch, operation, weights, arguments)
            size = " x ".join(map(str, shape))
            for peer, theirs in others.items():
                for kind, a, b in zip(("value", "gradient"), ours, theirs, strict=True):
                    task = f"{operation.name} {size}, {kind}"
                    symmetric = kind == "gradient" and operation.arguments is _symmetric
                    yield matched(task, peer, a, b, shape[-1], symmetric)


def _power(fft: Any, weights: Any, x: Any) -> Any:
    y = fft.rfft(x)
    return (weights * (y.real**2 + y.imag**2)).sum()


def _transforms(jax: Any) -> Iterator[Outcome]:
    for n in LENGTHS:
        rng = np.random.default_rng(0)
        x, weights = rng.normal(size=n), rng.normal(size=n // 2 + 1)
        value = cr.jit(np.fft.rfft)
        yield matched(
            f"rfft of {n}, value", "NumPy", lambda f=value, x=x: f(x),
            lambda x=x: np.fft.rfft(x), n,
        )  # fmt: skip
        if jax is not None:
            ours = cr.jit(cr.grad(partial(_power, np.fft, weights)))
            theirs = jax.jit(jax.grad(partial(_power, jax.numpy.fft, weights)))
            there = jax.numpy.asarray(x)
            yield matched(
                f"rfft of {n}, gradient of a weighted sum of squares", "JAX jit",
                lambda f=ours, x=x: f(x),
                lambda f=theirs, x=there: jax.block_until_ready(f(x)), n,
            )  # fmt: skip


def contests() -> Iterator[Outcome]:
    jax, torch = peers.jax(), peers.torch()
    yield from _matrices(jax, torch)
    yield from _transforms(jax)
