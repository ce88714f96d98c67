"""What is promised, and the damage that shows whether it holds."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


class BrokenPromiseError(AssertionError):
    """A promise did not hold; the text says what was found, and how to do the same damage again."""


class NotHereError(Exception):
    """The damage cannot be done on this machine; the text says what is missing."""


@dataclass(frozen=True)
class Work:
    """What a promise's damage is done with.

    Args:
        rounds: how often to do it.
        random: decides when and where; its seed is printed, so that the same damage can be done again.
        folder: empty, and removed afterwards.
    """

    rounds: int
    random: random.Random
    folder: Path


@dataclass(frozen=True)
class Promise:
    """One promise.

    Args:
        name: by which `python -m faults --only` knows it, as "run-killed".
        promise: what holds, in a sentence.
        fault: what is done, in a sentence.
        rounds: how often, in the full run.
        sample: how often, in CI.
        do: does the damage; returns the figure, as "100 kills, 37 inside an epoch: all weights equal". Raises
            BrokenPromiseError at the first failure, NotHereError where it cannot be done.
    """

    name: str
    promise: str
    fault: str
    rounds: int
    sample: int
    do: Callable[[Work], str]
