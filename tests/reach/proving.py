"""What holds of a form: its value, both modes, the second order, compiled code."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from forms import Form

sys.path += [str(Path(__file__).parents[1] / folder) for folder in ("", "trace")]

from agreement import with_values

import chainrule as cr
from chainrule import tree
from chainrule.backends import compiling
from chainrule.config import configured
from chainrule.errors import ChainruleError

RIGHT, NONE, REFUSED, WRONG = "✓", "—", "refused", "WRONG"
NATIVE, REFERENCE = "native", "reference"


class Cells(NamedTuple):
    """What a row of the document says.

    Attributes
    ----------
    value, vjp, jvp, second, jit : str
        ``✓``; ``—`` where there is no such thing; ``refused``; ``WRONG``.
    code : str
        Who computes the compiled value and gradient: ``native`` code alone, or ``reference``, NumPy
        and SciPy, some of it.
    """

    value: str = NONE
    vjp: str = NONE
    jvp: str = NONE
    second: str = NONE
    jit: str = NONE
    code: str = NONE


class Proof(NamedTuple):
    """The cells of a form, and why some of them are no ``✓``."""

    cells: Cells
    reason: str


class Difference(AssertionError):
    """A number that is not the expected one."""


def prove(form: Form, seed: int, compiled: bool = True) -> Proof:
    """Hold a form against plain calls and differences of them; `compiled` is for `jit`."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), configured(check=1):
        warnings.simplefilter("ignore")
        try:
            prover = _Prover(form, seed)
        except Exception as error:  # of the plain call: the form itself is wrong
            return Proof(Cells(WRONG), f"WRONG: the form raises {error!r}")
        return prover.prove(compiled)


class _Prover:
    """One form at one draw."""

    def __init__(self, form: Form, seed: int) -> None:
        self.form = form
        self.arguments = form.draw(seed)
        self.rng = np.random.default_rng(seed + 17)
        self.expected = _leaves(form.call(*map(_copy, self.arguments)))
        self.moving = [k for k, x in enumerate(self.arguments) if _kind(x) in "fc" and
                       np.asarray(x).dtype.itemsize >= 8]  # fmt: skip
        self.start = [self.arguments[k] for k in self.moving]
        self.along = [_random_like(self.rng, x) for x in self.start]
        self.weights = [
            (_finite(y) * self.rng.uniform(0.5, 1.5, y.shape),
             _finite(y) * self.rng.uniform(-1.5, -0.5, y.shape),
             1.0 / max(1.0, float(np.max(np.abs(np.nan_to_num(y, posinf=0, neginf=0)), initial=0))))
            if y.dtype.kind in "fc" else None
            for y in self.expected
        ]  # fmt: skip
        self.reasons: list[str] = []

    def prove(self, compiled: bool) -> Proof:
        value, vjp = self._attempt(self._value), NONE
        jvp = second = NONE
        slopes = bool(self.moving) and any(w is not None for w in self.weights)
        if slopes and value != REFUSED:
            vjp = self._attempt(self._vjp)
            jvp = self._attempt(self._jvp)
            if vjp == jvp == RIGHT:
                second = self._attempt(self._second)
            elif RIGHT in (vjp, jvp):
                second = REFUSED
        elif slopes:
            vjp = jvp = second = REFUSED
        jit, code = self._compiled(vjp) if compiled else (NONE, NONE)
        reason = next(iter(self.reasons), "")
        return Proof(Cells(value, vjp, jvp, second, jit, code), reason)

    def _attempt(self, check: Callable[[], str]) -> str:
        try:
            return check()
        except ChainruleError as error:
            self.reasons.append(_first_sentence(error))
            return REFUSED
        except Difference as error:
            self.reasons.append(f"WRONG: {error}")
            return WRONG
        except Exception as error:
            self.reasons.append(f"WRONG: {type(error).__name__}: {error}")
            return WRONG

    def call(self, *xs: Any) -> list[Any]:
        """The results, of what is moved alone."""
        every = list(map(_copy, self.arguments))
        for k, x in zip(self.moving, xs, strict=True):
            every[k] = x
        return tree.leaves(self.form.call(*every))

    def loss(self, *xs: Any) -> Any:
        """A curved function of all real and imaginary parts of the results."""
        total = 0.0
        for y, w, e in zip(self.call(*xs), self.weights, self.expected, strict=True):
            if w is not None:
                by_real, by_imaginary, scale = w
                y = y if np.all(np.isfinite(e)) else np.where(np.isfinite(e), y, 0.0)
                total = total + np.sum(by_real * np.sin(scale * np.real(y)))
                if _kind(y) == "c":
                    total = total + np.sum(by_imaginary * np.sin(scale * np.imag(y)))
        return total

    def _value(self) -> str:
        if self.moving and any(w is not None for w in self.weights):
            actual = tree.leaves(cr.vjp(self.call, *self.start)[0])
        else:
            actual = with_values(self.form.call, *self.arguments)
        _same(actual, self.expected, self.form.rtol)
        return RIGHT

    def _vjp(self) -> str:
        gradients = cr.grad(self.loss, tuple(range(len(self.start))))(*self.start)
        actual = _inner(gradients, self.along)
        return self._close(actual, self._slope(self.loss))

    def _jvp(self) -> str:
        pushed = [np.asarray(t) for t in tree.leaves(cr.jvp(self.call, self.start, self.along)[1])]
        actual, expected = [], []
        for k, (t, w) in enumerate(zip(pushed, self.weights, strict=True)):
            if w is not None:
                finite = np.isfinite(self.expected[k])
                slope = self._slope(lambda *xs, k=k: self.call(*xs)[k])
                actual.append(np.where(finite, w[2] * t, 0.0))
                expected.append(np.where(finite, w[2] * slope, 0.0))
        return self._close(_flat(actual), _flat(expected))

    def _second(self) -> str:
        other = [_random_like(self.rng, x) for x in self.start]
        every = tuple(range(len(self.start)))

        def slope(*xs: Any) -> Any:
            gradients = cr.grad(self.loss, every)(*xs)
            return sum(np.sum(np.real(g * v)) for g, v in zip(gradients, self.along, strict=True))

        expected = self._slope(slope, other)
        _, pushed = cr.jvp(slope, self.start, other)
        pulled = _inner(cr.grad(slope, every)(*self.start), other)
        size = self._close(np.asarray(pushed), expected, 10)
        return RIGHT if RIGHT in (size, self._close(pulled, expected, 10)) else NONE

    def _slope(self, f: Callable[..., Any], along: Any = None) -> Any:
        """The slope of f by five points, with an error of order step**4."""
        along = self.along if along is None else along

        def at(h: float) -> Any:
            return np.asarray(f(*[x + h * v for x, v in zip(self.start, along, strict=True)]))

        h = self.form.step
        return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)

    def _close(self, actual: Any, expected: Any, factor: float = 1) -> str:
        actual, expected = np.asarray(actual), np.asarray(expected)
        bound = factor * self.form.slope * max(1.0, float(np.max(np.abs(expected), initial=0.0)))
        error = float(np.max(np.abs(actual - expected), initial=0.0))
        if not error <= bound:
            raise Difference(f"{actual!r} where differences give {expected!r}")
        return RIGHT if np.any(actual) or np.any(expected) else NONE

    def _compiled(self, vjp: str) -> tuple[str, str]:
        slopes = vjp == RIGHT
        every = tuple(range(len(self.start)))

        def whole(*arguments: Any) -> Any:
            results = tree.leaves(self.form.call(*arguments))
            xs = [arguments[k] for k in self.moving]
            return results, cr.grad(self.loss, every)(*xs) if slopes else ()

        def check() -> str:
            jitted = cr.jit(whole)
            called = [jitted(*self.arguments)]
            if jitted.paths():  # of recorded branches there is a program from the second call on
                called.append(jitted(*self.arguments))
            eager = tree.leaves(cr.grad(self.loss, every)(*self.start)) if slopes else []
            for results, gradients in called:
                _same(tree.leaves(results), self.expected, max(1e-9, self.form.rtol), dtypes=False)
                _same(tree.leaves(gradients), eager, max(1e-7, self.form.rtol))
            return RIGHT

        with _programs() as programs:
            jit = self._attempt(check)
        if jit != RIGHT or not programs:
            return jit, NONE
        calls = [call for p in programs for call in p.executable.numpy_calls]
        return jit, REFERENCE if calls else NATIVE


@contextmanager
def _programs() -> Iterator[list[Any]]:
    """The native programs that are made inside."""
    made: list[Any] = []
    backend = compiling.BACKENDS["llvm"]

    class Recording:
        def compile(self, *arguments: Any, **options: Any) -> Any:
            program = backend.compile(*arguments, **options)
            made.append(program)
            return program

    compiling.BACKENDS["llvm"] = Recording()  # type: ignore[assignment]
    try:
        yield made
    finally:
        compiling.BACKENDS["llvm"] = backend


def _leaves(result: Any) -> list[Any]:
    return [np.asarray(leaf) for leaf in tree.leaves(result)]


def _copy(x: Any) -> Any:
    return np.array(x)[()]


def _kind(x: Any) -> str:
    return str(getattr(x, "dtype", np.asarray(x).dtype if not hasattr(x, "dtype") else None).kind)


def _finite(y: Any) -> Any:
    return np.isfinite(y).astype(float)


def _random_like(rng: np.random.Generator, x: Any) -> Any:
    drawn = rng.uniform(0.3, 1.0, np.shape(x)) * rng.choice([-1.0, 1.0], np.shape(x))
    if _kind(x) == "c":
        drawn = drawn + 1j * rng.uniform(-1.0, 1.0, np.shape(x))
    return drawn[()] if np.ndim(x) else np.asarray(x).dtype.type(drawn)


def _inner(gradients: Any, directions: Any) -> Any:
    pairs = zip(tree.leaves(gradients), directions, strict=True)
    return np.asarray(sum(np.sum(np.real(g * v)) for g, v in pairs))


def _flat(parts: list[Any]) -> Any:
    return np.concatenate([np.ravel(part) for part in parts]) if parts else np.zeros(0)


def _same(actual: list[Any], expected: list[Any], rtol: float, dtypes: bool = True) -> None:
    if len(actual) != len(expected):
        raise Difference(f"{len(actual)} results instead of {len(expected)}")
    for a, e in zip(map(np.asarray, actual), map(np.asarray, expected), strict=True):
        if a.shape != e.shape or (dtypes and a.dtype != e.dtype):
            raise Difference(f"{a.dtype}{a.shape} instead of {e.dtype}{e.shape}")
        if e.dtype.kind in "fc":
            scale = np.max(np.abs(e[np.isfinite(e)]), initial=1.0)
            bound = max(rtol, 1e-5 if e.dtype.itemsize < 8 else 0.0)
            right = np.allclose(a, e, rtol=bound, atol=bound * scale, equal_nan=True)
        else:
            right = np.array_equal(a, e)
        if not right:
            raise Difference(f"{a!r} instead of {e!r}")


def _first_sentence(error: BaseException) -> str:
    """The message without the user's line, up to its first full stop."""
    text = " ".join(str(error).split())
    text = re.sub(r"^\S+:\d+: ", "", text)  # the user's line
    return text.split(". ")[0].rstrip(".")
