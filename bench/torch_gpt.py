"""A small GPT in PyTorch, with `scaled_dot_product_attention`, and the sizes of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

BATCH, STEPS, DIM, HEADS, DEPTH, CODES = 16, 512, 128, 4, 4, 65
RATE = 1e-3


def texts() -> tuple[np.ndarray, np.ndarray]:
    """Codes, and the one that follows each."""
    codes = np.random.default_rng(0).integers(CODES, size=(BATCH, STEPS + 1))
    return codes[:, :-1], codes[:, 1:]


def network(torch: Any) -> Any:
    """Attention and two dense layers, four times, with norms before and GELU between."""
    n, f = torch.nn, torch.nn.functional

    class Block(n.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = n.LayerNorm(DIM), n.LayerNorm(DIM)
            self.project, self.combine = n.Linear(DIM, 3 * DIM), n.Linear(DIM, DIM)
            self.first, self.last = n.Linear(DIM, 4 * DIM), n.Linear(4 * DIM, DIM)

        def forward(self, x: Any) -> Any:
            shape = (*x.shape[:2], 3, HEADS, DIM // HEADS)
            q, k, v = self.project(self.norm1(x)).view(shape).permute(2, 0, 3, 1, 4)
            read = f.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.combine(read.transpose(1, 2).reshape(x.shape))
            return x + self.last(f.gelu(self.first(self.norm2(x))))

    class Gpt(n.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.words, self.positions = n.Embedding(CODES, DIM), n.Embedding(STEPS, DIM)
            self.blocks = n.ModuleList([Block() for _ in range(DEPTH)])
            self.norm, self.head = n.LayerNorm(DIM), n.Linear(DIM, CODES)

        def forward(self, codes: Any) -> Any:
            x = self.words(codes) + self.positions.weight
            for block in self.blocks:
                x = block(x)
            return self.head(self.norm(x))

    return Gpt()


def step_of(torch: Any, model: Any) -> Callable[[], float]:
    """A step of Adam on the texts, which returns the loss."""
    codes, following = map(torch.from_numpy, texts())
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, eps=1e-8, fused=True)

    def step() -> float:
        optimizer.zero_grad()
        scores = model(codes).reshape(-1, CODES)
        loss = torch.nn.functional.cross_entropy(scores, following.reshape(-1))
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step
