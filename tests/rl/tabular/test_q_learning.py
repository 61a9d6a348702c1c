"""Q-learning and SARSA: against exact values, and against the rule written out in Python."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from chainrule import rl
from chainrule.errors import EnvironmentStepError, ShapeError, UnsupportedError
from chainrule.rl.environments import Blackjack, CliffWalking, FrozenLake
from chainrule.rl.environments.frozen_lake import MAPS

EVERYWHERE = tuple(row.replace("F", "S") for row in MAPS["8x8"])  # episodes start on any ice


def rates(start, end=None):
    return {
        "exploration_initial_eps": start,
        "exploration_final_eps": start if end is None else end,
    }


def greedy_path(environment, policy, start):
    """The cells that a policy visits where nothing slips."""
    table, path, state, over = environment.transitions(), [], start, False
    while not over:
        path.append(state)
        entry = state, policy[state], 0
        state, over = table.next_state[entry], table.terminated[entry]
    return path


@pytest.mark.parametrize(
    ("environment", "steps", "settings"),
    [
        (FrozenLake(dtype=np.float64), 4_000_000,
         dict(learning_rate="visits", n_envs=16, **rates(1, 0.5))),
        (FrozenLake(is_slippery=False, dtype=np.float64), 50_000,
         dict(learning_rate=1.0, **rates(1))),
        (FrozenLake(desc=EVERYWHERE, dtype=np.float64), 20_000_000,
         dict(learning_rate=rl.Linear(0.04), n_envs=64, **rates(0.3))),
        (FrozenLake(desc=EVERYWHERE, is_slippery=False, dtype=np.float64), 200_000,
         dict(learning_rate=1.0, n_envs=16, **rates(1))),
        (CliffWalking(dtype=np.float64), 200_000,
         dict(learning_rate=1.0, n_envs=16, **rates(1, 0.5))),
    ],
    ids=["4x4 slippery", "4x4", "8x8 slippery", "8x8", "cliff"],
)  # fmt: skip
def test_q_learning_reaches_the_values_of_value_iteration(environment, steps, settings):
    """Within 0.01, and exactly where nothing is drawn, in each state that is acted from."""
    model = rl.QLearning(environment, seed=0, **settings).learn(steps)
    values, q_table, _ = rl.value_iteration(environment)
    seen = model.visits.min(axis=1) > 0
    letters = environment.letters()
    assert (
        seen.sum() == np.isin(letters, list("SF." if ".." in environment.rows[0] else "SF")).sum()
    )
    is_exact = settings["learning_rate"] == 1.0
    error = np.abs(model.q_table.max(axis=1) - values)[seen]
    assert error.max() < (1e-9 if is_exact else 0.01)
    chosen = np.take_along_axis(q_table, model.policy[:, None], axis=1)[:, 0]
    assert np.abs(chosen - values)[seen].max() < (1e-9 if is_exact else 0.01)


def test_expected_sarsa_without_exploration_has_the_values_of_value_iteration():
    """On the way along the cliff, which hopeful first values (0, and all steps cost) explore."""
    environment = CliffWalking(dtype=np.float64)
    model = rl.SARSA(environment, expected=True, seed=0, learning_rate=1.0, n_envs=4, **rates(1e-6))
    model.learn(200_000)
    values, _, _ = rl.value_iteration(environment)
    path = greedy_path(environment, model.policy, 36)
    assert 13 == len(path)
    np.testing.assert_allclose(values[path], model.q_table.max(axis=1)[path], rtol=0, atol=0.01)


@pytest.mark.parametrize("expected", [False, True])
def test_sarsa_values_its_exploration(expected):
    """Values are those of the policy that explores in half of its steps, by linear equations."""
    environment = FrozenLake(dtype=np.float64)
    model = rl.SARSA(
        environment, expected=expected, seed=0, learning_rate="visits", n_envs=16, **rates(0.5)
    ).learn(2_000_000)
    policy = np.full((16, 4), 0.5 / 4)
    policy[np.arange(16), model.policy] += 0.5
    values = rl.policy_evaluation(environment, policy)
    seen = model.visits.min(axis=1) > 0
    assert 11 == seen.sum()
    error = np.abs((model.q_table * policy).sum(axis=1) - values)[seen]
    assert error.max() < 0.01
    assert rl.value_iteration(environment)[0][0] - values[0] > 0.3  # which is far from the best


def test_the_cliff_of_sutton_and_barto():
    """Example 6.6: SARSA takes a detour since it explores, Q-learning goes along the cliff."""
    settings = dict(learning_rate=0.5, gamma=1.0, seed=0, **rates(0.1))
    results = {
        algorithm: algorithm("CliffWalking-v1", **settings).learn(50_000)
        for algorithm in (rl.QLearning, rl.SARSA)
    }
    returns = [rl.evaluate_policy(model, n_eval_episodes=1)[0] for model in results.values()]
    assert -13.0 == returns[0] > returns[1] >= -20.0
    online = [model.history[-1]["ep_rew_mean"] for model in results.values()]
    assert online[1] > online[0] + 10


TIME_LIMIT = 40


def replayed(algorithm, steps, rate, gamma, eps):
    """The tables of values and visits that the rule makes of steps, in plain Python."""
    table, visits = np.zeros((48, 4)), np.zeros((48, 4), np.int64)
    n_steps = 0  # of the episode
    for step, later in zip(steps, (*steps[1:], None), strict=True):
        entry, following = (int(step.state), step.action), table[int(step.next_state)]
        n_steps += 1
        ends = step.terminated or n_steps == TIME_LIMIT
        target = step.target
        if algorithm == "q":
            target = step.reward + gamma * (not step.terminated) * following.max()
        elif algorithm == "expected":
            mean = (1 - eps) * following.max() + eps * following.mean()
            target = step.reward + gamma * (not step.terminated) * mean
        elif step.terminated:
            target = step.reward
        elif not ends and later is not None:  # the action that the next step takes
            target = step.reward + gamma * following[later.action]
        assert target == pytest.approx(step.target, abs=1e-12)
        alpha = (1.0 + visits[entry]) ** -0.7 if rate == "visits" else rate
        assert alpha == pytest.approx(step.learning_rate, abs=1e-12)
        table[entry] += alpha * (target - table[entry])
        visits[entry] += 1
        n_steps = 0 if ends else n_steps
    return table, visits


@pytest.mark.parametrize("algorithm", ["q", "sarsa", "expected"])
@pytest.mark.parametrize("rate", [0.5, "visits"])
def test_each_step_follows_the_rule(algorithm, rate):
    """Steps as explained make, by the rule in Python, the table that the loop makes of them."""
    settings = dict(gamma=0.9, learning_rate=rate, seed=3, **rates(0.4))
    environment = CliffWalking(max_episode_steps=TIME_LIMIT, dtype=np.float64)
    model = (
        rl.QLearning(environment, **settings) if algorithm == "q"
        else rl.SARSA(environment, expected=algorithm == "expected", **settings)
    )  # fmt: skip
    steps = model.explain(n_steps=300).steps
    assert 0 == model.num_timesteps == model.visits.sum()
    model.learn(300)
    table, visits = replayed(algorithm, steps, rate, 0.9, 0.4)
    np.testing.assert_array_equal(visits, model.visits)
    np.testing.assert_allclose(table, model.q_table, rtol=0, atol=1e-12)
    share = np.mean([step.is_random for step in steps])
    assert abs(share - 0.4) < 4 * (0.24 / len(steps)) ** 0.5


def test_each_copy_learns_from_the_table_that_the_one_before_it_left():
    """Old values of each row are what the rows before it made, in their order."""
    environment = FrozenLake(is_slippery=False, dtype=np.float64)
    model = rl.QLearning(environment, seed=0, n_envs=5, initial_q=1.0, **rates(1))
    table = np.ones((16, 4))
    steps = model.explain(n_steps=30).steps
    for step in steps:
        entry = int(step.state), step.action
        assert table[entry] == step.old
        assert step.terminated or table[int(step.next_state)].max() == step.next_value
        table[entry] = step.new
    model.learn(150)
    np.testing.assert_array_equal(table, model.q_table)
    first = [(step.state, step.action) for step in steps[:5]]
    assert len({*first}) < 5  # some of which changed the same entry at once


@pytest.mark.parametrize("cls", [rl.QLearning, rl.SARSA])
def test_ties_are_broken_by_chance(cls):
    """A table of zeros does not always go left, not even at first: each action is as likely."""
    model = cls(FrozenLake(), seed=0, n_envs=400, **rates(0))
    steps = model.explain(1).steps
    counts = np.bincount([step.action for step in steps], minlength=4)
    assert not any(step.is_random for step in steps)
    assert np.abs(counts - 100).max() < 4 * 75**0.5


def test_predictions_explore_unless_they_are_deterministic():
    """With the present rate, of which a quarter takes the best action by chance."""
    model = rl.QLearning(FrozenLake(is_slippery=False), seed=0, learning_rate=1.0, **rates(0.4))
    model.learn(20_000)
    observations = np.full(4000, 14)
    assert {2} == {*model.predict(observations, deterministic=True)[0].tolist()}
    others = np.mean(model.predict(observations)[0] != 2)
    assert abs(others - 0.3) < 4 * (0.21 / 4000) ** 0.5


def test_metrics():
    """The mean size of the last step's errors."""
    model = rl.QLearning(CliffWalking(dtype=np.float64), seed=0, n_envs=5, **rates(0.5))
    model.learn(500)
    errors = [step.error for step in model.explain(1).steps]
    model.learn(5, reset_num_timesteps=False)
    assert np.mean(np.abs(errors)) == pytest.approx(model.history[-1]["td_error"], rel=1e-12)
    assert 0.5 == model.history[-1]["exploration_rate"]


def test_schedules():
    """Rates of learning and of exploration fall as they say."""
    model = rl.QLearning("FrozenLake-v1", seed=0, learning_rate=rl.Linear(0.8, 0.2),
                         exploration_fraction=0.5, **rates(0.9, 0.1))  # fmt: skip
    assert 0.8 == pytest.approx(model.explain(2).steps[1].learning_rate, abs=1e-5)

    def stop(model):
        return model.num_timesteps >= 250

    stop.interval = 250
    model.learn(1000, stop)
    assert 250 == model.num_timesteps
    assert 0.5 == pytest.approx(model.history[-1]["exploration_rate"])
    assert 0.65 == pytest.approx(model.explain(1).steps[0].learning_rate, abs=1e-5)
    model.learn(1000)
    assert 0.1 == pytest.approx(model.history[-1]["exploration_rate"])


def test_initial_q():
    model = rl.QLearning("FrozenLake-v1", initial_q=2.5, seed=0)
    assert (16, 4) == model.q_table.shape
    assert 2.5 == model.q_table.min() == model.q_table.max()


def dealer_totals(total, ace):
    """The distribution of the dealer's last sum, 22 for a bust, from an infinite deck."""
    value = total + 10 if ace and total <= 11 else total
    if value >= 17:
        return {min(value, 22): 1.0}
    result: dict[int, float] = {}
    for card in range(1, 11):
        share = (4 if card == 10 else 1) / 13
        for end, probability in dealer_totals(total + card, ace or card == 1).items():
            result[end] = result.get(end, 0.0) + share * probability
    return result


def test_blackjack_in_the_graph_learns_what_sticking_is_worth():
    """Means of rewards (a rate of 1 / (1 + visits)) against the dealer's exact distribution."""
    model = rl.QLearning(Blackjack(dtype=np.float64), learning_rate="visits_1.0", seed=0,
                         n_envs=64, gamma=1.0, **rates(1)).learn(2_000_000)  # fmt: skip
    for upcard in (2, 6, 10):
        ends = dealer_totals(upcard, False)
        expected = sum(p * ((x == 22 or x < 20) - (20 < x < 22)) for x, p in ends.items())
        row = np.ravel_multi_index((20, upcard, 0), (32, 11, 2))
        count = model.visits[row, 0]
        assert count > 5000
        assert abs(model.q_table[row, 0] - expected) < 4 / count**0.5
        assert 0 == model.predict(np.array([20, upcard, 0]), deterministic=True)[0]
    assert 1 == model.predict(np.array([[8, 10, 0]]), deterministic=True)[0][0]


def test_around_environments_of_gymnasium():
    """One step at a time gives exact values as well, and the same numbers of states."""
    model = rl.QLearning(gymnasium.make("FrozenLake-v1", is_slippery=False), seed=0,
                         learning_rate=1.0, **rates(1)).learn(8_000)  # fmt: skip
    values, _, _ = rl.value_iteration(FrozenLake(is_slippery=False))
    seen = model.visits.min(axis=1) > 0
    assert 11 == seen.sum()
    np.testing.assert_allclose(values[seen], model.q_table.max(axis=1)[seen], rtol=0, atol=1e-12)
    assert (1.0, 0.0) == rl.evaluate_policy(model, n_eval_episodes=3)
    assert model.render_values().splitlines()[0] == "0.95↓ 0.96→ 0.97↓ 0.96←"
    step = model.explain(n_steps=1).steps[0]
    assert "0" == step.state
    assert step.new == step.target


def test_a_tuple_of_numbers_is_one_state():
    """Gymnasium's Blackjack shows three numbers; the table has the rows of the one in the graph."""
    model = rl.QLearning(gymnasium.make("Blackjack-v1"), seed=0).learn(500)
    assert (32 * 11 * 2, 2) == model.q_table.shape
    assert 500 == model.visits.sum()
    rows = np.flatnonzero(model.visits.sum(axis=1))
    player, dealer, ace = np.unravel_index(rows, (32, 11, 2))
    assert 4 <= player.min() and player.max() <= 21  # sums above 21 end an episode
    assert {*dealer.tolist()} == {*range(1, 11)}
    assert player[ace == 1].min() >= 12
    assert model.predict((20, 10, 0), deterministic=True)[0] in (0, 1)


def test_steps_that_a_vector_environment_ignores_are_not_learned():
    """Holes are shown after an episode's end, but nothing is done there."""
    modes = gymnasium.vector.AutoresetMode
    vector = gymnasium.make_vec("FrozenLake-v1", num_envs=3, vectorization_mode="sync",
                                vector_kwargs={"autoreset_mode": modes.NEXT_STEP})  # fmt: skip
    model = rl.QLearning(vector, seed=0, n_envs=3, initial_q=1.0, **rates(1)).learn(900)
    holes = np.isin(FrozenLake().letters(), ["H", "G"])
    assert 0 == model.visits[holes].sum()
    assert 1.0 == model.q_table[holes].min() == model.q_table[holes].max()
    visits, table = model.visits, model.q_table
    steps = model.explain(n_steps=60).steps
    assert not any(int(step.state) in np.flatnonzero(holes) for step in steps)
    assert 60 < len(steps) < 180
    np.testing.assert_array_equal(visits, model.visits)  # as before
    np.testing.assert_array_equal(table, model.q_table)
    assert 900 == model.num_timesteps
    ignored = 900 - visits.sum()
    assert 60 < ignored < 250  # an episode of a random walk has 7 to 8 steps


@pytest.mark.parametrize("cls", [rl.QLearning, rl.SARSA])
def test_files(cls, tmp_path):
    """A model comes back with its table, its settings and its actions."""
    path = tmp_path / "model.safetensors"
    model = cls("FrozenLake-v1", seed=0, learning_rate="visits_0.8", initial_q=0.25).learn(2_000)
    model.save(path)
    for again in (cls.load(path), rl.load(path), rl.load(path, env="FrozenLake-v1")):
        assert type(again) is cls
        np.testing.assert_array_equal(model.q_table, again.q_table)
        np.testing.assert_array_equal(model.visits, again.visits)
        assert model.settings == again.settings
        states = np.arange(16)
        np.testing.assert_array_equal(model.policy, again.predict(states, deterministic=True)[0])
    for make in (rl.load, cls.load, cls):
        with pytest.raises(UnsupportedError, match="has a table and no network: leave policy out"):
            make(path, policy=object())
    with pytest.raises(ValueError, match="has no environment: give load"):
        cls.load(path).explain()
    assert repr(model).splitlines()[2] == "    learning_rate='visits_0.8',"


def test_a_training_goes_on_from_its_checkpoint(tmp_path):
    """With the same bits, SARSA's next action included."""
    settings = {"learning_rate": "visits", "seed": 0}
    whole = rl.SARSA("FrozenLake-v1", **settings).learn(3_000)

    def fail(model):
        if model.num_timesteps >= 1_000:
            raise RuntimeError("killed")

    fail.interval = 500
    path = tmp_path / "checkpoint"
    with pytest.raises(RuntimeError, match="killed"):
        rl.SARSA("FrozenLake-v1", **settings).learn(
            3_000, fail, checkpoint=path, checkpoint_interval=0
        )
    assert path.exists()
    resumed = rl.SARSA("FrozenLake-v1", **settings).learn(3_000, checkpoint=path)
    assert 3_000 == resumed.num_timesteps
    np.testing.assert_array_equal(whole.q_table, resumed.q_table)
    np.testing.assert_array_equal(whole.visits, resumed.visits)


class Corridor(gymnasium.Env):
    """States 0 to 3, of which its space leaves out the last."""

    observation_space = spaces.Discrete(3)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.state = 0
        return 0, {}

    def step(self, action):
        self.state += 1
        return self.state, 0.0, False, False, {}


def test_refusals():
    with pytest.raises(UnsupportedError, match=r"observations that can be counted.*take DQN"):
        rl.QLearning("CartPole-v1")
    with pytest.raises(ValueError, match="SARSA: learning_rate=1.5: give a number above 0, at mo"):
        rl.SARSA("FrozenLake-v1", learning_rate=1.5)
    for name in ("visits_0.5", "visits_1.1", "visits_x", "often"):
        with pytest.raises(ValueError, match=f"learning_rate='{name}'"):
            rl.QLearning("FrozenLake-v1", learning_rate=name)
    with pytest.raises(ValueError, match="learning_rate='visits'"):
        rl.DQN("CartPole-v1", learning_rate="visits")
    with pytest.raises(ValueError, match="n_steps=0: give a whole number above 0"):
        rl.QLearning("FrozenLake-v1").explain(n_steps=0)
    model = rl.QLearning("FrozenLake-v1")
    for observation in (16, -1, np.array([3, 99])):
        with pytest.raises(ShapeError, match="is outside of"):
            model.predict(observation)
    with pytest.raises(EnvironmentStepError, match="the observation is 3 in step 3"):
        rl.QLearning(Corridor(), seed=0).learn(10)
    with pytest.raises(UnsupportedError, match="is no grid"):
        rl.QLearning("Blackjack-v1").render_values()
