"""The directory of a new study, under a name of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nnlab.errors import UserError
from nnlab.redaction import redacted
from nnlab.runs.directory import CONFIG, LOCK, RunDirectory
from nnlab.runs.owners import check_own
from nnlab.runs.reading import read_stored
from nnlab.tuning.beginning import NOTHING, Beginning
from nnlab.tuning.manifest import FILE, Manifest, StudyCode, versions
from nnlab.tuning.plan import Plan


def new_directory(plan: Plan) -> RunDirectory:
    """Make and lock the directory of a new study.

    A directory whose process died before a study was in it is taken over.

    Raises:
        UserError: if the name is taken, or the folder of the runs cannot be written.
    """
    runs_dir, name = Path(plan.fixed.runs_dir), plan.settings.name
    if name is None:
        return RunDirectory.create(runs_dir, f"sweep-{plan.fixed.model.name}-{plan.fixed.data.name}")
    check_free(runs_dir / name)
    directory = RunDirectory.claim(runs_dir / name)
    try:
        check_free(runs_dir / name)  # another command may have run the study while this one waited for the directory
    except UserError:
        directory.release()
        raise
    return directory


def manifest_of(plan: Plan, name: str, fingerprint: dict[str, Any], beginning: Beginning = NOTHING) -> Manifest:
    """The manifest of a study that starts now, and begins with these trials."""
    url = plan.settings.storage
    address = redacted(url) if url else None
    code, overrides = StudyCode.now(), plan.lasting_overrides
    return Manifest(name, overrides, address, fingerprint, versions(), code, [*beginning.guesses], beginning.growth)


def check_free(path: Path) -> None:
    """Check that a new study can have a directory.

    Raises:
        UserError: if it is taken.
    """
    check_own(path)
    if os.path.lexists(path / FILE):
        raise UserError(
            f"A new study's name must be free, but {path} exists already. "
            f"Resume it with sweep.resume={path.name}, or choose another sweep.name."
        )
    if not _is_unborn(path):
        raise UserError(
            f"A new study's name must be free, but {path} exists already and is not a study. Choose another sweep.name."
        )


def _is_unborn(path: Path) -> bool:
    """Whether there is nothing at `path`, or no more than a study that was killed as it started."""
    try:
        return "sweep" in read_stored(path / CONFIG, dict[str, Any], "")
    except FileNotFoundError:
        return not path.exists() or all(entry.name == LOCK for entry in path.iterdir())
    except (OSError, UserError):
        return False
