"""What a run records of its trainer's events, and what it keeps of them for its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nnlab.execution.events import RunEvent
from nnlab.execution.listener import RunListener
from nnlab.execution.result import RunResult
from nnlab.runs.journal import Status
from nnlab.runs.journal_reader import JournalReader
from nnlab.runs.recorder import Recorder
from nnlab.runs.tags import DIFFERS_TAG
from nnlab.training import EpochEnd, Progress, Tested, Trainer, TrainingEnd


class Recording(RunListener):
    """Gets every event before the listeners do. Its failure ends the run: what is not recorded is lost.

    Attributes:
        recorder: of the run.
        kept: the epoch at whose end the network had the weights that the run keeps; 0 for no epoch's end.
        tested: the evaluation of the test split, if there was one.
        by_epoch: the metrics of each epoch.

    Args:
        recorder: open.
        trainer: of the run, where training goes on.
        past: what the run has recorded before. An epoch that is trained again is compared with it, not recorded again.
        warn: called with the first difference.
    """

    def __init__(
        self, recorder: Recorder, trainer: Trainer, past: JournalReader, warn: Callable[[str], object]
    ) -> None:
        self.recorder = recorder
        self.kept = 0
        self.tested: Tested | None = None
        self.by_epoch = {epoch: metrics for epoch, metrics in past.epochs.items() if epoch <= trainer.epochs}
        self._trainer = trainer
        self._past = past
        self._warn = warn
        self._differs = DIFFERS_TAG in past.tags

    def on(self, event: RunEvent) -> None:
        """Record an event."""
        match event:
            case EpochEnd():
                self.by_epoch[event.epoch] = self._recorded(event)
            case TrainingEnd():
                self.kept = event.epoch
            case Tested():
                self.recorder.test(self.kept, event.metrics)
                self.tested = event

    def known_test(self) -> Tested | None:
        """The evaluation of the test split, if the weights that are kept were evaluated before a kill; its outputs
        are not known any more."""
        if self._past.tested_epoch == self.kept and self._past.test:
            self.tested = Tested(self._past.test)
        return self.tested

    def cut_short(self, event: EpochEnd | Progress) -> None:
        """Training ends at this event; the trainer restores its best weights by itself, where it selects any."""
        selection = self._trainer.selection
        self.kept = selection.epoch if isinstance(event, EpochEnd) or selection.kept is not None else 0

    def result(self, status: Status, reason: str, weights_sha256: str) -> RunResult:
        """The result of the run."""
        scores = {name: value for name, value in self.by_epoch.get(self.kept, {}).items() if name.startswith("val/")}
        return RunResult(
            directory=self.recorder.directory.path,
            status=status,
            reason=reason,
            epoch=self.kept,
            scores=scores | dict(self.tested.metrics if self.tested else {}),
            weights_sha256=weights_sha256,
            parameters=self._trainer.objective.network.parameters.values_vector.size,
            by_epoch=self.by_epoch,
        )

    @property
    def scored(self) -> int:
        """The epoch whose scores are those of the weights that the run keeps; 0 if no epoch's are.

        A diverged run keeps the best weights from before, if it selects at all.
        """
        selection = self._trainer.selection
        return self.kept or (selection.epoch if selection.kept is not None else 0)

    def record_kept(self, value: Mapping[str, float]) -> None:
        """Record the scores of the epoch whose weights are kept, and the value that a study gives them."""
        if epoch := self.scored:
            self.recorder.kept(epoch, {**kept_scores(epoch, self.by_epoch[epoch]), **value})

    def _recorded(self, event: EpochEnd) -> dict[str, float]:
        """The metrics of an epoch, with the time that it took when it was recorded."""
        earlier = self._past.epochs.get(event.epoch)
        if earlier is None:
            self.recorder.epoch(event.epoch, event.metrics)
            return dict(event.metrics)
        times = {name: value for name, value in earlier.items() if name.startswith("time/")}
        if not self._differs and (difference := _difference(earlier, {**event.metrics, **times})):
            self._differs = True
            text = f"epoch {event.epoch}: {difference}"
            self.recorder.tag({DIFFERS_TAG: text})
            self._warn(
                f"{text} now that it is trained again. Code, libraries or machine have changed: what follows is not "
                "what the undisturbed run would have been"
            )
        return {**event.metrics, **times}


def kept_scores(epoch: int, metrics: Mapping[str, float]) -> dict[str, float]:
    """What MLflow compares runs by: `best/epoch`, and that epoch's validation scores as `best/val/loss` and so on."""
    scores = {f"best/{name}": value for name, value in metrics.items() if name.startswith("val/")}
    return {"best/epoch": epoch, **scores}


def _difference(earlier: Mapping[str, float], now: Mapping[str, float]) -> str:
    """The first metric that differs in any bit, in words; empty if none does. NaN is equal to itself."""
    for name in {**earlier, **now}:
        values = [repr(float(each[name])) if name in each else "missing" for each in (earlier, now)]
        if values[0] != values[1]:
            return f"{name} was {values[0]} and is {values[1]}"
    return ""
