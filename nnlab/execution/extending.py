"""Training a finished run for longer: whether that can be, and what it changes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from nnlab.config.job import Job
from nnlab.config.schema import form_name
from nnlab.core.schedules import SCHEDULES, Horizon
from nnlab.errors import UserError
from nnlab.runs.stored_run import StoredRun
from nnlab.training.selection import Selection
from nnlab.typed_values import LARGEST_WHOLE
from nnlab.wording import number_of


def check_extension(stored: StoredRun, job: Job, epochs: int) -> None:
    """Check that the run has something to do in more epochs.

    Raises:
        UserError: if it has not.
    """
    settings, done = job.config.trainer, stored.last_epoch
    if epochs <= done:
        raise UserError(
            f"--epochs must be more than a run has, but got {epochs}, and {stored.name} has trained {done}. "
            f"Give {done + 1} or more."
        )
    if epochs > LARGEST_WHOLE:
        raise UserError(f"--epochs must be at most {LARGEST_WHOLE}, but got {epochs}. Give fewer.")
    chosen = Selection.of_recorded(settings, stored.epochs)
    if chosen.is_exhausted:
        again = shlex.join([*job.command, f"trainer.epochs={epochs}", "trainer.patience=null"])
        raise UserError(
            f"{stored.name} has stopped early after epoch {done}: in the {settings.patience} epochs of its "
            f"trainer.patience none was better than epoch {chosen.best_epoch}, whatever their number. "
            f"Train without patience: {again}"
        )


def what_changes(stored: StoredRun, job: Job, epochs: int) -> Iterator[str]:
    """What an extension changes, in lines."""
    config, settings, done = job.config, job.config.trainer, stored.last_epoch
    dataset = job.load()
    planned = stored.extensions[-1][1] if stored.extensions else settings.epochs
    yield f"{stored.name} goes on after epoch {done}, to {number_of(epochs, 'epoch')} instead of {planned}"
    if settings.stop_after is not None and not stored.extensions:
        yield f"trainer.stop_after={settings.stop_after} no longer holds"
    rows = len(dataset.train)
    steps = -(-rows // (rows if settings.batch_size == "full" else settings.batch_size))
    schedule = form_name(SCHEDULES, config.schedule)
    rate = config.optimizer.lr * config.schedule.factor(done * steps, Horizon(steps, epochs))
    was = stored.epochs[done].get("lr")
    if config.schedule.ends and epochs != planned:
        yield (
            f"schedule={schedule} was planned for {number_of(planned, 'epoch')}, and is for {epochs} from here on: the "
            f"learning rate was {was:.4g} and becomes {rate:.4g}; a run of {number_of(epochs, 'epoch')} from its start "
            "has other rates"
        )
    else:
        yield f"the learning rate was {was:.4g} and goes on with {rate:.4g} (schedule={schedule})"
    if settings.patience is not None:
        best = Selection.of_recorded(settings, stored.epochs).best_epoch
        yield f"trainer.patience={settings.patience} counts on from epoch {best}, the best so far"
    if settings.test and len(dataset.test):
        yield (
            f"the test split was evaluated {_times(stored.evaluations)}; if other weights are kept in the end, it is "
            "evaluated once more, which is counted"
        )


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count} times")
