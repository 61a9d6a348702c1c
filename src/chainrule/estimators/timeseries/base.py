"""What the classifier and the regressor of time series share: features, a ridge, files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ...config import configured
from ...data.timeseries import Series, as_series
from ...data.timeseries.series import warn_of_axes
from ...errors import DataError, UnsupportedError
from ...train.progress import ProgressBar
from ..serialization.mixin import SaveMixin
from ..sklearn_private import Interval
from .exporting import timeseries_onnx
from .neighbors import Neighbors
from .ridge import Block, Ridge, RidgeFit, fit_ridge
from .transform import Transform

MANY = 4000  # series from which on there are no more features than so many
MOST_FEATURES = 100_000
SHARES = ((1.0,), (0.1, 1.0), (0.01, 0.1, 1.0))  # of values, changes and statistics


class TimeSeriesEstimator(SaveMixin, BaseEstimator):  # type: ignore[misc]
    """Base of `TimeSeriesClassifier` and `TimeSeriesRegressor`.

    Parameters
    ----------
    n_features : int
        How many features the convolutions make, about. Of more than 4,000 series 4,000 at most.
    random_state : int, RandomState or None
        Of the kernels' biases and channels: the same seed, the same model.
    n_threads : int or None
        Of compiled code. None: as many as there are CPUs.
    progress : bool
        Show a bar in a terminal when something takes over 2 s.

    Attributes
    ----------
    n_features_in_ : int
        Channels.
    length_ : int
        Points of the longest series of the training.
    equal_length_ : bool
        Whether all had so many.
    transform_ : Transform
    ridge_ : Ridge
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_features": [Interval(Integral, 84, MOST_FEATURES, closed="both")],
        "random_state": ["random_state"],
        "n_threads": [Interval(Integral, 1, None, closed="left"), None],
        "progress": ["boolean"],
    }
    n_features: int
    random_state: Any
    n_threads: int | None
    progress: bool
    n_features_in_: int
    length_: int
    equal_length_: bool
    transform_: Transform
    ridge_: Ridge
    neighbors_: Neighbors | None = None

    def _fit(self, series: Series, targets: NDArray[np.float64], weights: Any) -> RidgeFit:
        """Fit the transform and the ridge, and return what else is known."""
        warn_of_axes(series)
        rng = check_random_state(self.random_state)
        draw = np.random.default_rng(rng.randint(2**31))
        wanted = self.n_features if len(series) <= MANY else min(self.n_features, MANY)
        transform = Transform.of(series, wanted, draw)
        features = self._features(transform, series)
        blocks = [Block(*one) for one in zip(transform.widths, SHARES, strict=True)]
        fitted = fit_ridge(features, targets, weights, blocks, draw)
        self.transform_, self.ridge_ = transform, fitted.ridge
        self.n_features_in_ = series.channels
        self.length_ = series.values.shape[2]
        self.equal_length_ = bool((series.lengths == self.length_).all())
        return fitted

    def _outputs(self, X: Any) -> NDArray[np.float64]:
        """The ridge's outputs, with those of the neighbours, of shape (series, outputs)."""
        check_is_fitted(self, "ridge_")
        series = self._series(X)
        outputs = self.ridge_(self._features(self.transform_, series))
        return outputs if self.neighbors_ is None else outputs + self.neighbors_(series)

    def _series(self, X: Any) -> Series:
        """Series to predict, if they can be of the kind of the training."""
        series = as_series(X)
        if series.channels != self.n_features_in_:
            swapped = series.values.shape[2] == self.n_features_in_
            hint = ": X.transpose(0, 2, 1) has them in their place" if swapped else ""
            raise DataError(
                f"X has {series.channels} channels, and the training had {self.n_features_in_}"
                f"{hint}"
            )
        odd = np.flatnonzero(series.extents != self.length_)
        if self.equal_length_ and odd.size:
            raise DataError(
                f"X[{odd[0]}] has {series.extents[odd[0]]} points, and all of the training had "
                f"{self.length_}: if shorter ones are meant, fill them up with NaN"
            )
        return series

    def to_onnx(self, dtype: Any = None) -> Any:
        """The fitted model as an ONNX model, from series of one length to the answer.

        Its input is "X", float64 of shape (rows, channels, points), without gaps; its outputs are
        "label" and "probabilities" of a classifier, "prediction" of a regressor.

        Parameters
        ----------
        dtype : None
            Nothing else is offered.

        Returns
        -------
        onnx.ModelProto

        Raises
        ------
        UnsupportedError
            If the training's series have unequal lengths.
        """
        check_is_fitted(self, "ridge_")
        if dtype not in (None, "float64", np.float64):
            raise UnsupportedError(
                f"to_onnx(dtype={dtype!r:.40}): series are scaled in float64; leave it out"
            )
        return timeseries_onnx(self)

    def layers(self) -> list[tuple[str, str, int]]:
        """What series pass through: names, shapes, and numbers that were fitted."""
        transform, coefficients = self.transform_, self.ridge_.coefficients
        rows = [("scale", f"2 x {transform.channels}", 2 * transform.channels)]
        for name, kernels in (("values", transform.of_values), ("changes", transform.of_changes)):
            dilations, count, biases = kernels.biases.shape
            shape = f"{dilations} dilations x {count} kernels x {biases} biases"
            rows.append((f"convolutions of {name}", shape, kernels.biases.size))
        shape = " x ".join(map(str, coefficients.shape))
        rows.append(("ridge", shape, coefficients.size + coefficients.shape[1]))
        if self.neighbors_ is not None:
            references = self.neighbors_.series
            rows.append(("neighbors", " x ".join(map(str, references.shape)), references.size))
        return rows

    def _features(self, transform: Transform, series: Series) -> NDArray[np.float32]:
        with self._threads(), self._bar(len(series)) as progress:
            return transform.features(series, progress)

    @contextmanager
    def _bar(self, count: int) -> Iterator[Callable[[int], None]]:
        """A function that is called with the number of series that are done."""
        with ProgressBar("series {task.completed:,.0f}/{task.total:,.0f}", self.progress) as bar:

            def update(done: int) -> None:
                if bar.is_due:
                    bar.update(done, count, "convolutions")

            yield update

    def _threads(self) -> AbstractContextManager[Any]:
        """A block in which compiled code uses as many threads as were asked for."""
        return nullcontext() if self.n_threads is None else configured(num_threads=self.n_threads)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "ridge_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags
