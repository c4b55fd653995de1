"""Draws and the truth -> the rank of the truth, on a scale from 0 to 1. Knows nothing of models."""

import numpy as np


def rank_pit(draws: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rank of the truth among the draws, spread evenly over [0, 1].

    Ties (a return of exactly zero) and the space between neighbouring ranks are broken by chance,
    so that the answer is exactly uniform when the truth is one more draw.

    Parameters
    ----------
    draws : (draw, element)
    truth : (element,)
    rng : breaks the ties

    Returns
    -------
    (element,) in [0, 1]
    """
    below, equal = (draws < truth).sum(axis=0), (draws == truth).sum(axis=0)
    return (below + rng.uniform(size=truth.shape) * (equal + 1)) / (draws.shape[0] + 1)
