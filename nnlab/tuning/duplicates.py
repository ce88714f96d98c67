"""The runs of a trial that repeats another: copies of the other's records, with a tag that says so.

Nothing is trained, so nothing is told but what was: the seed, the command, the digest of the weights, what the run was
trained with, and how it ended are the original's. The weights themselves stand in the original's directory alone.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import yaml
from optuna.trial import FrozenTrial

from nnlab.errors import UserError
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, RunDirectory
from nnlab.runs.recorder import Announce, Recorder
from nnlab.runs.tags import COMMAND_TAG, DUPLICATE_TAG, EPOCH_TAG, WEIGHTS_TAG
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trial import run_name
from nnlab.tuning.trials import Asked

COPIED_TAGS = (WEIGHTS_TAG, EPOCH_TAG, COMMAND_TAG)
"""Those that a run learns on its way; others are about what was done with its model later."""


def record_repetition(trial: FrozenTrial, tasks: Tasks, announce: Announce | None) -> None:
    """Record the runs of an ended trial that repeats another; other trials, and what is recorded, are left alone.

    Raises:
        UserError: if the original's files are damaged.
    """
    original = Asked.of(trial).duplicate_of
    if original is None:
        return
    both = list(zip(tasks.paths(trial.number), tasks.paths(original), strict=True))
    for place, (path, earlier) in enumerate(both):
        reason = f"the same values as trial {original}, whose result this is"
        if not journal.has_begun(earlier / JOURNAL) or _has_ended(path, reason):
            continue
        config, overrides, provenance = _facts(earlier)
        provenance |= {
            "name": f"{run_name(trial.number, place, len(both))}, same as trial {original}",
            "tags": {**tasks.tags(trial), DUPLICATE_TAG: str(original)},
            "parent": os.path.relpath(tasks.directory, path),
        }
        with Recorder.open(RunDirectory.claim(path), config, overrides, provenance, announce) as recorder:
            _copy(journal.counting(journal.read(earlier / JOURNAL)[0]), recorder, reason)


def _facts(run: Path) -> tuple[dict[str, Any], list[str], dict[str, Any]]:
    """Config, overrides and provenance of a run, as its directory has them."""
    try:
        config, overrides = (
            yaml.safe_load((run / name).read_text(encoding="utf-8")) for name in ("config.yaml", "overrides.yaml")
        )
        return config, overrides, json.loads((run / "provenance.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(
            f"The files of a run that others repeat must be as nnlab wrote them, but in {run} they are damaged "
            f"({' '.join(str(error).split())}). Restore them."
        ) from error


def _copy(events: list[journal.Event], recorder: Recorder, reason: str) -> None:
    """Record what a run measured on the training and validation rows, and its end."""
    for event in events:
        match event["event"]:
            case "epoch":
                recorder.epoch(event["epoch"], event["metrics"])
            case "kept":
                recorder.kept(event["epoch"], event["metrics"])
            case "note":
                recorder.tag({key: value for key, value in event["tags"].items() if key in COPIED_TAGS})
    end = journal.end_of(events) or {"status": "killed", "reason": None}
    recorder.close(end["status"], f"{reason}: {end['reason']}" if end["reason"] else reason)


def _has_ended(path: Path, reason: str) -> bool:
    """Whether a repetition is recorded to its end; one that was killed on the way ends for another reason."""
    if not journal.has_begun(path / JOURNAL):
        return False
    end = journal.end_of(journal.read(path / JOURNAL)[0])
    return end is not None and str(end["reason"]).startswith(reason)
