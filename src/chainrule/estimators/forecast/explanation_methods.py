"""Methods of a forecaster that explain its forecasts: attributions, and N-BEATS' parts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .attribution import BASELINES, attribute, chosen_series
from .decomposition import decompose, nbeats_member
from .fitted import Fitted
from .reading.result import long_frame
from .settings import whole_numbers

Frame: TypeAlias = Any


class ExplanationMethods:
    """Methods that the forecaster inherits."""

    _with_future: Callable[[Any], tuple[Fitted, NDArray[np.float64]]]
    _threads: Callable[[], AbstractContextManager[Any]]

    def attributions(
        self, *, series: Any = None, step: int | None = None, future: Any = None,
        steps: int = 32, baseline: str = "level",
    ) -> Frame:  # fmt: skip
        """How much each lag and each covariate adds to the forecasts: integrated gradients.

        Inputs go on a straight line from a baseline, a flat window with covariates at their means,
        to the real ones, through all members that are chosen now, their transforms and the median.

        Parameters
        ----------
        series : object or list, optional
            Ids. Default: all series.
        step : int, optional
            The step ahead, from 1. Default: the mean of all steps.
        future : DataFrame, optional
            See `predict`.
        steps : int
            Points of the line, at least: where the attributions do not add up, there are more, up
            to 512. Default 32.
        baseline : {"level", "last"}
            The flat window: at the mean of the longest window that a member reads (of 30 values
            at least), or at the last value. Default "level".

        Returns
        -------
        DataFrame
            The id, ``input``, ``value`` and ``attribution``, in the unit of the target. Of each
            series first a row "baseline" with the forecast of the baseline, then the inputs from
            the largest attribution on: "lag 1" is the last value, "known promo +3" a covariate
            three steps ahead, "known promo lag 2" the same in the window, "past temp lag 1" the
            last value of another. They add up to the forecast, but for the error of the integral.
            Inputs that add nothing to any of the series are left out. ``attrs["seasons"]`` has the
            lengths of seasons, by which a report sums up lags.

        Raises
        ------
        DataError
            If a series is unknown.
        UnsupportedError
            If a series is intermittent demand, or a hierarchy is reconciled.

        Notes
        -----
        Lags before the first value of a short series stand for its first season, which is repeated
        there. Static covariates are as they are in the baseline too.

        References
        ----------
        M. Sundararajan, A. Taly, Q. Yan: "Axiomatic attribution for deep networks",
        arXiv:1703.01365 (2017), equation 3.

        Examples
        --------
        >>> import numpy as np
        >>> import chainrule as cr
        >>> sales = np.tile([5.0, 6.0, 7.0, 6.0, 8.0, 12.0, 3.0], 20)
        >>> forecaster = cr.Forecaster(horizon=1, season_length=7, random_state=0).fit(sales)
        >>> table = forecaster.attributions()
        >>> table.columns.tolist(), table["input"][0]
        (['input', 'value', 'attribution'], 'baseline')
        >>> forecast = forecaster.predict()["forecast"][0]
        >>> bool(abs(table["attribution"].sum() - forecast) < 0.01 * forecast)
        True
        """
        [points] = whole_numbers("steps", steps)
        if baseline not in BASELINES:
            raise ValueError(f"baseline={baseline!r:.40}: give 'level' or 'last'")
        fitted, known = self._with_future(future)
        ahead = None if step is None else whole_numbers("step", step)[0]
        if ahead is not None and ahead > fitted.horizon:
            raise ValueError(f"step={ahead}, but {fitted.horizon} steps are forecast")
        rows = chosen_series(fitted, series)
        with self._threads():
            result = attribute(fitted, known, rows, ahead, points, baseline)
        return result.frame(fitted)

    def decomposition(self, *, future: Any = None) -> Frame:
        """What the linear skip and each block of the N-BEATS add to its forecasts.

        Parameters
        ----------
        future : DataFrame, optional
            See `predict`.

        Returns
        -------
        DataFrame
            The id, the time, ``forecast``, and its parts in the unit of the target: ``level`` (the
            last value or the mean of the window, which the network sees as 0), ``linear skip``,
            ``block 1``, ... (``trend`` and ``seasonality`` of interpretable blocks), and ``known
            covariates`` where the member takes their effect off before. The parts add up to
            ``forecast``, which is that of this one member: ``attrs["member"]`` has its name.

        Raises
        ------
        UnsupportedError
            If there is no N-BEATS among the members.

        Notes
        -----
        A network adds its parts up in its own view, where values may be logarithms. Each part here
        is how much the value changes when the network's part is added to those before it, in the
        order of the columns. Without a transform the order is of no importance.

        References
        ----------
        B. N. Oreshkin, D. Carpov, N. Chapados, Y. Bengio: "N-BEATS: neural basis expansion
        analysis for interpretable time series forecasting", ICLR (2020), section 3.3.

        Examples
        --------
        >>> import numpy as np
        >>> import chainrule as cr
        >>> sales = np.tile([5.0, 6.0, 7.0, 6.0, 8.0, 12.0, 3.0], 20)
        >>> forecaster = cr.Forecaster(
        ...     horizon=2, season_length=7, members=["ridge", "nbeats"], max_steps=5,
        ...     random_state=0, progress=False,
        ... ).fit(sales)
        >>> parts = forecaster.decomposition()
        >>> parts.columns.tolist()[1:]
        ['forecast', 'level', 'linear skip', 'block 1', 'block 2']
        """
        fitted, known = self._with_future(future)
        member = nbeats_member(fitted)
        with self._threads():
            result = long_frame(fitted.panel, decompose(fitted, member, known))
        result.attrs["member"] = member.name
        return result
