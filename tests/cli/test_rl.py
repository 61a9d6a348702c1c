"""`chainrule rl`: what is trained, said, saved, drawn and refused."""

import html
import json
import os
import re
import shlex
import signal
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from PIL import Image

from chainrule import rl, tree
from chainrule.rl.loops.compiled import CompiledLoop

pytestmark = pytest.mark.usefixtures("_unoptimised")

QUICK = ("--set", "n_steps=16", "--n-envs", "4", "--set", "batch_size=32", "--set", "n_epochs=1",
         "--set", "net_arch=[8]", "--eval-episodes", "3", "--total-timesteps", "256")  # fmt: skip


class Raising(gymnasium.Env):
    """One that fails in its hundredth step, of all its copies."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,))
    action_space = gymnasium.spaces.Discrete(2)
    steps = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action):
        type(self).steps += 1
        if self.steps == 100:
            raise RuntimeError("the robot fell")
        return np.zeros(2, np.float32), 1.0, self.steps % 10 == 0, False, {}


@pytest.fixture
def _raising():
    """Registered under a name, as if nothing had happened yet."""
    Raising.steps = 0
    gymnasium.register("Raising-v0", entry_point=Raising)
    yield
    del gymnasium.registry["Raising-v0"]


def test_a_training_says_what_it_is_worth(run):
    """Which environment, whose settings, returns beside random actions; a file that works."""
    code, out, err = run("rl", "train", "CartPole-v1", *QUICK)
    assert (0, "") == (code, err)
    assert "CartPole-v1: ours, which runs in the compiled loop; PPO, settings tuned" in out
    assert "256 steps in " in out and "solved from a mean return of 475 on" in out
    model = rl.load("ppo-CartPole-v1.safetensors")
    assert (256, 16, 4) == (
        model.num_timesteps,
        model.settings["n_steps"],
        model.settings["n_envs"],
    )
    results = rl.evaluate_episodes(model, "CartPole-v1", 3, seed=10_000)
    row = re.search(r"PPO\s+│\s+([\d.]+) │\s+([\d.]+) │\s+([\d.]+)", out)
    wanted = [np.mean(results.returns), np.std(results.returns), np.mean(results.lengths)]
    assert wanted == pytest.approx([float(x) for x in row.groups()], rel=1e-3)
    chance = rl.evaluate_episodes(rl.RandomPolicy("CartPole-v1"), None, 3, seed=10_000)
    row = re.search(r"random actions\s+│\s+([\d.]+)", out)
    assert np.mean(chance.returns) == pytest.approx(float(row[1]), rel=1e-3)
    assert "use it with: chainrule rl watch ppo-CartPole-v1.safetensors" in out


def test_json_quiet_and_the_command_that_repeats_it(run):
    """The same weights again; `--quiet` prints the mean return alone."""
    code, out, err = run("rl", "train", "CartPole-v1", *QUICK, "--seed", "7", "--json")
    assert (0, "") == (code, err)
    facts = json.loads(out)
    assert (True, False, None) == (facts["in_graph"], facts["interrupted"], facts["error"])
    first = rl.load("ppo-CartPole-v1.safetensors").state
    code, out, _ = run(*shlex.split(facts["command"])[1:], "--quiet", "-o", "again.safetensors")
    assert (0, facts["models"][0]["mean_return"]) == (code, pytest.approx(float(out)))
    for a, b in zip(tree.leaves(first), tree.leaves(rl.load("again.safetensors").state),
                    strict=True):  # fmt: skip
        np.testing.assert_array_equal(a, b)


def test_several_seeds(run):
    """A file each, with the weights of the seed alone."""
    code, out, err = run("rl", "train", "CartPole-v1", *QUICK, "--seeds", "2", "--seed", "3")
    assert (0, "") == (code, err)
    assert "512 steps" in out and "PPO, seed 3" in out and "PPO, seed 4" in out
    run("rl", "train", "CartPole-v1", *QUICK, "--seed", "4", "-o", "alone.safetensors")
    alone, model = rl.load("alone.safetensors"), rl.load("ppo-CartPole-v1-seed4.safetensors")
    assert [np.array_equal(a, b) for a, b in zip(
        tree.leaves(alone.policy), tree.leaves(model.policy), strict=True
    )] == [True] * len(tree.leaves(model.policy))  # fmt: skip
    assert Path("ppo-CartPole-v1-seed3.safetensors").exists()


def test_gymnasiums_environment(run):
    """By its name, or forced where there is one of ours; the other commands take the model."""
    code, out, _ = run("rl", "train", "CartPole-v1", *QUICK, "--gymnasium", "-o", "m.safetensors")
    assert code == 0
    assert "CartPole-v1: Gymnasium's; PPO, settings tuned" in out
    words = ("rl", "evaluate", "m.safetensors", "--episodes", "4")
    code, out, _ = run(*words, "--gymnasium", "--json")
    facts = json.loads(out)
    assert (0, False, "CartPole-v1") == (code, facts["in_graph"], facts["environment"])
    results = rl.evaluate_episodes(rl.load("m.safetensors"), lambda: gymnasium.make("CartPole-v1"),
                                   4, seed=10_000)  # fmt: skip
    assert np.mean(results.returns) == facts["mean_return"]
    code, out, _ = run(*words, "--stochastic")
    assert code == 0 and "4 episodes of CartPole-v1, ours" in out and "mean return" in out


@pytest.mark.usefixtures("_raising")
def test_an_environment_that_raises_in_the_middle(run):
    """What was learned is saved, and the error names step and action; exit code 2."""
    code, out, err = run("rl", "train", "Raising-v0", *QUICK, "--report")
    assert code == 2
    assert "raised RuntimeError in step 25 of copy 3, action " in err
    assert "the robot fell" in err
    assert "what was learned before is saved as ppo-Raising-v0.safetensors" in err
    assert 64 <= rl.load("ppo-Raising-v0.safetensors").num_timesteps < 100
    assert "random actions" in out


def test_weights_that_are_no_longer_numbers_are_not_saved(run):
    """One line says what to change; exit code 2."""
    words = ("--set", "learning_rate=1e30", "--json")
    code, out, err = run("rl", "train", "CartPole-v1", *QUICK, *words)
    assert (2, 1, False) == (code, err.count("\n"), Path("ppo-CartPole-v1.safetensors").exists())
    assert "take a lower learning_rate" in err
    facts = json.loads(out)
    assert ([], False) == (facts["models"], facts["interrupted"])
    assert "take a lower learning_rate" in facts["error"]


def test_ctrl_c_keeps_what_was_learned(run, monkeypatch):
    """Exit code 130, a file, and an evaluation of it."""
    calls, run_rounds = [], CompiledLoop.run

    def interrupted(loop, n_rounds):
        calls.append(n_rounds)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return run_rounds(loop, n_rounds)

    monkeypatch.setattr(CompiledLoop, "run", interrupted)
    code, out, err = run("rl", "train", "CartPole-v1", *QUICK[:-1], "1000000000")
    assert (130, True) == (code, "interrupted; what was learned is kept" in err)
    assert "saved ppo-CartPole-v1.safetensors" in out
    assert sum(calls) * 64 == rl.load("ppo-CartPole-v1.safetensors").num_timesteps


def test_a_checkpoint_goes_at_the_end(run):
    """And belongs to one training."""
    code, _, err = run("rl", "train", "CartPole-v1", *QUICK, "--checkpoint", "c.safetensors")
    assert (0, "", False) == (code, err, Path("c.safetensors").exists())
    code, _, err = run("rl", "train", "CartPole-v1", *QUICK, "--checkpoint", "c", "--seeds", "2")
    assert (2, 1) == (code, err.count("\n")) and "--checkpoint holds one training" in err


def test_a_report(run):
    """Curves, evaluation, film, settings with their source, the command that repeats it."""
    code, out, err = run("rl", "train", "CartPole-v1", *QUICK, "--seeds", "2", "--report")
    assert (0, "") == (code, err)
    assert "wrote ppo-CartPole-v1.html: open it in a browser" in out
    text = Path("ppo-CartPole-v1.html").read_text()
    assert ["evaluation", "film", "learning", "updates", "card", "command"] == re.findall(
        r'<section id="(\w+)"', text
    )
    assert "data:image/gif;base64," in text and "mean of 2 seeds" in text
    for words in ("bench/rl_learning.py", "--set", "default of PPO", "layers"):
        assert words in text
    code = re.search(r"command[^>]*><code>(.*?)</code>", text)[1]
    told = html.unescape(re.sub("<.*?>", "", code))
    model = rl.load("ppo-CartPole-v1-seed1.safetensors")
    assert run(*shlex.split(told)[1:])[0] == 0
    again = rl.load("ppo-CartPole-v1-seed1.safetensors")
    for a, b in zip(tree.leaves(model.policy), tree.leaves(again.policy), strict=True):
        np.testing.assert_array_equal(a, b)


def test_watching(run):
    """Pictures as a GIF; text where there is one; a refusal where there is neither."""
    rl.PPO("CartPole-v1", seed=0).save("pole.safetensors")
    code, out, err = run("rl", "watch", "pole.safetensors", "--episodes", "2", "--max-steps", "9")
    assert (0, "") == (code, err)
    assert "episode 2: return " in out and "wrote pole.gif" in out
    with Image.open("pole.gif") as picture:
        assert ("GIF", (600, 400)) == (picture.format, picture.size)
        assert 2 < picture.n_frames <= 20
    rl.DQN("FrozenLake-v1", seed=0, buffer_size=10).save("lake.safetensors")
    code, out, _ = run("rl", "watch", "lake.safetensors", "--max-steps", "3")
    assert code == 0
    assert out.startswith("episode 1, step 0, return 0\n[S] F  F  F\n F  H  F  H\n")
    code, out, _ = run("rl", "watch", "lake.safetensors", "--out", "lake.gif", "--max-steps", "3")
    assert (0, b"GIF8") == (code, Path("lake.gif").read_bytes()[:4])
    rl.PPO("Blackjack-v1", seed=0).save("cards.safetensors")
    code, _, err = run("rl", "watch", "cards.safetensors", "--out", "cards.gif")
    assert (2, 1, False) == (code, err.count("\n"), Path("cards.gif").exists())
    assert "Blackjack has no pictures" in err


def test_the_list(run):
    """Which algorithms fit which environment, and where settings are tuned."""
    code, out, _ = run("rl", "list")
    assert code == 0
    for name in rl.ENVIRONMENTS:
        assert f"│ {name} " in out
    facts = json.loads(run("rl", "list", "--json")[1])
    rows = {row["name"]: row for row in facts["environments"]}
    pole, pendulum = rows["CartPole-v1"], rows["Pendulum-v1"]
    assert (500, 475.0, ["rgb_array"]) == (
        pole["max_episode_steps"], pole["reward_threshold"], pole["render_modes"]
    )  # fmt: skip
    assert "dqn" in pole["algorithms"] and "sac" not in pole["algorithms"]
    assert "sac" in pendulum["algorithms"] and "dqn" not in pendulum["algorithms"]
    assert {"ppo", "a2c", "dqn"} <= set(pole["tuned"]) and "ppo" in facts["algorithms"]


MISTAKES = {
    "no algorithm": (["CartPole-v1", "--algo", "pp"], "--algo pp: did you mean ppo?"),
    "no environment": (["CartPol-v1"], "there is no environment 'CartPol-v1'"),
    "none of Gymnasium's": (["Cart-v1", "--gymnasium"], "Cart-v1: "),
    "no setting": (["CartPole-v1", "--set", "lerning_rate=1"], "did you mean learning_rate"),
    "no value": (["CartPole-v1", "--set", "gamma"], "give name=value"),
    "out of range": (["CartPole-v1", "--set", "gamma=2"], "gamma=2: give a number from 0 to 1"),
    "of the wrong kind": (["CartPole-v1", "--set", "n_steps=many"], "n_steps='many': give a whole"),
    "no list": (["CartPole-v1", "--set", "net_arch=[8"], "net_arch=[8: it is no JSON"),
    "no activation": (["CartPole-v1", "--set", "activation=rel"], "did you mean relu"),
    "twice": (["CartPole-v1", "--set", "gamma=0.9", "--set", "gamma=0.8"], "it comes twice"),
    "two counts": (["CartPole-v1", "--set", "n_envs=2", "--n-envs", "3"], "it comes twice"),
    "null": (["CartPole-v1", "--set", "gamma=null"], "leave it out for the default"),
    "a schedule of nothing": (["CartPole-v1", "--set", "learning_rate=linear:x"], "linear:0.001"),
    "discrete only": (["Pendulum-v1", "--algo", "dqn"], "DQN chooses among Discrete actions"),
    "no place": (["CartPole-v1", "-o", "no/where.safetensors"], "cannot write no/where"),
    "one file for two": (["CartPole-v1", "-o", "x", "--checkpoint", "x"], "is what --checkpoint"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_take_one_line(run, mistake):
    """And end with exit code 2 before anything is trained."""
    words, expected = MISTAKES[mistake]
    code, out, err = run("rl", "train", *words)
    assert (2, "", 1) == (code, out, err.count("\n")), err
    assert expected in err
    assert ".py:" not in err


def test_other_commands_say_where_policies_are_used(run):
    rl.PPO("CartPole-v1", seed=0).save("pole.safetensors")
    for words in (["evaluate", "pole.safetensors", "iris"], ["inspect", "pole.safetensors"]):
        code, out, err = run(*words)
        assert (2, "", 1) == (code, out, err.count("\n"))
        assert "learned by reinforcement: see chainrule rl evaluate pole.safetensors" in err


def test_files_that_are_no_policies(run):
    """One line says what they are."""
    Path("text.safetensors").write_text("no model")
    for command in ("evaluate", "watch"):
        for path in ("text.safetensors", "absent.safetensors"):
            code, out, err = run("rl", command, path)
            assert (2, "", 1) == (code, out, err.count("\n"))
            assert path in err
