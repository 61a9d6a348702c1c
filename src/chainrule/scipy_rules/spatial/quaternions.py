"""Formulas between quaternions (x, y, z, w), matrices, rotation vectors and angles.

All of them are smooth where rotations are: near the identity series in the squared angle stand for
quotients of 0 by 0, as in SciPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...transforms import fori_loop
from ..arrays import known, nan_unless

SMALL = 1e-3  # the angle below which SciPy uses series
GIMBAL = 1e-7


def stack(*parts: Any) -> Any:
    """Return arrays as the entries of a last axis."""
    return np.stack(parts, axis=-1)


def normalized(q: Any) -> Any:
    """Return q divided by its norm."""
    return q / np.sqrt(np.sum(q * q, axis=-1, keepdims=True))


def canonical(q: Any) -> Any:
    """Return the one of q and -q with a positive last entry that is not zero."""
    x, y, z, w = (q[..., k] for k in range(4))
    first = np.where(w != 0, w, np.where(x != 0, x, np.where(y != 0, y, z)))
    return np.where((first < 0)[..., None], -q, q)


def compose(p: Any, q: Any) -> Any:
    """Return the Hamilton product of p and q."""
    (a, b, c, d), (x, y, z, w) = ([r[..., k] for k in range(4)] for r in (p, q))
    return stack(
        d * x + w * a + (b * z - c * y),
        d * y + w * b + (c * x - a * z),
        d * z + w * c + (a * y - b * x),
        d * w - a * x - b * y - c * z,
    )


def inverse(q: Any) -> Any:
    """Return the conjugate."""
    return q * np.array([-1.0, -1.0, -1.0, 1.0])


def to_matrix(q: Any) -> Any:
    """Return the matrices of shape (..., 3, 3)."""
    x, y, z, w = (q[..., k] for k in range(4))
    x2, y2, z2, w2 = x * x, y * y, z * z, w * w
    xy, zw, xz, yw, yz, xw = x * y, z * w, x * z, y * w, y * z, x * w
    rows = (
        (x2 - y2 - z2 + w2, 2 * (xy - zw), 2 * (xz + yw)),
        (2 * (xy + zw), -x2 + y2 - z2 + w2, 2 * (yz - xw)),
        (2 * (xz - yw), 2 * (yz + xw), -x2 - y2 + z2 + w2),
    )
    return np.stack([stack(*row) for row in rows], axis=-2)


def from_matrix(m: Any, assume_valid: bool = False) -> Any:
    """Return the quaternions of the nearest rotations, which matrices of rotations are themselves.

    The derivative is that of the nearest rotation: it ignores what would stretch or shear.
    """
    if not assume_valid:
        m = _nearest_rotation(m)
    (a, b, c), (d, e, f), (g, h, i) = ([m[..., r, k] for k in range(3)] for r in range(3))
    trace = a + e + i
    candidates = (
        (1 - trace + 2 * a, d + b, g + c, h - f),
        (d + b, 1 - trace + 2 * e, h + f, c - g),
        (g + c, h + f, 1 - trace + 2 * i, d - b),
        (h - f, c - g, d - b, 1 + trace),
    )
    choice = np.argmax(stack(a, e, i, trace), axis=-1)[..., None]
    q = stack(*candidates[3])
    for k in range(3):
        q = np.where(choice == k, stack(*candidates[k]), q)
    return normalized(q)


def _nearest_rotation(m: Any) -> Any:
    numbers = known(m)
    if numbers is not None:
        gram = numbers @ np.swapaxes(numbers, -1, -2)
        if np.all(np.isclose(gram, np.eye(3), atol=1e-12)):
            for _ in range(2):  # Newton and Schulz: exact to third order about a rotation
                m = 1.5 * m - 0.5 * (m @ np.swapaxes(m, -1, -2) @ m)
            return m
    if numbers is None:
        m = nan_unless((determinant(m) > 0)[..., None, None], m)
    # Newton's iteration for the polar factor halves large singular values; these are at most
    # 1e6 apart here, and it squares the error at the end
    start = m / np.cbrt(determinant(m))[..., None, None]

    def step(_: Any, x: Any) -> Any:
        return 0.5 * (x + _cofactors(x) / determinant(x)[..., None, None])

    return fori_loop(0, 32, step, start)


def determinant(m: Any) -> Any:
    """Return the determinants of 3 by 3 matrices."""
    return np.sum(m[..., 0, :] * _cross(m[..., 1, :], m[..., 2, :]), axis=-1)


def _cofactors(m: Any) -> Any:
    """Return the transposed inverse times the determinant."""
    a, b, c = (m[..., k, :] for k in range(3))
    return np.stack([_cross(b, c), _cross(c, a), _cross(a, b)], axis=-2)


def _cross(u: Any, v: Any) -> Any:
    (a, b, c), (x, y, z) = ([r[..., k] for k in range(3)] for r in (u, v))
    return stack(b * z - c * y, c * x - a * z, a * y - b * x)


def from_rotvec(r: Any) -> Any:
    """Return the quaternions of rotations about vectors by their lengths."""
    square = np.sum(r * r, axis=-1, keepdims=True)
    small = square <= SMALL**2
    half = np.sqrt(np.where(small, 1.0, square)) / 2
    sine = np.where(small, 0.5 - square / 48 + square**2 / 3840, np.sin(half) / (2 * half))
    cosine = 1 - square / 8 + square**2 / 384 - square**3 / 46080
    return np.concatenate([r * sine, np.where(small, cosine, np.cos(half))], axis=-1)


def to_rotvec(q: Any) -> Any:
    """Return axes times angles, which are in [0, pi]."""
    q = canonical(q)
    vector, w = q[..., :3], q[..., 3:]
    square = np.sum(vector * vector, axis=-1, keepdims=True)
    norm = np.sqrt(square + w * w)
    small = square <= (SMALL / 2) ** 2 * (square + w * w)
    ratio = square / np.where(small, w, 1.0) ** 2
    series = 2 * norm / np.where(small, w, 1.0) * (1 - ratio / 3 + ratio**2 / 5 - ratio**3 / 7)
    size = np.sqrt(np.where(small, 1.0, square))
    return vector * np.where(small, series, 2 * np.arctan2(size, w) * norm / size)


def from_mrp(mrp: Any) -> Any:
    """Return the quaternions of modified Rodrigues parameters."""
    square = np.sum(mrp * mrp, axis=-1, keepdims=True)
    return np.concatenate([2 * mrp, 1 - square], axis=-1) / (square + 1)


def to_mrp(q: Any) -> Any:
    """Return axes times tan(angle / 4)."""
    sign = np.where(q[..., 3:] < 0, -1.0, 1.0)
    return sign * q[..., :3] / (1.0 + sign * q[..., 3:])


def magnitude(q: Any) -> Any:
    """Return the angles."""
    vector = q[..., :3]
    return 2 * np.arctan2(np.sqrt(np.sum(vector * vector, axis=-1)), abs(q[..., 3]))


def from_angles(axes: list[int], angles: Any, intrinsic: bool) -> Any:
    """Return the quaternions of rotations about coordinate axes, one after the other."""
    parts = []
    for k, axis in enumerate(axes):
        half = angles[..., k] / 2.0
        parts.append(stack(*[np.sin(half) if i == axis else np.zeros_like(half) for i in range(3)],
                           np.cos(half)))  # fmt: skip
    q = parts[0]
    for part in parts[1:]:
        q = compose(q, part) if intrinsic else compose(part, q)
    return q


def to_angles(q: Any, axes: list[int], extrinsic: bool) -> tuple[Any, Any]:
    """Return the angles, and where there is a gimbal lock (the third angle is 0 there).

    After Bernardes and Viollet, "Quaternion to Euler angles conversion: a direct, general and
    computationally efficient method", as SciPy does.
    """
    i, j, k = axes if extrinsic else axes[::-1]
    symmetric = i == k
    k = 3 - i - j if symmetric else k
    sign = (i - j) * (j - k) * (k - i) // 2
    a, b, c, d = q[..., 3], q[..., i], q[..., j], q[..., k] * sign
    if not symmetric:
        a, b, c, d = a - c, b + d, c + a, d - b
    half_sum, half_diff = np.arctan2(b, a), np.arctan2(d, c)
    second = 2 * np.arctan2(np.hypot(c, d), np.hypot(a, b))
    at_zero, at_pi = abs(second) <= GIMBAL, abs(second - np.pi) <= GIMBAL
    locked = at_zero | at_pi
    alone = np.where(at_zero, 2 * half_sum, 2 * half_diff * (-1 if extrinsic else 1))
    low, high = half_sum - half_diff, half_sum + half_diff
    zero = np.zeros_like(low)
    if extrinsic:
        low, high = np.where(locked, alone, low), np.where(locked, zero, high)
    else:
        low, high = np.where(locked, zero, low), np.where(locked, alone, high)
    if not symmetric:
        high = high * sign
        second = second - np.pi / 2
    parts = (low, second, high) if extrinsic else (high, second, low)
    return (stack(*parts) + np.pi) % (2 * np.pi) - np.pi, locked
