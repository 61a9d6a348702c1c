"""What stands before the first layer: numbers and categories as vectors that are learned.

A column of numbers becomes itself and some functions of it, so that the network need not build
steps and waves out of ramps; a column of category codes becomes a row of a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np

from ...errors import DataError
from ...transforms import stop_gradient
from ..inputs.rows import is_compact, issparse

FREQUENCIES = 16  # waves of a column
MAX_BINS = 128  # of a column at most: as many as there are rows for
MAX_ROWS = 200_000  # from which bins are taken
ROWS_PER_BIN = 32
MAX_LEVELS = 100_000  # of a category
SPREAD = 0.1  # standard deviation of their first frequencies, for columns of spread 1
MAX_CATEGORY_WIDTH = 16  # numbers for a category


@dataclass(frozen=True)
class ColumnEmbedding:
    """Which columns of the rows are embedded, and how; the others come first, as they are.

    ``"periodic"``: ``x, W cos(2 pi f x + p) + b`` with frequencies f, phases p and the matrix W
    of each column learned; 'PBLD' of D. Holzmüller, L. Grinsztajn, I. Steinwart: "Better by
    default: strong pre-tuned MLPs and boosted trees on tabular data", arXiv:2407.04491 (2024).

    ``"piecewise"``: for bins between quantiles, how far x is through each, then W and b; 'PLE' of
    Y. Gorishniy, I. Rubachev, A. Babenko: "On embeddings for numerical features in tabular deep
    learning", arXiv:2203.05556 (2022).

    Attributes
    ----------
    columns : int
        Of the rows.
    numeric : tuple of int
        Columns that are embedded as numbers.
    categories : tuple of (int, int)
        Columns of codes, and how many codes each has; see `check_codes`.
    kind : str
    width : int
        Numbers that a numeric column becomes.
    """

    columns: int
    numeric: tuple[int, ...] = ()
    categories: tuple[tuple[int, int], ...] = ()
    kind: str = "periodic"
    width: int = 4

    @property
    def plain(self) -> tuple[int, ...]:
        """Columns that stay as they are."""
        taken = {*self.numeric, *[column for column, _ in self.categories]}
        return tuple(k for k in range(self.columns) if k not in taken)

    @property
    def outputs(self) -> int:
        """Numbers that a row becomes."""
        tables = sum(category_width(levels) for _, levels in self.categories)
        return len(self.plain) + len(self.numeric) * self.width + tables

    def check_codes(self, x: Any) -> None:
        """Refuse rows with codes that the training did not have; compiled code takes the nearest.

        Raises
        ------
        DataError
            With the first such row, counted from 1.
        """
        for column, levels in self.categories:
            codes = x[:, column]
            wrong = (codes < 0) | (codes >= levels) | (codes % 1 != 0)
            if wrong.any():
                row = int(np.argmax(wrong))
                raise DataError(
                    f"categorical_features: column {column}, row {row + 1} holds {codes[row]:g}: "
                    f"give one of the codes that the model was trained with, 0 to {levels - 1}"
                )

    def first_weights(self, rng: Any, members: int, x: Any) -> dict[str, Any]:
        """Draw first weights from a RandomState; bins are taken from the rows `x`."""
        dtype, count = x.dtype, len(self.numeric)
        lead = () if members == 1 else (members,)

        def uniform(*shape: int, bound: float) -> Any:
            return rng.uniform(-bound, bound, (*lead, *shape)).astype(dtype)

        weights: dict[str, Any] = {
            "tables": [
                (
                    rng.normal(size=(*lead, levels, category_width(levels)))
                    / np.sqrt(category_width(levels))
                ).astype(dtype)
                for _, levels in self.categories
            ]
        }
        if not count:
            return weights
        if self.kind == "periodic":
            inner, outputs = FREQUENCIES, self.width - 1
            shape = (*lead, count, inner)
            weights["frequencies"] = (SPREAD * rng.normal(size=shape)).astype(dtype)
            weights["phases"] = rng.uniform(-pi, pi, shape).astype(dtype)
        else:
            columns = _some_rows(x, self.numeric)
            steps = max(len(np.unique(values)) for values in columns) - 1
            inner, outputs = (
                int(np.clip(min(len(x) // ROWS_PER_BIN, steps), 2, MAX_BINS)),
                self.width,
            )
            edges = np.stack([bin_edges(values, inner) for values in columns])
            for name, value in (("edges", edges[:, :-1]), ("gaps", np.diff(edges, axis=1))):
                weights[name] = np.broadcast_to(value, (*lead, *value.shape)).astype(dtype)
        bound = 1.0 / np.sqrt(inner)
        weights["mix"] = uniform(count, inner, outputs, bound=bound)
        weights["bias"] = uniform(count, outputs, bound=bound)
        return weights

    def __call__(self, weights: dict[str, Any], x: Any) -> Any:
        """Rows of shape (rows, columns) as (rows, outputs), or (members, rows, outputs).

        Each member may have rows of its own, shape (members, rows, columns).
        """
        parts = [x[..., self.plain]] if self.plain else []
        if self.numeric:
            parts.append(self._numbers(weights, x[..., self.numeric]))
        for (column, levels), table in zip(self.categories, weights["tables"], strict=True):
            codes = np.clip(x[:, column].astype(np.int64), 0, levels - 1)
            parts.append(np.take(table, codes, axis=-2))
        if any(part.ndim == 3 for part in parts):
            members = max(part.shape[0] for part in parts if part.ndim == 3)
            parts = [
                np.broadcast_to(part, (members, *part.shape[-2:])) if part.ndim == 2 else part
                for part in parts
            ]
        return np.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]

    def _numbers(self, weights: dict[str, Any], x: Any) -> Any:
        """Shape (..., rows, numeric * width): by column, (column, rows, k) @ (column, k, width)."""
        by_column = np.swapaxes(x, -1, -2)[..., None]
        if self.kind == "piecewise":
            return self._piecewise(weights, by_column)
        angles = 2.0 * pi * by_column * weights["frequencies"][..., None, :]
        waves = np.cos(angles + weights["phases"][..., None, :])
        features = waves @ weights["mix"] + weights["bias"][..., None, :]
        identity = np.broadcast_to(by_column, (*features.shape[:-1], 1))
        return self._by_row(np.concatenate([identity, features], axis=-1))

    def _piecewise(self, weights: dict[str, Any], by_column: Any) -> Any:
        """The same of numbers of shape (..., column, rows, 1), by their shares of the bins."""
        bins = [stop_gradient(weights[name]) for name in ("edges", "gaps")]
        # They are the same for all members: computed once
        low, gap = [(b[0] if b.ndim == 3 else b)[:, None, :] for b in bins]
        waves = np.clip((by_column - low) / gap, 0.0, 1.0)
        mix, bias = weights["mix"], weights["bias"]
        if mix.ndim == 3 or waves.ndim == 4:
            return self._by_row(waves @ mix + bias[..., None, :])
        # The members' matrices side by side: one product has as many columns as fill a vector
        members, count, inner, width = mix.shape
        wide = np.reshape(np.moveaxis(mix, 0, 2), (count, inner, members * width))
        parts = np.reshape(waves @ wide, (count, -1, members, width))
        features = np.transpose(parts, (2, 1, 0, 3)) + bias[:, None]
        return np.reshape(features, (members, -1, count * width))

    def _by_row(self, features: Any) -> Any:
        """Features of shape (..., column, rows, width) as (..., rows, column * width)."""
        features = np.moveaxis(features, -3, -2)
        return np.reshape(features, (*features.shape[:-2], len(self.numeric) * self.width))


def _some_rows(x: Any, features: Sequence[int]) -> list[Any]:
    """Columns of the rows, of very many evenly taken."""
    rows: Any = slice(None)
    if len(x) > MAX_ROWS:
        rows = np.linspace(0, len(x) - 1, MAX_ROWS).astype(int)
    if is_compact(x):
        return list(x.columns(features, rows).T)
    return [x[rows, k] for k in features]


def bin_edges(values: Any, bins: int) -> Any:
    """The edges of bins between quantiles, shape (bins + 1,), each above the one before.

    Where a value is so frequent that quantiles coincide, edges between rarer values take their
    place. Bins beyond the largest value fill up what is left: there all rows are at 0.
    """
    distinct = np.unique(values)
    edges = np.unique(np.quantile(values, np.linspace(0.0, 1.0, bins + 1)).astype(values.dtype))
    if len(edges) <= bins:
        rarer = np.quantile(distinct, np.linspace(0.0, 1.0, bins + 1), method="nearest")
        rarer = np.setdiff1d(rarer, edges)
        few = np.linspace(0, len(rarer) - 1, min(len(rarer), bins + 1 - len(edges))).astype(int)
        edges = np.union1d(edges, rarer[few])
    beyond = edges[-1] + max(1.0, abs(edges[-1])) * np.arange(1.0, bins + 2 - len(edges))
    return np.concatenate([edges, beyond])


def embedding_for(model: Any, x: Any) -> ColumnEmbedding | None:
    """What a model's settings ask for, with the columns of its rows."""
    if model.numeric_embedding is None and not model.categorical_features:
        return None
    if issparse(x):
        raise ValueError("embeddings need an array, and X is sparse: X.toarray()")
    count = x.shape[1]
    coded = _column_numbers(model, "categorical_features", model.categorical_features or ())
    rest = [k for k in range(count) if k not in coded]
    named = model.numeric_features
    chosen = rest if named is None else _column_numbers(model, "numeric_features", named)
    both = set(chosen) & set(coded)
    if both:
        raise ValueError(f"column {min(both)} is in numeric_features and categorical_features")
    for k in coded:
        low = float(np.min(x[:, k]))
        if low < 0 or np.any(x[:, k] % 1):
            raise ValueError(
                f"categorical_features: column {k} holds {low:g}, or fractions: give codes 0, 1, "
                "..., as OrdinalEncoder makes them"
            )
    categories = tuple((k, int(np.max(x[:, k])) + 1) for k in coded)
    if any(levels > MAX_LEVELS for _, levels in categories):
        raise ValueError(f"categorical_features: codes go up to {MAX_LEVELS - 1} at most")
    numeric = () if model.numeric_embedding is None else tuple(chosen)
    return ColumnEmbedding(count, numeric, categories, model.numeric_embedding or "periodic")


def _column_numbers(model: Any, setting: str, columns: Any) -> list[int]:
    """The numbers of columns that are given by number or by name."""
    names = list(getattr(model, "feature_names_in_", ()))
    numbers = []
    for column in columns:
        number = names.index(column) if column in names else column
        if isinstance(number, str) or not 0 <= number < model.n_features_in_:
            raise ValueError(f"{setting}: there is no column {column!r}")
        numbers.append(int(number))
    return numbers


def category_width(levels: int) -> int:
    """How many numbers a category of so many codes becomes."""
    return int(min(MAX_CATEGORY_WIDTH, max(2, round(1.6 * levels**0.56))))
