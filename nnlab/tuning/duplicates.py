"""The runs of a trial that repeats another: copies of the other's records, with a tag that says so.

Nothing is trained, so everything is the original's: the seed, the command, the digest of the weights, what the run was
trained with, and how it ended. Only the original's directory has the weights themselves.
"""

from __future__ import annotations

import os
from pathlib import Path

from optuna.trial import FrozenTrial

from nnlab.runs.directory import RunDirectory
from nnlab.runs.recorder import Announce, Recorder
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import COMMAND_TAG, DUPLICATE_TAG, EPOCH_TAG, WEIGHTS_TAG
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trial import run_name
from nnlab.tuning.trials import Asked

COPIED_TAGS = (WEIGHTS_TAG, EPOCH_TAG, COMMAND_TAG)
"""Those set during a run; the others are about what was done with its model later."""


def record_repetition(trial: FrozenTrial, tasks: Tasks, announce: Announce | None) -> None:
    """Record the runs of an ended trial that repeats another; other trials, and runs recorded already, are left alone.

    Raises:
        UserError: if the original's files are damaged.
    """
    original = Asked.of(trial).duplicate_of
    if original is None:
        return
    both = list(zip(tasks.paths(trial.number), tasks.paths(original), strict=True))
    for place, (path, earlier) in enumerate(both):
        reason = f"the same values as trial {original}, whose result is copied"
        run = StoredRun.at(earlier)
        if run is None or _is_recorded(path, reason):
            continue
        provenance = run.provenance | {
            "name": f"{run_name(trial.number, place, len(both))}, same as trial {original}",
            "tags": {**tasks.tags(trial), DUPLICATE_TAG: str(original)},
            "parent": os.path.relpath(tasks.directory, path),
        }
        config, overrides = run.config, run.overrides  # read before a directory is made: they may be damaged
        with Recorder.open(RunDirectory.claim(path), config, overrides, provenance, announce) as recorder:
            _copy(run, recorder, reason)


def _copy(run: StoredRun, recorder: Recorder, reason: str) -> None:
    """Record what a run measured on the training and validation rows, and its end."""
    for epoch, metrics in run.epochs.items():
        recorder.epoch(epoch, metrics)
    for key, value in run.tags.items():
        if key in COPIED_TAGS:
            recorder.tag({key: value})
    if run.kept:
        recorder.kept(int(run.kept["best/epoch"]), run.kept)
    reason = f"{reason}: {run.reason}" if run.reason else reason
    recorder.close("killed" if run.status == "running" else run.status, reason)


def _is_recorded(path: Path, reason: str) -> bool:
    """Whether a repetition is completely recorded; one that was killed before has another reason for its end."""
    run = StoredRun.at(path)
    return run is not None and run.has_ended and (run.reason or "").startswith(reason)
