"""Attention against PyTorch's `scaled_dot_product_attention`, and a step of a GPT."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from chainrule import grad, jit, nn

from . import gpt, peers, torch_gpt
from .harness import Contest


class Case(NamedTuple):
    """Sizes of an attention."""

    rows: int
    steps: int
    heads: int
    width: int
    is_causal: bool

    @property
    def text(self) -> str:
        order = ", causal" if self.is_causal else ""
        return f"{self.rows} x {self.heads} heads, {self.steps} steps of {self.width}{order}"


CASES = [
    Case(rows, steps, 4, width, causal)
    for rows, steps, width in ((32, 64, 16), (8, 512, 32), (1, 2048, 64))
    for causal in (False, True)
]


def _ours(case: Case, arrays: list[Any]) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """The values, and the gradients by queries, keys and values."""
    *inputs, slope = arrays

    def attend(q: Any, k: Any, v: Any) -> Any:
        return nn.dot_product_attention(q, k, v, is_causal=case.is_causal)

    forward = jit(attend)
    backward = jit(grad(lambda q, k, v, slope: np.sum(attend(q, k, v) * slope), argnums=(0, 1, 2)))
    return lambda: forward(*inputs), lambda: backward(*inputs, slope)


def _theirs(
    torch: Any, case: Case, arrays: list[Any]
) -> tuple[Callable[[], Any], Callable[[], Any]]:
    *inputs, slope = [torch.from_numpy(x).transpose(1, 2) for x in arrays]
    leaves = [x.detach().clone().requires_grad_() for x in inputs]
    attend = torch.nn.functional.scaled_dot_product_attention

    def forward() -> Any:
        with torch.no_grad():
            return [attend(*inputs, is_causal=case.is_causal).transpose(1, 2).numpy()]

    def backward() -> Any:
        y = attend(*leaves, is_causal=case.is_causal)
        return [g.transpose(1, 2).numpy() for g in torch.autograd.grad(y, leaves, slope)]

    return forward, backward


def _same(ours: Any, theirs: Any) -> None:
    ours = ours if isinstance(ours, tuple) else (ours,)
    for x, y in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(x, y, atol=3e-5)


def attention_contests(torch: Any) -> Iterator[Contest]:
    for case in CASES:
        rng = np.random.default_rng(0)
        shape = (case.rows, case.steps, case.heads, case.width)
        arrays = [rng.normal(size=shape).astype(np.float32) for _ in range(4)]
        pairs = zip(_ours(case, arrays), _theirs(torch, case, arrays), strict=True)
        for name, (ours, theirs) in zip(("forward", "gradient"), pairs, strict=True):
            task, few = f"{name}, {case.text}", case.steps < 512
            yield Contest(task, "PyTorch", ours, theirs, _same, 11, 10 if few else 1, 0.02,
                          peers.CLOCK)  # fmt: skip


def gpt_contest(torch: Any) -> Contest:
    model, peer = gpt.network(), torch_gpt.network(torch)
    gpt.copy_weights(torch, model, peer)
    ours, theirs = gpt.step_of(model), torch_gpt.step_of(torch, peer)

    def same(a: float, b: float) -> None:
        assert abs(a - b) < 1e-4, (a, b)
        for _ in range(2):  # the next steps as well, to which all gradients lead
            a, b = ours(), theirs()
            assert abs(a - b) < 1e-3, (a, b)

    task = (f"step of a GPT, {torch_gpt.DEPTH} layers of {torch_gpt.DIM}, "
            f"{torch_gpt.STEPS} steps, batch {torch_gpt.BATCH}")  # fmt: skip
    return Contest(task, "PyTorch eager", ours, theirs, same, 7, 1, 0.0, peers.CLOCK)


def contests() -> Iterator[Contest]:
    torch = peers.torch()
    if torch is not None:
        yield from attention_contests(torch)
        yield gpt_contest(torch)
