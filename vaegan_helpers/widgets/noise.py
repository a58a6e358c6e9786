"""Noise that Python and `page/noise.js` draw alike, so that a cell and the page speak of the same samples."""

import numpy as np


def uniform(seed: int, count: int, stream: int = 0) -> np.ndarray:
    """Uniform numbers in [0, 1), (count,): the hash of a counter.

    Args:
      seed: a whole number.
      count: how many.
      stream: another number gives other noise from the same seed.

    References:
      Ettinger, Mulberry32, 2017.
    """
    start = ((seed + 1) * 0x9E3779B1 ^ (stream + 1) * 0x85EBCA6B) & 0xFFFFFFFF
    state = ((np.arange(count, dtype=np.uint64) * 0x6D2B79F5 + start) & 0xFFFFFFFF).astype(np.uint32)
    state = (state ^ state >> 15) * (state | 1)
    state ^= state + (state ^ state >> 7) * (state | 61)
    return (state ^ state >> 14) / 2**32


def normal(seed: int, count: int, stream: int = 0) -> np.ndarray:
    """Standard normal numbers, (count,) float32, from two streams by Box and Muller's transform."""
    radius = np.sqrt(-2 * np.log1p(-uniform(seed, count, stream)))
    return (radius * np.cos(2 * np.pi * uniform(seed, count, stream + 1))).astype(np.float32)


def choice(seed: int, below: int, count: int) -> np.ndarray:
    """So many different whole numbers from 0 to below - 1, in a random order; all of them if there are
    fewer."""
    return np.argsort(uniform(seed, below, 7), kind="stable")[:count]
