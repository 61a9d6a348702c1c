"""The health of the gradients: charts by layer, and in plain words what looks wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..markup import Markup, markup, tag
from .charts import COLOURS, Axes, drawing, evenly, figure
from .document import Report
from .elements import number, percent, shortened, table
from .scale import spanning
from .training import epoch_scale

VANISHED = 1e-4  # of the largest layer's gradient: such a layer hardly learns beside the others
EXPLODED = 100  # times the first epoch's gradient: norms fall while a training goes well
HUGE = 1000  # a norm that no clipping rule in use lets through
RESTLESS = 0.5  # of its weights: a layer that changes so much each epoch does not settle
ASLEEP = 1e-6  # of its weights: next to float32's resolution
MANY = 0.3  # of the units or outputs of a layer
MOST_NAMED = 5

Columns = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Flag:
    """Something that looks wrong, and what to do about it."""

    title: str
    text: str


def health(report: Report) -> Markup | None:
    """The section, or None if nothing was measured."""
    if not (report.gradient_norms or report.update_ratios or report.dead or report.saturated):
        return None
    items = [tag("li", tag("strong", f"{flag.title}. "), flag.text) for flag in flags(report)]
    norms, ratios = report.gradient_norms, report.update_ratios
    figures = [
        _by_layer(columns, title)
        for columns, title in ((norms, "Gradient norm"), (ratios, "Update by weight"))
        if any(len(column) for column in columns.values())
    ]
    calm = "No warning: every share and ratio that was measured is within its usual range."
    return markup(
        tag("ul", items, class_="flags") if items else tag("p", calm),
        tag("div", figures, class_="figures") if figures else "",
        tag("div", _norm_table(norms, ratios), _unit_table(report), class_="tables"),
    )


def flags(report: Report) -> list[Flag]:
    """What looks wrong in the numbers of a report.

    Examples
    --------
    >>> report = Report("regression", "d", "", {}, dead={"layers.0": 0.5},
    ...                 gradient_norms={"layers.0": [1e-9], "layers.1": [0.1]})
    >>> for flag in flags(report):
    ...     print(flag.title, "|", flag.text[:53])
    Vanishing gradient | layers.0 (1·10⁻⁹): less than 0.0001 of the gradient o
    Dead units | layers.0 (50.0 %): more than 30 % of the units are ne
    """
    return [
        *_norm_flags(report.gradient_norms),
        *_update_flags(report.update_ratios),
        *_flag("Dead units", {name: x for name, x in report.dead.items() if x > MANY},
               "more than 30 % of the units are never active, so no gradient reaches their "
               "weights. Lower the learning rate, or give these layers fewer units.", percent),
        *_flag("Saturated units", {name: x for name, x in report.saturated.items() if x > MANY},
               "more than 30 % of the outputs lie where the activation is flat. Scale the inputs, "
               "begin with smaller weights, or use relu.", percent),
    ]  # fmt: skip


def _norm_flags(norms: Columns) -> Iterator[Flag]:
    columns = {
        name: np.asarray(column, np.float64) for name, column in norms.items() if len(column)
    }
    broken = {name: np.nan for name, column in columns.items() if not np.isfinite(column).all()}
    yield from _flag("Gradient not finite", broken, "the norm was nan or infinite. Lower the "
                     "learning rate, scale the inputs to -1 ... 1, or clip gradients.")  # fmt: skip
    typical = {name: _typical(column) for name, column in columns.items()}
    largest = max((norm for norm in typical.values() if norm > 0), default=0.0)
    low = {name: norm for name, norm in typical.items() if norm < VANISHED * largest}
    yield from _flag("Vanishing gradient", low, f"less than {VANISHED:g} of the gradient of the "
                     "layer with the most, so next to nothing is learned there. Use relu in place "
                     "of sigmoid or tanh, fewer layers, or weights from he_normal.")  # fmt: skip
    high = {
        name: float(column[-1])
        for name, column in columns.items()
        if column[-1] > HUGE or column[-1] > EXPLODED * column[0] > 0
    }
    yield from _flag("Exploding gradient", high, f"the norm grew more than {EXPLODED} times since "
                     f"the first epoch, or is above {HUGE:,}. Lower the learning rate, scale "
                     "inputs and targets, or clip the gradients.")  # fmt: skip


def _update_flags(ratios: Columns) -> Iterator[Flag]:
    typical = {name: _typical(np.asarray(column, np.float64)) for name, column in ratios.items()}
    high = {name: ratio for name, ratio in typical.items() if ratio > RESTLESS}
    yield from _flag("Large updates", high, "an epoch changes these weights by more than half of "
                     "their size. Lower the learning rate.")  # fmt: skip
    low = {name: ratio for name, ratio in typical.items() if ratio < ASLEEP}
    yield from _flag("Weights hardly move", low, "an epoch changes them by less than a millionth "
                     "of their size. Raise the learning rate, or look for dead units.")  # fmt: skip


def _flag(
    title: str, layers: Mapping[str, float], text: str, text_of: Callable[[float], str] = number
) -> Iterator[Flag]:
    """A flag that names the layers it was found in, if there are any."""
    named = [f"{shortened(name, 60)} ({text_of(x)})" for name, x in layers.items()]
    more = [f"{len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else []
    if named:
        yield Flag(title, f"{', '.join([*named[:MOST_NAMED], *more])}: {text}")


def _typical(column: NDArray[Any]) -> float:
    """The median of what is finite; nan, which is neither high nor low, if nothing is."""
    finite = column[np.isfinite(column)]
    return float(np.median(finite)) if finite.size else float("nan")


def _by_layer(columns: Columns, title: str) -> Markup:
    names = [list(columns)[k] for k in evenly(len(columns), COLOURS)]
    length = max(len(column) for column in columns.values())
    axes = Axes(epoch_scale([1.0, float(length)]), spanning(*columns.values(), log=True))
    lines = [
        axes.line(np.arange(1, len(columns[name]) + 1), columns[name], k)
        for k, name in enumerate(names)
    ]
    spoken = [
        f"{shortened(name, 40)} {number(float(columns[name][-1]))}"
        for name in names
        if len(columns[name])
    ]
    description = f"{title} by layer in {length:,} epochs; at the end {', '.join(spoken)}."
    note = "logarithmic scale"
    if len(names) < len(columns):
        note += f"; {len(names)} of {len(columns):,} layers"
    return figure(title, drawing(axes, ("epoch", title.lower()), description, *lines), note, names)


def _norm_table(norms: Columns, ratios: Columns) -> Markup | None:
    names = list(dict.fromkeys([*norms, *ratios]))
    if not names:
        return None
    rows = []
    for name in names:
        norm = [float(x) for x in norms.get(name, ())] or [np.nan]
        ratio = _typical(np.asarray(ratios.get(name, ()), np.float64))
        rows.append((name, norm[0], norm[-1], ratio))
    headers = ("layer", "gradient norm, first epoch", "last epoch", "update by weight, median")
    return table("Gradients and updates", headers, rows)


def _unit_table(report: Report) -> Markup | None:
    names = list(dict.fromkeys([*report.dead, *report.saturated]))
    if not names:
        return None
    measured = (report.dead, report.saturated)
    rows = [(name, *[percent(shares.get(name, np.nan)) for shares in measured]) for name in names]
    return table("Hidden layers", ("layer", "dead units", "saturated outputs"), rows)
