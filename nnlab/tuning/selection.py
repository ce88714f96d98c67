"""The choice of a study: its best trial, by the search or by fresh seeds, and what is recorded of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from optuna.trial import FrozenTrial

from nnlab.config.schema import Config
from nnlab.runs.directory import TRIALS
from nnlab.runs.recorder import Announce, Recorder
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import BEST_TRIAL_TAG, CONFIRMED_TAG, SELECTED_FROM_TAG, TEST_EVALUATIONS_TAG, WINNER_RUNS_TAG
from nnlab.tuning.confirm.results import Confirmation, Confirmed
from nnlab.tuning.confirm.tasks import confirming_path
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trials import FINISHED
from nnlab.tuning.winner import Candidate, Winner, evaluate_winner
from nnlab.wording import number_of


def choose(
    best: FrozenTrial,
    confirmation: Confirmation | None,
    trials: Sequence[FrozenTrial],
    tasks: Tasks,
    recorder: Recorder,
    fixed: Config,
    *,
    warn: Callable[[str], object],
    announce: Announce | None,
) -> Winner | None:
    """Choose a study's winner, evaluate it on the test split if that is wanted, and record both. May be repeated.

    Args:
        best: of the search.
        confirmation: what fresh seeds say, if there were any: then that decides.
        trials: all of the study.
        tasks: of the study.
        recorder: of the study.
        fixed: says whether to evaluate it, and to draw the runs' pictures.
        warn: called with what goes wrong with the pictures.
        announce: called with each run's directory, to sync what is added into MLflow.

    Raises:
        UserError: if a run's directory is damaged or gone.
    """
    by_seeds = None if confirmation is None else confirmation.winner
    chosen = candidate_of(best, tasks) if by_seeds is None else confirmed_candidate(by_seeds, tasks)
    finished = sum(trial.state in FINISHED for trial in trials)
    record_choice(recorder, chosen, finished, confirmation)
    if not fixed.trainer.test:
        return None
    winner = evaluate_winner(chosen, ever_candidates(trials, tasks), fixed.tracking, warn=warn, announce=announce)
    record_test(recorder, winner, finished)
    return winner


def candidate_of(best: FrozenTrial, tasks: Tasks) -> Candidate:
    """The best trial of a search with its own runs."""
    runs = tasks.runs(best)
    return Candidate(best.number, runs, tasks.paths(best.number)[: len(runs)])


def confirmed_candidate(best: Confirmed, tasks: Tasks) -> Candidate:
    """The best trial by fresh seeds with the runs that confirm it."""
    return Candidate(
        number=best.trial.number,
        runs=[member for run in best.runs.values() for member in tasks.runs(run)],
        paths=[confirming_path(tasks, best.trial.number, place) for place in range(1, len(best.seeds) + 1)],
        is_confirmed=True,
    )


def ever_candidates(trials: Sequence[FrozenTrial], tasks: Tasks) -> Iterator[Sequence[Path]]:
    """The directories of whatever may have been tested: each trial's, and those that confirm it, now or earlier."""
    yield from (tasks.paths(trial.number) for trial in trials)
    confirming: dict[str, list[Path]] = {}
    for path in (tasks.directory / TRIALS).iterdir():
        if found := re.fullmatch(rf"{re.escape(tasks.directory.name)}-(\d+)-confirm-\d+", path.name):
            confirming.setdefault(found[1], []).append(path)
    yield from confirming.values()


def record_choice(recorder: Recorder, best: Candidate, finished: int, confirmation: Confirmation | None) -> None:
    """Record for the study which trial was chosen, from how many, and what fresh seeds say of it. May be repeated."""
    tags = {
        BEST_TRIAL_TAG: str(best.number),
        SELECTED_FROM_TAG: str(finished),
        WINNER_RUNS_TAG: " ".join(path.name for path in best.paths),
    }
    known = StoredRun.open(recorder.directory.path)
    if confirmation is not None:
        count = len(confirmation.confirmed)
        tags[CONFIRMED_TAG] = f"{number_of(count, 'trial')}, {number_of(len(confirmation.seeds), 'seed')} each"
        metrics = _confirmed_metrics(confirmation)
        if not metrics.items() <= known.kept.items():
            recorder.kept(finished, metrics)
    elif CONFIRMED_TAG in known.tags:
        tags[CONFIRMED_TAG] = "none"
    recorder.tag(tags)


def record_test(recorder: Recorder, winner: Winner, finished: int) -> None:
    """Record for the study what its winner scored. May be repeated."""
    known = StoredRun.open(recorder.directory.path)
    if (known.tested_epoch, known.test) != (finished, winner.scores):  # a session that was killed may have said it
        # Of another winner: MLflow would keep the first at this step. Said first, since a kill may come in between.
        if known.tested_epoch == finished:
            recorder.kept(finished, winner.scores)
        recorder.test(finished, winner.scores)
    recorder.tag({TEST_EVALUATIONS_TAG: str(winner.evaluations)})


def _confirmed_metrics(confirmation: Confirmation) -> dict[str, float]:
    """The winner's objective by fresh seeds, and by how much that is above what the search had."""
    best, name = confirmation.winner, confirmation.objective
    if best is None:
        return {}
    mean = best.mean(name)
    return {f"confirmed/{name}": mean, f"confirmed/{name}_change": mean - best.trial.values[0]}
