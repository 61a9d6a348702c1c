"""The gradient of a simulation written in NumPy: aim a throw that the air slows down.

`flight` is plain NumPy: 100 steps of a ball with quadratic drag. Its gradient by the angle and the
speed, through all steps, lets plain gradient descent hit a target.
"""

import numpy as np

import chainrule as cr

STEPS, SECONDS, GRAVITY, DRAG = 100, 0.02, 9.81, 0.02


def flight(throw):
    """Where the ball is after `STEPS` steps of `SECONDS` each; throw: angle, speed."""
    angle, speed = throw
    position = np.zeros(2)
    velocity = speed * np.stack([np.cos(angle), np.sin(angle)])
    for _ in range(STEPS):
        drag = DRAG * np.sqrt(np.sum(velocity**2)) * velocity
        velocity = velocity - SECONDS * (np.array([0.0, GRAVITY]) + drag)
        position = position + SECONDS * velocity
    return position


def main() -> None:
    target = np.array([20.0, 5.0])

    def miss(throw):
        return np.sum((flight(throw) - target) ** 2)

    value_and_gradient = cr.jit(cr.value_and_grad(miss))
    throw = np.array([0.5, 12.0])
    print(f"first throw: misses by {np.sqrt(miss(throw)):.2f} m")
    for _ in range(200):
        _, gradient = value_and_gradient(throw)
        throw = throw - np.array([0.001, 0.1]) * gradient
    print(f"angle {np.degrees(throw[0]):.2f} degrees, speed {throw[1]:.3f} m/s")
    print(f"last throw: misses by {np.sqrt(miss(throw)):.6f} m")

    step = 1e-6 * np.eye(2)
    start = np.array([0.5, 12.0])
    by_differences = [(miss(start + e) - miss(start - e)) / 2e-6 for e in step]
    difference = np.max(np.abs(cr.grad(miss)(start) - by_differences) / np.abs(by_differences))
    print(f"gradient and central differences differ by {difference:.1e} of their size")


if __name__ == "__main__":
    main()
