"""The upper tail of a sample of anomaly scores, by the theory of extreme values.

Excesses over a high threshold follow a generalised Pareto distribution, whatever the scores are
(Pickands 1975). An estimate of its two parameters, taken for the truth, gives thresholds that are
exceeded too often on average, by a factor of 2 to 3 for 30 excesses. So a `Tail` holds the
predictive distribution: the mixture of the generalised Pareto distributions that the excesses
allow, each weighted with its posterior probability. Of known shape, its quantiles are exceeded
exactly as often as promised, on average over samples.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from ....container import damaged
from ....lazy import computed
from ...serialization import schema

Floats: TypeAlias = npt.NDArray[np.float64]

SHARE = 0.2  # of the scores, in the tail
FEWEST = 10  # excesses, of samples that have so many
MOST = 150
SHAPES = (-0.5, 1.0)  # below, a likelihood has no maximum; above, no mean
SHAPE_MEAN, SHAPE_DEVIATION = 0.1, 0.3  # of the prior: most scores are a little heavy-tailed
COARSE_NODES = 31  # shapes of the search; spaced less than the deviation of any posterior
SHAPE_NODES = 15
IMPROBABLE = 10.0  # how far below the largest a logarithm of a probability is negligible
SCALE_NODES = np.arange(-3.0, 5.0)  # in deviations; skewed to large scales
SCALE_STEPS = 8
QUANTILE_STEPS = 20
LIGHTEST = 1e-7  # component of the mixture


@dataclass(frozen=True)
class Tail:
    """The upper tail of a distribution of scores: a mixture of generalised Pareto distributions.

    ``P(S >= s) = share * sum_i w_i (1 + shape_i (s - threshold) / scale_i) ** (-1 / shape_i)`` for
    scores ``s`` above the threshold.

    Parameters
    ----------
    threshold : float
        Where the tail begins, one of the scores.
    share : float
        The probability of a score above the threshold: ``(k + 1) / (n + 1)`` where k of n scores
        exceed it.
    shapes, scales, weights : tuples of floats
        The components; weights add up to 1.

    References
    ----------
    Pickands, *Statistical inference using extreme order statistics*, 1975. Coles & Tawn, *A
    Bayesian analysis of extreme rainfall data*, 1996 (predictive distributions of extremes). The
    prior of the shape has the purpose of Martins & Stedinger's, *Generalized maximum-likelihood
    GEV quantile estimators*, 2000; that of the scale is 1 / scale.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.random.default_rng(0).exponential(size=2_000)
    >>> tail = Tail.fit(scores)
    >>> threshold = tail.quantile(0.001)
    >>> round(threshold, 2), round(float(np.exp(-threshold)), 5)  # and its true rate of exceedance
    (7.71, 0.00045)
    >>> round(tail.survival(threshold), 6)
    0.001
    """

    threshold: float
    share: float
    shapes: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]

    @classmethod
    def fit(cls, scores: npt.ArrayLike, share: float | None = None) -> Tail:
        """Fit the tail of a sample.

        Parameters
        ----------
        scores : array of n >= 2 numbers
            Higher means more anomalous. Infinite scores count as the largest or smallest finite
            one.
        share : float between 0 and 1, optional
            The share of the scores that are in the tail. By default a fifth, of large samples less:
            at least 10 and at most 150 scores.

        Raises
        ------
        ValueError
            For fewer than 2 scores, NaN, no finite score, or a share outside (0, 1).

        Notes
        -----
        The location is fixed at the threshold, and excesses are divided by their mean, so that
        shifted and scaled scores give the shifted and scaled tail. Where the largest scores are
        equal, the threshold is lowered to the next smaller score; where all are, the tail ends just
        above them.
        """
        ordered = np.sort(_checked(scores))
        count = _tail_size(len(ordered), share)
        threshold = ordered[-count - 1]
        if threshold == ordered[-1]:
            lower = int(np.searchsorted(ordered, threshold, side="left"))
            if lower == 0:
                return cls._of_equal_scores(float(threshold), len(ordered))
            threshold = ordered[lower - 1]
        above = ordered[np.searchsorted(ordered, threshold, side="right") :]
        excesses = above - threshold
        mean = float(np.mean(excesses))
        if not (isfinite(mean) and mean > 0 and isfinite(excesses[-1] / mean)):
            raise ValueError("the scores span more than floating-point numbers: scale them")
        shapes, scales, weights = _posterior(excesses / mean)
        return cls(
            threshold=float(threshold),
            share=(len(excesses) + 1) / (len(ordered) + 1),
            shapes=tuple(shapes.tolist()),
            scales=tuple((scales * mean).tolist()),
            weights=tuple(weights.tolist()),
        )

    @classmethod
    def _of_equal_scores(cls, score: float, n_scores: int) -> Tail:
        width = max(abs(score) * 1e-12, np.finfo(float).tiny)
        return cls(score, 1 - 1 / (n_scores + 1), (0.0,), (width,), (1.0,))

    @overload
    def survival(self, score: float) -> float: ...

    @overload
    def survival(self, score: Floats) -> Floats: ...

    def survival(self, score: float | Floats) -> float | Floats:
        """Return the probability of a score at least as high, P(S >= score).

        Parameters
        ----------
        score : float or array
            Scores above the threshold. At it, the answer is `share`; below, where the tail knows
            nothing, as well.

        Returns
        -------
        float or array of the score's shape

        Examples
        --------
        >>> import numpy as np
        >>> tail = Tail(10.0, 0.1, shapes=(0.0,), scales=(2.0,), weights=(1.0,))
        >>> np.round(tail.survival(np.array([10.0, 12.0, 14.0])), 6).tolist()
        [0.1, 0.036788, 0.013534]
        """
        excess = np.maximum(np.asarray(score, float) - self.threshold, 0.0)
        survival = np.minimum(self.share * self._mixture(excess)[0], self.share)
        return survival if survival.ndim else float(survival)

    @overload
    def quantile(self, rate: float) -> float: ...

    @overload
    def quantile(self, rate: Floats) -> Floats: ...

    def quantile(self, rate: float | Floats) -> float | Floats:
        """Return the score that is exceeded with a probability.

        Parameters
        ----------
        rate : float or array
            Above 0 and at most `share`.

        Returns
        -------
        float or array of the rate's shape

        Raises
        ------
        ValueError
            For rates that are not of the tail: more than `share` of the scores are above such a
            quantile, so it is one of the sample, `numpy.quantile`.

        Examples
        --------
        >>> tail = Tail(10.0, 0.1, shapes=(0.0,), scales=(2.0,), weights=(1.0,))
        >>> round(tail.quantile(0.001), 6)
        19.21034
        """
        rates = np.asarray(rate, float)
        if not np.all((rates > 0) & (rates <= self.share)):
            raise ValueError(
                f"rate is {rate}: the tail has quantiles of rates above 0 and up to its share, "
                f"{self.share:.6g}"
            )
        aim = rates / self.share
        of_components = _quantile(aim[..., None], *self._parameters[:2])
        low, high = of_components.min(-1), of_components.max(-1)  # the mixture's is between
        excess = (low + high) / 2
        for _ in range(QUANTILE_STEPS):
            survival, slope = self._mixture(excess)
            is_low = survival > aim
            low, high = np.where(is_low, excess, low), np.where(is_low, high, excess)
            with np.errstate(all="ignore"):  # Newton's step on the logarithm, else a bisection
                step = excess - np.log(survival / aim) * survival / slope
            step = np.where((step >= low) & (step <= high), step, (low + high) / 2)
            is_close = np.all(np.abs(step - excess) <= 1e-14 * step)
            excess = step
            if is_close:
                break
        score = self.threshold + excess
        return score if score.ndim else float(score)

    @property
    def shape(self) -> float:
        """The expected shape: above 0 for heavy tails, 0 for exponential, below 0 for bounded."""
        return float(np.dot(self.shapes, self.weights))

    def to_json(self) -> dict[str, Any]:
        """Return the tail as values of JSON, of which `from_json` makes an equal one."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, value: Any, where: str = "tail") -> Tail:
        """Make a tail of what `to_json` returned; `where` is its name in errors.

        Raises
        ------
        ModelFileError
            For values that are no tail.

        Examples
        --------
        >>> tail = Tail(10.0, 0.1, shapes=(0.0,), scales=(2.0,), weights=(1.0,))
        >>> Tail.from_json(tail.to_json()) == tail
        True
        """
        fields = _FIELDS(value, where)
        lists = [fields[name] for name in ("shapes", "scales", "weights")]
        if len({len(one) for one in lists}) != 1:
            raise damaged(f"{where} has shapes, scales and weights of different numbers")
        if not 0 < fields["share"] <= 1 or abs(sum(fields["weights"]) - 1) > 1e-6:
            raise damaged(f"{where} has probabilities that do not add up")
        if any(abs(shape) > 1 for shape in fields["shapes"]):
            raise damaged(f"{where} has a shape outside -1 to 1")
        shapes, scales, weights = map(tuple, lists)
        return cls(fields["threshold"], fields["share"], shapes, scales, weights)

    def _mixture(self, excess: Floats) -> tuple[Floats, Floats]:
        """The probability of exceeding `excess` among scores above the threshold, and its slope."""
        shapes, scales, weights = self._parameters
        with np.errstate(under="ignore", divide="ignore", invalid="ignore"):
            span = scales + shapes * excess[..., None]
            survival = np.exp(-_cumulative_hazard(excess[..., None] / scales, shapes))
            density = np.where(span > 0, survival / span, 0.0)
        return survival @ weights, -density @ weights

    @computed
    def _parameters(self) -> tuple[Floats, Floats, Floats]:
        return np.array(self.shapes), np.array(self.scales), np.array(self.weights)


_MANY = 10_000
_FIELDS = schema.fields(
    {
        "threshold": schema.finite,
        "share": schema.positive,
        "shapes": schema.each(schema.finite, 1, _MANY),
        "scales": schema.each(schema.positive, 1, _MANY),
        "weights": schema.each(schema.positive, 1, _MANY),
    }
)


def _checked(scores: npt.ArrayLike) -> Floats:
    """Scores as a finite array of one axis."""
    array = np.asarray(scores, float)
    if array.ndim != 1 or len(array) < 2:
        raise ValueError(f"scores have shape {array.shape}: a tail needs a list of 2 or more")
    if np.isnan(array).any():
        raise ValueError(f"{np.isnan(array).sum()} scores are NaN: leave those rows out")
    is_finite = np.isfinite(array)
    if not is_finite.any():
        raise ValueError("all scores are infinite: no tail can be fitted to them")
    clipped: Floats = np.clip(array, array[is_finite].min(), array[is_finite].max())
    return clipped


def _tail_size(n_scores: int, share: float | None) -> int:
    """How many of the largest scores make the tail."""
    if share is None:
        count = min(max(round(SHARE * n_scores), FEWEST), MOST)
    elif 0 < share < 1:
        count = max(round(share * n_scores), 1)
    else:
        raise ValueError(f"share is {share}: give a number between 0 and 1")
    return min(count, n_scores - 1)


def _cumulative_hazard(ratio: Floats, shape: Floats) -> Floats:
    """Minus the logarithm of the survival, at excesses over the scale; infinite past the end."""
    is_exponential = np.abs(shape) < 1e-9
    with np.errstate(divide="ignore", invalid="ignore"):
        product = np.maximum(ratio * shape, -1.0)
        bent: Floats = np.log1p(product) / np.where(is_exponential, 1, shape)
    return np.where(is_exponential, ratio, bent)


def _quantile(probability: Floats, shape: Floats, scale: Floats) -> Floats:
    """The excess that is exceeded with a probability, of one component."""
    hazard = -np.log(probability)
    is_exponential = np.abs(shape) < 1e-9
    with np.errstate(over="ignore"):
        growth = np.expm1(shape * hazard) / np.where(is_exponential, 1, shape)
    return scale * np.where(is_exponential, hazard, growth)


def _posterior(excesses: Floats) -> tuple[Floats, Floats, Floats]:
    """Shapes, scales and weights of the mixture, for positive excesses with mean 1.

    First a coarse search for the range of probable shapes, then evenly spaced ones in it, and for
    each of them evenly spaced logarithms of scales around the most probable one.
    """
    coarse = np.linspace(*SHAPES, COARSE_NODES)
    scale, deviation = _most_probable_scales(excesses, coarse)
    density = _log_density(excesses, coarse[:, None], np.log(scale)[:, None])[:, 0]
    density += np.log(deviation)
    probable = np.flatnonzero(density > density.max() - IMPROBABLE)
    first, last = max(probable[0] - 1, 0), min(probable[-1] + 1, COARSE_NODES - 1)
    shapes = np.linspace(coarse[first], coarse[last], SHAPE_NODES)
    scale, deviation = _most_probable_scales(excesses, shapes)
    log_scales = np.log(scale)[:, None] + deviation[:, None] * SCALE_NODES
    density = _log_density(excesses, shapes[:, None], log_scales) + np.log(deviation)[:, None]
    with np.errstate(under="ignore"):
        weights = np.exp(density - density.max())
    weights[[0, -1]] /= 2  # the trapezoidal rule
    weights /= weights.sum()
    remains = weights > LIGHTEST
    of_nodes = np.broadcast_to(shapes[:, None], weights.shape)[remains]
    return of_nodes, np.exp(log_scales[remains]), weights[remains] / weights[remains].sum()


def _log_density(excesses: Floats, shapes: Floats, log_scales: Floats) -> Floats:
    """Logarithm of likelihood and prior; the scale's prior is flat in its logarithm."""
    ratio = excesses / np.exp(log_scales)[..., None]
    hazard = _cumulative_hazard(ratio, shapes[..., None])
    likelihood = -len(excesses) * log_scales - (1 + shapes) * hazard.sum(-1)
    prior = -0.5 * ((shapes - SHAPE_MEAN) / SHAPE_DEVIATION) ** 2
    density: Floats = likelihood + prior
    return density


def _most_probable_scales(excesses: Floats, shapes: Floats) -> tuple[Floats, Floats]:
    """For each shape the scale of highest likelihood, and the deviation of its logarithm.

    The scale solves ``sum_i y_i / (scale + shape * y_i) = n / (1 + shape)``. The inverse of the
    left side is concave and nearly linear in the scale: Newton's method needs a few steps.
    """
    n_excesses, largest = len(excesses), float(excesses.max())
    scales = np.maximum(-shapes * largest + (1 + shapes) * largest / n_excesses, 1.0)
    aims = (1 + shapes) / n_excesses
    for _ in range(SCALE_STEPS):
        terms = excesses / (scales[:, None] + shapes[:, None] * excesses)
        total = terms.sum(1)
        slope = (terms**2 / excesses).sum(1) / total**2
        scales = np.maximum(scales + (aims - 1 / total) / slope, scales / 5)
    ratio = excesses / scales[:, None]
    curvature = (1 + shapes) * (ratio / (1 + shapes[:, None] * ratio) ** 2).sum(1)
    return scales, 1 / np.sqrt(curvature)
