"""Blackjack: scores against Gymnasium's, and the distribution of cards by enumeration."""

from __future__ import annotations

from functools import cache
from itertools import product

import gymnasium
import numpy as np
import pytest
from scipy import stats

from chainrule import random
from chainrule.rl.environments import Blackjack, BlackjackState
from chainrule.rl.environments.blackjack import MOST_DRAWS

PROBABILITY = dict.fromkeys(range(1, 10), 1 / 13) | {10: 4 / 13}
N = 100_000


def value(hand):
    return sum(hand) + 10 * (1 in hand and sum(hand) + 10 <= 21)


def state_of(players, dealers):
    """The state of hands, given as lists of cards, the dealer's shown card first."""
    natural = lambda hand: sorted(hand) == [1, 10]  # noqa: E731
    columns = [
        [sum(h) for h in players], [1 in h for h in players], [natural(h) for h in players],
        [h[0] for h in dealers],
        [sum(h) for h in dealers], [1 in h for h in dealers], [natural(h) for h in dealers],
        [0] * len(players),
    ]  # fmt: skip
    return BlackjackState(*(np.array(column) for column in columns))


@pytest.mark.parametrize("settings", [{"sab": True, "natural": False},
                                      {"sab": False, "natural": True},
                                      {"sab": False, "natural": False}])  # fmt: skip
def test_scores_are_those_of_gymnasium(settings):
    """All pairs of some player's hands with the dealer's of 17 and more, and of two cards."""
    peer = gymnasium.make("Blackjack-v1", **settings).unwrapped
    players = [[1, 10], [10, 1], [10, 10], [5, 6, 10], [1, 5, 5], [2, 3], [1, 1], [10, 9], [1, 7]]
    two = [list(hand) for hand in product(range(1, 11), repeat=2) if value(hand) >= 17]
    pairs = [(p, d) for p in players for d in two]
    state = state_of(*zip(*pairs, strict=True))
    action, keys = np.zeros(len(pairs), np.int64), random.split(random.key(0), len(pairs))
    ours = Blackjack(**settings, dtype=np.float64).step(state, action, keys)
    for k, (player, dealer) in enumerate(pairs):
        peer.reset(seed=0)
        peer.player, peer.dealer = list(player), list(dealer)
        observation, reward, terminated, *_ = peer.step(0)
        assert (reward, terminated) == (ours[2][k], ours[3][k])
        assert list(observation) == ours[1][k].tolist()


def frequencies_fit(observed, expected):
    """Whether draws are as frequent as likely, by a chi-square test; none is impossible."""
    keys, counts = np.unique(observed, axis=0, return_counts=True)
    found = {tuple(np.atleast_1d(k).tolist()): n for k, n in zip(keys, counts, strict=True)}
    assert found.keys() <= expected.keys()
    total = sum(found.values())
    probabilities = np.array([expected[k] for k in expected])
    counts = np.array([found.get(k, 0) for k in expected])
    return stats.chisquare(counts, total * probabilities / probabilities.sum()).pvalue > 1e-3


def test_first_hands():
    """Sum, shown card and usable ace are as frequent as the four cards make them."""
    expected = {}
    for first, second, shown in product(PROBABILITY, repeat=3):
        key = (value([first, second]), shown, int(1 in (first, second)))
        chance = PROBABILITY[first] * PROBABILITY[second] * PROBABILITY[shown]
        expected[key] = expected.get(key, 0.0) + chance
    _, observation = Blackjack().reset(random.split(random.key(3), N))
    assert frequencies_fit(observation, expected)


def test_hits():
    """One card, drawn as often as there are of it; above 21 the hand is lost."""
    for hand in ([10, 5], [1, 6], [1, 10], [2, 2]):
        state = state_of([hand] * N, [[9, 9]] * N)
        after, observation, reward, terminated, _ = Blackjack().step(
            state, np.ones(N, np.int64), random.split(random.key(sum(hand)), N)
        )
        expected = {}
        for card, chance in PROBABILITY.items():
            new = [*hand, card]
            bust = value(new) > 21
            key = (value(new), int(value(new) > sum(new)), -int(bust), int(bust))
            expected[key] = expected.get(key, 0.0) + chance
        columns = [observation[:, 0], observation[:, 2], reward, terminated]
        assert frequencies_fit(np.stack(columns, axis=1).astype(int), expected)
        assert not after.player_natural.any()


@cache
def dealer_distribution(hand):
    """The probabilities of the dealer's final sums from a hand (0 above 21), card by card."""
    if value(hand) >= 17:
        return {value(hand) if value(hand) <= 21 else 0: 1.0}
    total = {}
    for card, chance in PROBABILITY.items():
        for final, p in dealer_distribution(tuple(sorted((*hand, card)))).items():
            total[final] = total.get(final, 0.0) + chance * p
    return total


@pytest.mark.parametrize(("player", "dealer"), [((10, 9), (6, 10)), ((10, 7), (1, 1)),
                                                ((10, 8), (2, 2)), ((10, 10), (1, 5))])  # fmt: skip
def test_dealers(player, dealer):
    """Won, drawn and lost are as frequent as the enumeration of the dealer's hands makes them."""
    _, _, reward, terminated, _ = Blackjack().step(
        state_of([player] * N, [dealer] * N), np.zeros(N, np.int64), random.split(random.key(1), N)
    )
    expected = {}
    for final, chance in dealer_distribution(tuple(sorted(dealer))).items():
        key = (int(np.sign(value(player) - final)),)
        expected[key] = expected.get(key, 0.0) + chance
    assert frequencies_fit(reward.astype(int), expected)
    assert terminated.all()


def longest(hand, draws=0):
    """The most cards that a dealer can draw from a hand."""
    if value(hand) >= 17:
        return draws
    return max(longest((*hand, card), draws + 1) for card in range(1, 11))


def test_no_hand_needs_more_draws():
    """Two aces draw the longest; with more low cards no hand can be below 17."""
    assert MOST_DRAWS == max(longest(tuple(hand)) for hand in ((1, 1), (1, 2), (2, 2)))


def test_text():
    state = state_of([[1, 7]], [[10, 3]])
    row = BlackjackState(*(column[0] for column in state))
    assert "player: 18, with an ace as 11\ndealer shows: 10\n" == Blackjack().render_text(row)
    row = row._replace(player=np.int64(18), player_ace=np.True_)
    assert "player: 18\ndealer shows: 10\n" == Blackjack().render_text(row)
