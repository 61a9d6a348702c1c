"""Blackjack: draw cards to come closer to 21 than the dealer, without going over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ... import random
from ...lazy import LazyModule
from .protocol import Environment, Step

spaces = LazyModule("gymnasium.spaces", extra="rl")

N_RANKS = 13  # ace, 2 to 10, jack, queen, king
MOST_DRAWS = 10  # of the dealer: six aces, a six and five aces are the longest hand that stops late


class BlackjackState(NamedTuple):
    """Both hands as sums with aces as 1, whether they hold one, and are an ace and a ten.

    The dealer's hand is that of two cards until the player sticks, `dealer_card` the one shown.
    """

    player: Any
    player_ace: Any
    player_natural: Any
    dealer_card: Any
    dealer: Any
    dealer_ace: Any
    dealer_natural: Any
    steps: Any


@dataclass(frozen=True)
class Blackjack(Environment[BlackjackState]):
    """Hit (1) or stick (0) against a dealer who draws up to 17, from an infinite deck.

    Gymnasium's Blackjack-v1. The player wins 1, loses 1, or draws at 0. The observation is the
    player's sum, the dealer's card and whether the player has an ace that counts as 11, as
    int64[3].

    Parameters
    ----------
    natural : bool
        Whether a win with an ace and a ten pays 1.5; unless `sab`. Default False.
    sab : bool
        The rules of Sutton and Barto's book: an ace and a ten win against whatever is not an ace
        and a ten. Default True.
    max_episode_steps : int or None
        Default None, no limit.
    dtype : float32 or float64
        Of rewards. Default float32.

    References
    ----------
    R. S. Sutton, A. G. Barto: "Reinforcement learning" (2018), example 5.1.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> environment = Blackjack()
    >>> state, observation = environment.reset(random.split(random.key(0), 2))
    >>> observation.tolist()
    [[13, 10, 0], [18, 3, 1]]
    >>> state, observation, reward, terminated, truncated = environment.step(
    ...     state, np.array([0, 1]), random.split(random.key(1), 2))
    >>> observation.tolist(), reward.tolist(), terminated.tolist()
    ([[13, 10, 0], [18, 3, 0]], [-1.0, 0.0], [True, False])
    """

    natural: bool = False
    sab: bool = True
    max_episode_steps: int | None = None
    dtype: DTypeLike = np.float32

    @property
    def observation_space(self) -> Any:
        """The player's sum, the dealer's card, and whether an ace counts as 11."""
        return spaces.MultiDiscrete([32, 11, 2])

    @property
    def action_space(self) -> Any:
        """0 sticks, 1 hits."""
        return spaces.Discrete(2)

    def reset(self, key: Any) -> tuple[BlackjackState, Any]:
        """Two cards each."""
        first, second, upcard, hidden = _cards(key, 4)
        state = BlackjackState(
            *_hand(first, second), upcard, *_hand(upcard, hidden), np.zeros(first.shape, np.int32)
        )
        return state, self._observe(state)

    def step(self, state: BlackjackState, action: Any, key: Any) -> Step[BlackjackState]:
        """Draw a card for the player, or play out the dealer's hand and compare."""
        hits = action == 1
        drawn = _cards(key, MOST_DRAWS)
        player = state.player + np.where(hits, drawn[0], 0)
        player_ace = state.player_ace | (hits & (drawn[0] == 1))
        dealer, dealer_ace = state.dealer, state.dealer_ace
        for card in drawn:
            draws = ~hits & (_value(dealer, dealer_ace) < 17)
            dealer = dealer + np.where(draws, card, 0)
            dealer_ace = dealer_ace | (draws & (card == 1))
        bust = hits & (player > 21)
        won = self._comparison(state, _value(player, player_ace), _value(dealer, dealer_ace))
        reward = np.where(hits, np.where(bust, -1.0, 0.0), won).astype(self.dtype)
        state = state._replace(
            player=player, player_ace=player_ace, player_natural=state.player_natural & ~hits,
            dealer=dealer, dealer_ace=dealer_ace, steps=state.steps + 1,
        )  # fmt: skip
        truncated = self.out_of_time(state.steps)
        return state, self._observe(state), reward, ~hits | bust, truncated

    def _comparison(self, state: BlackjackState, player: Any, dealer: Any) -> Any:
        """What the player gets for two sums, of which one above 21 counts as 0."""
        player, dealer = (np.where(value > 21, 0, value) for value in (player, dealer))
        won = np.where(player > dealer, 1.0, np.where(player < dealer, -1.0, 0.0))
        if self.sab:
            return np.where(state.player_natural & ~state.dealer_natural, 1.0, won)
        if self.natural:
            return np.where(state.player_natural & (won == 1.0), 1.5, won)
        return won

    def _observe(self, state: BlackjackState) -> Any:
        value = _value(state.player, state.player_ace)
        usable = value > state.player
        return np.stack([value, state.dealer_card, usable], axis=1).astype(np.int64)

    def render_text(self, state_row: BlackjackState) -> str:
        """Both hands in words."""
        value = int(_value(state_row.player, state_row.player_ace))
        ace = ", with an ace as 11" if value > state_row.player else ""
        return f"player: {value}{ace}\ndealer shows: {int(state_row.dealer_card)}\n"


def _cards(key: Any, count: int) -> Any:
    """Cards as int64[count, n]: ace 1, pictures 10."""
    return np.minimum(random.randint(key, count, 1, N_RANKS + 1), 10).T


def _hand(first: Any, second: Any) -> tuple[Any, Any, Any]:
    """The sum of two cards, whether there is an ace, and whether they are an ace and a ten."""
    ace = (first == 1) | (second == 1)
    return first + second, ace, ace & (first + second == 11)


def _value(total: Any, ace: Any) -> Any:
    """The sum of a hand; an ace counts as 11 where that is at most 21."""
    return total + np.where(ace & (total <= 11), 10, 0)
