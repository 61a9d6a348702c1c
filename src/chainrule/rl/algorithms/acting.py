"""What a model does with observations: functions of the agent, to be compiled."""

from __future__ import annotations

from typing import Any

from ... import random
from ..agents.base import Agent, predict_from


def best(agent: Agent, state: Any, observation: Any) -> Any:
    """Return the best action of each row."""
    return agent.predict(state, observation, None, True)


def draw(agent: Agent, state: Any, observation: Any, key: Any, number: Any) -> Any:
    """Draw an action for each row, with the key that a number makes."""
    return agent.predict(state, observation, random.fold_in(key, number), False)


def best_from(agent: Agent, state: Any, observation: Any, memory: Any) -> Any:
    """Return the best action of each row, and the memory after it."""
    return predict_from(agent, state, observation, memory, None, True)


def draw_from(
    agent: Agent, state: Any, observation: Any, key: Any, number: Any, memory: Any
) -> Any:
    """Draw an action for each row, and return the memory after it."""
    return predict_from(agent, state, observation, memory, random.fold_in(key, number), False)
