"""`ReinforcementReport`: what a training by reinforcement has to tell, and its page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import DataError
from ..markup import Markup
from . import card, film, policy_card, returns
from .page import html_page

History = Sequence[Mapping[str, float]]


@dataclass(frozen=True, eq=False)
class ReinforcementReport:
    """A policy that was trained and evaluated, told in plain values; what is left out is not shown.

    Parameters
    ----------
    environment, algorithm : str
    date : str
        As it is to be printed; nothing here looks at a clock.
    histories : dict of sequence of dict of float
        By seed, the rows of ``model.history``: ``num_timesteps``, ``ep_rew_mean``, ``ep_len_mean``
        and the algorithm's losses.
    returns : dict of array of shape (episodes,)
        By policy, those of the evaluation: ``{"PPO": [...], "random actions": [...]}``.
    lengths : dict of array of shape (episodes,)
        Likewise.
    threshold : float, optional
        The mean return from which the task counts as solved.
    settings : sequence of (str, object, str)
        Name, value, and where the value comes from.
    dataset : dict
        Facts about the environment and the training.
    layers : sequence of (str, str, int)
        Name, shape, and number of parameters.
    versions : dict
    film : bytes
        An episode as a GIF or PNG picture.
    film_caption : str
    limitations : str
        Where the policy must not be trusted; an empty line parts paragraphs.
    command : str
        What has to be typed to get the same again.

    Raises
    ------
    DataError
        If a return is not finite, a history has no steps, or the film is no GIF or PNG.

    Examples
    --------
    >>> from chainrule.report import ReinforcementReport, render_reinforcement
    >>> rows = [{"num_timesteps": 100 * k, "ep_rew_mean": 20.0 * k} for k in range(1, 6)]
    >>> report = ReinforcementReport("CartPole-v1", "PPO", "2026-11-30", {0: rows})
    >>> page = render_reinforcement(report)
    >>> "Learning curves</h2>" in page, "Evaluation</h2>" in page
    (True, False)
    """

    environment: str
    algorithm: str
    date: str
    histories: Mapping[int, History] = field(default_factory=dict)
    returns: Mapping[str, Any] = field(default_factory=dict)
    lengths: Mapping[str, Any] = field(default_factory=dict)
    threshold: float | None = None
    settings: Sequence[tuple[str, object, str]] = ()
    dataset: Mapping[str, object] = field(default_factory=dict)
    layers: Sequence[tuple[str, str, int]] = ()
    versions: Mapping[str, object] = field(default_factory=dict)
    film: bytes = b""
    film_caption: str = ""
    limitations: str = ""
    command: str = ""

    def __post_init__(self) -> None:
        for name in ("returns", "lengths"):
            columns = {key: _numbers(name, x) for key, x in getattr(self, name).items()}
            object.__setattr__(self, name, columns)
        for seed, rows in self.histories.items():
            if not all("num_timesteps" in row for row in rows):
                raise DataError(f"the history of seed {seed} has a row without num_timesteps")
        if self.film and film.media_type(self.film) is None:
            raise DataError("film: give the bytes of a GIF or PNG picture")


def _numbers(name: str, values: Any) -> Any:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise DataError(f"{name} has shape {array.shape}: give a finite number for each episode")
    return array


# Identifier, heading, and what makes the section, or None where there is nothing to show.
SECTIONS: tuple[tuple[str, str, Callable[[Any], Markup | None]], ...] = (
    ("evaluation", "Evaluation", returns.evaluation),
    ("film", "An episode", film.section),
    ("learning", "Learning curves", returns.learning),
    ("updates", "Updates", returns.updates),
    ("card", "Policy card", policy_card.section),
    ("command", "Repeat it", card.command),
)


def render_reinforcement(report: ReinforcementReport) -> str:
    """The report as one HTML page, which loads nothing and runs no script.

    The same report gives the same text.

    Parameters
    ----------
    report : ReinforcementReport

    Returns
    -------
    str

    Examples
    --------
    >>> from chainrule.report import ReinforcementReport, render_reinforcement
    >>> page = render_reinforcement(ReinforcementReport("<env>", "PPO", "2026-11-30"))
    >>> "<h1>&lt;env&gt;</h1>" in page, "http" in page.replace("http-equiv", "")
    (True, False)
    """
    sections = [(name, title, build(report)) for name, title, build in SECTIONS]
    about = ["reinforcement learning", report.algorithm, report.date]
    return html_page(report.environment, "reinforcement learning report", about, sections)
