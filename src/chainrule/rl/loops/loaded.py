"""The state of an agent that was loaded from a file, without an environment to learn from."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...random import split
from ...transforms import jit
from ..agents.base import Agent


class LoadedState(NamedTuple):
    """The agent's state alone."""

    agent: Any


class LoadedAgent:
    """What `predict` needs of a loop.

    Parameters
    ----------
    agent : Agent
    key : uint32[2]
    total_timesteps : int
    """

    def __init__(self, agent: Agent, key: Any, total_timesteps: int) -> None:
        agent_key, _ = split(key)
        state = LoadedState(agent.init(agent_key, total_timesteps))
        self.bound = jit(lambda state: (state, None)).bind(state)

    @property
    def state(self) -> LoadedState:
        """A copy of the state. Setting it copies another one of the same structure."""
        return self.bound.state  # type: ignore[no-any-return]

    @state.setter
    def state(self, state: LoadedState) -> None:
        self.bound.state = state

    @property
    def num_timesteps(self) -> int:
        """Steps of the training so far."""
        return int(self.state.agent.num_timesteps)  # rarely asked for: nothing to compile

    @staticmethod
    def agent_of(state: LoadedState) -> Any:
        """Return the agent's part of a state."""
        return state.agent
