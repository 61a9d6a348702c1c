"""Every number of backpropagation, beside the same by hand.

One neuron with a squared error: `explain` shows each step's value, the gradient from upstream, the
local derivative and their product. The formula of the textbook gives the same number.
"""

import numpy as np

import chainrule as cr


def error(w, x, y):
    output = 1 / (1 + np.exp(-w * x))
    return 0.5 * (y - output) ** 2


def main() -> None:
    w, x, y = 0.5, 2.0, 1.0
    story = cr.explain(error, argnums=0)(w, x, y)
    print(story)

    output = 1 / (1 + np.exp(-w * x))
    by_hand = -(y - output) * output * (1 - output) * x
    print(f"by the chain rule, by hand: {by_hand:.12f}")
    print(f"by explain:                 {story.gradient[0]:.12f}")
    print(f"by grad:                    {cr.grad(error)(w, x, y):.12f}")


if __name__ == "__main__":
    main()
