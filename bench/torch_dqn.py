"""DQN around Gymnasium's CartPole as one writes it in PyTorch, with an update at every step."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

CAPACITY, STARTS, BATCH, INTERVAL, GAMMA, RATE = 1_000_000, 100, 64, 250, 0.99, 1e-3
LARGEST_NORM, EXPLORATION = 10.0, 0.05


def training(size: tuple[int, ...], steps: int) -> Callable[[], float]:
    """Train for so many steps more, with one thread; return how many they were."""
    import gymnasium
    import torch
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(0)

    def network() -> Any:
        sizes = (4, *size, 2)
        layers: list[Any] = []
        for a, b in itertools.pairwise(sizes):
            layers += [nn.Linear(a, b), nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    q, target = network(), network()
    target.load_state_dict(q.state_dict())
    optimizer = torch.optim.Adam(q.parameters(), lr=RATE)
    seen, following = (np.zeros((CAPACITY, 4), np.float32) for _ in range(2))
    actions, rewards = np.zeros(CAPACITY, np.int64), np.zeros(CAPACITY, np.float32)
    over = np.zeros(CAPACITY, np.float32)
    rng, env = np.random.default_rng(0), gymnasium.make("CartPole-v1")
    observation, _ = env.reset(seed=0)
    count = 0

    def update() -> None:
        rows = rng.integers(0, min(count, CAPACITY), BATCH)
        with torch.no_grad():
            best = target(torch.from_numpy(following[rows])).max(dim=1).values
            wanted = torch.from_numpy(rewards[rows])
            wanted = wanted + GAMMA * (1 - torch.from_numpy(over[rows])) * best
        chosen = q(torch.from_numpy(seen[rows]))
        chosen = chosen.gather(1, torch.from_numpy(actions[rows])[:, None])[:, 0]
        loss = nn.functional.smooth_l1_loss(chosen, wanted)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(q.parameters(), LARGEST_NORM)
        optimizer.step()

    def one() -> float:
        nonlocal observation, count
        torch.set_num_threads(1)
        for _ in range(steps):
            if rng.random() < EXPLORATION:
                action = int(rng.integers(2))
            else:
                with torch.no_grad():
                    action = int(q(torch.from_numpy(observation)[None]).argmax())
            new, reward, terminated, truncated, _ = env.step(action)
            k = count % CAPACITY
            seen[k], following[k], actions[k] = observation, new, action
            rewards[k], over[k] = reward, terminated
            count += 1
            observation = env.reset()[0] if terminated or truncated else new
            if count > STARTS:
                update()
            if count % INTERVAL == 0:
                target.load_state_dict(q.state_dict())
        return float(steps)

    return one
