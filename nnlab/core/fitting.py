"""The epochs of a `fit`: the loop, its history, and the lines that it writes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from nnlab.core.batches import shuffled
from nnlab.core.keras_arguments import CompileArguments, FitArguments
from nnlab.core.learner import Learner, Tally, evaluate
from nnlab.core.objective import Objective
from nnlab.core.progress import Progress
from nnlab.core.rows import Rows
from nnlab.streams import write_line


class History:
    """What `fit` returns: `epoch` (numbered as in Keras), and `history`: lists of one number per epoch, by metric."""

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def add(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Append one epoch's metrics."""
        self.epoch.append(epoch)
        for name, number in metrics.items():
            self.history.setdefault(name, []).append(number)


def write_metrics(metrics: Mapping[str, float], heading: str = "") -> None:
    """Write a line of metrics; if the output is closed or full, the line is lost and nothing is raised."""
    numbers = [f"{name}: {number:.4f}" for name, number in metrics.items()]
    write_line(sys.stdout, " - ".join([heading, *numbers] if heading else numbers))


def scores_of(prefix: str, tally: Tally) -> dict[str, float]:
    """Loss and, where rows have labels, accuracy."""
    scores = {f"{prefix}loss": tally.mean_loss}
    return {**scores, f"{prefix}accuracy": tally.accuracy} if tally.labelled else scores


def start(
    objective: Objective, rows: Rows, compiled: CompileArguments, asked: FitArguments, progress: Progress
) -> tuple[Learner, Progress]:
    """A learner at the schedule's place and with the optimizer's state that `progress` has reached, and a copy of that
    progress, to be updated as training continues. `progress` itself is not changed.

    Raises:
        ValueError: if the schedule ends before the requested epochs.
    """
    steps_per_epoch = -(-len(rows) // asked.batch_size)
    first, horizon = progress.horizon(compiled, asked, steps_per_epoch)
    learner = Learner(
        objective,
        compiled.optimizer,
        compiled.schedule,
        horizon,
        rows=rows,
        batch_size=min(asked.batch_size, len(rows)),
        clip_norm=compiled.clip_norm,
        first_step=first * steps_per_epoch,
    )
    if progress.state is not None:
        learner.state = progress.state
    return learner, replace(progress, epochs=first, end=horizon.epochs, state=learner.state)


def train(
    learner: Learner,
    rows: Rows,
    held_out: Rows,
    compiled: CompileArguments,
    asked: FitArguments,
    progress: Progress,
    shuffle: np.random.Generator,
) -> History:
    """Train for the requested epochs, and count them in `progress`, however training ends.

    Args:
        learner: at the place in the schedule where training starts.
        rows: to train on.
        held_out: rows to evaluate on after each epoch; may be none.
        compiled: what `compile` was given; says whether accuracy is reported.
        asked: what `fit` was given: which epochs, whether rows are shuffled, and whether each epoch writes a line.
        progress: how far training has come, with the optimizer's state.
        shuffle: the stream of the orders of rows.
    """
    history = History()
    has_labels = rows.y.ndim == 1 and (not len(held_out) or held_out.y.ndim == 1)
    updates = progress.updates - learner.step
    try:
        for epoch in range(asked.initial_epoch, asked.epochs):
            tally = Tally()
            learner.learn(shuffled(rows, shuffle) if asked.shuffle else rows.index, tally)
            progress.epochs += 1
            metrics = scores_of("", tally)
            if len(held_out):
                metrics |= scores_of("val_", evaluate(learner.objective, held_out))
            if not (compiled.has_accuracy and has_labels):
                metrics = {name: number for name, number in metrics.items() if "accuracy" not in name}
            history.add(epoch, metrics)
            if asked.verbose:
                write_metrics(metrics, f"Epoch {epoch + 1}/{asked.epochs}")
    finally:
        progress.updates = updates + learner.step
    return history
