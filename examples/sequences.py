"""A recurrent layer that remembers: it adds two marked numbers of a long sequence.

The adding problem of Hochreiter and Schmidhuber (1997): a row holds random numbers, two of them
marked, and the answer is their sum. Who always answers 1 is wrong by 0.167 in the mean square.
"""

import numpy as np

import chainrule as cr
from chainrule import nn, optim, random, train

STEPS = 20


class Adder(nn.Module):
    """A GRU, and a number from its last state."""

    layer: nn.GRU
    head: nn.Dense

    def __call__(self, x):
        _, last = self.layer(x)
        return self.head(last[0])


def sequences(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Shape (count, STEPS, 2): numbers and marks; and the sums, shape (count, 1)."""
    rng = np.random.default_rng(seed)
    numbers, marks = rng.random((count, STEPS)), np.zeros((count, STEPS))
    for row in marks:
        row[rng.choice(STEPS, 2, replace=False)] = 1
    x = np.stack([numbers, marks], axis=2).astype(np.float32)
    return x, (numbers * marks).sum(axis=1, keepdims=True).astype(np.float32)


def squared_error(predicted, y):
    return np.mean((predicted - y) ** 2)


def main() -> None:
    x, y = sequences(2000, seed=0)
    first, second = random.split(random.key(0))
    model = Adder(layer=nn.GRU(2, 24, key=first), head=nn.Dense(24, 1, key=second))
    result = train.fit(
        model, x, y, loss=squared_error, optimizer=optim.adam(0.01), epochs=25, batch_size=50,
        seed=0, progress=False,
    )  # fmt: skip

    unseen, sums = sequences(500, seed=1)
    predicted = cr.jit(lambda model, x: model(x))(result.model, unseen)
    error = np.mean((predicted - sums) ** 2)
    print(f"mean squared error on {len(sums)} sequences not seen: {error:.5f}")
    print(f"always 1: {np.mean((1 - sums) ** 2):.5f}")


if __name__ == "__main__":
    main()
