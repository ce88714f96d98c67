"""A run that was done in a temporary folder, brought into the folder of the runs, as one that reproduces another."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from nnlab.errors import UserError
from nnlab.mlflow_sync.state import SyncState, note_destination
from nnlab.runs.directory import CONFIG, JOURNAL, LOCK, PROVENANCE, RunDirectory
from nnlab.runs.files import is_file, is_folder, names_in, read_bytes
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import REPRODUCES_TAG


def bring_home(new: StoredRun, original: StoredRun, runs_dir: Path, uri: str | None) -> Path:
    """Copy a run into the folder of the runs; returns its directory there.

    Its journal comes last, so that a kill leaves a run or none. Places in its config become those of the original.

    Args:
        new: the run, which has ended.
        original: that it reproduces.
        runs_dir: the folder of the runs.
        uri: of MLflow, where it goes; None keeps it out of MLflow.

    Raises:
        UserError: if the folder cannot be written; RunFailedError if its disk is full.
    """
    home = RunDirectory.claim(runs_dir / new.name)
    try:
        for name in names_in(new.path):
            if is_file(new.path / name) and name not in (JOURNAL, LOCK, CONFIG, PROVENANCE):
                home.write(name, read_bytes(new.path / name))
            elif is_folder(new.path / name):
                home.folder(name)
                for inner in names_in(new.path / name):
                    home.write(f"{name}/{inner}", read_bytes(new.path / name / inner))
        tracking = {**original.config["tracking"], "enabled": uri is not None}
        config = {**new.config, "tracking": tracking, "runs_dir": str(runs_dir.absolute())}
        home.write(CONFIG, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
        tags = {**new.provenance.get("tags", {}), REPRODUCES_TAG: original.name}
        home.write(PROVENANCE, json.dumps({**new.provenance, "tags": tags}, indent=2) + "\n")
        note_destination(uri, home.path)
        home.write(JOURNAL, read_bytes(new.path / JOURNAL))
    finally:
        home.release()
    return home.path


def is_in_store(run: Path, uri: str | None) -> bool:
    """Whether a run is in the store of MLflow at `uri`: it is brought up to date there, and into no other."""
    try:
        state = SyncState.of(run)
    except UserError:  # damaged: a sync reports it
        return False
    return state is not None and uri is not None and state.is_of(uri)
