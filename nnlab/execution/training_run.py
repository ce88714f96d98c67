"""The training of a run: the trainer's events go to its record, then to its listeners; then all that a run leaves."""

from __future__ import annotations

import dataclasses
import shlex
from contextlib import closing

from nnlab.config.job import Job
from nnlab.execution.checkpointing import Checkpointing
from nnlab.execution.events import GoesOn, Notice, RunEnded, RunEvent, RunStarted, Warned
from nnlab.execution.listener import Listeners
from nnlab.execution.opening import Opened
from nnlab.execution.pictures import draw
from nnlab.execution.recording import Recording
from nnlab.execution.result import Membership, RunResult
from nnlab.execution.signals import Request
from nnlab.models.saved_model import Model
from nnlab.runs.checkpoints import Checkpoints
from nnlab.runs.journal import Status
from nnlab.runs.predictions import decided
from nnlab.runs.predictions_file import write_predictions
from nnlab.runs.tags import COMMAND_TAG, EPOCH_TAG, EXTENDED_TAG
from nnlab.training import DivergedError, EpochEnd, Tested, Trainer, TrainingEnd

EXAMPLE_ROWS = 5


class TrainingRun:
    """One run under way.

    Args:
        job: of the run.
        trainer: built for it.
        opened: its open record.
        listeners: get the events, after they are recorded.
        request: whether the process was asked to end.
        member: how the run belongs to a study, if it does.
    """

    def __init__(
        self,
        job: Job,
        trainer: Trainer,
        opened: Opened,
        listeners: Listeners[RunEvent],
        request: Request,
        member: Membership | None,
    ) -> None:
        self._job = job
        self._trainer = trainer
        self._opened = opened
        self._recorder = opened.recorder
        self._listeners = listeners
        self._request = request
        self._member = member
        self._checkpointing = Checkpointing(job.config, trainer, opened.recorder.directory.path, self._warn)
        self._status: Status = "finished"
        self._reason = ""

    def execute(self) -> RunResult:
        """Train, from where the run is, and record all of it."""
        for change in self._opened.changes:
            self._warn(f"{change}: from here on the bits of the result may be others than without the stop")
        goes_on = self._go_on() if self._opened.goes_on else None
        recording = Recording(self._recorder, self._trainer, self._opened.past, self._warn)
        config = self._job.config
        if self._opened.past.extensions:
            self._say_that_it_is_extended()
            config = dataclasses.replace(
                config, trainer=dataclasses.replace(config.trainer, epochs=self._trainer.last_epoch)
            )
        self._listeners.on(RunStarted(self._recorder.directory.path, config, self._trainer, goes_on))
        with self._request.noted():
            try:
                self._train(recording)
                self._test(recording)
            except DivergedError as error:
                self._status, self._reason = "diverged", str(error)
                self._warn(self._reason)
            finally:
                self._checkpointing.close()
            return self._finish(recording)

    def _go_on(self) -> GoesOn:
        """Bring the trainer to where the run is: to its newest checkpoint, or nowhere if there is none."""
        past, trainer = self._opened.past, self._trainer
        for after, epochs in past.extensions:
            trainer.extend(epochs, after)
        self._checkpointing.restore(past.last_epoch)
        return GoesOn(trainer.epochs + 1, trainer.under_way.steps, trainer.steps_per_epoch, len(past.epochs))

    def _say_that_it_is_extended(self) -> None:
        extensions = self._opened.past.extensions
        commands = [f"python -m nnlab.resume --last --epochs {epochs}" for _, epochs in extensions]
        self._recorder.tag(
            {
                COMMAND_TAG: " && ".join([shlex.join(self._job.command), *commands]),
                EXTENDED_TAG: "; ".join(f"after epoch {after} to {epochs} epochs" for after, epochs in extensions),
            }
        )

    def _train(self, recording: Recording) -> None:
        with closing(self._trainer.run(test=False)) as events:
            for event in events:
                recording.on(event)
                self._listeners.on(event)
                if isinstance(event, TrainingEnd | Tested):
                    continue
                if isinstance(event, EpochEnd) and self._is_pruned_after(event):
                    recording.cut_short(event)
                    return
                if self._request.ending is not None:
                    self._checkpointing.write()
                    recording.cut_short(event)
                    return
                self._checkpointing.on(event)

    def _is_pruned_after(self, event: EpochEnd) -> bool:
        pruned = self._member.watch(event.epoch, event.metrics) if self._member else None
        if not pruned:
            return False
        self._status, self._reason = "pruned", pruned
        self._recorder.tag({COMMAND_TAG: shlex.join([*self._job.command, f"trainer.stop_after={event.epoch}"])})
        return True

    def _test(self, recording: Recording) -> None:
        """Evaluate the test split, once, if training is over and the run is to do that."""
        if self._status != "finished":
            return
        if (ending := self._request.ending) is not None:
            self._status, self._reason = ending.status, f"{ending.reason} {self._where()}"
        elif self._job.config.trainer.test and len(self._trainer.dataset.test) and recording.known_test() is None:
            tested = self._trainer.test()
            recording.on(tested)
            self._listeners.on(tested)

    def _where(self) -> str:
        """Where training stands, in words."""
        epochs, step = self._trainer.epochs, self._trainer.under_way.steps
        return (
            f"in epoch {epochs + 1}, after step {step} of {self._trainer.steps_per_epoch}"
            if step
            else f"after epoch {epochs}"
        )

    def _finish(self, recording: Recording) -> RunResult:
        """Store the model, the profile and the pictures, and end the run."""
        recorder, trainer, member = self._recorder, self._trainer, self._member
        digest = recorder.save_model(_model(trainer))
        predictions = decided(trainer, recording.tested) if recording.scored else {}
        write_predictions(recorder.directory, predictions, digest)
        if trainer.profile is not None:
            recorder.directory.write("profile.csv", trainer.profile.table())
            self._listeners.on(Notice(f"profile: {recorder.directory.path / 'profile.csv'}"))
        recorder.tag({EPOCH_TAG: str(recording.kept)})
        if self._job.config.tracking.plots:
            draw(trainer, recorder, recording.kept, recording.tested, self._warn)
        result = recording.result(self._status, self._reason, digest)
        recording.record_kept(member.value(result) if member and self._status == "finished" else {})
        if self._status in ("pruned", "diverged") or (member and self._status == "finished"):
            Checkpoints(recorder.directory.path).clear()  # there is nothing that would go on
        recorder.close(self._status, self._reason or None)
        left_alone = self._status == "finished" and recording.tested is None and len(trainer.dataset.test) > 0
        self._listeners.on(RunEnded(result, left_alone))
        return result

    def _warn(self, text: str) -> None:
        self._listeners.on(Warned(text))


def _model(trainer: Trainer) -> Model:
    dataset = trainer.dataset
    return Model(
        network=trainer.objective.network,
        scaling=dataset.train.scaling,
        class_names=dataset.class_names,
        example=dataset.example(EXAMPLE_ROWS),
    )
