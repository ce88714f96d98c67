"""One run from its config to its result: build, train, record. A sweep runs this many times."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from threadpoolctl import threadpool_limits

from nnlab.config.build import build_trainer
from nnlab.config.holdout import with_test
from nnlab.config.job import Job
from nnlab.config.schema import as_dict
from nnlab.errors import TerminatedError
from nnlab.execution.events import RunEvent
from nnlab.execution.listener import Listeners, RunListener
from nnlab.execution.opening import Opening, member_run, new_run
from nnlab.execution.result import Membership, RunResult
from nnlab.execution.signals import asked_to_end
from nnlab.execution.strict import check_strict
from nnlab.execution.training_run import TrainingRun
from nnlab.runs.provenance import collect
from nnlab.runs.recorder import Announce


def run(
    job: Job,
    *,
    listeners: Iterable[RunListener] = (),
    announce: Announce | None = None,
    member: Membership | None = None,
) -> RunResult:
    """Train what the job's config describes, and record it.

    The test split is evaluated at the end, once, unless `trainer.test` is false; by a member of a study never, since
    its study selects among them. That is its only forward pass: pictures use the outputs of it.

    Args:
        job: validated.
        listeners: get the events; one that raises gets no more of them, and the run continues.
        announce: called with the run's directory before the run starts, to sync the run into MLflow; None does not.
        member: how the run belongs to a study, if it does. If its directory has a run that was stopped, that goes on.

    Raises:
        UserError: if the data or the folder of the runs is gone, the member's directory is in use, or the run is to be
            strict and could not be reproduced.
        KeyboardInterrupt: if interrupted or terminated, after the run was closed as such, with the model it had.
    """
    config = with_test(job.config, bool(job.config.trainer.test) and member is None)
    job = dataclasses.replace(job, config=config)
    if member:
        return execute(job, member_run(config, job, announce, member), listeners, member)
    return execute(job, new_run(config, job, announce), listeners)


def execute(
    job: Job,
    opening: Opening,
    listeners: Iterable[RunListener],
    member: Membership | None = None,
    *,
    notices: Iterable[RunEvent] = (),
) -> RunResult:
    """Execute a run, whether it is new or goes on: the one way through for all.

    Args:
        job: validated; its config says whether the test split is evaluated.
        opening: opens its record.
        listeners: as for `run`.
        member: as for `run`.
        notices: what listeners are told first.

    Raises:
        As `run`.
    """
    heard = Listeners[RunEvent](listeners)
    for notice in notices:
        heard.on(notice)
    config = job.config
    check_strict([config])
    with threadpool_limits(int(config.trainer.threads)), asked_to_end() as request:
        trainer = build_trainer(config, job.load())
        opened = opening(collect(as_dict(config), trainer.dataset, job.command))
        with opened.recorder as recorder:
            try:
                result = TrainingRun(job, trainer, opened, heard, request, member).execute()
            except KeyboardInterrupt as error:
                if request.ending is not None:
                    recorder.close(request.ending.status, request.ending.reason)
                elif isinstance(error, TerminatedError):
                    recorder.close("killed", str(error))
                raise
        request.raise_it()
        return result
