"""Which words a decision rests on: integrated gradients, word by word, and as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import nn
from ...markup import highlighted, markup, tag
from ...transforms import grad, jit

FEWEST, MOST = 16, 1024  # points of the path
TOLERANCE = 5e-4  # of the sum, relative where the decision is above 1


@dataclass(frozen=True)
class Attribution:
    """What each word of a text adds to the log-odds of a class.

    Attributes
    ----------
    label : object
        The class.
    probability : float
        That the model gives it.
    words : tuple of str
        Of the text, as the model reads them.
    scores : float64 array of shape (words,)
        What each adds to the log-odds ``log(p / (1 - p))``: above 0 for the class, below against.
    base : float
        The log-odds of a text whose words say nothing: ``base + sum(scores)`` is the text's.
    """

    label: Any
    probability: float
    words: tuple[str, ...]
    scores: NDArray[np.float64]
    base: float

    @property
    def shades(self) -> NDArray[np.float64]:
        """Scores as shares of the largest, from -1 to 1."""
        largest = float(np.max(np.abs(self.scores), initial=0.0))
        return self.scores / largest if largest else self.scores

    def to_html(self) -> str:
        """The words on backgrounds, blue for the class and red against it, as one element.

        All text is escaped, and nothing is loaded from elsewhere.
        """
        head = markup(tag("b", str(self.label)), f" {self.probability:.3f}: ")
        return tag("p", head, highlighted(self.words, self.scores), style="line-height: 1.8")

    def _repr_html_(self) -> str:
        return self.to_html()


def log_odds(logits: Any, chosen: Any) -> Any:
    """``log(p / (1 - p))`` of a class, of shape (rows,).

    Parameters
    ----------
    logits : array of shape (rows, classes)
    chosen : bool array of shape (classes,)
        True for the class.

    Examples
    --------
    >>> log_odds(np.log([[0.2, 0.5, 0.3]]), np.array([True, False, False])).round(3).tolist()
    [-1.386]
    """
    rest = np.where(chosen, -np.inf, logits)
    most = np.max(rest, axis=-1, keepdims=True)
    total = np.log(np.sum(np.exp(rest - most), axis=-1)) + most[:, 0]
    return np.sum(np.where(chosen, logits, 0), axis=-1) - total


def integrated_gradients(network: Any, vectors: Any, shares: Any, code: int) -> tuple[Any, float]:
    """What each place adds to a class's log-odds, on a straight path from vectors of 0.

    ``vectors * integral of the gradient at (a * vectors) over a in 0 ... 1``, summed over the
    features, by Gauss-Legendre quadrature with so many points that the parts add up.

    M. Sundararajan, A. Taly, Q. Yan: "Axiomatic attribution for deep networks", arXiv:1703.01365
    (2017).

    Parameters
    ----------
    network : a network of `text_networks`
    vectors : array of shape (1, length, width)
    shares : array of shape (1, length)
    code : int
        The class.

    Returns
    -------
    (float64 array of shape (length,), float)
        The parts, and the log-odds at vectors of 0.
    """

    chosen = np.arange(network.head.bias.shape[0]) == code
    ends = np.concatenate([np.zeros_like(vectors), vectors])
    first, last = np.asarray(_decision(network, ends, shares, chosen), np.float64)
    count = FEWEST
    while True:
        contributions = _integral(network, vectors, shares, chosen, count)
        if count >= MOST or _adds_up(contributions, last - first):
            return contributions, float(first)
        count *= 4


def _decision(network: Any, points: Any, shares: Any, chosen: Any) -> Any:
    every = np.broadcast_to(shares, points.shape[:2])
    return log_odds(network.logits(points, every), chosen)


@jit
def _slopes(network: Any, points: Any, shares: Any, chosen: Any) -> Any:
    return grad(lambda at: np.sum(_decision(network, at, shares, chosen)))(points)


def _integral(network: Any, vectors: Any, shares: Any, chosen: Any, count: int) -> Any:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    total = np.zeros(vectors.shape[1:], np.float64)
    for start in range(0, count, FEWEST):  # few at a time: one program serves, in little memory
        batch = slice(start, start + FEWEST)
        at = (0.5 * (nodes[batch] + 1.0)).astype(vectors.dtype)[:, None, None] * vectors
        slopes = np.asarray(_slopes(network, at, shares, chosen), np.float64)
        total += np.tensordot(0.5 * weights[batch], slopes, axes=1)
    return np.sum(total * vectors[0], axis=-1)


def _adds_up(contributions: Any, total: float) -> bool:
    return abs(float(np.sum(contributions)) - total) <= TOLERANCE * max(1.0, abs(total))


def probability(logits: Any, code: int) -> float:
    """The probability of a class for one row of logits."""
    return float(nn.softmax(logits)[0, code])
