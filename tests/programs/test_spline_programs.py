"""Splines: splines (curves and quaternions) and geomdl (B-splines and NURBS)."""

from __future__ import annotations

from typing import Any

import numpy as np
from programs_under_test import Program, program_tests, require

require("splines", "geomdl")

import splines  # noqa: E402
from geomdl import NURBS, BSpline, fitting, operations, utilities  # noqa: E402
from splines import quaternion  # noqa: E402

POINTS = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0], [4.0, 3.0], [6.0, 2.5]])


def catmull_rom(vertices: Any) -> Any:
    """splines.CatmullRom, centripetal: the points on a curve through vertices."""
    return splines.CatmullRom(vertices, alpha=0.5).evaluate(np.array([0.3, 1.5, 3.1]))


def natural(vertices: Any) -> Any:
    """splines.Natural: its tangents are solutions of a linear system."""
    curve = splines.Natural(vertices, alpha=1.0)
    return curve.evaluate([1.0, 4.0]), curve.evaluate([1.0, 4.0], 1)


def monotone(values: Any) -> Any:
    """splines.MonotoneCubic: values between values, and where a value is reached."""
    curve = splines.MonotoneCubic(values, grid=[0.0, 1.0, 2.5, 4.0])
    return curve.evaluate(1.7), curve.evaluate(3.0)


def rotations(axes: Any, angle: Any) -> Any:
    """splines.quaternion.CatmullRom and UnitQuaternion.rotate_vector."""
    turns = [quaternion.UnitQuaternion.from_axis_angle(axes[k], angle * (k + 1)) for k in range(4)]
    curve = quaternion.CatmullRom(turns, endconditions="natural")
    return curve.evaluate(1.4).rotate_vector([1.0, 2.0, 3.0])


def nurbs(points: Any, weight: Any) -> Any:
    """geomdl.NURBS.Curve: an arc by weighted control points, and its tangent."""
    curve = NURBS.Curve()
    curve.degree = 2
    curve.ctrlpts = [list(p) for p in points]
    curve.weights = [1.0, weight, 1.0, weight, 1.0]
    curve.knotvector = utilities.generate_knot_vector(2, 5)
    return curve.evaluate_single(0.4), operations.tangent(curve, 0.3, normalize=True)


def interpolated(points: Any) -> Any:
    """geomdl.fitting.interpolate_curve: a cubic through points, by an LU of its own."""
    curve = fitting.interpolate_curve([list(p) for p in points], 3, centripetal=True)
    return curve.evaluate_list([0.2, 0.7])


def surface(heights: Any) -> Any:
    """geomdl.BSpline.Surface: a point, its derivatives and the normal."""
    patch = BSpline.Surface()
    patch.degree_u, patch.degree_v = 2, 2
    patch.ctrlpts2d = [[[float(u), float(v), heights[u][v]] for v in range(4)] for u in range(3)]
    patch.knotvector_u = utilities.generate_knot_vector(2, 3)
    patch.knotvector_v = utilities.generate_knot_vector(2, 4)
    return patch.derivatives(0.3, 0.6, order=1), operations.normal(patch, (0.3, 0.6))


HEIGHTS = np.array([[0.1, 0.5, 0.2, 0.0], [0.3, 0.9, 0.4, 0.1], [0.2, 0.4, 0.8, 0.3]])
AXES = np.array([[1.0, 0.2, 0.1], [0.3, 1.0, 0.4], [0.1, 0.6, 1.0], [0.8, 0.3, 0.9]])
PROGRAMS = [
    Program("splines-catmull-rom", catmull_rom, (POINTS,)),
    Program("splines-natural", natural, (POINTS,)),
    Program(
        "splines-monotone",
        monotone,
        (np.array([0.0, 1.0, 1.4, 4.0]),),
        twice=False,
    ),
    Program("splines-quaternions", rotations, (AXES, 0.4)),
    Program("geomdl-nurbs", nurbs, (POINTS, 0.7)),
    Program("geomdl-interpolate", interpolated, (POINTS,)),
    Program("geomdl-surface", surface, (HEIGHTS,)),
]

test_eagerly, test_compiled, test_twice = program_tests(PROGRAMS)
