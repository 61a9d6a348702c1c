"""`--set`: from words to settings."""

import pytest

from chainrule import nn, rl
from chainrule.cli import rl_settings


@pytest.mark.parametrize(
    ("word", "name", "value"),
    [
        ("n_steps=64", "n_steps", 64),
        ("n-steps=64", "n_steps", 64),
        ("gamma=.9", "gamma", 0.9),
        ("learning_rate=1e-3", "learning_rate", 1e-3),
        ("learning_rate=linear:0.001", "learning_rate", rl.Linear(0.001)),
        ("learning_rate=linear:0.001:1e-5", "learning_rate", rl.Linear(0.001, 1e-5)),
        ("recurrent=True", "recurrent", True),
        ("recurrent=false", "recurrent", False),
        ("net_arch=[32, 16]", "policy_kwargs", {"net_arch": [32, 16]}),
        ('net_arch={"pi": [8], "vf": [16]}', "policy_kwargs",
         {"net_arch": {"pi": [8], "vf": [16]}}),
        ("activation=relu", "policy_kwargs", {"activation": nn.relu}),
        ('policy_kwargs={"activation": "relu", "net_arch": [8]}', "policy_kwargs",
         {"activation": nn.relu, "net_arch": [8]}),
    ],
)  # fmt: skip
def test_values(word, name, value):
    """JSON, schedules, truth values in any case, and what belongs to the policy."""
    assert {name: value} == rl_settings.settings(rl.PPO, [word])


def test_texts_and_noise():
    """A text is a text where it is no JSON."""
    chosen = rl_settings.settings(
        rl.SAC, ["ent_coef=auto_0.1", "action_noise=ornstein-uhlenbeck:0.9"]
    )
    assert {"ent_coef": "auto_0.1", "action_noise": rl.OrnsteinUhlenbeckActionNoise(0.9)} == chosen
    chosen = rl_settings.settings(rl.TD3, ["action_noise=normal:0.2"])
    assert {"action_noise": rl.NormalActionNoise(0.2)} == chosen


def test_parts_of_the_policy_come_together():
    """Beside a dict of others, and never twice."""
    chosen = rl_settings.settings(rl.PPO, ["activation=tanh", 'policy_kwargs={"net_arch": [8]}'])
    assert {"policy_kwargs": {"net_arch": [8], "activation": nn.tanh}} == chosen
    with pytest.raises(ValueError, match="give net_arch and activation once"):
        rl_settings.settings(rl.PPO, ["net_arch=[4]", 'policy_kwargs={"net_arch": [8]}'])


def test_names_of_algorithms():
    """Any case, with or without dashes."""
    assert {rl.PPO} == {rl_settings.algorithm(name) for name in ("ppo", "PPO", "Ppo")}
    for name, cls in rl.ALGORITHMS.items():
        assert cls is rl_settings.algorithm(rl_settings.option_name(cls))
        assert cls is rl_settings.algorithm(name)

    class QLearning:
        pass

    assert "q-learning" == rl_settings.option_name(QLearning)
    assert ["ppo", "td3"] == [rl_settings.option_name(cls) for cls in (rl.PPO, rl.TD3)]
