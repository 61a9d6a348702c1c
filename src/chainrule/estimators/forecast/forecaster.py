"""`Forecaster`: the next steps of one or many time series, with intervals that hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ...config import configured
from ...errors import DataError, UnsupportedError, warn_user
from .backtest_methods import BacktestMethods
from .count_part import count_rows, fit_count_part
from .explanation_methods import ExplanationMethods
from .file_methods import FileMethods
from .fitted import Fitted, fit_panel, stack_known
from .forecast_warning import FewOriginsWarning
from .hierarchy.panel import check_method, hierarchical
from .leaks import warn_of_leaks
from .members.histories import Histories
from .price import are_prices
from .reading.appending import append_rows
from .reading.future import read_future, with_future_days
from .reading.panel import Panel, read_panel
from .reading.result import long_frame
from .settings import CONSTRAINTS, ForecasterSettings, checked_levels, whole_numbers

Floats: TypeAlias = NDArray[np.float64]
Frame: TypeAlias = Any


class Forecaster(
    BacktestMethods, FileMethods, ExplanationMethods, ForecasterSettings,
    BaseEstimator,  # type: ignore[misc]
):  # fmt: skip
    """Forecasts time series: sales, demand, sensors, prices.

    A small committee is chosen by rolling origins inside the training rows: ridges over lags in
    closed form (with several transforms, windows, centres and penalties), and from a few thousand
    windows on networks that all series share. The forecast is the median of the three that did
    best of late; where none beats the seasonal naive forecast, that is taken.

    Parameters
    ----------
    horizon : int
        Steps to forecast. Default 1.
    members : "auto", str or sequence of str
        ``"ridge"``, ``"dlinear"``, ``"nlinear"`` (A. Zeng et al., 2023), ``"nbeats"``
        (B. N. Oreshkin et al., 2020), ``"nhits"`` (C. Challu et al., 2023), ``"tide"`` (A. Das et
        al., 2023) and ``"gru"`` (K. Cho et al., 2014). ``"auto"``: ridges, and from 4,000 windows
        on two N-BEATS. Default ``"auto"``.
    kind : {"auto", "level", "price", "count"}
        ``"price"``: returns are forecast, and members must prove that they beat random walks with
        drift and without; else the one with drift is the forecast. ``"count"``: intermittent
        demand, of which the mean and quantiles of a distribution are forecast. ``"auto"``: prices
        are series on trading days that look like walks, counts those with many zeros (Syntetos and
        Boylan, 2005).
    likelihood : {"auto", "negative_binomial", "tweedie"}
        Of counts: Tweedie's is for amounts, which need not be whole numbers.
    transform : {"auto", "none", "sqrt", "log"}
        Of values, before members see them. Default ``"auto"``: chosen in the validation.
    input_size : int or sequence of int, optional
        The windows that members may look back. Default: from one short season to several long ones.
    season_length : int or sequence of int, optional
        In steps. Default: those of the calendar (a day, a week, a year), or without one that in
        which series repeat themselves.
    freq : str, optional
        The frequency of the times, as pandas names it. Default: the usual step.
    fill_gaps : {"auto", "zero", "error"}
        See `fit`.
    duplicates : {"error", "sum", "mean", "first", "last"}
        What is done with rows of one series and time.
    max_steps : int, optional
        Training steps of each network, of 256 windows. Default: 20 epochs, at most 2,500 steps.
    random_state : int, RandomState or None
        The same number, the same forecasts.
    callbacks : sequence of callable, optional
        Each is called with an `EpochReport` after each round of 50 steps of a network.
    n_threads : int, optional
        Of compiled code. Default: as many as there are CPUs.
    progress : bool
        Whether to show a bar in a terminal when training takes over 2 s. Default True.

    Attributes
    ----------
    season_length_ : tuple of int
    freq_ : str or None
    kind_ : {"level", "price", "count"}
        "level" also where only some series are counts.
    members_ : list of str
        Whose median the forecast is now.
    history_ : dict of str to list of dict
        A row for each round of training, by the network's name.
    ids_ : list
        The names of the series.

    References
    ----------
    S. Makridakis et al.: "The M4 competition", International Journal of Forecasting 36 (2020);
    R. J. Hyndman, G. Athanasopoulos: "Forecasting: principles and practice" (2021).

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import chainrule as cr
    >>> days = pd.date_range("2024-01-01", periods=140, freq="D")
    >>> sales = pd.Series(np.tile([5.0, 6.0, 7.0, 6.0, 8.0, 12.0, 3.0], 20), days)
    >>> forecaster = cr.Forecaster(horizon=3, random_state=0).fit(sales)
    >>> forecaster.predict().round({"forecast": 1})
              ds  forecast
    0 2024-05-20       5.0
    1 2024-05-21       6.0
    2 2024-05-22       7.0
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS
    fitted_: Fitted

    def fit(
        self, data: Any, y: Any = None, *, id: str | None = None, time: str | None = None,
        target: str | None = None, known: Sequence[str] = (), past: Sequence[str] = (),
        static: Sequence[str] = (), hierarchy: Mapping[Any, Sequence[Any]] | None = None,
        reconcile: str = "mint_shrink",
    ) -> Self:  # fmt: skip
        """Learn from series.

        Parameters
        ----------
        data : DataFrame, Series or array
            A long table, with a row for each series and time; a table of one series; a wide table
            of a column for each series; a Series with an index of dates, periods or whole numbers;
            an array (n,) or (n, series). Rows may be in any order.
        y : ignored
        id, time, target : str, optional
            Columns. "unique_id", "ds" and "y" are recognised, and so is an index of dates.
        known, past, static : sequence of str
            Columns of covariates: known ahead (prices, holidays), known only once the step is over
            (weather), and the same in all rows of a series. Texts become 0 and 1 for each level.
        hierarchy : mapping, optional
            From the id of each sum to the ids of its parts. Sums that the table lacks are added up;
            forecasts then add up, too.
        reconcile : {"mint_shrink", "wls_struct", "ols", "bottom_up"}
            How they are made to (S. L. Wickramasuriya et al., JASA 114, 2019).

        Returns
        -------
        Forecaster
            Itself.

        Raises
        ------
        DataError
            If the table cannot be read: the message says which row, and what to do.

        Notes
        -----
        A missing step or value within a series is filled: up to two in a row by a straight line,
        more by the value one season earlier. With ``fill_gaps="zero"`` missing rows are zeros, and
        ``"error"`` refuses them. Equal rows are dropped with a warning, others of one time refused
        (``duplicates=``). Days of a time zone are calendar days, hours are hours.
        """
        self.__dict__.pop("card_", None)
        self._validate_params()
        whole_numbers("horizon", self.horizon)
        self.checked_members()
        check_method(reconcile)
        panel = read_panel(
            data, id=id, time=time, target=target, known=known, past=past, static=static,
            freq=self.freq, fill_gaps=self.fill_gaps, duplicates=self.duplicates,
        )  # fmt: skip
        return self.fit_panel(panel, hierarchy, reconcile)

    def fit_panel(
        self, panel: Panel, hierarchy: Mapping[Any, Sequence[Any]] | None = None,
        reconcile: str = "mint_shrink",
    ) -> Self:  # fmt: skip
        """Learn from series that are read already."""
        summed = None
        if hierarchy is not None:
            panel, summed = hierarchical(panel, hierarchy)
        warn_of_leaks(panel)
        rng = check_random_state(self.random_state)
        seed = int(rng.randint(2**31 - 1))
        is_price = self.kind == "price" or (self.kind == "auto" and are_prices(panel))
        seasons = () if is_price else self.seasons_for(panel)
        histories = Histories.of(panel, seasons[0] if seasons else 1)
        rows = count_rows(histories, "level" if is_price else self.kind, seasons)
        starts = np.array([one.start for one in panel.series], np.int64)
        with self._threads():
            counts = None
            if len(rows):
                counts = fit_count_part(
                    histories, starts, rows, horizon=self.horizon, seasons=seasons[:1],
                    likelihood=self.likelihood, seed=seed, progress=self.progress,
                )  # fmt: skip
            settings = self.search_settings(panel, seasons, seed, is_price)
            if len(rows) == len(panel.series):  # nobody would ask other members
                settings = replace(settings, with_ridges=False, networks=())
            self.fitted_, self.history_ = fit_panel(
                panel, self.horizon, seasons, settings, counts, summed, hierarchy, reconcile
            )
        roles = panel.roles
        self.n_features_in_ = 1 + len(roles.known) + len(roles.past) + len(roles.static)
        return self

    # What was learned

    @property
    def season_length_(self) -> tuple[int, ...]:
        """The lengths of seasons in steps, shortest first."""
        return self._learned().seasons

    @property
    def freq_(self) -> str | None:
        """The frequency of the times, as pandas names it."""
        return self._learned().panel.calendar.freq

    @property
    def kind_(self) -> str:
        """What the series are."""
        fitted = self._learned()
        if fitted.is_price:
            return "price"
        counts = fitted.counts
        return "count" if counts is not None and len(counts.rows) == len(fitted.scales) else "level"

    @property
    def members_(self) -> list[str]:
        """The members whose median the forecast is now."""
        fitted = self._learned()
        if self.kind_ == "count" and fitted.counts is not None:
            return [f"counts ({fitted.counts.model.likelihood.replace('_', ' ')})"]
        return [fitted.committee.members[k].name for k in fitted.raw_track.chosen]

    @property
    def ids_(self) -> list[Any]:
        """The names of the series."""
        return list(self._learned().panel.names)

    # Forecasts

    def predict(self, levels: Any = None, *, future: Any = None) -> Frame:
        """Forecast the steps after the last row of each series.

        Parameters
        ----------
        levels : sequence of float, optional
            Of intervals in percent, such as ``[80, 95]``: columns ``lo-80``, ``hi-80``, ...
        future : DataFrame, optional
            Rows of the next steps of every series with the covariates known ahead. Default: those
            that the rows of the training had after the last target.

        Returns
        -------
        DataFrame
            A row for each series and step: the id, the time, ``forecast``, and the intervals.

        Raises
        ------
        DataError
            If a covariate is missing at a step, or a series is unknown.
        """
        chosen = checked_levels(levels)
        fitted, known = self._with_future(future)
        with self._threads():
            forecasts = fitted.forecast(known)
            columns = {"forecast": forecasts}
            if chosen:
                warn_of_few_origins(fitted, chosen)
                for level, (lower, upper) in fitted.intervals(forecasts, known, chosen).items():
                    columns[f"lo-{level:g}"] = lower
                    columns[f"hi-{level:g}"] = upper
        return long_frame(fitted.panel, columns)

    def sample_paths(
        self, n_paths: int = 200, *, future: Any = None, random_state: Any = None
    ) -> Frame:
        """Draw possible futures, whose sums over the horizon have their true spread.

        Parameters
        ----------
        n_paths : int
            Default 200.
        future : DataFrame, optional
            See `predict`.
        random_state : int, RandomState or None
            Default: the forecaster's.

        Returns
        -------
        DataFrame
            The id, the time, and columns ``sample-1``, ``sample-2``, ...: the 95 % quantile of the
            sum over the horizon is ``paths.groupby("id").sum(numeric_only=True).quantile(0.95,
            axis=1)``.
        """
        [many] = whole_numbers("n_paths", n_paths)
        fitted, known = self._with_future(future)
        chosen = self.random_state if random_state is None else random_state
        seed = int(check_random_state(chosen).randint(2**31 - 1))
        with self._threads():
            warn_of_few_origins(fitted, ())
            paths = fitted.paths(fitted.forecast(known), known, many, np.random.default_rng(seed))
        return long_frame(fitted.panel, {f"sample-{k + 1}": paths[:, k] for k in range(many)})

    def update(self, data: Any, *, update_params: bool = False) -> Self:
        """Go on with new rows, so that `predict` forecasts the steps after them.

        Parameters
        ----------
        data : DataFrame, Series or array
            Rows that come after those of the training, in the same form; new series are welcome.
        update_params : bool
            Whether members are fitted to all rows anew: ridges in closed form, networks by some
            more steps. Default False: weights stay, and members are chosen by their latest errors.

        Raises
        ------
        DataError
            If a row says something else than the training did of the same time.
        """
        fitted = self._checked()
        if fitted.hierarchy is not None:
            raise UnsupportedError("update() of a hierarchy: fit again with all rows")
        panel = append_rows(fitted.panel, data)
        with self._threads():
            self.fitted_ = fitted.with_panel(panel)
            if update_params:
                self.fitted_, more = self.fitted_.refitted(
                    self.search_settings(panel, fitted.seasons, 0, fitted.is_price)
                )
                for name, rows in more.items():
                    self.history_[name] = self.history_.get(name, []) + rows
        return self

    def _with_future(self, future: Any) -> tuple[Fitted, Floats]:
        """The fitted forecaster with the user's future days, and covariates known ahead."""
        fitted = self._checked()
        panel = with_future_days(fitted.panel, future)
        known = stack_known(read_future(future, panel, fitted.horizon))
        if panel is not fitted.panel:
            fitted = replace(fitted, panel=panel)
        return fitted, known

    def _learned(self) -> Fitted:
        check_is_fitted(self, "fitted_")
        return self.fitted_

    def _checked(self) -> Fitted:
        if self.horizon != self._learned().horizon:
            raise ValueError(
                f"horizon={self.horizon}, but {self.fitted_.horizon} steps were learned: fit again"
            )
        return self.fitted_

    def _threads(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.n_threads is None else configured(num_threads=self.n_threads)


def warn_of_few_origins(fitted: Fitted, levels: Sequence[float]) -> None:
    """Say where there are too few past forecasts to calibrate intervals."""
    conformal = fitted.conformal
    if not len(conformal.errors):
        raise DataError(
            f"the series are too short to calibrate intervals for {fitted.horizon} steps: there is "
            "no past forecast to learn errors from; give longer series, a shorter horizon, or "
            "leave levels= out"
        )
    for level in levels:
        least = conformal.least_origins(level)
        if conformal.n_origins < least:
            many = len(fitted.scales)
            instead = (
                "they reach as far as the largest error so far, and are alike for higher levels"
                if many == 1
                else f"the errors of all {many} series stand in"
            )
            warn_user(
                f"{conformal.n_origins} past forecasts of each series are too few to calibrate "
                f"{level:g} % intervals, which need {least}: {instead}",
                FewOriginsWarning,
            )
