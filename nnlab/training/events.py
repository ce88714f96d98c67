"""The events of training. Everything that shows, records or stops a run gets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nnlab.core.node import Array
from nnlab.errors import RunFailedError


@dataclass(frozen=True)
class Progress:
    """Some batches have been trained on: `step` of the `steps` in epoch `epoch`, both counted from 1."""

    epoch: int
    step: int
    steps: int


@dataclass(frozen=True)
class EpochEnd:
    """An epoch has finished.

    Attributes:
        epoch: counted from 1.
        metrics: train/loss and train/accuracy (as they were just before each update, averaged over the
            rows), val/loss and val/accuracy (after the epoch; absent without a validation split), lr (of the
            epoch's last update), time/epoch_seconds (of the training part alone). If counts are asked for, also
            train/correct and val/correct, how many rows were classified correctly.
        is_best: whether no epoch before had a validation score as good.
    """

    epoch: int
    metrics: Mapping[str, float]
    is_best: bool


@dataclass(frozen=True)
class TrainingEnd:
    """Training has ended, and the network has the weights that it keeps.

    Attributes:
        epoch: the epoch whose weights those are.
        epochs: how many epochs were trained.
        stopped_early: whether patience ran out.
    """

    epoch: int
    epochs: int
    stopped_early: bool


@dataclass(frozen=True)
class Tested:
    """The test split was evaluated, once.

    Attributes:
        metrics: test/loss and test/accuracy.
        outputs: (n, outputs) of the network for the split's rows, in their order, so that they need not be
            computed again; None where they are not kept.
        classes: (n,) that those rows were decided for; None likewise.
    """

    metrics: Mapping[str, float]
    outputs: Array | None = field(default=None, repr=False, compare=False)
    classes: Array | None = field(default=None, repr=False, compare=False)


Event = Progress | EpochEnd | TrainingEnd | Tested


class DivergedError(RunFailedError):
    """The loss is no longer a finite number; further training is pointless."""
