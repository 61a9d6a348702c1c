"""Distributions of returns, on fixed values (C51) or by their quantiles (QR-DQN)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...losses import huber
from ...nn import log_softmax, softmax


def support(n_atoms: int, v_min: float, v_max: float, dtype: Any) -> Any:
    """Return the values of the atoms, equally far apart."""
    return np.linspace(v_min, v_max, n_atoms).astype(dtype)


def categorical_means(logits: Any, v_min: float, v_max: float) -> Any:
    """Return the mean return of each action, of logits of shape (n, actions, atoms)."""
    atoms = support(logits.shape[-1], v_min, v_max, logits.dtype)
    return np.sum(softmax(logits) * atoms, axis=-1)


def projected(logits: Any, reward: Any, discount: Any, v_min: float, v_max: float) -> Any:
    """Return the distribution of ``reward + discount * value`` on the same atoms.

    What falls between two atoms is divided among them, the nearer one gets more.

    Parameters
    ----------
    logits : array of shape (n, atoms)
        Of the distribution of values.
    reward, discount : array of shape (n,)

    Returns
    -------
    array of shape (n, atoms)
        Probabilities.

    References
    ----------
    M. G. Bellemare, W. Dabney, R. Munos: "A distributional perspective on reinforcement learning",
    arXiv:1707.06887 (2017), equation 7.
    """
    n_atoms = logits.shape[-1]
    atoms = support(n_atoms, v_min, v_max, logits.dtype)
    spacing = (v_max - v_min) / (n_atoms - 1)
    values = np.clip(reward[:, None] + discount[:, None] * atoms, v_min, v_max)
    distance = np.abs(values[:, None, :] - atoms[:, None]) / spacing
    share = np.maximum(1 - distance, 0)  # (n, to, from)
    return np.sum(share * softmax(logits)[:, None, :], axis=-1)


def cross_entropy(probabilities: Any, logits: Any) -> Any:
    """Return ``-sum(p * log q)`` of each row."""
    return -np.sum(probabilities * log_softmax(logits), axis=-1)


def quantile_huber(quantiles: Any, wanted: Any) -> Any:
    """Return the quantile regression loss of each row, with Huber's instead of the absolute value.

    Parameters
    ----------
    quantiles : array of shape (n, k)
        At the probabilities ``(i + 1/2) / k``.
    wanted : array of shape (n, m)
        Samples of what they should be quantiles of.

    References
    ----------
    W. Dabney, M. Rowland, M. G. Bellemare, R. Munos: "Distributional reinforcement learning with
    quantile regression", arXiv:1710.10044 (2017), equation 10.
    """
    k = quantiles.shape[1]
    probabilities = ((np.arange(k) + 0.5) / k).astype(quantiles.dtype)
    error = wanted[:, None, :] - quantiles[:, :, None]  # (n, quantile, sample)
    loss = huber(error, np.zeros_like(error), reduction="none")
    weight = np.abs(probabilities[:, None] - (error < 0))
    return np.sum(np.mean(weight * loss, axis=-1), axis=-1)
