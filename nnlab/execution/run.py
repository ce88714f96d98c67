"""One run from its config to its result: build, train, record. A sweep runs this many times."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from threadpoolctl import threadpool_limits

from nnlab.config.build import build_trainer
from nnlab.config.holdout import with_test
from nnlab.config.job import Job
from nnlab.config.schema import Config, as_dict
from nnlab.errors import TerminatedError
from nnlab.execution.events import Notice, RunEnded, RunEvent, RunStarted, Warned
from nnlab.execution.listener import Listeners, RunListener
from nnlab.execution.pictures import draw
from nnlab.execution.recording import Recording
from nnlab.execution.result import Membership, RunResult
from nnlab.execution.signals import sigterm_raises
from nnlab.models.saved_model import Model
from nnlab.runs.directory import RunDirectory
from nnlab.runs.journal import Status
from nnlab.runs.provenance import collect
from nnlab.runs.recorder import Announce, Recorder
from nnlab.runs.tags import COMMAND_TAG, EPOCH_TAG
from nnlab.training import DivergedError, EpochEnd, Trainer

EXAMPLE_ROWS = 5


def run(
    job: Job,
    *,
    listeners: Iterable[RunListener] = (),
    announce: Announce | None = None,
    member: Membership | None = None,
) -> RunResult:
    """Train what the job's config describes, and record it.

    The test split is evaluated at the end, once, unless `trainer.test` is false; by a member of a study never, since
    its study selects among them. It is passed forward that one time: pictures take what came out of it.

    Args:
        job: validated.
        listeners: are told what happens; what they raise costs them the rest, not the run.
        announce: is called with the run's directory once it exists, to bring the run into MLflow; None leaves it there.
        member: how the run belongs to a study, if it does.

    Raises:
        UserError: if the data or the folder of the runs is not there any more, or the member's directory is in use.
        KeyboardInterrupt: if interrupted or terminated, after the run was closed as such.
    """
    config = with_test(job.config, bool(job.config.trainer.test) and member is None)
    with threadpool_limits(int(config.trainer.threads)), sigterm_raises():
        trainer = build_trainer(config, job.load())
        with _recorder(config, trainer, job, announce, member) as recorder:
            try:
                return _train(config, trainer, recorder, Listeners(listeners), job, member)
            except TerminatedError:
                recorder.close("killed", "terminated by the system (SIGTERM)")
                raise


def _recorder(
    config: Config,
    trainer: Trainer,
    job: Job,
    announce: Announce | None,
    member: Membership | None,
) -> Recorder:
    """The open record of the run, in a directory of its own."""
    settings = as_dict(config)
    provenance = collect(settings, trainer.dataset, job.command)
    if member:
        provenance |= {
            "tags": dict(member.tags),
            "parent": os.path.relpath(member.study, member.path),
            "name": member.name,
        }
        directory = RunDirectory.claim(member.path)
    else:
        directory = RunDirectory.create(Path(config.runs_dir), f"{config.model.name}-{config.data.name}")
    return Recorder.open(directory, settings, job.overrides, provenance, announce)


def _train(
    config: Config,
    trainer: Trainer,
    recorder: Recorder,
    listeners: Listeners[RunEvent],
    job: Job,
    member: Membership | None,
) -> RunResult:
    """Take the trainer's events to the record and the listeners, then keep what is left of the run."""
    recording = Recording(recorder, trainer)
    status: Status = "finished"
    reason = ""
    listeners.on(RunStarted(recorder.directory.path, config, trainer))
    try:
        with closing(trainer.run()) as events:
            for event in events:
                recording.on(event)
                listeners.on(event)
                if not member or not isinstance(event, EpochEnd):
                    continue
                if pruned := member.watch(event.epoch, event.metrics):
                    status, reason = "pruned", pruned
                    recording.cut_short()
                    recorder.tag({COMMAND_TAG: shlex.join([*job.command, f"trainer.stop_after={event.epoch}"])})
                    break
    except DivergedError as error:
        status, reason = "diverged", str(error)
        listeners.on(Warned(reason))

    digest = recorder.save_model(_model(trainer))
    if trainer.profile is not None:
        recorder.directory.write("profile.csv", trainer.profile.table())
        listeners.on(Notice(f"profile: {recorder.directory.path / 'profile.csv'}"))
    recorder.tag({EPOCH_TAG: str(recording.kept)})
    if config.tracking.plots:
        draw(trainer, recorder, recording.kept, recording.tested, lambda text: listeners.on(Warned(text)))
    result = recording.result(status, reason, digest)
    recording.record_kept(member.value(result) if member and status == "finished" else {})
    recorder.close(status, reason or None)
    left_alone = status == "finished" and recording.tested is None and len(trainer.dataset.test) > 0
    listeners.on(RunEnded(result, left_alone))
    return result


def _model(trainer: Trainer) -> Model:
    dataset = trainer.dataset
    return Model(
        network=trainer.objective.network,
        scaling=dataset.train.scaling,
        class_names=dataset.class_names,
        example=dataset.example(EXAMPLE_ROWS),
    )
