"""Steps of learning in a table, number by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from ... import escape
from ...lazy import LazyModule
from ...markup import tag
from .agents import ExpectedSARSAAgent, SARSAAgent, TabularAgent, Update
from .states import state_label

rich_box = LazyModule("rich.box", extra="rl")
rich_console = LazyModule("rich.console", extra="rl")
rich_table = LazyModule("rich.table", extra="rl")
rich_text = LazyModule("rich.text", extra="rl")

_RULED = "    \n    \n -- \n" + 5 * "    \n"  # a rich box: nothing but a line below the headers
_WIDEST = 10**6  # columns of text: no cell is folded
_STYLE = "border-collapse:collapse;font-family:monospace;font-size:90%"
_CELL = "border:1px solid #ccc;padding:2px 8px;text-align:left;white-space:pre"


@dataclass(frozen=True)
class TableStep:
    """One step of one copy of the environment, and what it changed in the table.

    Attributes
    ----------
    number, copy : int
        From 1, and from 0.
    state, next_state : str
        The observations, such as ``14`` or ``(14, 10, 0)``.
    action : int
        As the environment takes it.
    is_random : bool
        Whether the action was drawn from all to explore, or was the best.
    reward : float
    terminated : bool
        Whether the episode ended there, so that nothing follows.
    next_value : float
        What the next state is worth, before the discount; 0 where the episode terminated.
    target : float
        ``reward + gamma * next_value``
    error : float
        ``target - old``
    learning_rate : float
    old, new : float
        The entry of state and action before and after: ``new = old + learning_rate * error``.
    """

    number: int
    copy: int
    state: str
    action: int
    is_random: bool
    reward: float
    next_state: str
    terminated: bool
    next_value: float
    target: float
    error: float
    learning_rate: float
    old: float
    new: float


@dataclass(frozen=True)
class TableExplanation:
    """Steps of learning. Prints as a table; `show` draws it with colours.

    Attributes
    ----------
    formula : tuple of str
        What is computed in each step, a line each.
    value_name : str
        What the next state is worth, in the formula.
    steps : tuple of TableStep
    """

    formula: tuple[str, ...]
    value_name: str
    steps: tuple[TableStep, ...]

    def __str__(self) -> str:
        box = rich_box.Box(_RULED, ascii=True)
        table = rich_table.Table(box=box, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
        for header in self._headers():
            table.add_column(header, no_wrap=True)
        for row in self._rows():
            table.add_row(*row)
        out = StringIO()
        rich_console.Console(file=out, width=_WIDEST, color_system=None).print(table)
        lines = [line.rstrip() for line in out.getvalue().splitlines()]
        return "\n".join([*self.formula, "", *lines])

    def __rich__(self) -> Any:
        table = rich_table.Table(title="\n".join(self.formula), title_justify="left")
        styles = {"old Q(s, a)": "cyan", "error": "magenta", "target": "yellow",
                  "new Q(s, a)": "green"}  # fmt: skip
        for header in self._headers():
            table.add_column(header, style=styles.get(header), overflow="fold")
        for row in self._rows():
            table.add_row(*[rich_text.Text(escape.terminal(cell)) for cell in row])
        return table

    def _repr_html_(self) -> str:
        head = tag("tr", [tag("th", header, style=_CELL) for header in self._headers()])
        body = [tag("tr", [tag("td", cell, style=_CELL) for cell in row]) for row in self._rows()]
        table = tag("table", tag("thead", head), tag("tbody", body), style=_STYLE)
        return str(tag("div", [tag("pre", "\n".join(self.formula)), table]))

    def show(self) -> None:
        """Print the table to the terminal, as wide as it is and in colours."""
        rich_console.Console().print(self)

    @property
    def _has_copies(self) -> bool:
        return any(step.copy for step in self.steps)

    def _headers(self) -> list[str]:
        copy = ["copy"] if self._has_copies else []
        return ["step", *copy, "s", "a", "reward", "s'", self.value_name, "target", "old Q(s, a)",
                "error", "rate", "new Q(s, a)"]  # fmt: skip

    def _rows(self) -> list[list[str]]:
        return [
            [str(step.number), *([str(step.copy)] if self._has_copies else []), step.state,
             f"{step.action} {'explores' if step.is_random else 'best'}", _digits(step.reward),
             f"{step.next_state}{' end' if step.terminated else ''}",
             "" if step.terminated else _digits(step.next_value),
             *map(_digits, (step.target, step.old, step.error, step.learning_rate, step.new))]
            for step in self.steps
        ]  # fmt: skip


def explained_steps(agent: TabularAgent, updates: Sequence[Update]) -> TableExplanation:
    """Return an explanation of what an agent learned in several steps.

    Parameters
    ----------
    agent : TabularAgent
    updates : sequence of Update
        That of each step, of all copies.
    """
    value_name, meaning = _next_value_in_words(agent)
    rate = "rate"
    if agent.visit_decay is not None:
        rate = f"(1 + visits)^-{agent.visit_decay:g}"
    formula = (
        f"target = reward + {agent.gamma:g} * {value_name}: {meaning}.",
        "Where an episode ends, nothing follows, and the target is the reward.",
        f"error = target - Q(s, a), and the table's entry moves by a part of it, {rate}:",
        "new Q(s, a) = old Q(s, a) + rate * error",
    )
    steps = [
        _step(agent, number, copy, update)
        for number, update in enumerate(updates, 1)
        for copy in range(agent.n_envs)
        if update.valid[copy]
    ]
    return TableExplanation(formula, value_name, tuple(steps))


def _next_value_in_words(agent: TabularAgent) -> tuple[str, str]:
    if isinstance(agent, SARSAAgent):
        return "Q(s', a')", "the action that is taken next is what the next state is worth"
    if isinstance(agent, ExpectedSARSAAgent):
        return "E Q(s', .)", "what the next actions are worth on average, exploring ones included"
    return "max Q(s', .)", "the best that can be done next, by what the table knows so far"


def _step(agent: TabularAgent, number: int, copy: int, update: Update) -> TableStep:
    return TableStep(
        number=number,
        copy=copy,
        state=state_label(agent.observation, int(update.state[copy])),
        action=int(update.action[copy]) + agent.action.start,
        is_random=bool(update.is_random[copy]),
        reward=float(update.reward[copy]),
        next_state=state_label(agent.observation, int(update.next_state[copy])),
        terminated=bool(update.terminated[copy]),
        next_value=float(update.next_value[copy]),
        target=float(update.target[copy]),
        error=float(update.error[copy]),
        learning_rate=float(update.learning_rate[copy]),
        old=float(update.old[copy]),
        new=float(update.new[copy]),
    )


def _digits(x: float) -> str:
    return f"{x:.4g}"
