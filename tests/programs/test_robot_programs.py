"""Robot kinematics: pytransform3d and ikpy."""

from __future__ import annotations

from typing import Any

import numpy as np
from programs_under_test import Program, program_tests, require

require("pytransform3d", "ikpy")

from ikpy.chain import Chain  # noqa: E402
from ikpy.link import DHLink, OriginLink, URDFLink  # noqa: E402
from pytransform3d import batch_rotations, rotations, trajectories, transformations, urdf  # noqa: E402

ANGLES = np.array([0.3, -0.7, 1.1])


def arm(joints: Any) -> Any:
    """ikpy.chain.Chain.forward_kinematics of an arm of URDF links."""
    links = [OriginLink()]
    for k, axis in enumerate(([0, 0, 1], [0, 1, 0], [1, 0, 0])):
        links.append(
            URDFLink(f"joint {k}", np.array([0.1, 0.0, 0.4]), np.array([0.2, 0.0, 0.1]), axis)
        )
    return Chain(links).forward_kinematics([0.0, *joints])


def denavit(theta: Any, lengths: Any) -> Any:
    """ikpy.link.DHLink: classic Denavit-Hartenberg parameters."""
    links = [
        DHLink(f"link {k}", d=0.1, a=lengths[k], alpha=0.5, use_symbolic_matrix=False)
        for k in range(3)
    ]
    return Chain([OriginLink(), *links]).forward_kinematics([0.0, *theta])


def screws(joints: Any) -> Any:
    """pytransform3d: a product of exponentials of screw axes."""
    place = transformations.transform_from(np.eye(3), np.array([0.8, 0.0, 0.3]))
    for k, angle in enumerate(joints):
        axis = transformations.screw_axis_from_screw_parameters(
            np.array([0.2 * k, 0.0, 0.1]), np.eye(3)[k], 0.1
        )
        coordinates = axis * angle
        place = transformations.concat(
            place, transformations.transform_from_exponential_coordinates(coordinates)
        )
    return transformations.exponential_coordinates_from_transform(place)


URDF = """<robot name="crane"><link name="base"/><link name="boom"/><link name="hook"/>
<joint name="turn" type="revolute"><parent link="base"/><child link="boom"/>
<origin xyz="0 0 1" rpy="0 0.3 0"/><axis xyz="0 0 1"/><limit lower="-2" upper="2"/></joint>
<joint name="reach" type="prismatic"><parent link="boom"/><child link="hook"/>
<origin xyz="0.5 0 0" rpy="0.1 0 0"/><axis xyz="1 0 0"/><limit lower="0" upper="3"/></joint>
</robot>"""


def crane(turn: Any, reach: Any) -> Any:
    """pytransform3d.urdf.UrdfTransformManager: joints of a URDF file are set."""
    robot = urdf.UrdfTransformManager()
    robot.load_urdf(URDF)
    robot.set_joint("turn", turn)
    robot.set_joint("reach", reach)
    return robot.get_transform("hook", "base")


def attitude(euler: Any, weight: Any) -> Any:
    """pytransform3d.rotations: Euler angles, quaternions and slerp."""
    matrix = rotations.matrix_from_euler(euler, 2, 1, 0, False)
    start = rotations.quaternion_from_matrix(matrix)
    end = rotations.quaternion_from_axis_angle(np.array([0.0, 0.0, 1.0, 0.5]))
    between = rotations.quaternion_slerp(start, end, weight)
    return rotations.compact_axis_angle_from_matrix(rotations.matrix_from_quaternion(between))


def trajectory(coordinates: Any) -> Any:
    """pytransform3d.trajectories and batch_rotations: many poses at once."""
    poses = trajectories.transforms_from_exponential_coordinates(coordinates)
    dual = trajectories.dual_quaternions_from_transforms(poses)
    moved = trajectories.batch_dq_prod_vector(dual, np.array([[0.1, 0.2, 0.3]] * len(dual)))
    turned = batch_rotations.quaternions_from_matrices(poses[..., :3, :3])
    return moved, batch_rotations.smooth_quaternion_trajectory(turned)


def ellipsoid(pose: Any, spread: Any) -> Any:
    """pytransform3d.rotations: modified Rodrigues parameters and left Jacobians."""
    inverse = rotations.left_jacobian_SO3_inv(pose)
    return rotations.left_jacobian_SO3(spread) @ inverse, rotations.mrp_from_quaternion(
        rotations.quaternion_from_compact_axis_angle(pose)
    )


PROGRAMS = [
    Program("ikpy-urdf-links", arm, (ANGLES,)),
    Program("ikpy-denavit-hartenberg", denavit, (ANGLES, np.array([0.5, 0.4, 0.2]))),
    Program("pytransform3d-screws", screws, (ANGLES,)),
    Program("pytransform3d-urdf", crane, (0.4, 1.2)),
    Program(
        "pytransform3d-slerp",
        attitude,
        (np.array([0.3, -0.4, 0.8]), 0.3),
    ),
    Program(
        "pytransform3d-trajectory",
        trajectory,
        (np.array([[0.1, 0.2, 0.3, 1.0, 0.0, 0.5], [0.4, -0.2, 0.6, 0.3, 0.2, 0.1]]),),
    ),
    Program(
        "pytransform3d-jacobians",
        ellipsoid,
        (ANGLES, np.array([0.2, 0.1, -0.3])),
    ),
]

test_eagerly, test_compiled, test_twice = program_tests(PROGRAMS)
