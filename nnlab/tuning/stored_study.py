"""The leaderboard of a study that was begun earlier, or is going on in another process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.study import get_all_study_names

from nnlab.errors import UserError
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, RunDirectory
from nnlab.tuning.manifest import Manifest
from nnlab.tuning.report.leaderboard import leaderboard
from nnlab.tuning.resuming import storage_url, study_directory
from nnlab.tuning.storage import JOURNAL_FILE, open_storage


def shown_study(name: str, arguments: Sequence[str], *, encoding: str | None, width: int | None = None) -> str:
    """What there is to say of a study now.

    Args:
        name: of the study.
        arguments: overrides, of which `runs_dir` and `sweep.storage` count.
        encoding: of the stream that shows the text.
        width: of the screen; None where lines may be of any length.

    Raises:
        UserError: if there is no such study.
    """
    directory = study_directory(name, arguments)
    manifest = Manifest.read(directory)
    storage = open_storage(storage_url(manifest, arguments), directory / JOURNAL_FILE)
    if name not in get_all_study_names(storage):
        raise UserError(f"The study {name!r} was begun in {directory}, but its storage has none of that name.")
    trials = optuna.load_study(study_name=name, storage=storage).get_trials(deepcopy=False)
    objective = manifest.fingerprint["sweep.objective"]
    objectives = [objective] if isinstance(objective, str) else list(objective)
    return "\n".join(
        [name, "", leaderboard(trials, objectives, encoding=encoding, width=width), "", _state(directory), ""]
    )


def _state(directory: Path) -> str:
    """Whether the study goes on, and the winner's test once it has ended."""
    if RunDirectory.is_alive(directory):
        return "running"
    events, _ = journal.read(directory / JOURNAL)
    end = journal.end_of(events)
    tests = [event["metrics"] for event in events if event["event"] == "test"]
    status = end["status"] if end else "killed"
    if status != "finished":
        return f"{status}; go on with it: python -m nnlab.sweep sweep.resume={directory.name}"
    scores = "".join(f", {name} {value:.4f}" for name, value in tests[-1].items()) if tests else ""
    return f"finished{scores}"
