"""Events as studies tell them: apart from those of runs, since they import Optuna."""

from __future__ import annotations

from pathlib import Path

from trial_samples import make_trial

from nnlab.tuning.events import StudyEnded, StudyStarted

STARTED = StudyStarted("a study", 30, 0, 2, ("val/loss",), ("optimizer.lr", "model.depth"))
STUDY_ENDED = StudyEnded(
    directory=Path("runs/a-study"),
    status="finished",
    trials=[make_trial(0, [0.25])],
    objectives=("val/loss",),
    finished=1,
    winner=None,
    test_left_alone=None,
)
