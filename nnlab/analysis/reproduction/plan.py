"""What it takes to do a recorded run again: as many epochs, in the same stages, and its test if it had one."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnlab.config.job import Job
from nnlab.config.places import why_not_writable
from nnlab.config.problems import ConfigError
from nnlab.config.tracking_uri import resolve_uri, sqlite_path
from nnlab.errors import UserError
from nnlab.execution.listener import RunListener
from nnlab.execution.opening import new_run
from nnlab.execution.result import RunResult
from nnlab.execution.resume import resume_command, resumption
from nnlab.execution.run import execute
from nnlab.execution.stored_job import stored_job
from nnlab.runs.directory import STUDY
from nnlab.runs.recorder import Announce
from nnlab.runs.resolve import default_runs_dir, runs_dir_option
from nnlab.runs.stored_config import config_of
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import REPRODUCES_TAG


@dataclass(frozen=True)
class Plan:
    """A run to do again. Nothing has been started yet.

    Args:
        job: from the original's config, with the epochs that it came to have.
        extensions: to how many epochs it was extended, one after another.
        tags: of the new run.
    """

    job: Job
    extensions: tuple[int, ...]
    tags: Mapping[str, str]

    def execute(self, *, listeners: Iterable[RunListener] = (), announce: Announce | None = None) -> RunResult:
        """Do it. Arguments, result and errors are those of `nnlab.execution.run.run`."""
        listeners = list(listeners)
        result = execute(self.job, new_run(self.job.config, self.job, announce, self.tags), listeners)
        for epochs in self.extensions:
            if result.status != "finished":
                break
            more = resumption(result.directory, epochs=epochs, tracking_uri=self.job.config.tracking.uri)
            result = more.execute(listeners=listeners, announce=announce)
        return result


def plan_of(
    stored: StoredRun,
    *,
    runs_dir: Path | None = None,
    tracking_uri: str | None = None,
    data_root: Path | None = None,
) -> Plan:
    """How to do the run again.

    Args:
        stored: the original.
        runs_dir: the folder for the new run; None is that of the original, or the usual one where that is read-only.
        tracking_uri: the address of MLflow in full, which the run has without its password.
        data_root: where its data is now; None is where it was.

    Raises:
        UserError: if that cannot be tried: it is still recorded, has recorded no epoch, or its config or data are gone
            or not what they were.
    """
    _check(stored)
    folder = folder_for(stored, runs_dir)
    try:
        uri = store_for(stored, folder, tracking_uri)
        job = stored_job(stored, folder, tracking_uri=uri, data_root=data_root)
    except UserError as error:
        remedy = _its_own_code(stored, folder) or _where_data_is(stored, folder)
        raise UserError(f"{stored.name} cannot be tried: {error}{remedy}") from error
    trainer, last = job.config.trainer, stopped_after(stored)
    changed: dict[str, Any] = {}
    if trainer.test != bool(stored.test):
        changed["test"] = bool(stored.test)
    if last is not None and last < trainer.last_epoch:
        changed["stop_after"] = last
    config = dataclasses.replace(job.config, trainer=dataclasses.replace(trainer, **changed), strict=False)
    overrides = [text for text in job.overrides if data_root is None or not text.startswith("data.root=")]
    if data_root is not None:
        from nnlab.config.quoting import as_override  # imports Hydra

        overrides.append(as_override("data.root", str(data_root)))
    overrides += [f"trainer.{key}={str(value).lower()}" for key, value in changed.items()]
    extensions = tuple(epochs for _, epochs in stored.extensions)
    return Plan(Job(config, job.dataset, overrides), extensions, {REPRODUCES_TAG: stored.name})


def stopped_after(stored: StoredRun) -> int | None:
    """The epoch after which a run was stopped, also by a pruner or a kill; None if it came to its own end."""
    return None if stored.status in ("finished", "diverged") else stored.last_epoch


def check_ended(stored: StoredRun) -> None:
    """Refuse a run that a process still records.

    Raises:
        UserError: if it is one.
    """
    if stored.is_alive:
        raise UserError(
            f"{stored.name} cannot be tried: a run is reproduced once it has ended, but it is still being recorded. "
            "Wait until that process has ended, or stop it."
        )


def home_of(stored: StoredRun) -> Path:
    """The folder of the runs that the run belongs to, absolute; a trial's is that of its study."""
    parent = stored.provenance.get("parent")
    home = stored.path if parent is None else stored.path.absolute() / str(parent)
    return Path(os.path.normpath(home.absolute())).parent


def folder_for(stored: StoredRun, runs_dir: Path | None = None) -> Path:
    """The folder for the new run, absolute: given, else that of the original, or the usual one if it is read-only."""
    if runs_dir is not None:
        return runs_dir.absolute()
    home = home_of(stored)
    return default_runs_dir().absolute() if why_not_writable(home) else home


def store_for(stored: StoredRun, folder: Path, given: str | None = None) -> str | None:
    """The address of MLflow for the new run; None is that of the original.

    A SQLite file in a folder that is read-only takes no further run: then it is that of `folder`.
    """
    tracking = stored.config.get("tracking")
    known = tracking.get("uri") if isinstance(tracking, dict) else None
    file = sqlite_path(known) if given is None and isinstance(known, str) else None
    if file is None or not why_not_writable(file.parent):
        return given
    return resolve_uri(os.environ.get("MLFLOW_TRACKING_URI"), folder)


def _its_own_code(stored: StoredRun, runs_dir: Path) -> str:
    """The remedy for a config that only an earlier version reads, of a run from before codes had a digest."""
    try:
        if stored.provenance.get("code") is None:
            config_of(stored)
        return ""
    except ConfigError:
        pass
    except UserError:  # damaged, or changed
        return ""
    command = ["python", "-m", "nnlab.reproduce", stored.name, *runs_dir_option(runs_dir), "--worktree"]
    return f"\nThe run is of an earlier version of nnlab. Its own code runs it: {shlex.join(command)}"


def _where_data_is(stored: StoredRun, runs_dir: Path) -> str:
    """The remedy for data that was moved, of a run whose data has a place of its own."""
    data = stored.config.get("data")
    if not isinstance(data, dict) or data.get("root") is None:
        return ""
    command = ["python", "-m", "nnlab.reproduce", stored.name, *runs_dir_option(runs_dir)]
    return f" If its data is elsewhere now: {shlex.join(command)} --data-root PATH"


def _check(stored: StoredRun) -> None:
    if (stored.path / STUDY).exists():
        raise UserError(
            f"{stored.name} cannot be tried: it is a study, and what is run again are runs. Name one of its trials, or "
            f"the winner: python -m nnlab.reproduce --study {stored.name}"
        )
    check_ended(stored)
    if not stored.epochs and stored.status_now != "diverged":
        raise UserError(
            f"{stored.name} cannot be tried: it has recorded no epoch to compare with ({stored.status_now}). "
            f"Let it finish first: {resume_command(stored.path)}"
        )
    if stored.extensions and not stored.is_over:
        raise UserError(
            f"{stored.name} cannot be tried: it was stopped ({stored.status_now}) while it was trained for longer. "
            f"Let it finish first: {resume_command(stored.path)}"
        )
