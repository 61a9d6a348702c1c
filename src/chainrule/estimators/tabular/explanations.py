"""Which columns make a row's prediction what it is: Shapley values, sampled, that add up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import floor, log, log10
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from ...errors import DataError
from ...lazy import LazyModule
from ...transforms import grad, jit
from ..mlp.network import FittedNetwork

pd = LazyModule("pandas")

Floats = NDArray[np.float64]

BACKGROUND = 32  # rows that stand for the training's
SAMPLED = 10_000  # training rows that they are drawn from
MOST_COLUMNS = 32  # of more, shares come from the gradient: the work no longer grows with them
WORTH_COMPILING = 1_000  # rows at a time that repay compiling
STEPS = 4  # of the gradient, along the line from each row of the background
CHUNK_ROWS = 128  # that are explained at a time
CHUNK_NUMBERS = 2**23  # likewise, with all the background
NEVER = -1e30  # the logit of a class that is left out


@dataclass(frozen=True, eq=False)
class Explanation:
    """What each column did to the predictions of some rows.

    Attributes
    ----------
    effects : DataFrame
        A row for each row, and a column for each column of the table. The effects of a row add up
        to ``outputs - base``.
    base : array of float64, shape (rows,)
        What is predicted where nothing is known of a row: the mean over the background.
    outputs : array of float64, shape (rows,)
        The predictions; of classes, the log-odds of the class that is predicted.
    """

    effects: Any
    base: Floats
    outputs: Floats

    def strongest(self, count: int = 3) -> list[Effects]:
        """The columns with the largest effects of each row, the largest first, and their effects.

        Columns without any effect are left out.
        """
        names = [str(name) for name in self.effects.columns]
        values = self.effects.to_numpy()
        order = np.argsort(-np.abs(values), axis=1, kind="stable")[:, :count]
        return [
            Effects((names[k], float(row[k])) for k in first if row[k] != 0.0)
            for row, first in zip(values, order, strict=True)
        ]


class Effects(tuple[tuple[str, float], ...]):
    """Columns and what they did to the prediction of one row.

    Examples
    --------
    >>> print(Effects([("income", 12345.6), ("age", -41.5)]))
    income +12,300; age -41.5
    """

    __slots__ = ()

    def __str__(self) -> str:
        return "; ".join(f"{name} {signed(effect)}" for name, effect in self)

    def to_json(self) -> list[dict[str, Any]]:
        """Plain JSON values."""
        return [{"column": name, "effect": effect} for name, effect in self]


def signed(value: float) -> str:
    """A number with its sign and three digits, in thousands where there are such.

    Examples
    --------
    >>> [signed(value) for value in (12345.6, -4.1049, 0.00012345, 2.5e-9, 3e20)]
    ['+12,300', '-4.1', '+0.000123', '+2.5e-09', '+3e+20']
    """
    rounded = float(f"{value:.3g}")
    if rounded == 0 or not 1e-6 <= abs(rounded) < 1e15:
        return f"{rounded:+.3g}"
    digits = max(0, 2 - floor(log10(abs(rounded))))
    text = f"{rounded:+,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def learn_background(x: Any, groups: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Rows that stand for those of the training, shape (`BACKGROUND`, features).

    Each column has its quantiles, and the columns are put together by Sobol's sequence, so that few
    rows have the training's means, and pairs of columns go together as if by chance. None of the
    rows is one of the training's.

    Parameters
    ----------
    x : array, shape (rows, features)
    groups : sequence of sequence of int
        The features of each column.
    """
    some = x[np.unique(np.linspace(0, len(x) - 1, SAMPLED).astype(int))]
    points = qmc.Sobol(len(groups), rng=np.random.default_rng(0)).random(BACKGROUND)
    background = np.empty((BACKGROUND, x.shape[1]), np.float32)
    for features, shares in zip(groups, points.T, strict=True):
        values = some[:, list(features)]
        ordered = np.lexsort(values.T[::-1])
        background[:, list(features)] = values[ordered[(shares * len(some)).astype(int)]]
    return background


# What is explained


@dataclass(frozen=True, eq=False)
class _Output:
    """The number that is explained: a prediction, or the log-odds of a class."""

    model: Any

    @property
    def network(self) -> FittedNetwork:
        """The fitted network."""
        return self.model.network_.fitted_network  # type: ignore[no-any-return]

    def codes(self, x: Any) -> Any:
        """The class that each row is predicted to be, as its position; zeros of a regressor."""
        if not hasattr(self.model, "classes_"):
            return np.zeros(len(x), int)
        outputs = np.asarray(self.network.perceptron.activate(self.network.raw_outputs(x)))
        return outputs[:, 0] > 0.5 if outputs.shape[1] == 1 else np.argmax(outputs, axis=1)

    def traced(self, x: Any, codes: Any) -> Any:
        """The number of each row, also of traced rows."""
        raw = self.network.raw_outputs(x)
        if not hasattr(self.model, "classes_"):
            return self.model.in_units(self.network.perceptron.activate(raw)[:, 0])
        return log_odds(raw[None] if np.ndim(raw) == 2 else raw, codes)

    def __call__(self, x: Any, codes: Any) -> Floats:
        """The number of each row, as float64."""
        size = len(x)
        while size > self.network.rows_at_a_time:
            size = -(-size // 2)  # equal parts share a program
        parts = []
        for start in range(0, len(x), size):
            rows, some = x[start : start + size], codes[start : start + size]
            function = self.compiled if len(rows) >= WORTH_COMPILING else self.traced
            parts.append(np.asarray(function(rows, some)))
        return np.concatenate(parts).astype(np.float64)

    @cached_property
    def compiled(self) -> Callable[[Any, Any], Any]:
        """The number of each row, for one number of rows after the other."""
        return jit(self.traced)

    @cached_property
    def gradient(self) -> Callable[[Any, Any], Any]:
        """Of the number of each row by its features."""
        return jit(grad(lambda x, codes: np.sum(self.traced(x, codes))))


def log_odds(raw: Any, codes: Any) -> Any:
    """The logarithm of the odds of a class for each row, of the mean of the members.

    Parameters
    ----------
    raw : array, shape (members, rows, classes), or (members, rows, 1) of two classes
    codes : array of int, shape (rows,)

    Examples
    --------
    >>> log_odds(np.array([[[0.5], [0.5]]]), np.array([1, 0])).tolist()
    [0.5, -0.5]
    """
    if raw.shape[-1] == 1:
        z = raw[:, :, 0] * np.where(codes == 1, 1.0, -1.0).astype(raw.dtype)
        return _log_mean(-np.logaddexp(-z, 0.0)) - _log_mean(-np.logaddexp(z, 0.0))
    chosen = codes[:, None] == np.arange(raw.shape[-1])
    total = _log_sum(raw)
    of_class = _log_sum(np.where(chosen, raw, NEVER)) - total
    return _log_mean(of_class) - _log_mean(_log_sum(np.where(chosen, NEVER, raw)) - total)


def _log_sum(z: Any) -> Any:
    """The logarithm of the sum of exponentials along the last axis."""
    largest = np.max(z, axis=-1, keepdims=True)
    return np.log(np.sum(np.exp(z - largest), axis=-1)) + largest[..., 0]


def _log_mean(logs: Any) -> Any:
    """The logarithm of the mean over members, shape (members, rows)."""
    return _log_sum(logs.T) - log(logs.shape[0])


# How it is divided among columns


def shapley(
    output: Callable[[Any, Any], Floats],
    x: Any,
    codes: Any,
    background: Any,
    groups: Sequence[Sequence[int]],
) -> Floats:
    """The mean effect of putting a column's value into a row of the background.

    From each row of the background on, the columns of `x` are put in one after the other, in an
    order and in the opposite one: the effects of a row add up.

    Parameters
    ----------
    output : callable
        From rows and codes of classes to a number each.
    x : array, shape (rows, features)
    codes : array of int, shape (rows,)
    background : array, shape (n, features)
    groups : sequence of sequence of int

    Returns
    -------
    array of float64, shape (rows, groups)

    References
    ----------
    E. Štrumbelj, I. Kononenko: "Explaining prediction models and individual predictions with
    feature contributions", Knowledge and Information Systems 41 (2014); S. Lundberg, S.-I. Lee: "A
    unified approach to interpreting model predictions", arXiv:1705.07874 (2017).
    """
    rng = np.random.default_rng(0)
    orders = np.array([rng.permutation(len(groups)) for _ in background])
    codes = np.tile(codes, len(background))
    starts = np.repeat(background[:, None], len(x), axis=1).astype(x.dtype)
    effects = np.zeros((len(groups), len(x)))
    shape = starts.shape[:2]
    for each in (orders, orders[:, ::-1]):
        current = starts.copy()
        last = output(current.reshape(-1, x.shape[1]), codes).reshape(shape)
        for step in each.T:
            for start, group in enumerate(step):
                features = list(groups[group])
                current[start][:, features] = x[:, features]
            now = output(current.reshape(-1, x.shape[1]), codes).reshape(shape)
            np.add.at(effects, step, now - last)
            last = now
    return np.asarray(effects.T / (2 * len(background)))


def by_gradient(
    output: Any, x: Any, codes: Any, background: Any, groups: Sequence[Sequence[int]]
) -> Floats:
    """Effects by the gradient along the lines from each row of the background.

    What a sum over points misses of the whole is divided in proportion. G. Erion et al.: "Improving
    performance of deep learning models with axiomatic attribution priors and expected gradients",
    arXiv:1906.10670 (2021).
    """
    starts = np.repeat(background, len(x), axis=0).astype(x.dtype)
    change = np.tile(x, (len(background), 1)) - starts
    several = np.tile(codes, len(background))
    slope = np.zeros_like(change)
    for step in range(STEPS):
        slope += output.gradient(starts + (step + 0.5) / STEPS * change, several)
    moves = (slope / STEPS * change).reshape(len(background), *x.shape).mean(axis=0)
    effects = np.stack([moves[:, list(k)].sum(axis=1) for k in groups], axis=1).astype(np.float64)
    base = output(starts, several).reshape(len(background), len(x)).mean(axis=0)
    missed = output(x, codes) - base - effects.sum(axis=1)
    size = np.abs(effects)
    total = size.sum(axis=1, keepdims=True)
    shares = np.where(total > 0, size, 1.0) / np.where(total > 0, total, len(groups))
    return np.asarray(effects + shares * missed[:, None])


# What the estimators of tables inherit


class _Tabular(Protocol):
    def _inputs(self, X: Any) -> Any: ...
    def feature_groups(self) -> dict[str, list[int]]: ...


class ExplainsRows:
    """Explanations for an estimator of tables."""

    def explain_rows(
        self: _Tabular,
        X: Any,
        progress: Callable[[int], None] | None = None,
        classes: Any = None,
    ) -> Explanation:
        """What each column did to the prediction of each row.

        An effect is how much a column's value changes the prediction where it takes the place of
        values as they are in the training, on average over the orders in which columns are put in:
        the Shapley value, sampled. Regressors' effects are in the units of the target; those of a
        classifier are changes of the log-odds of the class that is predicted. The answer for a row
        does not depend on the other rows.

        Each row takes ``64 * (1 + columns)`` predictions. Above 32 columns the gradient along the
        lines from 32 rows of the background is taken instead: 128 gradients, however many columns
        there are.

        Parameters
        ----------
        X : DataFrame or array
        progress : callable, optional
            Called with the number of rows that are done.
        classes : array of shape (n_samples,), optional
            Of a classifier: the class whose log-odds are explained, for each row. Default: the one
            that is predicted.

        Returns
        -------
        Explanation

        Raises
        ------
        DataError
            If the model is of a version of chainrule that saved no background.

        Examples
        --------
        >>> import numpy as np
        >>> from chainrule import TabularRegressor
        >>> rng = np.random.default_rng(0)
        >>> x = rng.uniform(-1.0, 1.0, (400, 2))
        >>> model = TabularRegressor(max_iter=20, random_state=0, progress=False)
        >>> model = model.fit(x, 100 * x[:, 0])
        >>> explained = model.explain_rows(np.array([[0.5, 0.9]]))
        >>> name, effect = explained.strongest()[0][0]
        >>> name, 30 < effect < 70
        ('x0', True)
        >>> total = explained.effects.to_numpy().sum()
        >>> bool(np.isclose(explained.base[0] + total, model.predict([[0.5, 0.9]])[0]))
        True
        """
        x = self._inputs(X)
        background = getattr(self, "background_", None)
        if background is None:
            raise DataError(
                "the model was saved without the background that explanations need, by an older "
                "version of chainrule: train it again"
            )
        groups = list(self.feature_groups().values())
        output = _Output(self)
        chosen = None if classes is None else np.searchsorted(output.model.classes_, classes)
        dtype = np.result_type(x.dtype, output.network.dtype)
        divide = shapley if len(groups) <= MOST_COLUMNS else by_gradient
        size = min(CHUNK_ROWS, max(1, CHUNK_NUMBERS // background.size))
        effects, outputs = [], []
        for start in range(0, len(x), size):
            rows = x[start : start + size].astype(dtype, copy=False)
            codes = chosen[start : start + size] if chosen is not None else output.codes(rows)
            outputs.append(output(rows, codes))
            effects.append(divide(output, rows, codes, background, groups))
            if progress is not None:
                progress(start + len(rows))
        values, total = np.concatenate(effects), np.concatenate(outputs)
        names, index = list(self.feature_groups()), getattr(X, "index", None)
        frame = pd.DataFrame(values, columns=names, index=index)
        return Explanation(frame, total - values.sum(axis=1), total)
