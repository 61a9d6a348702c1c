"""`SktimeForecaster`: sktime's own checks where it is installed, and a stand-in for its base."""

from __future__ import annotations

import inspect
import pickle
import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule import estimators
from chainrule.errors import DataError, UnsupportedError
from chainrule.estimators.forecast import sktime_adapter
from chainrule.estimators.forecast.sktime_adapter import SktimeMethods

WEEK = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 9.0]


def installed() -> Any:
    """The class, or a skip that says why."""
    pytest.importorskip("sktime", reason="sktime is not installed")
    return estimators.SktimeForecaster


def series(n: int = 100, start: str = "2024-01-01") -> Any:
    """A week again and again, and a line."""
    days = pd.date_range(start, periods=n, freq="D")
    return pd.DataFrame({"a": np.resize(WEEK, n), "b": np.arange(float(n))}, days)


# Without sktime: a horizon of whole numbers, and a base that calls what sktime's calls


class Steps:
    """`ForecastingHorizon` of whole numbers."""

    def __init__(self, values: Any, is_relative: bool = True, freq: Any = None) -> None:
        self.values, self.is_relative, self.freq = pd.Index(values), is_relative, freq

    def __iter__(self) -> Any:
        return iter(self.values)

    def to_pandas(self) -> Any:
        return self.values

    def to_relative(self, cutoff: Any) -> Any:
        return self if self.is_relative else Steps(self.values - cutoff[-1])

    def to_absolute_index(self, cutoff: Any) -> Any:
        return self.values + cutoff[-1] if self.is_relative else self.values


class Base:
    """`BaseForecaster`: the parameters, the cutoff, and the calls."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        names = list(inspect.signature(type(self).__init__).parameters)[1:]
        return {name: getattr(self, name) for name in names}

    def _get_varnames(self) -> Any:
        return self.names

    def fit(self, y: Any, X: Any = None, fh: Any = None) -> Any:
        self.names, self.cutoff = list(y.columns), self._latest(y)
        return self._fit(y, X, fh)  # type: ignore[attr-defined]

    def update(self, y: Any, X: Any = None, update_params: bool = True) -> Any:
        self.cutoff = self._latest(y)
        return self._update(y, X, update_params)  # type: ignore[attr-defined]

    @staticmethod
    def _latest(y: Any) -> Any:
        return pd.Index([y.index.get_level_values(-1).max()])


class Standing(SktimeMethods, Base):
    """The adapter on the stand-in."""


@pytest.fixture(autouse=True)
def _no_warnings_of_sktime() -> Any:
    """They are of what its next versions do."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"sktime|skbase")
        yield


def test_without_sktime_an_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """And importing chainrule's estimators asks for nothing."""
    monkeypatch.setitem(sys.modules, "sktime", None)
    monkeypatch.setitem(sys.modules, "sktime.forecasting.base", None)
    sktime_adapter.sktime_class.cache_clear()
    with pytest.raises(ModuleNotFoundError, match=r"chainrule\[sktime\]"):
        _ = estimators.SktimeForecaster
    sktime_adapter.sktime_class.cache_clear()
    with pytest.raises(AttributeError, match="Nothing"):
        _ = sktime_adapter.Nothing


def test_forecasts_are_those_of_the_forecaster() -> None:
    """Of two columns of whole-numbered rows, at the second step and the fourth."""
    y = series(300).reset_index(drop=True) + np.random.default_rng(0).normal(0, 0.3, (300, 2))
    adapter = Standing(members="ridge", random_state=0).fit(y, fh=Steps([2, 4]))
    long = pd.concat([
        pd.DataFrame({"id": k, "time": y.index, "y": y[name]}) for k, name in enumerate("ab")
    ])  # fmt: skip
    own = cr.Forecaster(horizon=4, members="ridge", random_state=0)
    own.fit(long, id="id", time="time", target="y")
    expected = own.predict([80]).set_index(["time", "id"]).unstack("id")
    answer = adapter._predict(Steps([2, 4]), None)
    assert ["a", "b"] == list(answer.columns) and [301, 303] == list(answer.index)
    assert np.array_equal(expected["forecast"].loc[[301, 303]], answer)
    quantiles = adapter._predict_quantiles(Steps([2, 4]), None, [0.1, 0.5, 0.9])
    assert np.array_equal(expected["lo-80"].loc[[301, 303]], quantiles.loc[:, (slice(None), 0.1)])
    assert np.array_equal(expected["hi-80"].loc[[301, 303]], quantiles.loc[:, (slice(None), 0.9)])
    assert np.all(np.diff(quantiles["a"]) >= 0) and np.all(np.diff(quantiles["b"]) >= 0)


def test_series_of_a_panel_that_end_apart() -> None:
    """Relative steps go on from each end, absolute ones are the same times for all."""
    y = series()[["a"]].reset_index(drop=True)
    panel = pd.concat({"s": y, "t": y[:90]}, names=["shop", "row"])
    adapter = Standing(members="ridge", random_state=0).fit(panel, fh=Steps([1, 2]))
    answer = adapter._predict(Steps([1, 2]), None)
    assert [("s", 100), ("s", 101), ("t", 90), ("t", 91)] == list(answer.index)
    assert ["shop", "row"] == list(answer.index.names)
    assert np.allclose([3.0, 4.0, 9.0, 1.0], answer["a"], atol=0.01)
    later = Steps([101, 102], is_relative=False)
    answer = Standing(members="ridge", random_state=0).fit(panel, fh=later)._predict(later, None)
    assert [("s", 101), ("s", 102), ("t", 101), ("t", 102)] == list(answer.index)
    assert np.allclose([4.0, 5.0, 4.0, 5.0], answer["a"], atol=0.01)


def test_missing_values_at_the_end_and_updates() -> None:
    """Steps are counted from the last row, whether it has a value or not."""
    full = series()[["a"]].reset_index(drop=True)
    y = full.copy()
    y.iloc[-3:] = np.nan
    fh = Steps([1, 2])
    adapter = Standing(members="ridge", random_state=0).fit(y, fh=fh)
    assert np.allclose([3.0, 4.0], adapter._predict(fh, None)["a"], atol=0.01)
    adapter.update(full[97:], update_params=False)
    assert np.allclose([3.0, 4.0], adapter._predict(fh, None)["a"], atol=0.01)
    more = series(105)[["a"]].reset_index(drop=True)[100:]
    answer = adapter.update(more, update_params=True)._predict(fh, None)
    assert [105, 106] == list(answer.index)
    assert np.allclose([1.0, 2.0], answer["a"], atol=0.01)
    empty = pd.DataFrame({"a": np.nan}, pd.RangeIndex(105, 109))
    with pytest.raises(DataError, match="fit with this fh"):
        adapter.update(empty)._predict(fh, None)


def test_x_is_known_ahead() -> None:
    """Its columns may have any name, and rows beyond those of y are those of the future."""
    rng = np.random.default_rng(0)
    y = series(120)[["a"]].reset_index(drop=True)
    X = pd.DataFrame({"y": rng.random(120) < 0.3, 5: rng.normal(size=120)}).astype(float)
    y["a"] += 5 * X["y"]
    fh = Steps(list(range(1, 11)))
    adapter = Standing(random_state=0).fit(y[:110], X[:110], fh)
    answer = adapter._predict(fh, X[110:])["a"]
    assert np.allclose(y["a"][110:], answer, atol=0.5)
    longer = Standing(random_state=0).fit(y[:110], X, fh)._predict(fh, None)["a"]
    assert np.array_equal(answer, longer)
    with pytest.raises(DataError, match="known covariate 'y of X' has no value"):
        adapter._predict(fh, X[112:])
    with pytest.raises(DataError, match="as fit was"):
        adapter.update(y[110:])
    with pytest.raises(DataError, match="fit had none"):
        Standing(members="ridge").fit(y, fh=fh)._predict(fh, X)


def test_the_past_is_not_forecast() -> None:
    """Nor the present."""
    with pytest.raises(UnsupportedError, match="not after the last row"):
        Standing(members="ridge").fit(series().reset_index(drop=True), fh=Steps([0, 1]))


# With sktime


@pytest.mark.slow
def test_sktimes_suite_passes() -> None:
    """All of its checks of forecasters, for each of our settings."""
    forecaster = installed()
    from sktime.utils.estimator_checks import check_estimator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its series are short
        results = check_estimator(forecaster, raise_exceptions=False, verbose=False)
    assert len(results) > 500
    assert {} == {name: result for name, result in results.items() if result != "PASSED"}


@pytest.mark.parametrize("index", ["dates", "periods", "numbers"])
def test_each_kind_of_index(index: str) -> None:
    """The answer goes on with it, and is the same after a pickle and of a clone."""
    kind = installed()
    y = series()["a"]
    if index == "periods":
        y.index = pd.period_range("2020-01", periods=100, freq="M")
    elif index == "numbers":
        y = y.reset_index(drop=True)
    forecaster = kind(members="ridge", season_length=7, random_state=0).fit(y, fh=[1, 3])
    answer = forecaster.predict()
    expected = {
        "dates": [pd.Timestamp("2024-04-10"), pd.Timestamp("2024-04-12")],
        "periods": [pd.Period("2028-05", "M"), pd.Period("2028-07", "M")], "numbers": [100, 102],
    }  # fmt: skip
    assert expected[index] == list(answer.index)
    assert np.allclose([3.0, 5.0], answer, atol=0.01)
    again = pickle.loads(pickle.dumps(forecaster)).predict()
    assert answer.equals(again)
    assert answer.equals(forecaster.clone().fit(y, fh=[1, 3]).predict())


def test_intervals_of_a_hierarchy_and_times_of_dates() -> None:
    """A panel's levels do not know their frequency; the lower ends are below the upper ones."""
    kind = installed()
    from sktime.forecasting.base import ForecastingHorizon

    rng = np.random.default_rng(0)
    y = series(300, "2023-06-15")[["a"]] + rng.normal(0, 0.3, (300, 1))  # up to April 9
    panel = pd.concat({("n", "s"): y, ("n", "t"): y[:290]}, names=["area", "shop", "day"])
    forecaster = kind(members="ridge", random_state=0).fit(panel, fh=[1, 2])
    ends = forecaster.predict_interval(coverage=[0.8, 0.95])
    assert (ends["a", 0.95, "lower"] < ends["a", 0.8, "lower"]).all()
    assert (ends["a", 0.8, "upper"] < ends["a", 0.95, "upper"]).all()
    assert pd.Timestamp("2024-03-31") == ends.loc[("n", "t")].index[0]
    days = pd.date_range("2024-04-12", periods=2, freq="D")
    fh = ForecastingHorizon(days, is_relative=False)
    answer = kind(members="ridge", random_state=0).fit(panel, fh=fh).predict()
    assert list(days) * 2 == list(answer.index.get_level_values("day"))
    expected = np.resize(WEEK, 304)[[302, 303]]
    assert np.allclose([*expected, *expected], answer["a"], atol=1.0)
