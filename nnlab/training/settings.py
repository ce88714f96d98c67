"""The keys of the `trainer` config group, with their rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from nnlab.check import Checked, OneOf, Range

SCORES: dict[str, Literal["minimize", "maximize"]] = {"val/loss": "minimize", "val/accuracy": "maximize"}
"""What the validation split measures, and which way is better."""


@dataclass(frozen=True)
class TrainerSettings(Checked):
    """How long and in which batches to train, and which epoch's weights to keep.

    Args:
        epochs: passes over the training split, at most.
        stop_after: stop after this many epochs, with the schedule still planned for `epochs`: this repeats a run that a
            study pruned. Null trains all.
        batch_size: rows per update; `full` takes the whole training split at once.
        threads: threads of the BLAS. One by default: the bits of a result depend on it. `auto` takes as many as the
            sizes of batch and layers can use (`nnlab.cpu`); a checked config holds the number.
        patience: stop after this many epochs without a better validation score; null never stops early.
        monitor: the validation score.
        restore_best: end with the weights of the best epoch; false ends with the last epoch's.
        clip_norm: the largest global norm of a gradient; null leaves gradients alone.
        checkpoint_seconds: after how many seconds an epoch is left with a checkpoint in the run directory, from which a
            run that was killed goes on; at the ends of epochs there are more, as long as they take less than 1 % of the
            time. Null writes none. It changes no number.
        profile: whether to write where the time goes, by phase and operation, into `profile.csv` of the run.
        count_correct: whether each epoch also reports how many rows were classified correctly.
        test: whether to evaluate the test split, once, after training; false leaves it alone. `auto` evaluates it in a
            single run and in runs that differ in nothing but their seeds, not in runs that are compared to choose one
            (`nnlab.config.holdout`); a checked config holds true or false.
    """

    epochs: Annotated[int, Range(ge=1)] = 15
    stop_after: Annotated[int, Range(ge=1)] | None = None
    batch_size: Annotated[int, Range(ge=1)] | Literal["full"] = 32
    threads: Annotated[int, Range(ge=1)] | Literal["auto"] = 1
    patience: Annotated[int, Range(ge=1)] | None = None
    monitor: Annotated[str, OneOf(SCORES)] = "val/loss"
    restore_best: bool = True
    clip_norm: Annotated[float, Range(gt=0)] | None = None
    count_correct: bool = False
    checkpoint_seconds: Annotated[float, Range(gt=0)] | None = 30.0
    profile: bool = False
    test: bool | Literal["auto"] = "auto"

    @property
    def last_epoch(self) -> int:
        """The epoch after which training ends, unless patience ends it before."""
        return self.stop_after or self.epochs
