"""What a run records of its trainer's events, and what it keeps of them for its result."""

from __future__ import annotations

from collections.abc import Mapping

from nnlab.execution.events import RunEvent
from nnlab.execution.listener import RunListener
from nnlab.execution.result import RunResult
from nnlab.runs.journal import Status
from nnlab.runs.recorder import Recorder
from nnlab.training import EpochEnd, Tested, Trainer, TrainingEnd


class Recording(RunListener):
    """Gets every event before the listeners do. Its failure ends the run: what is not recorded is lost.

    Attributes:
        recorder: of the run.
        kept: the epoch whose weights the run keeps; 0 if training did not finish.
        tested: the evaluation of the test split, if there was one.
        by_epoch: the metrics of each epoch.

    Args:
        recorder: open.
        trainer: of the run.
    """

    def __init__(self, recorder: Recorder, trainer: Trainer) -> None:
        self.recorder = recorder
        self.kept = 0
        self.tested: Tested | None = None
        self.by_epoch: dict[int, dict[str, float]] = {}
        self._trainer = trainer
        self._best = 0

    def on(self, event: RunEvent) -> None:
        """Record an event."""
        match event:
            case EpochEnd():
                self.by_epoch[event.epoch] = dict(event.metrics)
                if event.is_best or not self._trainer.settings.restore_best:
                    self._best = event.epoch
                self.recorder.epoch(event.epoch, event.metrics)
            case TrainingEnd():
                self.kept = event.epoch
            case Tested():
                self.recorder.test(self.kept, event.metrics)
                self.tested = event

    def cut_short(self) -> None:
        """A pruner ends training here; the trainer restores its best weights by itself."""
        self.kept = self._best

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

    def record_kept(self, value: Mapping[str, float]) -> None:
        """Record the scores of the epoch whose weights are kept, and the value that a study gives them.

        A diverged run keeps the best weights from before, if it selects at all.
        """
        selects = self._trainer.settings.restore_best and len(self._trainer.dataset.validation) > 0
        if epoch := self.kept or (self._best if selects else 0):
            self.recorder.kept(epoch, {**kept_scores(epoch, self.by_epoch[epoch]), **value})


def kept_scores(epoch: int, metrics: Mapping[str, float]) -> dict[str, float]:
    """What MLflow compares runs by: `best/epoch`, and that epoch's validation scores as `best/val/loss` and so on."""
    scores = {f"best/{name}": value for name, value in metrics.items() if name.startswith("val/")}
    return {"best/epoch": epoch, **scores}
