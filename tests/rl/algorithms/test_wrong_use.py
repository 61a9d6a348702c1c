"""What is wrong is refused, by an error that says what came and what to do."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from toy_environments import Guess, Line, Pay

from chainrule import nn, rl
from chainrule.errors import EnvironmentStepError, ShapeError, UnsupportedError
from chainrule.rl import evaluation
from chainrule.rl.algorithms.settings import RULES
from chainrule.rl.environments import CartPole
from chainrule.rl.environments.gymnasium_env import GymnasiumEnv

pytestmark = pytest.mark.usefixtures("_unoptimised")
SMALL: dict[str, Any] = {
    "seed": 0, "n_steps": 8, "batch_size": 8, "n_epochs": 1, "policy_kwargs": {"net_arch": [3]},
}  # fmt: skip
WRONG: dict[str, list[Any]] = {
    "whole": [0, -1, 1.5, "3", True],
    "schedule": [0.0, -1e-3, np.inf, "linear", True, rl.Linear(-1.0), rl.Linear(0.0),
                 rl.Linear(1.0, -1.0), rl.Linear(np.nan), rl.Linear("1")],
    "fraction": [-0.1, 1.1, np.nan, "0.9", True],
    "positive": [0, -1.0, np.inf, np.nan, "1", True],
    "not negative": [-1.0, np.inf, np.nan, "1", True],
    "truth": [0, 1, "yes", 1.0],
}  # fmt: skip
KINDS = {
    "n_envs": "whole", "n_steps": "whole", "batch_size": "whole", "n_epochs": "whole",
    "buffer_size": "whole", "train_freq": "whole", "target_update_interval": "whole",
    "n_critics": "whole", "policy_delay": "whole",
    "learning_rate": "schedule", "clip_range": "schedule", "clip_range_vf": "schedule",
    "gamma": "fraction", "gae_lambda": "fraction", "exploration_initial_eps": "fraction",
    "exploration_final_eps": "fraction", "priority_alpha": "fraction", "priority_beta": "fraction",
    "max_grad_norm": "positive", "target_kl": "positive", "rms_prop_eps": "positive",
    "vf_coef": "not negative", "action_noise": "not negative",
    "target_policy_noise": "not negative", "target_noise_clip": "not negative",
    "normalize_advantage": "truth", "normalize_observations": "truth", "normalize_rewards": "truth",
    "use_rms_prop": "truth", "baseline": "truth", "prioritized_replay": "truth",
    "double_q": "truth", "dueling": "truth", "recurrent": "truth",
}  # fmt: skip
OTHERS: dict[str, list[Any]] = {
    "ent_coef": [-0.1, np.inf, "auto_0", "auto_inf", "car", "auto_x", True],
    "learning_starts": [-1, 0.5, "0", True],
    "tau": [0.0, 1.5, np.nan, "1"],
    "gradient_steps": [0, -2, 0.5, "1"],
    "exploration_fraction": [0.0, 1.1, np.nan],
    "distributional": ["C51", 51, True],
    "n_atoms": [1, 0, 5.0],
    "v_min": [np.inf, "0", np.nan],
    "v_max": [-np.inf, np.nan],
    "target_entropy": ["automatic", np.inf, np.nan],
    "policy_kwargs": [[64, 64], 64, "net_arch"],
}


def takes(name: str) -> type[rl.Algorithm]:
    """An algorithm with this setting."""
    return next(cls for cls in rl.ALGORITHMS.values() if name in cls.DEFAULTS)


def test_every_rule_is_tested_and_used() -> None:
    """The tables above name all settings, and every setting has a rule."""
    assert set(RULES) == set(KINDS) | set(OTHERS)
    general = [set(cls.DEFAULTS) - set(cls.SPECIAL_RULES) for cls in rl.ALGORITHMS.values()]
    assert set(RULES) == set.union(*general)


@pytest.mark.parametrize("name", RULES)
def test_settings_out_of_range(name: str) -> None:
    """The error names the algorithm, the setting, and what came."""
    cls = takes(name)
    for value in OTHERS.get(name) or WRONG[KINDS[name]]:
        with pytest.raises(ValueError, match=rf"test_wrong_use.py:\d+: {cls.__name__}: {name}="):
            cls("CartPole-v1", **{name: value})


def test_settings_of_other_algorithms_are_refused() -> None:
    """As by any function."""
    with pytest.raises(TypeError, match="unexpected keyword argument 'n_epochs'"):
        rl.A2C("CartPole-v1", n_epochs=3)  # type: ignore[call-arg]


@pytest.mark.parametrize("cls", rl.ALGORITHMS.values())
def test_the_policy_does_not_come_first(cls: Any) -> None:
    """As in other libraries; alone, or before the environment."""
    with pytest.raises(ValueError, match="'MlpPolicy' is a name of a policy: give the environ"):
        cls("MlpPolicy")
    with pytest.raises(TypeError, match="the environment comes first, and all else by name"):
        cls("MlpPolicy", "CartPole-v1")


@pytest.mark.parametrize(
    ("name", "near"),
    [("CartPol-v1", "CartPole-v1"), ("cartpole", "CartPole-v1"), ("Pendulm-v1", "Pendulum-v1"),
     ("chainrule/CartPole-v9", "CartPole-v1"), ("", "CartPole-v1")],
)  # fmt: skip
def test_unknown_names(name: str, near: str) -> None:
    """Near names are listed."""
    with pytest.raises(ValueError, match=f"there is no environment {name!r}: .*{near}"):
        rl.PPO(name)


@pytest.mark.parametrize("env", [3, ["CartPole-v1"], {"a": 1}])
def test_what_is_no_environment(env: Any) -> None:
    """The error says what is one."""
    with pytest.raises(TypeError, match="an environment is a name, an environment of Gymnasium"):
        rl.PPO(env)


def test_a_function_that_makes_no_environment() -> None:
    """The error shows what came of it."""
    with pytest.raises(TypeError, match="returned 3, which is no environment of Gymnasium"):
        rl.PPO(lambda: 3)


def test_the_class_of_an_environment() -> None:
    """Made with its defaults."""
    assert CartPole() == rl.PPO(CartPole).env


def test_numbers_of_copies() -> None:
    """An environment that is there has as many copies as it has."""
    single, several = gymnasium.make("CartPole-v1"), gymnasium.make_vec("CartPole-v1", 3)
    assert 1 == rl.PPO(single, **SMALL).settings["n_envs"]
    assert 3 == rl.PPO(several, **SMALL).settings["n_envs"]
    with pytest.raises(ValueError, match="n_envs=2: one environment is one copy"):
        rl.PPO(single, n_envs=2)
    with pytest.raises(ValueError, match="n_envs=2: the vector environment has 3 copies"):
        rl.PPO(several, n_envs=2)


class Spaces(gymnasium.Env[Any, Any]):
    """An environment of any spaces, which is not stepped."""

    def __init__(self, observation: Any = None, action: Any = None) -> None:
        self.observation_space = spaces.Box(-1, 1, (2,)) if observation is None else observation
        self.action_space = spaces.Discrete(2) if action is None else action


BOX = spaces.Box(-1, 1, (2,))


@pytest.mark.parametrize(
    "space", [spaces.Text(3), spaces.Sequence(BOX), spaces.Graph(BOX, None),
              spaces.Dict({"a": spaces.Text(3)})],
    ids=["text", "sequence", "graph", "dict"],
)  # fmt: skip
def test_spaces_without_a_shape(space: Any) -> None:
    """Refused as observations and as actions."""
    for env in (Spaces(space), Spaces(None, space)):
        with pytest.raises(UnsupportedError, match="the space .* is not supported"):
            rl.PPO(env)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (spaces.Dict({"a": BOX}), "wrap the environment in one with a single Box"),
        (spaces.Tuple([BOX]), "wrap the environment in one with a single Box"),
        (spaces.Box(0, 9, (2,), np.int64), "make it Discrete or MultiDiscrete"),
        (spaces.Box(-1, 1, (2, 2)), "flatten them to one axis"),
        (spaces.MultiDiscrete([[2, 2]]), "flatten it"),
    ],
)
def test_actions_that_no_algorithm_takes(action: Any, words: str) -> None:
    """With what to do."""
    with pytest.raises(UnsupportedError, match=words):
        rl.PPO(Spaces(None, action))


def test_actions_that_an_algorithm_does_not_take() -> None:
    """The error names those that do."""
    with pytest.raises(UnsupportedError, match="DQN chooses among Discrete .*take PPO or SAC"):
        rl.DQN("Pendulum-v1")
    for cls in (rl.SAC, rl.TD3):
        with pytest.raises(
            UnsupportedError, match=f"{cls.__name__} takes actions of a bounded Box"
        ):
            cls("CartPole-v1")
        with pytest.raises(UnsupportedError, match="of a bounded Box.*take PPO"):
            cls(Spaces(None, spaces.Box(-np.inf, np.inf, (1,))))


def test_combinations_of_settings() -> None:
    """What one setting asks of another, or of the environment."""
    with pytest.raises(UnsupportedError, match="observations must be a Box of floats"):
        rl.PPO(Spaces(spaces.Discrete(3)), normalize_observations=True)
    with pytest.raises(ValueError, match="ent_coef='auto': only SAC learns it"):
        rl.PPO("CartPole-v1", ent_coef="auto")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="v_min must be below v_max"):
        rl.DQN("CartPole-v1", v_min=2.0, v_max=2.0)
    with pytest.raises(ValueError, match="dtype=.*int32.*: give float32 or float64"):
        rl.PPO("CartPole-v1", dtype=np.int32)
    with pytest.raises(ValueError, match="net_arch=.*give sizes for pi and vf"):
        rl.PPO("CartPole-v1", policy_kwargs={"net_arch": {"pi": [4]}})


@pytest.mark.parametrize("steps", [0, -5, 1.5, "100", None, True])
def test_numbers_of_steps(steps: Any) -> None:
    """A whole number above 0."""
    model = rl.PPO(Line(3), **SMALL)
    with pytest.raises(ValueError, match="total_timesteps=.*: give a whole number above 0"):
        model.learn(steps)
    assert 0 == model.num_timesteps


def test_a_training_of_random_actions_alone() -> None:
    """A warning says that nothing is learned, and why."""
    model = rl.DQN(Line(3), seed=0, learning_starts=64, policy_kwargs={"net_arch": [2]})
    words = "nothing is learned: DQN acts at random for the first learning_starts=64 steps"
    with pytest.warns(UserWarning, match=words):
        model.learn(64)
    assert 0 == model.state.n_updates
    model.learn(64, reset_num_timesteps=False)
    assert 16 == model.state.n_updates


def test_callbacks_are_functions() -> None:
    """One, or several in a list or a tuple; anything else is refused before the training."""
    calls: list[int] = []

    def note(model: Any) -> None:
        calls.append(model.num_timesteps)

    model = rl.PPO(Line(3), **SMALL)
    for wrong in (3, [note, "stop"], "stop"):
        with pytest.raises(TypeError, match="callback=.*give a function of the model"):
            model.learn(8, callback=wrong)
    assert [] == calls
    model.learn(16, callback=(note, note))
    assert [8, 8, 16, 16] == calls


def test_an_error_of_a_callback_is_the_users() -> None:
    """It comes through, and the model goes on."""
    model = rl.PPO(Line(3), n_envs=1, **SMALL)

    def fail(model: Any) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        model.learn(32, callback=fail)
    assert 8 == model.num_timesteps
    assert 24 == model.learn(16, reset_num_timesteps=False).num_timesteps


@pytest.mark.parametrize("target", ["Pendulum-v1", Pay(), lambda: Guess("box")])
def test_evaluation_on_other_spaces(target: Any) -> None:
    """The error shows both."""
    model = rl.PPO("CartPole-v1", **SMALL)
    with pytest.raises(ShapeError, match="the environment's observations are .*, and the model's"):
        rl.evaluate_policy(model, target)


def test_bytes_are_no_floats() -> None:
    """Images and floats of the same shape differ: one is divided by 255."""
    model = rl.PPO(lambda: Guess("image"), **SMALL)

    class Floats(Guess):
        def __init__(self) -> None:
            super().__init__("image")
            self.observation_space = spaces.Box(0, 255, (5, 5, 1))

    with pytest.raises(ShapeError, match="the environment's observations are"):
        rl.evaluate_policy(model, Floats)


@pytest.mark.parametrize("n", [0, -1, 2.5, True])
def test_numbers_of_episodes(n: Any) -> None:
    """A whole number above 0."""
    with pytest.raises(ValueError, match="episodes: give a whole number above 0"):
        rl.evaluate_policy(rl.PPO("CartPole-v1", **SMALL), n_eval_episodes=n)


@pytest.mark.parametrize("in_graph", [True, False])
def test_episodes_that_never_end(in_graph: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """After very many steps the evaluation gives up, and says what to do."""
    monkeypatch.setattr(evaluation, "_MOST_STEPS", 50)
    line = Line()
    model = rl.PPO(line if in_graph else GymnasiumEnv(line), **SMALL)
    with pytest.raises(EnvironmentStepError, match="has not ended after 50 steps: give .* limit"):
        rl.evaluate_policy(model, n_eval_episodes=2)


@pytest.mark.parametrize(
    ("observation", "words"),
    [
        (np.zeros(3), r"an observation of shape \(3,\): the model takes \(4,\), or several"),
        (np.zeros((2, 2, 4)), r"an observation of shape \(2, 2, 4\)"),
        (np.float32(3), r"an observation of shape \(\)"),
        ("pole", "the observation is str 'pole', no array"),
        ((np.zeros(4), {}), "of what reset.* returns, it is the first part"),
    ],
)
def test_observations_of_other_shapes(observation: Any, words: str) -> None:
    """The error says which shapes there are."""
    with pytest.raises(ShapeError, match=words):
        rl.PPO("CartPole-v1", **SMALL).predict(observation)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_observations_that_are_not_finite(bad: float) -> None:
    """No action is the right one."""
    with pytest.raises(ValueError, match="the observation is not finite: .*(nan|inf)"):
        rl.PPO("CartPole-v1", **SMALL).predict(np.array([0.0, bad, 0.0, 0.0]))


@pytest.mark.parametrize("interval", [-1.0, np.nan, "10", None])
def test_intervals_of_checkpoints(interval: Any) -> None:
    """Seconds, 0 or more."""
    with pytest.raises(ValueError, match="checkpoint_interval=.*: give 0 or more seconds"):
        rl.PPO("CartPole-v1", **SMALL).learn(8, checkpoint_interval=interval)


def test_observations_that_are_built_otherwise() -> None:
    """Parts are missing, or of several lengths."""
    model = rl.PPO(lambda: Guess("dict"), **SMALL)
    with pytest.raises(ShapeError, match="not built as those learned from"):
        model.predict({"a": np.int64(3)})
    with pytest.raises(ShapeError, match="of several lengths"):
        model.predict({"a": np.array([3, 4]), "b": np.zeros((3, 2), np.float32)})
    action, _ = model.predict({"a": np.int64(3), "b": np.zeros(2, np.float32)}, deterministic=True)
    assert action in (0, 1)


def test_a_model_without_an_environment() -> None:
    """Neither learns nor evaluates."""
    model = rl.PPO(None)
    with pytest.raises(ValueError, match=r"the model has no environment: give load\(path, env="):
        model.learn(100)


def test_activations_of_ones_own_are_refused_by_files(tmp_path: Any) -> None:
    """The error lists what a file can hold."""
    settings = {**SMALL, "policy_kwargs": {"net_arch": [3], "activation": lambda x: x}}
    model = rl.PPO("CartPole-v1", **settings)
    with pytest.raises(
        TypeError, match=r"policy_kwargs\['activation'\] is .*one of nn.tanh, nn.re"
    ):
        model.save(tmp_path / "m.safetensors")
    assert [] == list(tmp_path.iterdir())
    settings = {**SMALL, "policy_kwargs": {"net_arch": [3], "activation": nn.elu}}
    rl.PPO("CartPole-v1", **settings).save(tmp_path / "m.safetensors")
