"""Programs with branches and loops that depend on numbers, as people write them.

Each returns a number or an array, and the trail of its decisions: whole numbers that say which way
it went.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule as cr


@dataclass(frozen=True)
class Case:
    """A program, and a function of a generator that draws its arguments."""

    name: str
    run: Callable[..., Any]
    draw: Callable[[np.random.Generator], tuple[Any, ...]]


CASES: list[Case] = []


def case(draw: Callable[[np.random.Generator], tuple[Any, ...]]) -> Callable[[Any], Any]:
    """Enter a program with its arguments."""

    def enter(run: Callable[..., Any]) -> Callable[..., Any]:
        CASES.append(Case(run.__name__, run, draw))
        return run

    return enter


@case(lambda g: (float(g.uniform(0.1, 50.0)),))
def newton(x: Any) -> Any:
    y, steps = x, 0
    while abs(y * y - x) > 1e-9 * x and steps < 30:
        y = 0.5 * (y + x / y)
        steps += 1
    return y, [steps]


@case(lambda g: (float(g.uniform(0.5, 6.0)),))
def bisection(x: Any) -> Any:
    low, high, trail = 0.0, 3.0, []
    for _ in range(5):
        middle = 0.5 * (low + high)
        if middle * middle < x:
            low = middle
            trail.append(1)
        else:
            high = middle
            trail.append(0)
    return 0.5 * (low + high) * x, trail


@case(lambda g: (g.normal(size=3) * 3.0,))
def line_search(x: Any) -> Any:
    def loss(y: Any) -> Any:
        return np.sum(y**4 - y * y)

    slope, step, halvings = 4.0 * x**3 - 2.0 * x, 1.0, 0
    while loss(x - step * slope) > loss(x) - 0.1 * step * np.sum(slope**2):
        step *= 0.5
        halvings += 1
        if halvings == 12:
            break
    return x - step * slope, [halvings]


@case(lambda g: (float(g.uniform(0.2, 3.0)), 1.0))
def adaptive_steps(rate: Any, y: Any) -> Any:
    t, h, trail = 0.0, 0.5, []
    while t < 1.0 and len(trail) < 12:
        h = min(h, 1.0 - t)
        coarse = y + h * (-rate * y)
        half = y + 0.5 * h * (-rate * y)
        fine = half + 0.5 * h * (-rate * half)
        if abs(fine - coarse) < 0.05:
            t, y, h = t + h, fine, h * 1.5
            trail.append(1)
        else:
            h = h * 0.5
            trail.append(0)
    return y, trail


@case(lambda g: (g.normal(size=3) * 1.5, 1.0))
def huber(residuals: Any, delta: Any) -> Any:
    total, trail = 0.0, []
    for r in residuals:
        if abs(r) <= delta:
            total += 0.5 * r * r
            trail.append(0)
        else:
            total += delta * (abs(r) - 0.5 * delta)
            trail.append(1)
    return total, trail


@case(lambda g: (float(np.exp(g.uniform(-3.0, 14.0))),))
def drag(reynolds: Any) -> Any:
    if reynolds < 1.0:
        return 24.0 / reynolds, [0]
    elif reynolds < 1000.0:
        return 24.0 / reynolds * (1.0 + 0.15 * reynolds**0.687), [1]
    elif 1000.0 <= reynolds < 2e5:
        return 0.44 + 0.0 * reynolds, [2]
    return 0.1 + 1e-8 * reynolds, [3]


@case(lambda g: (float(g.uniform(0.5, 4.0)), float(g.uniform(-2.0, 2.0))))
def bouncing_ball(height: Any, speed: Any) -> Any:
    trail, dt = [], 0.125
    for k in range(12):
        speed = speed - 9.81 * dt
        height = height + speed * dt
        if height < 0.0 and speed < 0.0:
            height, speed = -height, -0.8 * speed
            trail.append(k)
    return height, trail


@case(lambda g: (np.where(g.random(4) < 0.4, np.nan, g.normal(size=4)), 0.5))
def kalman_with_gaps(measured: Any, noise: Any) -> Any:
    mean, variance, trail = 0.0, 1.0, []
    for z in measured:
        variance = variance + 0.1
        if np.isnan(z):
            trail.append(0)
            continue
        gain = variance / (variance + noise)
        mean = mean + gain * (z - mean)
        variance = (1.0 - gain) * variance
        trail.append(1)
    return mean + variance, trail


@case(lambda g: (float(g.uniform(80.0, 120.0)), 0.3))
def american_put(spot: Any, sigma: Any) -> Any:
    steps, trail = 3, []
    up = np.exp(sigma * np.sqrt(1.0 / steps))
    p = (np.exp(0.05 / steps) - 1.0 / up) / (up - 1.0 / up)
    values = [max(100.0 - spot * up ** (2 * j - steps), 0.0) for j in range(steps + 1)]
    for i in range(steps - 1, -1, -1):
        for j in range(i + 1):
            stay = np.exp(-0.05 / steps) * (p * values[j + 1] + (1.0 - p) * values[j])
            now = 100.0 - spot * up ** (2 * j - i)
            trail.append(int(now > stay))
            values[j] = now if now > stay else stay
    return values[0], trail


@case(lambda g: (g.normal(size=4),))
def sorting_network(x: Any) -> Any:
    v, trail = list(x), []
    for i, j in ((0, 1), (2, 3), (0, 2), (1, 3), (1, 2)):
        if v[i] > v[j]:
            v[i], v[j] = v[j], v[i]
            trail.append(1)
        else:
            trail.append(0)
    return np.array(v), trail


@case(lambda g: (g.normal(size=5) * g.uniform(0.1, 2.0), 1.5))
def clip_by_norm(x: Any, most: Any) -> Any:
    norm = np.linalg.norm(x)
    if norm > most:
        return x * (most / norm), [1]
    return x, [0]


@case(lambda g: (float(g.uniform(0.3, 3.0)),))
def fixed_point(a: Any) -> Any:
    x = 1.0
    for k in range(40):
        new = np.cos(x) / (1.0 + a)
        if abs(new - x) < 1e-6:
            return new, [k]
        x = new
    return x, [-1]


@case(lambda g: (cr.random.key(int(g.integers(1000))), float(g.normal())))
def metropolis(key: Any, x: Any) -> Any:
    trail = []
    for draw in cr.random.split(key, 4):
        move, accept = cr.random.split(draw)
        new = x + cr.random.normal(move)
        if np.log(cr.random.uniform(accept)) < 0.5 * (x * x - new * new):
            x = new
            trail.append(1)
        else:
            trail.append(0)
    return x * 1.0, trail


@case(lambda g: (g.normal(size=4),))
def simplex_projection(y: Any) -> Any:
    u, running, theta, rank = sorted(y, reverse=True), 0.0, 0.0, 0
    for k, v in enumerate(u):
        running = running + v
        if v - (running - 1.0) / (k + 1) > 0:
            rank, theta = k + 1, (running - 1.0) / (k + 1)
    return np.maximum(y - theta, 0.0), [rank]


@case(lambda g: (g.uniform(0.5, 2.0, 4),))
def knapsack(values: Any) -> Any:
    best, trail = [0.0] * 6, []
    for weight, value in zip((1, 2, 3, 2), values, strict=True):
        for room in range(5, weight - 1, -1):
            with_it = best[room - weight] + value
            if with_it > best[room]:
                best[room] = with_it
                trail.append(room)
    return best[5], trail


@case(lambda g: (g.normal(size=3), g.normal(size=3)))
def time_warping(x: Any, y: Any) -> Any:
    cost = [[math.inf] * 4 for _ in range(4)]
    cost[0][0], trail = 0.0, []
    for i in range(3):
        for j in range(3):
            ways = [cost[i][j], cost[i][j + 1], cost[i + 1][j]]
            k = ways.index(min(ways))
            trail.append(k)
            cost[i + 1][j + 1] = (x[i] - y[j]) ** 2 + ways[k]
    return cost[3][3], trail


@case(lambda g: (np.log(g.uniform(0.1, 1.0, (3, 2))),))
def viterbi(emissions: Any) -> Any:
    change, score, back = np.log(np.array([[0.7, 0.3], [0.4, 0.6]])), list(emissions[0]), []
    for t in range(1, 3):
        ways = [[score[i] + change[i, j] for i in range(2)] for j in range(2)]
        back += [0 if w[0] >= w[1] else 1 for w in ways]
        score = [max(w) + emissions[t, j] for j, w in enumerate(ways)]
    return max(score), back


TREE = (0, 0.2, (1, -0.5, 0.1, 0.7), (2, 0.0, (0, 1.0, -0.3, 0.4), 0.9))


@case(lambda g: (g.normal(size=3),))
def decision_tree(x: Any) -> Any:
    node: Any = TREE
    trail = []
    while isinstance(node, tuple):
        feature, threshold, left, right = node
        below = x[feature] < threshold
        trail.append(int(below))
        node = left if below else right
    return node + 0.1 * np.sum(x), trail


@case(lambda g: (g.normal(size=5),))
def state_machine(signal: Any) -> Any:
    state, total, trail = "idle", 0.0, []
    for s in signal:
        match state:
            case "idle" if s > 0.5:
                state = "run"
            case "run" if s < -0.5:
                state = "stop"
            case "stop":
                state, total = "idle", total * 0.5
        total = total + (s if state == "run" else 0.1 * s)
        trail.append({"idle": 0, "run": 1, "stop": 2}[state])
    return total, trail


@case(lambda g: (float(g.integers(1, 400)), 1.5))
def digits(number: Any, weight: Any) -> Any:
    left, total, trail = int(number), 0.0, []
    while left:
        left, digit = divmod(left, 10)
        trail.append(digit)
        total = total * weight + digit
    return total + 0.0 * number, trail


@case(lambda g: (float(g.uniform(-1.0, 2.0)),))
def golden_section(centre: Any) -> Any:
    a, b, ratio, trail = -1.0, 2.0, 0.6180339887498949, []
    for _ in range(5):
        c, d = b - ratio * (b - a), a + ratio * (b - a)
        if (c - centre) ** 2 < (d - centre) ** 2:
            b = d
            trail.append(0)
        else:
            a = c
            trail.append(1)
    return 0.5 * (a + b) * centre, trail


@case(lambda g: (float(g.uniform(-2.0, 2.0)),))
def secant_or_bisection(c: Any) -> Any:
    low, high, trail = -2.0, 2.5, []
    for _ in range(4):
        at_low, at_high = low**3 - c, high**3 - c
        x = high - at_high * (high - low) / (at_high - at_low)
        if not low + 0.2 < x < high - 0.2:
            x = 0.5 * (low + high)
            trail.append(2)
        if x**3 - c > 0:
            high = x
            trail.append(1)
        else:
            low = x
            trail.append(0)
    return 0.5 * (low + high), trail


@case(lambda g: (int(g.integers(1, 30)), int(g.integers(1, 30))))
def greatest_common_divisor(a: Any, b: Any) -> Any:
    steps = 0
    while b:
        a, b = b, a % b
        steps += 1
    return a, [steps]


@case(lambda g: (int(g.integers(1, 12)),))
def collatz(n: Any) -> Any:
    trail = []
    while n != 1 and len(trail) < 25:
        trail.append(int(n % 2))
        n = n // 2 if n % 2 == 0 else 3 * n + 1
    return n, trail


@case(lambda g: (g.normal(size=6),))
def streaks(x: Any) -> Any:
    longest, length, total = 0, 0, 0.0
    for v in x:
        length = length + 1 if v > 0 else 0
        if length >= longest:
            longest, total = length, total + v
    return total, [longest]


@case(lambda g: (np.append(g.normal(size=5), g.normal() * 8.0),))
def sigma_clipping(x: Any) -> Any:
    trail = []
    while len(x) > 2:
        inside = np.abs(x - x.mean()) < 1.6 * x.std()
        trail.append(int(np.sum(inside)))
        if inside.all():
            break
        x = x[inside]
    return x.mean(), trail


@case(lambda g: (g.normal(size=3 + 2 * int(g.integers(2))),))
def median_by_sorting(x: Any) -> Any:
    order = sorted(range(len(x)), key=lambda i: x[i])
    return x[order[len(x) // 2]], order


@case(lambda g: (g.normal(size=4), int(g.integers(1, 4))))
def top_mean(x: Any, k: Any) -> Any:
    best = heapq.nlargest(int(k), list(x))
    return sum(best) / len(best), [len(best)]


@case(lambda g: (g.normal(size=5),))
def quickselect(x: Any) -> Any:
    def select(numbers: list[Any], k: int, trail: list[int]) -> Any:
        pivot = numbers[0]
        low = [v for v in numbers[1:] if v < pivot]
        trail.append(len(low))
        if k < len(low):
            return select(low, k, trail)
        if k == len(low):
            return pivot
        high = [v for v in numbers[1:] if not v < pivot]
        return select(high, k - len(low) - 1, trail)

    trail: list[int] = []
    return select(list(x), 2, trail), trail


@case(lambda g: (float(g.uniform(-1.0, 6.0)),))
def table_lookup(x: Any) -> Any:
    xs, ys = [0.0, 1.0, 2.5, 4.0, 5.0], [0.0, 2.0, 1.0, 3.0, -1.0]
    if not xs[0] <= x <= xs[-1]:
        raise ValueError(f"{x:.2f} is outside of [0, 5]")
    low, high = 0, len(xs) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if xs[middle] > x:
            high = middle
        else:
            low = middle
    return ys[low] + (ys[high] - ys[low]) * (x - xs[low]) / (xs[high] - xs[low]), [low]


@case(lambda g: (float(np.exp(g.uniform(8.0, 13.0))),))
def tax(income: Any) -> Any:
    due, below, k = 0.0, 0.0, 0
    for k, (limit, rate) in enumerate([(1e4, 0.1), (4e4, 0.2), (9e4, 0.3), (math.inf, 0.4)]):
        if income <= limit:
            return due + (income - below) * rate, [k]
        due, below = due + (limit - below) * rate, limit
    return due, [k]


@case(lambda g: (np.exp(np.cumsum(g.normal(size=6) * 0.2)), 0.15))
def stop_loss(prices: Any, most: Any) -> Any:
    peak = prices[0]
    for k, price in enumerate(prices):
        peak = max(peak, price)
        if price < peak * (1.0 - most):
            return price - prices[0], [k]
    return prices[-1] - prices[0], [-1]


@case(lambda g: (float(g.uniform(14.0, 26.0)), float(g.uniform(0.0, 10.0))))
def thermostat(room: Any, outside: Any) -> Any:
    heating, trail = False, []
    for _ in range(6):
        if room < 19.0:
            heating = True
        elif room > 21.0:
            heating = False
        room = room + 0.1 * (outside - room) + (3.0 if heating else 0.0)
        trail.append(int(heating))
    return room, trail


@case(lambda g: (float(g.normal() * 3.0), 1.2))
def controller(goal: Any, gain: Any) -> Any:
    y, integral, trail = 0.0, 0.0, []
    for _ in range(4):
        error = goal - y
        u = gain * error + 0.5 * integral
        if u > 1.0:
            u, step = 1.0, 1
        elif u < -1.0:
            u, step = -1.0, -1
        else:
            integral, step = integral + error, 0
        y = 0.8 * y + 0.5 * u
        trail.append(step)
    return y + 0.1 * integral, trail


@case(lambda g: (np.eye(2) * [3.0, 1.0] + g.uniform(0.0, 0.5, (2, 2)),))
def power_iteration(a: Any) -> Any:
    v, value, steps = np.ones(2) / np.sqrt(2.0), 0.0, 0
    while True:
        w = a @ v
        new = np.sqrt(w @ w)
        steps += 1
        if abs(new - value) < 1e-4 or steps > 30:
            return new, [steps]
        v, value = w / new, new


@case(lambda g: (g.normal(size=(3, 3)), g.normal(size=3)))
def elimination(a: Any, b: Any) -> Any:
    a, b, trail = a.copy(), b.copy(), []
    for k in range(3):
        pivot = k + int(np.argmax(np.abs(a[k:, k])))
        trail.append(pivot)
        if pivot != k:
            a[[k, pivot]] = a[[pivot, k]]
            b[k], b[pivot] = b[pivot], b[k]
        for i in range(k + 1, 3):
            factor = a[i, k] / a[k, k]
            a[i] = a[i] - factor * a[k]
            b[i] = b[i] - factor * b[k]
    x = np.zeros(3)
    for k in (2, 1, 0):
        x[k] = (b[k] - a[k, k + 1 :] @ x[k + 1 :]) / a[k, k]
    return x, trail


@case(lambda g: (np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]]) + g.normal(size=(4, 2)) * 0.1,
                 g.normal(size=2)))  # fmt: skip
def clipped_area(polygon: Any, normal: Any) -> Any:
    points, trail = [], []
    for k in range(4):
        p, q = polygon[k - 1], polygon[k]
        at_p, at_q = (p - 0.5) @ normal, (q - 0.5) @ normal
        if (at_p < 0) != (at_q < 0):
            points.append(p + (q - p) * at_p / (at_p - at_q))
        if at_q >= 0:
            points.append(q)
        trail.append(int(at_q >= 0))
    area = sum(
        (
            points[i - 1][0] * points[i][1] - points[i - 1][1] * points[i][0]
            for i in range(len(points))
        ),
        0.0 * normal[0],
    )
    return 0.5 * area, trail


@case(lambda g: (g.normal(size=5), np.array([-1.0, 0.0, 3.0])))
def clusters(x: Any, centres: Any) -> Any:
    labels = [min(range(3), key=lambda k: abs(v - centres[k])) for v in x]
    new = [
        np.mean(np.array([v for v, j in zip(x, labels, strict=True) if j == k]))
        if k in labels
        else centres[k]
        for k in range(3)
    ]
    return np.array(new), labels


@case(lambda g: (g.uniform(0.1, 1.0, 3),))
def events(periods: Any) -> Any:
    queue = [(p, k) for k, p in enumerate(periods)]
    heapq.heapify(queue)
    total, trail = 0.0, []
    for _ in range(4):
        time, k = heapq.heappop(queue)
        total = total + time * (k + 1)
        trail.append(k)
        heapq.heappush(queue, (time + periods[k], k))
    return total, trail


@case(lambda g: (g.normal(size=7),))
def peaks(x: Any) -> Any:
    inside = (x[1:-1] > x[:-2]) & (x[1:-1] > x[2:])
    where = np.flatnonzero(inside) + 1
    return np.sum(x[where] ** 2), [len(where)]


@case(lambda g: (g.integers(0, 4, 5).astype(float),))
def distinct(x: Any) -> Any:
    values, counts = np.unique(x, return_counts=True)
    return np.sum(values * counts**2), [len(values)]


@case(lambda g: (g.normal(size=2) * 2.0, 0.3))
def early_stopping(w: Any, rate: Any) -> Any:
    best, patience, trail = math.inf, 0, []
    for _ in range(6):
        loss = np.sum(np.sin(3.0 * w) + w * w)
        if loss < best - 1e-3:
            best, patience = loss, 0
        else:
            patience += 1
            if patience == 2:
                break
        trail.append(patience)
        w = w - rate * (3.0 * np.cos(3.0 * w) + 2.0 * w)
    return best + 0.0 * w[0], trail


@case(lambda g: (g.uniform(1.0, 11.0, 6),))
def blackjack(cards: Any) -> Any:
    total, taken = 0.0, 0
    for card in cards:
        if total >= 17.0:
            break
        total, taken = total + card, taken + 1
    if total > 21.0:
        return -total, [taken, 0]
    return total * total, [taken, 1]
