"""The run of a trial that repeats another: the other's measurements, and a tag that says so. Nothing is trained."""

from __future__ import annotations

import os
from pathlib import Path

from optuna.trial import FrozenTrial

from nnlab.config import as_dict, dataset_of
from nnlab.config.repeating import overrides_of
from nnlab.tracking import journal
from nnlab.tracking.mirror_process import MirrorProcess
from nnlab.tracking.provenance import collect
from nnlab.tracking.recorder import Recorder
from nnlab.tracking.run_directory import JOURNAL, RunDirectory
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trial import run_name
from nnlab.tuning.trials import Asked, Outcome


def record_repetition(trial: FrozenTrial, tasks: Tasks, mirror: MirrorProcess | None) -> None:
    """Record the runs of an ended trial that repeats another; other trials, and what is recorded, are left alone."""
    original, outcome = Asked.of(trial).duplicate_of, Outcome.of(trial)
    if original is None or outcome is None:
        return
    paths = tasks.paths(trial)
    for place, (path, earlier) in enumerate(zip(paths, outcome.runs, strict=False)):
        if _has_ended(path):
            continue
        config = tasks.configs(trial)[place]
        settings, overrides = as_dict(config), overrides_of(config)
        dataset = dataset_of(config.data, seed=config.seed)
        provenance = collect(settings, dataset, ["python", "-m", "nnlab.run", *overrides])
        provenance |= {
            "name": run_name(trial.number, place, len(paths)),
            "tags": {**tasks.tags(trial), "nnlab.duplicate_of": str(original)},
            "parent": os.path.relpath(tasks.directory, path),
        }
        with Recorder.open(RunDirectory.claim(path), settings, overrides, provenance, mirror) as recorder:
            for epoch, metrics in journal.epochs(path.with_name(earlier) / JOURNAL).items():
                recorder.epoch(epoch, metrics)
            recorder.close(outcome.status, f"the same values as trial {original}, whose result this is")


def _has_ended(path: Path) -> bool:
    if not journal.has_begun(path / JOURNAL):
        return False
    events, _ = journal.read(path / JOURNAL)
    end = journal.end_of(events)
    return end is not None and end["status"] != "killed"
