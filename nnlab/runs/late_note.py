"""What is found out about a run after it has ended: tags of its journal, which stays as it was otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nnlab.runs.directory import JOURNAL, RunDirectory, end_if_dead
from nnlab.runs.journal import Journal
from nnlab.runs.journal_reader import JournalReader
from nnlab.runs.owners import check_own


def note_later(path: Path, tags: Mapping[str, str]) -> None:
    """Add tags to the run in the directory `path`, which is recorded by nobody. How and when it ended stays.

    Raises:
        UserError: if it is still recorded, another user's, or its journal is damaged.
        RunFailedError: if it cannot be written.
        OSError: as `RunFailedError`, or if it cannot be read.
    """
    check_own(path)
    end_if_dead(path)
    directory = RunDirectory.claim(path)
    try:
        run = JournalReader(path / JOURNAL)
        run.update()
        if run.status == "running" or run.ended_at is None:  # a process that went on with it was killed just now
            return
        writer = Journal(path / JOURNAL)
        try:
            # MLflow sets the tags of the start again at each start, and these after them.
            writer.note_after_end({**run.tags, **tags}, run.status, run.reason, run.ended_at)
        finally:
            writer.close()
    finally:
        directory.release()
