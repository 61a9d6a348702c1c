"""`scipy.spatial.transform.Rotation` and `Slerp`: objects whose quaternions are traced.

They are SciPy's own objects with a tracer in place of the array, so that `isinstance`, `len` and
subclasses are as ever; every method that computes has a rule.
"""

from __future__ import annotations

import re
import warnings
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.spatial.transform as transform
from scipy.spatial.transform import Rotation

from ...errors import at_user_line
from ...trace.interception import intercepts
from ...trace.nested import is_traced
from ..arrays import asarray, increasing, known, refuse, take
from . import quaternions as formulas

MODULE = transform.__name__
_DEGREES = 180.0 / np.pi


def _rotation(q: Any) -> Any:
    """Return a rotation, or as many as there are quaternions in q."""
    rotation = Rotation.__new__(Rotation)
    _fill(rotation, q)
    return rotation


def _fill(self: Any, q: Any) -> None:
    vars(self).update(vars(_IDENTITY))
    self._single = q.ndim == 1
    self._quat = q[None, :] if self._single else q


_IDENTITY: Any = Rotation.identity()
_SHAPE_OF_ONE_ANSWER = np.shape(_IDENTITY.approx_equal(_IDENTITY))  # (1,) or (), by the version


def _quaternions(self: Any) -> Any:
    """Return the quaternions, without an axis if there is a single one."""
    return self._quat[0] if self._single else self._quat


def _checked(x: Any, size: int, name: str) -> Any:
    x = asarray(x, np.float64)
    if not x.ndim or x.shape[-1] != size:
        raise ValueError(
            at_user_line(f"Expected `{name}` to have shape (..., {size}), got {x.shape}.")
        )
    return x


# Constructors


@intercepts(MODULE, "Rotation.__init__")
def _init(self: Any, quat: Any, normalize: bool = True, copy: bool = True,
          scalar_first: bool = False) -> None:  # fmt: skip
    q = _checked(quat, 4, "quat")
    if scalar_first:
        q = np.roll(q, -1, axis=-1)
    if normalize:
        numbers = known(q)
        if numbers is not None and np.any(~np.any(numbers, axis=-1)):
            raise ValueError(at_user_line("Found zero norm quaternions in `quat`."))
        q = formulas.normalized(q)
    _fill(self, q)


@intercepts(MODULE, "Rotation.from_quat")
def _from_quat(quat: Any, *, scalar_first: bool = False) -> Any:
    return Rotation(quat, normalize=True, scalar_first=scalar_first)


@intercepts(MODULE, "Rotation.from_matrix")
def _from_matrix(matrix: Any, *, assume_valid: bool = False) -> Any:
    m = _checked(matrix, 3, "matrix")
    if m.ndim < 2 or m.shape[-2] != 3:
        raise ValueError(
            at_user_line(f"Expected `matrix` to have shape (..., 3, 3), got {m.shape}.")
        )
    numbers = known(m)
    if not assume_valid and numbers is not None and np.any(np.linalg.det(numbers) <= 0):
        raise ValueError(at_user_line("Non-positive determinant in rotation matrix."))
    return _rotation(formulas.from_matrix(m, assume_valid))


@intercepts(MODULE, "Rotation.from_rotvec")
def _from_rotvec(rotvec: Any, degrees: bool = False) -> Any:
    r = _checked(rotvec, 3, "rot_vec")
    return _rotation(formulas.from_rotvec(r / _DEGREES if degrees else r))


@intercepts(MODULE, "Rotation.from_mrp")
def _from_mrp(mrp: Any) -> Any:
    return _rotation(formulas.from_mrp(_checked(mrp, 3, "mrp")))


@intercepts(MODULE, "Rotation.from_euler")
def _from_euler(seq: str, angles: Any, degrees: bool = False) -> Any:
    axes, extrinsic = _sequence(seq, (1, 2, 3))
    angles = asarray(angles, np.float64)
    if not angles.ndim:
        angles = angles[None]
    if angles.shape[-1] != len(axes):
        raise ValueError(
            at_user_line(
                "Expected last dimension of `angles` to match number of sequence axes specified, "
                f"got {angles.shape[-1]}."
            )
        )
    if degrees:
        angles = angles / _DEGREES
    return _rotation(formulas.from_angles(axes, angles, not extrinsic))


def _sequence(seq: str, lengths: tuple[int, ...]) -> tuple[list[int], bool]:
    """Return the axes that letters stand for, and whether they stay as they are in space."""
    if len(seq) not in lengths:
        raise ValueError(at_user_line(f"Expected up to 3 axes, got {seq!r}."))
    extrinsic = re.fullmatch("[xyz]+", seq) is not None
    if not extrinsic and not re.fullmatch("[XYZ]+", seq):
        raise ValueError(
            at_user_line(
                f"Expected axes from `seq` to be from ['x', 'y', 'z'] or ['X', 'Y', 'Z'], got {seq}"
            )
        )
    if any(a == b for a, b in pairwise(seq)):
        raise ValueError(at_user_line(f"Expected consecutive axes to be different, got {seq}"))
    return ["xyz".index(letter) for letter in seq.lower()], extrinsic


@intercepts(MODULE, "Rotation.concatenate")
def _concatenate(rotations: Any) -> Any:
    if isinstance(rotations, Rotation):
        return _rotation(_quaternions(rotations))
    rotations = list(rotations)
    if not all(isinstance(x, Rotation) for x in rotations):
        raise TypeError(at_user_line("input must contain Rotation objects only"))
    return _rotation(np.concatenate([_quaternions(x).reshape(-1, 4) for x in rotations]))


# Representations


@intercepts(MODULE, "Rotation.as_quat")
def _as_quat(self: Any, canonical: bool = False, *, scalar_first: bool = False) -> Any:
    q = _quaternions(self)
    q = formulas.canonical(q) if canonical else q.copy()
    return np.roll(q, 1, axis=-1) if scalar_first else q


@intercepts(MODULE, "Rotation.as_matrix")
def _as_matrix(self: Any) -> Any:
    return formulas.to_matrix(_quaternions(self))


@intercepts(MODULE, "Rotation.as_rotvec")
def _as_rotvec(self: Any, degrees: bool = False) -> Any:
    r = formulas.to_rotvec(_quaternions(self))
    return r * _DEGREES if degrees else r


@intercepts(MODULE, "Rotation.as_mrp")
def _as_mrp(self: Any) -> Any:
    return formulas.to_mrp(_quaternions(self))


@intercepts(MODULE, "Rotation.as_euler")
def _as_euler(self: Any, seq: str, degrees: bool = False, *,
              suppress_warnings: bool = False) -> Any:  # fmt: skip
    axes, extrinsic = _sequence(seq, (3,))
    angles, locked = formulas.to_angles(_quaternions(self), axes, extrinsic)
    numbers = known(locked)
    if not suppress_warnings and numbers is not None and np.any(numbers):
        warnings.warn(
            "Gimbal lock detected. Setting third angle to zero since it is not possible to "
            "uniquely determine all angles.",
            stacklevel=3,
        )
    return angles * _DEGREES if degrees else angles


@intercepts(MODULE, "Rotation.magnitude")
def _magnitude(self: Any) -> Any:
    return formulas.magnitude(_quaternions(self))


# Operations


@intercepts(MODULE, "Rotation.apply")
def _apply(self: Any, vectors: Any, inverse: bool = False) -> Any:
    v = asarray(vectors, np.float64)
    if v.shape[-1] != 3:
        raise ValueError(at_user_line(f"Expected input of shape (..., 3), got {v.shape}."))
    m = formulas.to_matrix(_quaternions(self))
    if inverse:
        m = np.swapaxes(m, -1, -2)
    _check_broadcast(m.shape[:-2], v.shape[:-1], "vectors")
    return (m @ v[..., None])[..., 0]


def _check_broadcast(first: tuple[int, ...], second: tuple[int, ...], name: str) -> None:
    if any(a != b and 1 not in (a, b) for a, b in zip(first[::-1], second[::-1], strict=False)):
        raise ValueError(at_user_line(f"Cannot broadcast {first} rotations to {second} {name}."))


@intercepts(MODULE, "Rotation.__mul__")
def _mul(self: Any, other: Any) -> Any:
    if not isinstance(other, Rotation):
        return NotImplemented
    p, q = _quaternions(self), _quaternions(other)
    _check_broadcast(p.shape[:-1], q.shape[:-1], "rotations")
    return _rotation(formulas.normalized(formulas.compose(p, q)))


@intercepts(MODULE, "Rotation.__pow__")
def _pow(self: Any, n: Any, modulus: Any = None) -> Any:
    if modulus is not None:
        raise NotImplementedError("modulus not supported")
    n = asarray(n)
    if n.size != 1:
        raise ValueError(at_user_line("Array exponent must be a scalar"))
    n = n.reshape(())
    q = _quaternions(self)
    if not is_traced(n):
        if n == -1:
            return _rotation(formulas.inverse(q))
        if n == 1:
            return _rotation(q)
    return _rotation(formulas.from_rotvec(n * formulas.to_rotvec(q)))


@intercepts(MODULE, "Rotation.inv")
def _inv(self: Any) -> Any:
    return _rotation(formulas.inverse(_quaternions(self)))


@intercepts(MODULE, "Rotation.approx_equal")
def _approx_equal(self: Any, other: Any, atol: Any = None, degrees: bool = False) -> Any:
    if atol is None:
        atol = 1e-8
    elif degrees:
        atol = atol / _DEGREES
    q = formulas.compose(_quaternions(other), formulas.inverse(_quaternions(self)))
    near = formulas.magnitude(q) < atol
    return near if near.ndim else near.reshape(_SHAPE_OF_ONE_ANSWER)


@intercepts(MODULE, "Rotation.__getitem__")
def _getitem(self: Any, indexer: Any) -> Any:
    if self._single:
        raise TypeError(at_user_line("Single rotation is not subscriptable."))
    if is_traced(indexer):
        return _rotation(take(self._quat, asarray(indexer)))
    return _rotation(self._quat[indexer])


def _enter_refusal(name: str, reason: str) -> None:
    @intercepts(MODULE, name)
    def refusal(*args: Any, **kwargs: Any) -> Any:
        refuse(f"scipy.spatial.transform.{name}", reason)


for _name in ("from_davenport", "as_davenport"):
    _enter_refusal(f"Rotation.{_name}", "compose it of from_rotvec, or use Euler angles")
for _name in ("mean", "align_vectors", "reduce"):
    _enter_refusal(f"Rotation.{_name}", "it has no rule")
_enter_refusal("Rotation.__setitem__", "use Rotation.concatenate")
_enter_refusal("RotationSpline.__init__", "use Slerp, or a CubicSpline of rotation vectors")
_enter_refusal("RotationSpline.__call__", "use Slerp, or a CubicSpline of rotation vectors")

# Slerp


@intercepts(MODULE, "Slerp.__init__")
def _slerp_init(self: Any, times: Any, rotations: Any) -> None:
    if not isinstance(rotations, Rotation):
        raise TypeError(at_user_line("`rotations` must be a `Rotation` instance."))
    q = _quaternions(rotations)
    if q.ndim != 2 or len(q) <= 1:
        raise ValueError(at_user_line("`rotations` must be a sequence of at least 2 rotations."))
    times = asarray(times, np.float64)
    if times.shape != (len(q),):
        raise ValueError(at_user_line(f"Expected {len(q)} times, got shape {times.shape}."))
    times = increasing(times, "Times must be in strictly increasing order.")
    self.times, self.timedelta = times, np.diff(times)
    self.rotations = _rotation(q[:-1])
    self.rotvecs = formulas.to_rotvec(
        formulas.normalized(formulas.compose(formulas.inverse(q[:-1]), q[1:]))
    )


@intercepts(MODULE, "Slerp.__call__")
def _slerp_call(self: Any, times: Any) -> Any:
    t = asarray(times, np.float64)
    if t.ndim > 1:
        raise ValueError(at_user_line("`times` must be at most 1-dimensional."))
    knots = self.times
    inner = np.sum(t[..., None] > knots[1:-1], axis=-1)
    numbers, first, last = known(t), known(knots[0]), known(knots[-1])
    outside = (t < knots[0]) | (t > knots[-1])
    if numbers is not None and first is not None and np.any((numbers < first) | (numbers > last)):
        raise ValueError(
            at_user_line(f"Interpolation times must be within [{first}, {last}], both inclusive.")
        )
    alpha = (t - take(knots, inner)) / take(self.timedelta, inner)
    alpha = np.where(outside, np.nan, alpha)
    step = formulas.from_rotvec(take(self.rotvecs, inner) * alpha[..., None])
    start = take(_quaternions(self.rotations), inner)
    return _rotation(formulas.normalized(formulas.compose(start, step)))
