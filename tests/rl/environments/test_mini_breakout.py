"""MiniBreakout against the game written for one ball, as MinAtar's article describes it."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import random
from chainrule.rl.environments import MiniBreakout, auto_reset_step, state_at


class Game:
    """One game, cell by cell; directions 0 to 3 are up left, up right, down right, down left."""

    def __init__(self, from_right):
        self.x, self.direction = (9, 3) if from_right else (0, 2)
        self.y, self.paddle = 3, 4
        self.wall = np.zeros((10, 10), int)
        self.wall[1:4] = 1
        self.strike, self.last = False, (self.y, self.x)

    def act(self, action):
        """Return the reward and whether the game is over."""
        reward, over, struck = 0, False, False
        self.paddle = min(max(self.paddle + {0: 0, 1: -1, 2: 1}[action], 0), 9)
        y, x = self.last = (self.y, self.x)
        new_x = x + (1 if self.direction in (1, 2) else -1)
        new_y = y + (1 if self.direction in (2, 3) else -1)
        if not 0 <= new_x <= 9:
            new_x = min(max(new_x, 0), 9)
            self.direction = [1, 0, 3, 2][self.direction]
        if new_y < 0:
            new_y = 0
            self.direction = [3, 2, 1, 0][self.direction]
        elif self.wall[new_y, new_x]:
            struck = True
            if not self.strike:
                reward, self.strike = 1, True
                self.wall[new_y, new_x] = 0
                new_y = y
                self.direction = [3, 2, 1, 0][self.direction]
        elif new_y == 9:
            if not self.wall.any():
                self.wall[1:4] = 1
            if x == self.paddle:
                self.direction = [3, 2, 1, 0][self.direction]
                new_y = y
            elif new_x == self.paddle:
                self.direction = [2, 3, 0, 1][self.direction]
                new_y = y
            else:
                over = True
        if not struck:
            self.strike = False
        self.x, self.y = new_x, new_y
        return reward, over

    def planes(self):
        planes = np.zeros((10, 10, 4), np.float32)
        planes[9, self.paddle, 0] = 1
        planes[self.y, self.x, 1] = 1
        planes[(*self.last, 2)] = 1
        planes[:, :, 3] = self.wall
        return planes


def following(environment, state, draw):
    """Below the ball, or where it will be; every other copy now and then goes anywhere."""
    edge = draw.random(len(state.column)) < 0.3
    ahead = state.column + state.column_speed * (edge & (state.row_speed > 0))
    action = np.where(ahead > state.paddle, 2, np.where(ahead < state.paddle, 1, 0))
    careless = draw.random(len(action)) < 0.1 * (np.arange(len(action)) % 2)
    return np.where(careless, draw.integers(0, 3, len(action)), action)


def test_steps_are_those_of_the_game():
    """Forty games, 450 steps each, of a thousand bricks: planes, rewards and ends."""
    environment, draw = MiniBreakout(0.0, max_episode_steps=None), np.random.default_rng(0)
    state, observation = environment.reset(random.split(random.key(0), 40))
    games = [Game(column == 9) for column in state.column]
    assert 5 < sum(game.x == 9 for game in games) < 35
    total = ends = refilled = 0
    for k in range(450):
        np.testing.assert_array_equal(np.array([game.planes() for game in games]), observation)
        action, keys = following(environment, state, draw), random.split(random.key(k), 40)
        expected = [game.act(int(a)) for game, a in zip(games, action, strict=True)]
        before = state.bricks
        state, observation, reward, terminated, _, final = auto_reset_step(
            environment, state, action, keys
        )
        assert expected == list(zip(reward.tolist(), terminated.tolist(), strict=True))
        for row in np.flatnonzero(terminated):
            np.testing.assert_array_equal(games[row].planes(), final[row])
            games[row] = Game(state.column[row] == 9)
        total, ends = total + reward.sum(), ends + terminated.sum()
        refilled += np.sum((before == 0) & (state.bricks != 0) & ~terminated)
    assert total > 1000
    assert ends > 20
    assert refilled > 0


def test_cleared_bricks_come_again():
    """When the ball comes to the paddle's row and no brick is left."""
    environment = MiniBreakout(sticky_action_prob=0.0)
    state, _ = environment.reset(random.split(random.key(0), 2))
    one = np.ones(2, np.int32)
    state = state._replace(bricks=0 * one, row=8 * one, column=3 * one, row_speed=one,
                           column_speed=one, paddle=3 * one)  # fmt: skip
    after, observation, _, terminated, _ = environment.step(state, np.array([0, 1]), None)
    assert [30.0] * 2 == observation[..., 3].sum(axis=(1, 2)).tolist()
    assert [False, True] == terminated.tolist()
    assert (-1, 8) == (after.row_speed[0], after.row[0])


def test_actions_stick():
    """One in ten steps, another for each copy, repeats the last action; then that is the last."""
    environment, n = MiniBreakout(), 20_000
    state, _ = environment.reset(random.split(random.key(0), n))
    state = state._replace(last_action=np.full(n, 1, np.int32))
    state, *_ = environment.step(state, np.full(n, 2), random.split(random.key(1), n))
    stuck = state.paddle == 3
    assert (stuck | (state.paddle == 5)).all()
    assert abs(stuck.mean() - 0.1) < 4 * np.sqrt(0.09 / n)
    np.testing.assert_array_equal(np.where(stuck, 1, 2), state.last_action)
    for wrong in (-0.1, 1.5, float("nan")):
        with pytest.raises(ValueError, match="sticky_action_prob=.*: give 0 to 1"):
            MiniBreakout(sticky_action_prob=wrong)


def test_picture():
    environment = MiniBreakout()
    state, _ = environment.reset(random.split(random.key(0), 1))
    picture = environment.render(state_at(state, 0))
    assert ((320, 320, 3), np.uint8) == (picture.shape, picture.dtype)
    cells = picture[16::32, 16::32]
    assert 29 == (cells == (204, 120, 77)).all(axis=2).sum()
    assert [[9, 4]] == np.argwhere((cells == (86, 156, 214)).all(axis=2)).tolist()
    assert [[3, state.column[0]]] == np.argwhere((cells == (240, 240, 240)).all(axis=2)).tolist()
