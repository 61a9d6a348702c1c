"""One forecaster of a committee, whatever it is: a rule, a ridge or a network in its view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .histories import Histories, Origins
from .naive import Drift, SeasonalNaive
from .network_member import NetworkMember, network_inputs
from .ridges import Ridge
from .view import View

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Member:
    """A fitted forecaster.

    Attributes
    ----------
    model : SeasonalNaive, Drift, Ridge or NetworkMember
    view : View or None
        None for the rules, which see the values as they are.
    """

    model: SeasonalNaive | Drift | Ridge | NetworkMember
    view: View | None = None

    @property
    def name(self) -> str:
        """As tables have it."""
        if isinstance(self.model, (SeasonalNaive, Drift)):
            return self.model.name
        use = "none" if self.view is None else self.view.known_use
        effects = {"none": "", "sum": ", covariates", "factor": ", covariates as factors"}[use]
        return self.model.spec.name.removesuffix(")") + effects + ")"

    @property
    def is_rule(self) -> bool:
        """Whether it has no weights."""
        return isinstance(self.model, (SeasonalNaive, Drift))

    @property
    def is_uncentred(self) -> bool:
        """Whether it is a ridge on values as they are, with no centre of the window taken off."""
        return isinstance(self.model, Ridge) and self.model.spec.centre == "none"

    @property
    def family(self) -> str:
        """Members of one family look at the same steps: a committee takes one of each."""
        if isinstance(self.model, (SeasonalNaive, Drift)):
            return self.model.name
        if isinstance(self.model, NetworkMember):
            return self.model.spec.name
        return f"ridge {self.model.spec.lags} {self.model.spec.is_local}"

    @property
    def lags(self) -> int:
        """How many values before an origin it looks at."""
        if isinstance(self.model, SeasonalNaive):
            return self.model.season
        return 1 if isinstance(self.model, Drift) else self.model.spec.lags

    def forecast(
        self, histories: Histories, origins: Origins, horizon: int, known: Floats
    ) -> Floats:
        """The forecasts (n, horizon), with the covariates known ahead (n, horizon, K)."""
        return self.forecast_prepared(None, histories, origins, horizon, known)

    def forecast_prepared(
        self, prepared: Histories | None, histories: Histories, origins: Origins, horizon: int,
        known: Floats,
    ) -> Floats:  # fmt: skip
        """As `forecast`, with the series as the member's view has them, if they are at hand."""
        if isinstance(self.model, (SeasonalNaive, Drift)) or self.view is None:
            assert isinstance(self.model, (SeasonalNaive, Drift))
            return self.model.forecast(histories, origins, horizon)
        prepared = self.view.prepared(histories) if prepared is None else prepared
        windows = prepared.windows(origins, self.lags)
        return self.forecast_windows(windows, prepared, origins, known)

    def forecast_windows(
        self, windows: Floats, prepared: Histories, origins: Origins, known: Floats
    ) -> Floats:
        """The forecasts for windows (n, at least lags) of the member's view."""
        assert self.view is not None
        if isinstance(self.model, NetworkMember):
            inputs = network_inputs(prepared, origins, known, self.lags)
            z: Any = self.model.forecast(windows, *inputs, origins.series)
            if self.model.quantiles:
                z = z[:, :, len(self.model.quantiles) // 2]
        else:
            assert isinstance(self.model, Ridge)
            z = self.model.forecast(windows, self.view.extras_at(prepared, origins), origins.series)
        return self.view.values(z, origins, known)

    @property
    def has_quantiles(self) -> bool:
        """Whether it is a network with quantile heads."""
        return isinstance(self.model, NetworkMember) and bool(self.model.quantiles)

    def quantile_ends(self, histories: Histories, origins: Origins, known: Floats) -> Floats:
        """The lowest and the highest of a network's quantiles (2, n, horizon)."""
        assert self.view is not None and isinstance(self.model, NetworkMember)
        prepared = self.view.prepared(histories)
        windows = prepared.windows(origins, self.lags)
        inputs = network_inputs(prepared, origins, known, self.lags)
        z = self.model.forecast(windows, *inputs, origins.series)
        ends = [self.view.values(z[:, :, end], origins, known) for end in (0, -1)]
        return np.stack(ends)

    def with_series(self, histories: Histories) -> Member:
        """The member with the measures of series that its training had not."""
        if self.view is None:
            return self
        view = self.view.with_series(histories)
        if view is self.view:
            return self
        model = self.model
        if isinstance(model, NetworkMember):
            model = model.with_series(view.prepared(histories).values, view.scaling.spread)
        return Member(model, view)


def known_ahead(histories: Histories, origins: Origins, horizon: int) -> Floats:
    """The covariates that are known ahead of origins (n, horizon, K), as far as the series have.

    Beyond it they are as the last.
    """
    size = histories.known[0].shape[1]
    result = np.empty((len(origins), horizon, size))
    if size:
        for row, (series, step) in enumerate(zip(origins.series, origins.steps, strict=True)):
            every = histories.known[series]
            at = np.minimum(int(step) + np.arange(horizon), len(every) - 1)
            result[row] = every[at]
    return result
