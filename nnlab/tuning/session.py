"""One session of a study: takes the coordinator's events to the console, the study's record and MLflow."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from optuna.trial import FrozenTrial

from nnlab.commands.run_console import Console
from nnlab.commands.study_console import StudyConsole
from nnlab.mlflow_sync.process import MirrorProcess
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, end_if_dead
from nnlab.runs.journal import Status
from nnlab.runs.recorder import Recorder
from nnlab.runs.tags import BEST_TRIAL_TAG, SELECTED_FROM_TAG, TEST_EVALUATIONS_TAG
from nnlab.streams import width_of
from nnlab.tuning.coordinator import Coordinator, Ended, Lost, Started
from nnlab.tuning.duplicates import record_repetition
from nnlab.tuning.plan import Plan
from nnlab.tuning.record import StudyRecord, prepare_pictures
from nnlab.tuning.report.leaderboard import leaderboard
from nnlab.tuning.report.ranking import best_trial
from nnlab.tuning.report.standing import Standing
from nnlab.tuning.storage import JOURNAL_FILE
from nnlab.tuning.study import Study
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trials import Asked
from nnlab.tuning.winner import test_winner


@dataclass(frozen=True)
class StudyResult:
    """What came of a session of a study.

    Attributes:
        directory: the study's own.
        status: `finished` if it has all its trials.
        reason: why, if it has not.
    """

    directory: Path
    status: Status
    reason: str


class Session:
    """One session of a study: takes the coordinator's events to the console, the record and the mirror."""

    def __init__(
        self, plan: Plan, study: Study, recorder: Recorder, console: StudyConsole, mirror: MirrorProcess | None
    ) -> None:
        self._plan = plan
        self._study = study
        self._recorder = recorder
        self._console = console
        self._mirror = mirror
        self._path = recorder.directory.path
        self._tasks = Tasks(plan, study.name, self._path, self._path / JOURNAL_FILE)
        self._objectives = plan.settings.objectives
        self._record = StudyRecord(recorder, self._objectives)
        self._began = time.monotonic()
        self._finished_before = study.finished
        self._offsets: dict[Path, int] = {}
        self._running: dict[int, list[Path]] = {}
        self._status: Status = "finished"
        self._reason = ""

    def run(self, executor: Executor, presses: list[float]) -> None:
        """Do the trials; `presses` grows by one with each Ctrl-C."""
        coordinator = Coordinator(self._study, self._plan.settings, self._plan.workers, executor, self._tasks.task)
        self._console.started(self._title())
        if self._plan.fixed.tracking.plots:
            threading.Thread(target=prepare_pictures, daemon=True).start()
        self._make_up_for_a_kill()
        try:
            self._take_events(coordinator, presses)
        finally:
            coordinator.cancel()
        if coordinator.reason_to_give_up:
            self._status, self._reason = "failed", coordinator.reason_to_give_up

    def _take_events(self, coordinator: Coordinator, presses: list[float]) -> None:
        lost: set[int] = set()
        for event in coordinator.run():
            match event:
                case Started():
                    self._running[event.trial.number] = list(event.task.paths)
                    self._console.trial_started(event.trial.number, Asked.of(event.trial).values)
                    if event.again and event.trial.number not in lost:
                        self._console.message(f"trial {event.trial.number} was interrupted and begins again")
                case Lost():
                    lost.add(event.trial.number)
                    self._console.warning(
                        f"the process of trial {event.trial.number} was killed; the trial is done again"
                        f" ({event.attempt} of {self._plan.settings.retries})"
                    )
                case Ended():
                    self._ended(event.trial)
            self._look_at_running()
            self._console.tick(self._standing())
            if presses and self._status == "finished":
                self._status, self._reason = "interrupted", "interrupted by the user"
                coordinator.stop()
                self._console.message(
                    f"Ctrl-C: {coordinator.running} running trial(s) come to their end, no new one begins. "
                    "Once more stops at once."
                )

    def finish(self) -> StudyResult:
        """Table, pictures, the winner's test, and the last word."""
        trials = self._study.trials
        self._record.table(trials)
        for problem in self._record.pictures(trials) if self._plan.fixed.tracking.plots else []:
            self._console.warning(problem)
        winner = best_trial(trials, self._objectives)
        out = self._console.out
        blocks = [leaderboard(trials, self._objectives, encoding=out.encoding, width=width_of(out))]
        if self._status == "finished" and winner is not None:
            if self._plan.fixed.trainer.test:
                blocks.append(self._test(winner))
            else:
                blocks.append("test split       left alone (trainer.test=false)")
        elif self._status == "finished":
            self._status, self._reason = "failed", "no trial is complete"
        if self._status == "interrupted":
            blocks.append(how_to_go_on(self._study.name))
        blocks.append(f"study directory  {self._path}")
        self._recorder.close(self._status, self._reason or None)
        self._console.finished(*blocks)
        return StudyResult(self._path, self._status, self._reason)

    def _make_up_for_a_kill(self) -> None:
        """What an earlier session could no longer write down."""
        self._record.progress(self._study.trials)
        for trial in self._study.trials:
            if trial.state.is_finished():
                record_repetition(trial, self._tasks, self._mirror.follow if self._mirror else None)

    def _ended(self, trial: FrozenTrial) -> None:
        record_repetition(trial, self._tasks, self._mirror.follow if self._mirror else None)
        for path in self._running.pop(trial.number, []):
            self._follow(path)
            if path.exists():
                end_if_dead(path)
        self._record.progress(self._study.trials)
        self._console.trial_ended(trial, self._standing())

    def _look_at_running(self) -> None:
        """Let MLflow follow the runs that have begun, and show their epochs."""
        for number, paths in self._running.items():
            for path in paths:
                if not self._follow(path):
                    continue
                events, self._offsets[path] = journal.read(path / JOURNAL, self._offsets[path])
                epochs = [event for event in events if event["event"] == "epoch"]
                if epochs:
                    shown = {name: epochs[-1]["metrics"][name] for name in self._objectives if name.startswith("val/")}
                    self._console.epoch(number, epochs[-1]["epoch"], shown)

    def _follow(self, path: Path) -> bool:
        """Let MLflow follow a run once it has begun; returns whether it has."""
        if path in self._offsets:
            return True
        if not journal.has_begun(path / JOURNAL):
            return False
        self._offsets[path] = 0
        if self._mirror is not None:
            self._mirror.follow(path)
        return True

    def _test(self, best: FrozenTrial) -> str:
        """Evaluate the best trial on the test split; returns what to say of it."""
        quiet = Console(self._console.out, self._console.errors, live=False)
        tracking = self._plan.fixed.tracking
        winner = test_winner(best, self._study.trials, self._tasks, tracking, quiet, self._mirror)
        count = self._study.finished
        self._recorder.test(count, winner.scores)
        self._recorder.tag(
            {
                BEST_TRIAL_TAG: str(winner.number),
                SELECTED_FROM_TAG: str(count),
                TEST_EVALUATIONS_TAG: str(winner.evaluations),
            }
        )
        values = zip(self._objectives, best.values, strict=True)
        seeds = f" (mean of {winner.runs} seeds)" if winner.runs > 1 else ""
        lines = [
            f"winner           trial {winner.number}, the best of {count} on validation: "
            + ", ".join(f"{name} {value:.4f}" for name, value in values),
            *(f"{name:<16} {value:.4f}{seeds}" for name, value in winner.scores.items()),
            f"repeat it alone  {winner.command}",
        ]
        if winner.evaluations > 1:
            lines.append(f"note             {winner.evaluations} winners of this study have seen the test split by now")
        return "\n".join(lines)

    def _standing(self) -> Standing:
        return Standing.of(
            self._study.known,
            self._objectives,
            total=self._plan.settings.trials,
            elapsed=time.monotonic() - self._began,
            done_before=self._finished_before,
        )

    def _title(self) -> str:
        settings, plan = self._plan.settings, self._plan
        searched = ", ".join(plan.space.to_dict())
        return (
            f"{self._study.name}\n"
            f"{settings.trials} trials, {self._study.finished} of them finished; {plan.workers} worker(s); "
            f"{' and '.join(self._objectives)}\nsearched: {searched}"
        )


def how_to_go_on(name: str) -> str:
    """What to tell who stopped a study."""
    return f"go on with it    python -m nnlab.sweep sweep.resume={name}"
