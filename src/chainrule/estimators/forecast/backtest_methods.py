"""`backtest`: what a forecaster would have said at past origins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from .backtesting import make_plan, run_backtest
from .evaluation.backtest_result import BacktestResult
from .fitted import Fitted
from .hierarchy.panel import check_method, hierarchical
from .reading.panel import Panel, read_panel
from .settings import checked_levels, whole_numbers


class BacktestMethods:
    """Methods that the forecaster inherits."""

    horizon: int
    freq: str | None
    fill_gaps: str
    duplicates: str
    progress: bool
    fitted_: Fitted
    coverage_: dict[float, float]
    _validate_params: Callable[[], None]
    _threads: Callable[[], AbstractContextManager[Any]]

    def backtest(
        self, data: Any = None, *, id: str | None = None, time: str | None = None,
        target: str | None = None, known: Sequence[str] = (), past: Sequence[str] = (),
        static: Sequence[str] = (), hierarchy: Mapping[Any, Sequence[Any]] | None = None,
        reconcile: str = "mint_shrink", n_windows: int = 10, step: int | None = None,
        refit: Any = "auto", levels: Any = (80, 95),
    ) -> BacktestResult:  # fmt: skip
        """Forecast from past origins, each time with what was known by then, and score it.

        The forecaster itself stays as it is, but for `coverage_`.

        Parameters
        ----------
        data : DataFrame, Series or array, optional
            As `fit` takes it, with `id` to `reconcile`. Default: the rows of the training.
        n_windows : int
            Origins; the last window ends with the last value. Default 10.
        step : int, optional
            Steps from one origin to the next. Default: the horizon, so that windows do not overlap.
        refit : "auto", bool or int
            Whether members are searched anew at each origin (True), at the first one alone (False,
            later ones go on as `update` does), or at each so many. ``"auto"``: 8 times at most.
        levels : sequence of float
            Of intervals, in percent. Default (80, 95).

        Returns
        -------
        BacktestResult
            ``print`` shows MASE, RMSSE, sMAPE, CRPS and bias beside those of the naive and the
            seasonal naive forecast and of a linear model on lags, the coverage of intervals, and
            of prices whether there is any skill. See `scores`, `coverage` and `to_frame`.

        Raises
        ------
        DataError
            If the series are too short for so many windows.

        Examples
        --------
        >>> import numpy as np
        >>> import chainrule as cr
        >>> rng = np.random.default_rng(0)
        >>> load = np.tile([5.0, 6.0, 7.0, 6.0, 8.0, 12.0, 3.0], 30) + rng.normal(size=210)
        >>> forecaster = cr.Forecaster(horizon=7, season_length=7, random_state=0)
        >>> result = forecaster.backtest(load, n_windows=5)
        >>> scores = result.scores()["MASE"]
        >>> bool(scores["forecaster"] < scores["seasonal naive"])
        True
        """
        self._validate_params()
        check_method(reconcile)
        chosen = checked_levels(levels)
        [windows] = whole_numbers("n_windows", n_windows)
        [apart] = whole_numbers("step", self.horizon if step is None else step)
        if data is None:
            check_is_fitted(self, "fitted_")
            if any(name is not None for name in (id, time, target, hierarchy)):
                raise ValueError("backtest(id=..., ...) describes data: give data= as well")
            panel, method = self.fitted_.panel, self.fitted_.method
            children = None if self.fitted_.hierarchy is None else self.fitted_.children
        else:
            panel = read_panel(
                data, id=id, time=time, target=target, known=known, past=past, static=static,
                freq=self.freq, fill_gaps=self.fill_gaps, duplicates=self.duplicates,
            )  # fmt: skip
            children, method = hierarchy, reconcile
        if children is not None:
            panel, _ = hierarchical(panel, children)
        plan = make_plan(panel, self.horizon, windows, apart, refit, chosen)

        def fit(rows: Panel) -> Fitted:
            model: Any = clone(self)
            fitted: Fitted = (
                model.set_params(progress=False).fit_panel(rows, children, method).fitted_
            )
            return fitted

        with self._threads():
            result, _ = run_backtest(fit, panel, plan, self.horizon, self.progress)
        self.coverage_ = dict(result.coverage_)
        return result
