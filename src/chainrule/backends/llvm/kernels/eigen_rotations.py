"""The implicit QL and QR algorithm for small tridiagonal matrices, as LAPACK's `steqr` has it."""

from __future__ import annotations

from ..ir.types import I64
from ..ir.value import Value
from .eigen_memory import Eigen

_MOST_STEPS = 30  # for each eigenvalue


def diagonalize(q: Eigen) -> None:
    """Diagonalize the tridiagonal matrix, part by part, and turn the vectors alike."""
    f, n = q.f, q.n
    q.store(0, "next")
    q.store(0, "steps")

    def part(head: str, end: str) -> None:
        first = q.load("next")
        q.leave_if((first > n - 1).name, end)
        q.put(q.number(0.0), q.beside, (first - 1).name)
        q.store(first, "m")

        def look(_head: str, stop: str) -> None:
            m = q.load("m")
            q.leave_if((m > n - 2).name, stop)
            x = q.absolute(q.get(q.beside, m.name))
            here, there = (q.absolute(q.get(q.diagonal, k.name)) for k in (m, m + 1))
            small = (q.root(here) * q.root(there) * q.epsilon < x) ^ True
            with f.when(small.name):
                q.put(q.number(0.0), q.beside, m.name)
            q.leave_if(small.name, stop)
            q.store(m + 1, "m")

        q.repeat(look)
        last = q.load("m")
        q.store(last + 1, "next")
        sizes = [q.absolute(q.get(q.diagonal, k.name)) for k in (first, last)]
        swapped = sizes[1] < sizes[0]
        begin, stop = f.select(swapped, last, first), f.select(swapped, first, last)
        step = f.select(stop > begin, 1, f.constant(-1, I64))
        q.store(begin, "l")
        q.repeat(lambda _, finished: _rotate_away(q, stop, step, finished, end))

    q.repeat(part)


def _rotate_away(q: Eigen, stop: Value, step: Value, finished: str, end: str) -> None:
    """Do one step towards the eigenvalue at l; steps lead from l to `stop`.

    `beside[k + shift]` stands between the entries k and k + step of the diagonal.
    """
    f = q.f
    shift = f.select(step > 0, 0, f.constant(-1, I64))
    first = q.load("l")
    q.leave_if(((stop - first) * step < 0).name, finished)
    q.store(first, "m")

    def look(_head: str, done: str) -> None:
        m = q.load("m")
        q.leave_if(m.equals(stop).name, done)
        x = q.get(q.beside, (m + shift).name)
        here, there = (q.absolute(q.get(q.diagonal, k.name)) for k in (m, m + step))
        bound = (here * q.epsilon**2) * there + q.tiny
        small = x * x < bound
        with f.when(small.name):
            q.put(q.number(0.0), q.beside, (m + shift).name)
        q.leave_if(small.name, done)
        q.store(m + step, "m")

    q.repeat(look)
    m = q.load("m")
    several, after = f.fresh("several"), f.fresh("after")
    alone, pair, sweep = f.fresh("alone"), f.fresh("pair"), f.fresh("sweep")
    f.branch(m.equals(first).name, alone, several)
    f.label(alone)
    q.store(first + step, "l")
    f.jump(after)
    f.label(several)
    f.branch(m.equals(first + step).name, pair, sweep)
    f.label(pair)
    _solve_pair(q, f.select(step > 0, first, m))
    q.store(first + step + step, "l")
    f.jump(after)
    f.label(sweep)
    count = q.load("steps") + 1
    q.store(count, "steps")
    q.fail_if((count > _MOST_STEPS * q.n).name)
    q.leave_if((count > _MOST_STEPS * q.n).name, end)
    _sweep(q, first, m, step, shift)
    f.jump(after)
    f.label(after)


def _sweep(q: Eigen, first: Value, m: Value, step: Value, shift: Value) -> None:
    """Rotate from m to l with the shift of the two entries at l."""
    f = q.f
    p, e = q.get(q.diagonal, first.name), q.get(q.beside, (first + shift).name)
    g = (q.get(q.diagonal, (first + step).name) - p) / (e * 2.0)
    r = q.root(f.fma(g, g, 1.0))
    g = q.get(q.diagonal, m.name) - p + e / (g + q.signed(r, g))
    count = (m - first) * step
    one, zero = q.number(1.0), q.number(0.0)
    with f.loop(0, count.name, carried=[g, one, one, zero], at_least_once=True) as loop:
        g, s, c, p = loop.values
        k = Value(f, loop.index, I64, 1)
        here = m - k * step  # the entry on the side of m, and the one on the side of l
        there = here - step
        e = q.get(q.beside, (there + shift).name)
        x, b = s * e, c * e
        c, s, r = _rotation(q, g, x)
        between = f.select(k.equals(0), q.n, here + shift)  # nothing is before the first
        q.put(r, q.beside, between.name)
        g = q.get(q.diagonal, here.name) - p
        r = (q.get(q.diagonal, there.name) - g) * s + c * b * 2.0
        p = s * r
        q.put(g + p, q.diagonal, here.name)
        g = c * r - b
        _rotate(q, here, there, c, s)
        loop.carry(g, s, c, p)
    g, _, _, p = loop.values
    q.put(q.get(q.diagonal, first.name) - p, q.diagonal, first.name)
    q.put(g, q.beside, (first + shift).name)


def _rotation(q: Eigen, g: Value, x: Value) -> tuple[Value, Value, Value]:
    """Return c, s and r with c g + s x = r and c x = s g, as LAPACK's `lartg` does."""
    f = q.f
    nothing = x.equals(0.0)
    length = q.root(f.fma(g, g, x * x))
    r = q.signed(length, g)
    c = f.select(nothing, 1.0, q.absolute(g) / length)
    s = f.select(nothing, 0.0, x / r)
    return c, s, f.select(nothing, g, r)


def _rotate(q: Eigen, here: Value, there: Value, c: Value, s: Value) -> None:
    """Rotate two of the vectors."""
    f = q.f
    x, y = q.column(q.vectors, here.name), q.column(q.vectors, there.name)
    c, s = q.splat(c), q.splat(s)
    q.put_column(f.fma(c, x, s * y), q.vectors, here.name)
    q.put_column(f.fma(c, y, -(s * x)), q.vectors, there.name)


def _solve_pair(q: Eigen, k: Value) -> None:
    """Diagonalize the entries k and k + 1, as LAPACK's `laev2` does."""
    f = q.f
    a, b, c = (q.get(x, j.name) for x, j in ((q.diagonal, k), (q.beside, k), (q.diagonal, k + 1)))
    total, gap, twice = a + c, a - c, b + b
    gap_size, size = q.absolute(gap), q.absolute(twice)
    larger = gap_size > size
    most, least = f.select(larger, gap_size, size), f.select(larger, size, gap_size)
    quotient = least / most
    root = most * q.root(f.fma(quotient, quotient, 1.0))
    negative = total < 0.0
    one = (total + f.select(negative, -root, root)) * 0.5
    first = q.absolute(a) > q.absolute(c)
    high, low = f.select(first, a, c), f.select(first, c, a)
    two = f.select(total.equals(0.0), root * -0.5, (high / one) * low - (b / one) * b)
    below = gap < 0.0
    cosine = gap + f.select(below, -root, root)
    steep = q.absolute(cosine) > size
    ratio = -f.select(steep, twice, cosine) / f.select(steep, cosine, twice)
    near = 1.0 / q.root(f.fma(ratio, ratio, 1.0))
    far = ratio * near
    cs, sn = f.select(steep, far, near), f.select(steep, near, far)
    alike = negative.equals(below)
    cs, sn = f.select(alike, -sn, cs), f.select(alike, cs, sn)
    q.put(one, q.diagonal, k.name)
    q.put(two, q.diagonal, (k + 1).name)
    q.put(q.number(0.0), q.beside, k.name)
    _rotate(q, k, k + 1, cs, sn)
