"""Events as runs and studies produce them, for tests of their listeners."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from trial_samples import make_trial

from nnlab.execution.events import RunEnded, RunStarted
from nnlab.execution.result import RunResult
from nnlab.tuning.events import StudyEnded, StudyStarted


def started(name: str, epochs: int, steps_per_epoch: int, *, patience: int | None = None) -> RunStarted:
    """The start of a run in the directory `name`; of config and trainer it has what paces a console."""
    config = SimpleNamespace(trainer=SimpleNamespace(epochs=epochs, patience=patience))
    return RunStarted(Path(name), cast(Any, config), cast(Any, SimpleNamespace(steps_per_epoch=steps_per_epoch)))


RESULT = RunResult(
    directory=Path("runs/x"),
    status="finished",
    reason="",
    epoch=2,
    scores={"val/loss": 0.25, "val/accuracy": 0.9, "test/loss": 0.3, "test/accuracy": 0.875},
    weights_sha256="0123456789abcdef" * 4,
    parameters=10,
    by_epoch={epoch: {"time/epoch_seconds": 0.25} for epoch in (1, 2, 3)},
)
ENDED = RunEnded(RESULT, test_left_alone=False)
SUMMARY = [
    "  status               finished",
    "  weights of epoch     2",
    "  validation loss      0.2500",
    "  validation accuracy  0.9000",
    "  test loss            0.3000",
    "  test accuracy        0.8750",
    "  training             0.75 s",
    "  weights sha256       0123456789abcdef",
    "",
    "run directory  runs/x",
]
"""What a console makes of `ENDED`."""

STARTED = StudyStarted("a study", 30, 0, 2, ("val/loss",), ("optimizer.lr", "model.depth"))
STUDY_ENDED = StudyEnded(
    directory=Path("runs/a-study"),
    status="finished",
    trials=[make_trial(0, [0.25])],
    objectives=("val/loss",),
    finished=1,
    winner=None,
    test_left_alone=False,
)
