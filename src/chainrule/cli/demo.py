"""`chainrule demo`: stories told in the terminal, every number computed while it is told."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log10
from typing import Annotated, Any

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from . import notebook_numbers as numbers

demo = typer.Typer(
    help="Backpropagation explained by numbers that are computed as you read.",
    no_args_is_help=True,
)

WIDTH = 100
BAR = 30
LEVELS = " ▁▂▃▄▅▆▇█"
APPLICATIONS = (
    ("Neural network training", "chainrule.train.fit, and below it grad of any NumPy function"),
    ("Pattern recognition", "chainrule train digits"),
    ("Regression analysis", "chainrule train diabetes, or your own table"),
    ("Anomaly detection", "to come"),
    ("Reinforcement learning", "chainrule rl train CartPole-v1"),
)


@demo.callback()
def _group() -> None:
    """Backpropagation explained by numbers that are computed as you read."""


@demo.command()
def notebook(
    iterations: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="How long to train; the notebook: 10000.")
    ] = 10000,
) -> None:
    """Backpropagation by numbers: what it is, why the sigmoid, the chain rule, the training.

    It follows the notebook that this project grew from: four rows, three weights, one sigmoid.
    Nothing is canned: each number is computed while you read, by hand and by chainrule.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    _definition(console)
    _reasons(console)
    _chain_rule(console)
    _vanishing(console)
    trained = numbers.training(iterations)
    _training(console, trained)
    _prediction(console, trained)


# The chapters, in the notebook's order


def _definition(console: Console) -> None:
    _title(console, 1, "What backpropagation is")
    paragraph(
        console,
        "The input flows forward and becomes a prediction. The prediction is compared with the "
        "true output: that is the error. The error flows backward and assigns each weight its "
        "share of the blame: that is the gradient. Each weight takes a step against it. Again.",
    )
    step = numbers.one_step()
    table = _table("x", "true y", "prediction", "error", "delta = error · slope")
    columns = zip(numbers.X, numbers.Y, step.prediction, step.error, step.delta, strict=True)
    for x, y, prediction, error, delta in columns:
        table.add_row(str(x), str(y[0]), *[f"{v[0]:+.6f}" for v in (prediction, error, delta)])
    show(console, table)
    table = _table("weight", "step by hand: x · delta, summed", "minus grad of the loss")
    for k, (by_hand, gradient) in enumerate(zip(step.update, step.gradient, strict=True), 1):
        table.add_row(f"w{k}", f"{by_hand[0]:+.12f}", f"{-gradient[0]:+.12f}")
    show(console, table)


def _reasons(console: Console) -> None:
    _title(console, 2, "Why the sigmoid: four reasons")
    xor = numbers.non_linearity()
    paragraph(console, "1. Non-linearity. XOR, which no straight line can separate:")
    table = _table("x", "true y", "best linear map", "four sigmoids in between")
    rows = zip(numbers.XOR_X, numbers.XOR_Y, xor.linear, xor.with_sigmoid, strict=True)
    for x, y, linear, bent in rows:
        table.add_row(str(x.astype(int)), f"{y[0]:.0f}", f"{linear[0]:.3f}", f"{bent[0]:.3f}")
    show(console, table)

    computed = numbers.differentiability()
    paragraph(
        console, "2. Differentiability. The slope follows from the output y alone: y · (1 - y)."
    )
    table = _table("x", "y", "y · (1 - y)", "grad", "central differences")
    for row in zip(*computed, strict=True):
        table.add_row(f"{row[0]:.0f}", *[f"{v:.10f}" for v in row[1:]])
    show(console, table)

    paragraph(
        console, "3. Bounded output. However far out the input is, the output reads as a chance:"
    )
    table = _table("x", "sigmoid(x)", "0 to 1")
    for x, y in numbers.bounded():
        table.add_row(f"{x:.0f}", f"{y:.6g}", bar(y))
    show(console, table)

    smooth = numbers.smoothness()
    paragraph(
        console,
        f"4. Smooth transition. Where the input moves by {smooth.step}, the output moves by "
        f"{smooth.sigmoid:.6f} at most: the slope is nowhere above {smooth.steepest}. The output "
        f"of a threshold jumps by {smooth.threshold:.0f}.",
    )


def _chain_rule(console: Console) -> None:
    _title(console, 3, "Backpropagation follows the chain rule")
    terms, story = numbers.chain_rule()
    paragraph(
        console,
        "One weight, w1, and one row, x = [1 1 1] with y = 1. The error E depends on the output "
        "a, that on the sum z, that on the weight: dE/dw1 = dE/da · da/dz · dz/dw1.",
    )
    table = _table("factor", "what it says", "by hand", "explain")
    for term in terms:
        table.add_row(
            term.name, term.meaning, f"{term.by_hand:+.12f}", f"{term.explained:+.12f}",
            end_section=term is terms[-2],
        )  # fmt: skip
    show(console, table)
    paragraph(
        console, "And so for every operation on the way, which is all that backpropagation does:"
    )
    table = _table("step", "computed as", "value", "upstream", "passed on")
    for step in story.steps:
        passed = ", ".join(f"{edge.product:+.4f} to {edge.source}" for edge in step.edges)
        table.add_row(
            step.name, step.operation or "weight", f"{step.value:+.4f}",
            f"{step.upstream + 0.0:+.4f}", passed,
        )  # fmt: skip
    show(console, table)


def _vanishing(console: Console) -> None:
    _title(console, 4, "The vanishing gradient")
    paragraph(
        console,
        "Each sigmoid on the way multiplies by a slope of 1/4 or less. What is left of the last "
        "layer's gradient at the first layer of a network, 64 units wide:",
    )
    table = _table("layers", "sigmoid", "", "ReLU", "")
    for computed in numbers.vanishing():
        table.add_row(
            str(computed.depth),
            f"{computed.sigmoid:.1e}",
            bar(1 + log10(computed.sigmoid) / 24, 18),
            f"{computed.relu:.1e}",
            bar(1 + log10(computed.relu) / 24, 18),
        )
    show(console, table)
    paragraph(console, "(Bars on a logarithmic scale, from 1e-24 to 1.)")


def _training(console: Console, trained: numbers.Training) -> None:
    iterations = len(trained.losses) - 1
    _title(console, 5, f"The {iterations:,} iterations")
    table = _table("iteration", "loss", "")
    chosen = [0, *(10**k for k in range(7) if 10**k < iterations), iterations]
    largest = float(trained.losses[0])
    for k in chosen:
        loss = float(trained.losses[k])
        table.add_row(f"{k:,}", f"{loss:.8f}", bar(loss / largest))
    show(console, table)
    paragraph(console, f"loss, first 100 iterations  {sparkline(trained.losses[:100])}")
    table = _table("weight", "deltas by hand, in a Python loop", "grad inside a scan")
    for k, (by_hand, computed) in enumerate(zip(trained.by_hand, trained.weights, strict=True), 1):
        table.add_row(f"w{k}", f"{by_hand[0]:+.12f}", f"{computed[0]:+.12f}")
    show(console, table)
    rate = numbers.by_learning_rate()
    paragraph(
        console,
        "The training is itself a function that can be differentiated: by the learning rate, "
        f"through 200 iterations, the loss changes by {rate:+.8f} for each unit.",
    )


def _prediction(console: Console, trained: numbers.Training) -> None:
    _title(console, 6, "The prediction")
    paragraph(console, "For an input that it has never seen, [1 0 0]:")
    console.print(Text(f"Predicted output: {trained.prediction}", style="bold green"))
    console.print()
    table = _table("where backpropagation is used", "here")
    for name, where in APPLICATIONS:
        table.add_row(name, where)
    show(console, table)


# How it looks


def _title(console: Console, number: int, text: str) -> None:
    console.print()
    console.rule(f"[bold]{number}. {text}", align="left", style="cyan")
    console.print()


def paragraph(console: Console, text: str) -> None:
    console.print(Text(text), width=min(console.width, WIDTH))


def _table(*headers: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for k, header in enumerate(headers):
        table.add_column(header, style="" if k else "cyan")
    return table


def show(console: Console, table: Table) -> None:
    console.print(Padding(table, (0, 0, 0, 2)))


def bar(share: float, width: int = BAR) -> str:
    """A bar of blocks, full at 1; what is not zero shows.

    >>> bar(0.5, 8), bar(1e-9, 8), bar(0.0, 8)
    ('████', '▏', '')
    """
    if share <= 0:
        return ""
    return "█" * round(min(share, 1.0) * width) or "▏"


def sparkline(values: Sequence[float] | Any, width: int = 50) -> str:
    """The course of some values as blocks of eight heights; the largest is full, 0 is blank.

    >>> sparkline([8.0, 4.0, 2.0, 0.1, 0.0], 5)
    '█▄▂▁ '
    """
    values = np.asarray(values, float)
    picked = values[np.linspace(0, len(values) - 1, min(width, len(values))).astype(int)]
    top = float(np.max(values)) or 1.0
    return "".join(LEVELS[ceil(float(v) / top * 8)] for v in picked)
