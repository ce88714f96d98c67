"""The runs of one command line: the same one, given again, takes up what it had left unfinished."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nnlab.config.job import Job
from nnlab.config.schema import as_dict
from nnlab.errors import UserError
from nnlab.execution.events import RunEvent, Warned
from nnlab.execution.listener import Listeners, RunListener
from nnlab.execution.recorded import recorded_result
from nnlab.execution.result import RunResult
from nnlab.execution.resume import resumption
from nnlab.execution.run import run
from nnlab.runs.groups import group_left
from nnlab.runs.provenance import config_sha256
from nnlab.runs.recorder import Announce
from nnlab.runs.stored_run import StoredRun


@dataclass(frozen=True)
class Group:
    """Runs that are started together.

    Args:
        jobs: what to run; each knows its place.
        earlier: the runs that there are already, by their places from 0.
    """

    jobs: Sequence[Job]
    earlier: Mapping[int, StoredRun]

    def told(self) -> str | None:
        """What is taken up, in a line; None for a new group."""
        if not self.earlier:
            return None
        over = sum(run.is_over for run in self.earlier.values())
        on, new = len(self.earlier) - over, len(self.jobs) - len(self.earlier)
        words = {
            f"{over} had ended and {'is' if over == 1 else 'are'} not run again": over,
            f"{on} {'goes' if on == 1 else 'go'} on": on,
            f"{new} {'starts' if new == 1 else 'start'} now": new,
        }
        parts = [text for text, count in words.items() if count]
        unknown = [run for run in self.earlier.values() if "code" not in run.provenance]  # of an earlier version
        is_dirty = any(run.provenance["git"]["dirty"] == "true" for run in unknown)
        doubt = " (the code had uncommitted changes; whether they are the same is not known)" if is_dirty else ""
        return f"these {len(self.jobs)} runs were started before and left unfinished: {', '.join(parts)}{doubt}"


def grouped(jobs: Sequence[Job], *, fresh: bool = False) -> Group:
    """The jobs of one command line as a group: the one that it had left unfinished, else a new one.

    Args:
        jobs: of one command or call, decided (`nnlab.config.holdout`). A single one makes no group.
        fresh: whether all are to be run anew in any case.
    """
    if len(jobs) < 2:
        return Group(jobs, {})
    line = _line(jobs)
    left = None if fresh else group_left(line, dict.fromkeys(Path(job.config.runs_dir) for job in jobs))
    name, earlier = left or (secrets.token_hex(6), {})
    facts = [{"name": name, "place": place + 1, "size": len(jobs), "line": line} for place in range(len(jobs))]
    return Group(
        [replace(job, group=fact) for job, fact in zip(jobs, facts, strict=True)],
        {place - 1: run for place, run in earlier.items() if not run.extensions},  # of those it would be another
    )


def execute_in_group(
    job: Job, earlier: Path | None, *, listeners: Iterable[RunListener] = (), announce: Announce | None = None
) -> RunResult:
    """Take the record of an earlier run, or go on with it, or run the job; arguments and errors are those of `run`.

    Args:
        job: of a group.
        earlier: the directory of the run that there is already in its place.
        listeners: as for `run`.
        announce: as for `run`.
    """
    listeners = list(listeners)
    if earlier is None:
        return run(job, listeners=listeners, announce=announce)
    if (result := _recorded(job, earlier, announce)) is not None:
        return result
    try:
        plan = resumption(earlier)
    except UserError as error:
        Listeners[RunEvent](listeners).on(Warned(f"{earlier.name} cannot go on, and is run anew: {error}"))
        return run(job, listeners=listeners, announce=announce)
    try:
        return plan.execute(listeners=listeners, announce=announce)
    except UserError:  # another process may have gone on with it at the same moment
        if (result := _recorded(job, earlier, announce)) is not None:
            return result
        raise


def _recorded(job: Job, earlier: Path, announce: Announce | None) -> RunResult | None:
    result = recorded_result(job.config, job.data_sha256 or job.load().sha256, earlier)
    if result is not None and announce is not None:
        announce(earlier)
    return result


def _line(jobs: Sequence[Job]) -> str:
    """The SHA-256 of what the runs are, the data included, and of the experiment that they go to."""
    parts = [
        (config_sha256(as_dict(config)), config.trainer.test, job.data_sha256, config.tracking.experiment)
        for job in jobs
        for config in (job.config,)
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
