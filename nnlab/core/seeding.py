"""One seed, one independent stream for each purpose, so that adding dropout does not change the shuffle."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Streams(NamedTuple):
    """The random generators of a run, by purpose."""

    init: np.random.Generator
    shuffle: np.random.Generator
    split: np.random.Generator
    dropout: np.random.Generator


def streams(seed: int) -> Streams:
    """Spawn the streams of `seed` (a whole number of at least 0); the same seed gives the same streams.

    New purposes go at the end: the children of a `SeedSequence` depend on their position alone.

    Reference: M. E. O'Neill's `seed_seq` design, as in `numpy.random.SeedSequence`.
    """
    children = np.random.SeedSequence(seed).spawn(len(Streams._fields))
    return Streams(*(np.random.default_rng(child) for child in children))
