"""A sampler for posteriors over compiled gradients: NUTS, in 100 lines.

Hoffman and Gelman, The No-U-Turn sampler (2014): algorithm 6, with the step size tuned by dual
averaging. A leapfrog step is one compiled function. The posterior is that of the mean and the
standard deviation of 12 numbers, skewed and far from normal; its moments are compared with
integrals over a grid.
"""

import numpy as np

import chainrule as cr

DRAWS, TUNING, ACCEPTANCE, DEPTH, LARGEST_ERROR = 4000, 1000, 0.8, 8, 1000.0
DATA = np.random.default_rng(1).normal(3.0, 2.0, size=12)


def log_posterior(theta):
    """theta: mean, logarithm of the deviation; normal priors of deviation 5 and 1."""
    mean, log_deviation = theta
    errors = (DATA - mean) * np.exp(-log_deviation)
    return (
        -0.5 * np.sum(errors**2)
        - DATA.size * log_deviation
        - 0.5 * (mean / 5.0) ** 2
        - 0.5 * log_deviation**2
    )


both = cr.value_and_grad(log_posterior)


@cr.jit
def leapfrog(theta, momentum, gradient, step):
    """A step of Hamilton's equations: where it leads, with the gradient and the energy there."""
    momentum = momentum + 0.5 * step * gradient
    theta = theta + step * momentum
    value, gradient = both(theta)
    momentum = momentum + 0.5 * step * gradient
    return theta, momentum, gradient, value - 0.5 * np.sum(momentum**2)


def turns(left, right):
    """Whether the ends of a path come closer."""
    span = right[0] - left[0]
    return span @ left[1] < 0 or span @ right[1] < 0


def tree(state, log_slice, direction, depth, step, start, rng):
    """A path of 2**depth steps: its ends, a draw from it, and what the next step size needs."""
    if depth == 0:
        *new, energy = leapfrog(*state, direction * step)
        size, sound = int(log_slice <= energy), log_slice < energy + LARGEST_ERROR
        return new, new, new, size, sound, min(1.0, np.exp(min(0.0, energy - start))), 1
    path = tree(state, log_slice, direction, depth - 1, step, start, rng)
    left, right, draw, size, sound, accepted, count = path
    if sound:
        end = left if direction < 0 else right
        further = tree(end, log_slice, direction, depth - 1, step, start, rng)
        if direction < 0:
            left = further[0]
        else:
            right = further[1]
        if further[3] and rng.uniform() < further[3] / (size + further[3]):
            draw = further[2]
        size, accepted, count = size + further[3], accepted + further[5], count + further[6]
        sound = further[4] and not turns(left, right)
    return left, right, draw, size, sound, accepted, count


def first_step(theta, gradient, energy_at, rng):
    """A step of which about half of the proposals would be accepted (algorithm 4)."""
    step, momentum = 1.0, rng.normal(size=theta.size)
    start = energy_at(theta) - 0.5 * momentum @ momentum
    longer = None
    while True:
        change = leapfrog(theta, momentum, gradient, step)[3] - start
        if longer is None:
            longer = change > np.log(0.5)
        if (change > np.log(0.5)) != longer:
            return step
        step *= 2.0 if longer else 0.5


def sample(theta, rng):
    """Draws after tuning, and how many gradients they took."""
    theta = np.asarray(theta, float)
    _, gradient = cr.jit(both)(theta)
    step = first_step(theta, gradient, log_posterior, rng)
    aim, error, log_mean = np.log(10 * step), 0.0, 0.0
    draws, gradients = np.empty((DRAWS, theta.size)), 0
    for n in range(1, TUNING + DRAWS + 1):
        momentum = rng.normal(size=theta.size)
        start = log_posterior(theta) - 0.5 * momentum @ momentum
        log_slice = start - rng.exponential()
        left = right = draw = (theta, momentum, gradient)
        size, sound, depth = 1, True, 0
        while sound and depth < DEPTH:
            direction = rng.choice([-1.0, 1.0])
            end = left if direction < 0 else right
            new = tree(end, log_slice, direction, depth, step, start, rng)
            left, right = (new[0], right) if direction < 0 else (left, new[1])
            if new[4] and rng.uniform() < new[3] / size:
                draw = new[2]
            size, depth, gradients = size + new[3], depth + 1, gradients + new[6]
            sound = new[4] and not turns(left, right)
        theta, gradient = draw[0], draw[2]
        if n <= TUNING:
            error += (ACCEPTANCE - new[5] / new[6] - error) / (n + 10)
            log_step = aim - np.sqrt(n) / 0.05 * error
            log_mean += n**-0.75 * (log_step - log_mean)
            step = np.exp(log_step if n < TUNING else log_mean)
        else:
            draws[n - TUNING - 1] = theta
    return draws, gradients, step


def by_grid(points=600):
    """Moments of the same posterior as sums over a grid."""
    axes = np.linspace(-6.0, 12.0, points), np.linspace(-0.8, 3.0, points)
    mean, log_deviation = np.meshgrid(*axes, indexing="ij")
    squares = np.sum((DATA[:, None, None] - mean) ** 2, axis=0) * np.exp(-2 * log_deviation)
    logs = (
        -0.5 * squares
        - DATA.size * log_deviation
        - 0.5 * (mean / 5.0) ** 2
        - 0.5 * log_deviation**2
    )
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    theta = np.stack([mean, log_deviation])
    first = np.sum(weights * theta, axis=(1, 2))
    second = np.sum(weights * (theta - first[:, None, None]) ** 2, axis=(1, 2))
    return first, np.sqrt(second)


def main() -> None:
    draws, gradients, step = sample(np.zeros(2), np.random.default_rng(0))
    mean, deviation = by_grid()
    print(f"{DRAWS} draws after {TUNING} to tune, {gradients} gradients, steps of {step:.2f}")
    for k, name in enumerate(("mean", "log deviation")):
        print(
            f"{name}: {draws[:, k].mean():.3f} +- {draws[:, k].std():.3f}, "
            f"by a grid {mean[k]:.3f} +- {deviation[k]:.3f}"
        )
    errors = np.abs(draws.mean(axis=0) - mean) / deviation
    print(f"largest error of a mean, in standard deviations: {errors.max():.3f}")
    ratio = draws.std(axis=0) / deviation
    print(f"largest error of a standard deviation, of its size: {np.abs(ratio - 1).max():.3f}")


if __name__ == "__main__":
    main()
