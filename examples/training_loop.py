"""Layers, an optimiser and a training loop of your own, compiled as one program.

A module is a dataclass whose call is NumPy; the loop is a `scan` under `jit`. It fits a curve with
noise, and the network's error is compared with the best straight line.
"""

import numpy as np

import chainrule as cr
from chainrule import nn, optim, random


class Wave(nn.Module):
    """Two layers, and a straight line beside them."""

    hidden: nn.Dense
    output: nn.Dense
    line: nn.Dense

    def __call__(self, x):
        return self.output(np.tanh(self.hidden(x))) + self.line(x)


def main() -> None:
    rng = np.random.default_rng(0)
    x = np.linspace(-3, 3, 200)[:, None]
    clean = np.sin(2 * x) + 0.5 * x
    y = clean + rng.normal(0, 0.1, x.shape)

    keys = random.split(random.key(0), 3)
    model = Wave(
        hidden=nn.Dense(1, 32, key=keys[0], dtype=np.float64),
        output=nn.Dense(32, 1, key=keys[1], dtype=np.float64),
        line=nn.Dense(1, 1, key=keys[2], dtype=np.float64),
    )
    optimizer = optim.adam(optim.cosine_decay(0.02, 3000))

    def loss(model):
        return np.mean((model(x) - y) ** 2)

    @cr.jit
    def train(model):
        def step(carry, _):
            model, state = carry
            value, gradient = cr.value_and_grad(loss)(model)
            updates, state = optimizer.update(gradient, state, model)
            return (optim.apply_updates(model, updates), state), value

        (model, _), values = cr.scan(step, (model, optimizer.init(model)), None, length=3000)
        return model, values

    model, values = train(model)
    line = np.polyval(np.polyfit(x[:, 0], y[:, 0], 1), x)
    print(f"loss: {values[0]:.4f} before, {values[-1]:.4f} after {len(values)} steps")
    print(f"error to the clean curve: network {np.sqrt(np.mean((model(x) - clean) ** 2)):.4f}")
    print(f"error to the clean curve: straight line {np.sqrt(np.mean((line - clean) ** 2)):.4f}")


if __name__ == "__main__":
    main()
