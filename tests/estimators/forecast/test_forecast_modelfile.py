"""Forecasters in model files: the same bits, and a `ModelFileError` for spoiled ones."""

from __future__ import annotations

import copy
import io

import joblib
import numpy as np
import pandas as pd
import pytest
from saved_forecasters import KINDS, ahead, fitted, shops, shops_ahead, valid
from sklearn.base import clone

from chainrule import Forecaster, load
from chainrule.estimators.forecast.members.network_member import NETWORKS

pytestmark = [
    pytest.mark.usefixtures("_unoptimised"),
    pytest.mark.filterwarnings(
        "ignore::chainrule.estimators.forecast.forecast_warning.FewOriginsWarning"
    ),
]


QUICK = ("dlinear", "nbeats")  # networks that are quickly compiled


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("forecasters")


def same(expected, other, future):
    """Forecasts, intervals and paths, bit for bit."""
    for answer in (
        lambda model: model.predict([80, 95], future=future),
        lambda model: model.sample_paths(4, future=future),
    ):
        pd.testing.assert_frame_equal(answer(expected), answer(other), check_exact=True)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bits(folder, kind):
    """Forecasts, intervals, paths, members, history; and the same file again."""
    made, data = fitted(kind), valid(folder, kind)
    again = load(folder / kind)
    same(made, again, ahead(kind))
    for name in ("season_length_", "freq_", "kind_", "members_", "history_", "ids_"):
        assert getattr(made, name) == getattr(again, name), name
    assert made.n_features_in_ == again.n_features_in_
    assert {"kind": kind} == again.card_
    assert repr(made.get_params()) == repr(again.get_params())
    again.save(folder / "again")
    assert data == (folder / "again").read_bytes()


@pytest.mark.parametrize("kind", ["networks", "counts", "hierarchy"])
def test_pickles_and_clones(kind):
    """What was computed since is no obstacle; a clone has the settings alone."""
    made = fitted(kind)
    made.predict([80], future=ahead(kind))
    stream = io.BytesIO()
    joblib.dump(made, stream)
    stream.seek(0)
    same(made, joblib.load(stream), ahead(kind))
    fresh = clone(made)
    assert repr(made.get_params()) == repr(fresh.get_params())
    assert not hasattr(fresh, "fitted_")


@pytest.mark.parametrize("update_params", [False, True])
def test_later_rows_after_loading(folder, update_params):
    """`update` with and without new weights, also by a series that is new; and then saved again."""
    valid(folder, "networks")
    made, again = copy.deepcopy(fitted("networks")), load(folder / "networks")
    more = shops_ahead(shops()).assign(sold=[9.0, 8.0, 12.0] * 3, sky="sun", heat=0.5, size=0.0)
    more["size"] = more["shop"].map({"north": 10.0, "east": 20.0, "west": 30.0})
    new = shops(20).query("shop == 'north'").assign(shop="zoo", size=40.0)
    for model in (made, again):
        model.update(pd.concat([more, new]), update_params=update_params)
    future = shops_ahead(pd.concat([shops(), more, new]))
    same(made, again, future)
    again.save(folder / "updated")
    last = load(folder / "updated")
    same(made, last, future)
    assert 4 == len(last.ids_)
    assert made.history_ == last.history_


def test_the_same_backtest(folder):
    """Windows, scores and coverage; the coverage is kept in the file."""
    valid(folder, "single")
    made, again = copy.deepcopy(fitted("single")), load(folder / "single")
    results = [model.backtest(n_windows=3, refit=False, levels=(80,)) for model in (made, again)]
    pd.testing.assert_frame_equal(results[0].scores(), results[1].scores(), check_exact=True)
    np.testing.assert_array_equal(results[0].forecast, results[1].forecast)
    made.save(folder / "tested")
    assert made.coverage_ == load(folder / "tested").coverage_


def test_members_share_their_views_again(folder):
    """Members of one view have one object, so that series are transformed once for all of them."""
    valid(folder, "networks")

    def shared(forecaster):
        views = [member.view for member in forecaster.fitted_.committee.members]
        return [[one is other for other in views] for one in views]

    made, again = fitted("networks"), load(folder / "networks")
    assert shared(made) == shared(again)
    assert 1 < np.sum(shared(made), axis=1).max() < len(shared(made))


@pytest.mark.parametrize(
    "kind",
    [pytest.param(k, marks=[pytest.mark.slow] * (k not in QUICK)) for k in NETWORKS],
)
def test_each_network_comes_back(folder, kind):
    """Weights are in their layers again, with covariates beside the window."""
    frame = shops(30)
    roles = {"id": "shop", "time": "day", "target": "sold", "past": ["heat"]}
    frame = frame.drop(columns=["promo", "price", "sky", "size"])
    made = Forecaster(
        horizon=2, members=kind, max_steps=1, input_size=8, random_state=0, progress=False
    ).fit(frame, **roles)
    made.save(folder / "network")
    again = load(folder / "network")
    before, after = (
        [m.fitted_.member_forecasts(np.empty((3, 2, 0))) for m in (made, again)]
    )  # fmt: skip
    np.testing.assert_array_equal(before, after)
    assert any(name.startswith(kind) for name in [m.name for m in again.fitted_.committee.members])


def test_not_before_fit(folder):
    with pytest.raises(ValueError, match="not fitted"):
        Forecaster().save(folder / "none")


def test_functions_are_no_settings(folder):
    """Callbacks are left out; a random state that is a generator is, too."""
    calls = []
    made = copy.copy(fitted("single")).set_params(
        callbacks=[calls.append], random_state=np.random.RandomState(0)
    )
    made.save(folder / "callbacks")
    again = load(folder / "callbacks")
    assert (None, None) == (again.callbacks, again.random_state)
