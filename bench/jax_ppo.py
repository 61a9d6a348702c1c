"""The same PPO on the same CartPole in JAX: rollout, advantages and epochs in one jitted scan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import peers

N_ENVS, N_STEPS, BATCH, EPOCHS, GAMMA, LAMBDA, CLIP, RATE = 8, 128, 64, 10, 0.99, 0.95, 0.2, 1e-3


def training(rounds: int) -> Callable[[], float]:
    """Train for so many rounds more; return the steps made."""
    jax = peers.jax()
    import jax.numpy as jnp
    from jax import lax, random

    sizes = {"pi": (4, 64, 64, 2), "v": (4, 64, 64, 1)}

    def network(key: Any, shape: tuple[int, ...]) -> Any:
        keys = random.split(key, len(shape) - 1)
        return [
            (random.normal(k, (a, b)) / a**0.5, jnp.zeros(b))
            for k, a, b in zip(keys, shape, shape[1:], strict=False)
        ]

    def apply(layers: Any, x: Any) -> Any:
        for w, b in layers[:-1]:
            x = jnp.tanh(x @ w + b)
        w, b = layers[-1]
        return x @ w + b

    def physics(s: Any, action: Any) -> tuple[Any, Any]:
        x, v, angle, spin = s.T
        force = jnp.where(action == 1, 10.0, -10.0)
        cos, sin = jnp.cos(angle), jnp.sin(angle)
        temp = (force + 0.05 * spin**2 * sin) / 1.1
        torque = (9.8 * sin - cos * temp) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
        push = temp - 0.05 * torque * cos / 1.1
        new = jnp.stack([x + 0.02 * v, v + 0.02 * push, angle + 0.02 * spin,
                         spin + 0.02 * torque], axis=1)  # fmt: skip
        return new, (jnp.abs(new[:, 0]) > 2.4) | (jnp.abs(new[:, 2]) > 0.20943951)

    def step(carry: Any, key: Any) -> Any:
        params, s, t = carry
        act_key, reset_key = random.split(key)
        logp = jax.nn.log_softmax(apply(params["pi"], s))
        action = random.categorical(act_key, logp)
        value = apply(params["v"], s)[:, 0]
        new, terminated = physics(s, action)
        truncated = (t + 1 >= 500) & ~terminated
        reward = 1.0 + jnp.where(truncated, GAMMA * apply(params["v"], new)[:, 0], 0.0)
        ended = terminated | truncated
        fresh = random.uniform(reset_key, s.shape, minval=-0.05, maxval=0.05)
        row = (s, action, logp[jnp.arange(N_ENVS), action], value, reward, ended)
        return (params, jnp.where(ended[:, None], fresh, new), jnp.where(ended, 0, t + 1)), row

    def advantage(carry: Any, row: Any) -> Any:
        later, next_value = carry
        value, reward, ended = row
        delta = reward + GAMMA * next_value * (1 - ended) - value
        later = delta + GAMMA * LAMBDA * (1 - ended) * later
        return (later, value), later

    def loss(params: Any, batch: Any) -> Any:
        s, action, old, adv, ret = batch
        logp = jax.nn.log_softmax(apply(params["pi"], s))
        new = jnp.take_along_axis(logp, action[:, None], axis=1)[:, 0]
        adv = (adv - adv.mean()) / (adv.std(ddof=1) + 1e-8)
        ratio = jnp.exp(new - old)
        policy = -jnp.minimum(ratio * adv, jnp.clip(ratio, 1 - CLIP, 1 + CLIP) * adv).mean()
        return policy + 0.5 * ((ret - apply(params["v"], s)[:, 0]) ** 2).mean()

    def adam(params: Any, grads: Any, state: Any) -> Any:
        m, v, count = state
        norm = jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(grads)))
        grads = jax.tree.map(lambda g: g * jnp.minimum(1.0, 0.5 / norm), grads)
        count = count + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
        c1, c2 = 1 - 0.9**count, 1 - 0.999**count
        params = jax.tree.map(
            lambda p, m, v: p - RATE * (m / c1) / (jnp.sqrt(v / c2) + 1e-5), params, m, v
        )
        return params, (m, v, count)

    def one_round(carry: Any, key: Any) -> Any:
        params, opt, s, t = carry
        roll_key, epoch_key = random.split(key)
        (_, s, t), rows = lax.scan(step, (params, s, t), random.split(roll_key, N_STEPS))
        seen, action, old, value, reward, ended = rows
        last = apply(params["v"], s)[:, 0]
        _, adv = lax.scan(
            advantage, (jnp.zeros(N_ENVS), last), (value, reward, ended), reverse=True
        )
        flat = [x.reshape(N_STEPS * N_ENVS, *x.shape[2:])
                for x in (seen, action, old, adv, adv + value)]  # fmt: skip

        def epoch(carry: Any, key: Any) -> Any:
            order = random.permutation(key, N_STEPS * N_ENVS).reshape(-1, BATCH)

            def update(carry: Any, rows: Any) -> Any:
                params, opt = carry
                grads = jax.grad(loss)(params, [x[rows] for x in flat])
                return adam(params, grads, opt), None

            return lax.scan(update, carry, order)[0], None

        (params, opt), _ = lax.scan(epoch, (params, opt), random.split(epoch_key, EPOCHS))
        return (params, opt, s, t), None

    @jax.jit
    def run(carry: Any, key: Any) -> Any:
        return lax.scan(one_round, carry, random.split(key, rounds))[0]

    key = random.PRNGKey(0)
    params = {
        name: network(k, sizes[name]) for name, k in zip(sizes, random.split(key), strict=True)
    }
    zeros = jax.tree.map(jnp.zeros_like, params)
    state = [(params, (zeros, zeros, jnp.zeros((), jnp.int32)),
              random.uniform(key, (N_ENVS, 4), minval=-0.05, maxval=0.05),
              jnp.zeros(N_ENVS, jnp.int32)), 0]  # fmt: skip

    def one() -> float:
        state[1] += 1
        state[0] = jax.block_until_ready(run(state[0], random.fold_in(key, state[1])))
        return float(rounds * N_STEPS * N_ENVS)

    return one
