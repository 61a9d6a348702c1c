"""Films of episodes: frames, GIF files, and what cannot be seen."""

from io import BytesIO

import gymnasium
import numpy as np
import pytest
from PIL import Image

from chainrule import rl
from chainrule.errors import DataError, ShapeError, UnsupportedError
from chainrule.rl.rendering import TEXTS, PlayableEpisodes, gif, visible_gymnasium


@pytest.fixture(scope="module")
def walker():
    """A policy of FrozenLake without ice that was never trained."""
    return rl.PPO(rl.make_environment("FrozenLake-v1", is_slippery=False), seed=0)


def unpacked(data):
    with Image.open(BytesIO(data)) as picture:
        frames = []
        for k in range(picture.n_frames):
            picture.seek(k)
            frames.append((picture.info["duration"], np.array(picture.convert("RGB"))))
    return frames


def test_a_gif_has_the_pictures_in_their_order():
    """And the time that each of them stays; the last one is never left out."""
    pictures = [np.full((4, 6, 3), 20 * k, np.uint8) for k in range(10)]
    frames = unpacked(gif(pictures, 10.0))
    assert [100] * 10 == [duration for duration, _ in frames]
    for wanted, (_, picture) in zip(pictures, frames, strict=True):
        np.testing.assert_array_equal(wanted, picture)
    fast = unpacked(gif(pictures, 100.0))  # every second one, 50 a second, and the last
    assert [0, 40, 80, 120, 160, 180] == [int(picture[0, 0, 0]) for _, picture in fast]
    assert {20} == {duration for duration, _ in fast}
    assert (2, 3) == unpacked(gif(pictures, 10.0, width=3))[0][1].shape[:2]


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan")])
def test_no_pictures_and_no_speed(fps):
    with pytest.raises(ValueError, match="fps="):
        gif([np.zeros((2, 2, 3), np.uint8)], fps)
    with pytest.raises(ValueError, match="no pictures"):
        gif([], 10.0)


def test_frames_are_those_of_the_episode(walker):
    """As Gymnasium's adapter plays it: the start, each step, the sum of rewards, one end each."""
    frames = list(PlayableEpisodes(walker, None, TEXTS).frames(2, 50, seed=3))
    env = gymnasium.make("chainrule/FrozenLake-v1", is_slippery=False, render_mode="ansi")
    for episode in range(2):
        mine = [frame for frame in frames if frame.episode == episode]
        observation, _ = env.reset(seed=3 + episode)
        total, ended = 0.0, False
        for k, frame in enumerate(mine):
            assert (k, env.render(), total, ended) == (
                frame.step, frame.picture, frame.total, frame.ended
            )  # fmt: skip
            if k + 1 < len(mine):
                action, _ = walker.predict(observation, deterministic=True)
                observation, reward, terminated, truncated, _ = env.step(action)
                total, ended = total + reward, terminated or truncated or k + 1 == 50
        assert ended


def test_an_episode_is_left_where_it_is_long_enough(walker, tmp_path):
    results = rl.record_gif(walker, tmp_path / "walk.gif", n_episodes=2, max_steps=3)
    assert [3, 3] == results.lengths.tolist() and [0.0, 0.0] == results.returns.tolist()
    assert len(unpacked((tmp_path / "walk.gif").read_bytes())) <= 8
    with pytest.raises(ValueError, match="max_steps=0"):
        rl.record_gif(walker, tmp_path / "walk.gif", max_steps=0)


def test_environments_of_gymnasium(tmp_path):
    """By name, or made to be seen; others are refused in words."""
    pytest.importorskip("pygame", reason="pygame is not installed, with which Gymnasium draws")
    model = rl.PPO(gymnasium.make("CartPole-v1"), seed=0)
    path = tmp_path / "pole.gif"
    env = gymnasium.make("CartPole-v1", render_mode="rgb_array")
    assert [2] == rl.record_gif(model, path, env, max_steps=2).lengths.tolist()
    assert path.read_bytes()[:6] == b"GIF89a"
    with pytest.raises(UnsupportedError, match=r"render_mode is None: make it with render_mode='r"):
        rl.record_gif(model, path, gymnasium.make("CartPole-v1"))
    with pytest.raises(UnsupportedError, match="MountainCar-v0 has no text, only the render modes"):
        visible_gymnasium("MountainCar-v0", TEXTS)
    with pytest.raises(ShapeError, match="the environment's observations are"):
        rl.record_gif(model, path, "FrozenLake-v1")


def test_what_cannot_be_seen(tmp_path):
    with pytest.raises(UnsupportedError, match="Blackjack has no pictures, only the render modes"):
        rl.record_gif(rl.PPO("Blackjack-v1", seed=0), tmp_path / "cards.gif")
    with pytest.raises(UnsupportedError, match="CartPole has no text"):
        PlayableEpisodes(rl.PPO("CartPole-v1", seed=0), None, TEXTS)
    path = tmp_path / "absent" / "walk.gif"
    with pytest.raises(DataError, match="cannot write .*: No such file or directory; choose"):
        rl.record_gif(rl.PPO("CartPole-v1", seed=0), path, max_steps=1)
    assert [] == list(tmp_path.iterdir())
