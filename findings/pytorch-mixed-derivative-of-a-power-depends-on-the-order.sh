#!/usr/bin/env bash
# PyTorch 2.13.0 (CPU).
# x**y is smooth at (2, 0), and differentiating it once by each variable gives x**(y-1) (1 + y log x),
# which is 1/2 there, in either order. PyTorch gives 1/2 if y comes first, and 0 if x does: the
# derivative by x is formed with a guard for exponents that are 0, and the guard cuts the slope by
# the exponent. Nothing warns; Hessians of models with learned exponents that start at 0 are not
# symmetric.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 torch==2.13.0
"$work/venv/bin/python" - <<'PY'
import torch


def mixed(first: str) -> float:
    x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    y = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    one, other = (x, y) if first == "x" else (y, x)
    (slope,) = torch.autograd.grad(x**y, one, create_graph=True)
    return torch.autograd.grad(slope, other)[0].item()


by_x, by_y = mixed("x"), mixed("y")
print(f"d2/dxdy of x**y at (2, 0): {by_x} by x first, {by_y} by y first; right: 0.5")
raise SystemExit(0 if (by_x, by_y) == (0.0, 0.5) else 1)
PY
