"""What `train` and `tune` show of a model of a table: scores, verdict, what to look out for."""

from __future__ import annotations

import re
from math import isfinite
from typing import Any

from rich.text import Text

from .console import TOGETHER, PlainConsole, table

LEVEL = 95
FEW_POSITIVES = 10  # rows of the rarer class, of fewer of which a threshold says little


def show_result(
    out: PlainConsole, name: str, rows: int, result: Any, epochs: int, best_epoch: int
) -> None:
    """Print what was trained, on which of the rows, how long it took, and the scores."""
    classes = getattr(result.model, "classes_", ())
    kind = f"{len(classes)} classes" if len(classes) else "a number"
    out.tell(
        f"{name}: {result.task} of {result.target!r} ({kind}) from "
        f"{result.model.features_.width} features, {len(result.train_rows)} rows to train on, "
        f"{len(result.test_rows)} to test on{split_text(result)}"
    )
    left_out = rows - len(result.frame)
    if left_out:
        others = "repeat others, or have" if result.options.deduplicate else "have"
        out.tell(f"{left_out:,} of {rows:,} rows {others} no {result.target!r}: left out")
    out.say(
        f"{epochs} epochs in {result.seconds:.1f} s; the weights of epoch {best_epoch} are kept"
    )
    show_scores(out, result)


def show_scores(out: PlainConsole, result: Any) -> None:
    """Print the scores, what they come to, and what to look out for."""
    out.print(result_table(result))
    verdict = result.verdict
    out.tell(verdict.headline, style="bold")
    if verdict.sentences:
        out.tell(" ".join(verdict.sentences))
    for line in threshold_lines(result.threshold):
        out.tell(line)
    for step in verdict.next_steps:
        out.tell(step, "next: ")
    honest = [score for score in result.honest if isfinite(score.random + score.honest)]
    for line in (*map(advice_line, result.advice), *map(honest_line, honest)):
        out.tell(line, "look out: ")


def split_text(result: Any) -> str:
    """How the rows to test on were chosen, if not at random."""
    chosen = result.options
    if result.split == "time":
        return f" (the latest, by {chosen.by!r})" if chosen.by else " (the latest)"
    return f" (those of other {chosen.group!r})" if result.split == "group" else ""


def result_table(result: Any) -> Any:
    """The network's scores beside those of the other models, with an interval of the first."""
    compared = result.comparison
    title = f"{len(result.test_rows)} rows not seen in training"
    grid = table(
        "model", compared.metric, f"{LEVEL} % interval", *compared.metrics[1:],
        right=range(1, len(compared.metrics) + 2), title=title, title_justify="left",
    )  # fmt: skip
    grid.columns[0].no_wrap = True  # of a narrow terminal the headers give way
    for k, (name, by_metric) in enumerate(compared.scores.items()):
        first = by_metric[compared.metric]
        cells = [name, decimals(first.value, 4), interval_text(first)]
        cells += [decimals(by_metric[metric].value, 4) for metric in compared.metrics[1:]]
        if k == 0:
            grid.add_row(Text(name, "bold"), *[Text(cell, "bold green") for cell in cells[1:]])
        else:
            grid.add_row(*cells)
    return grid


def interval_text(interval: Any) -> str:
    """The ends of an interval; nothing if there are none."""
    if not (isfinite(interval.low) and isfinite(interval.high)):
        return ""
    return f"{decimals(interval.low, 3)} to {decimals(interval.high, 3)}"


def decimals(value: float, digits: int) -> str:
    """A number with so many decimals; zero has no sign, and what is not defined is a dash.

    Examples
    --------
    >>> decimals(-0.00001, 3), decimals(-0.1234, 3)
    ('0.000', '-0.123')
    """
    if not isfinite(value):
        return "-"
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def threshold_lines(threshold: Any) -> list[str]:
    """A line about the threshold of the rarer of two classes, if there is one."""
    if threshold is None:
        return []
    gain = f"F1 {threshold.f1:.3f} instead of {threshold.f1_at_half:.3f} from 0.5 on"
    if threshold.total_cost is not None:
        usual = f"{threshold.total_cost_at_half:,.6g} from 0.5 on"
        gain = f"errors cost {threshold.total_cost:,.6g} instead of {usual}"
    fewest = min(threshold.validation_positives, threshold.test_positives)
    doubt = "" if fewest >= FEW_POSITIVES else (
        f" It was chosen by {threshold.validation_positives} and tested on "
        f"{threshold.test_positives} rows of {threshold.positive!r}: too few to rely on."
    )  # fmt: skip
    return [
        f"If {threshold.positive!r} is predicted from a probability of {threshold.value:.3g} on "
        f"(chainrule predict --threshold chosen): {gain}, precision {threshold.precision:.3f}, "
        f"recall {threshold.recall:.3f}.{doubt}"
    ]


def honest_line(score: Any) -> str:
    """How much kinder a random split is than the use will be, and the option."""
    return f"{honest_text(score)}: {together(score.option)}"


def honest_text(score: Any) -> str:
    """How much kinder a random split is than the use will be."""
    kind = {"time": "later rows", "group": f"other groups of {score.column!r}"}[score.kind]
    return (
        f"{score.model} have {score.metric} {score.random:.3f} on random rows, and "
        f"{score.honest:.3f} on {kind}"
    )


def advice_line(advice: Any) -> str:
    """One thing to look out for, with the option that deals with it."""
    if not advice.option or advice.option in advice.message:
        return str(advice.message)
    return f"{advice.message} {together(advice.option)}"


def together(options: str) -> str:
    """Options whose values stay on their lines where the lines are wrapped.

    Examples
    --------
    >>> together("--split time --by day").split(" ")
    ['--split\\xa0time', '--by\\xa0day']
    """
    return re.sub(r" (?!-)", TOGETHER, options)
