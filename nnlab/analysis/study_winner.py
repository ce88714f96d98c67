"""The winner of a study: what stands for it where it is compared or reproduced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nnlab.errors import UserError
from nnlab.runs.resolve import study_command
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import BEST_TRIAL_TAG, CONFIRMED_TAG, SELECTED_FROM_TAG, WINNER_RUNS_TAG

SELECTED = (
    "so that its value is better than new runs would be; more so, the more trials there were and the fewer seeds each"
)


@dataclass(frozen=True)
class StudyWinner:
    """What a study has chosen.

    Attributes:
        number: of the trial.
        runs: the names of its runs: the confirming ones, if there are any.
        words: how it was chosen.
        is_confirmed: whether its runs have fresh seeds, which were not chosen by.
    """

    number: int
    runs: frozenset[str]
    words: str
    is_confirmed: bool = False


def winner_of(path: Path) -> StudyWinner:
    """The winner of the study in a directory: the one that it has chosen, or, as long as it has not, the best so far.

    Raises:
        UserError: if no trial is complete, or the storage cannot be read.
    """
    tags = StoredRun.open(path).tags
    if WINNER_RUNS_TAG not in tags:
        return _best_so_far(path.absolute())
    confirmed = tags.get(CONFIRMED_TAG, "none")
    chosen = f"the best of {tags[SELECTED_FROM_TAG]} in the search, {SELECTED}"
    if confirmed != "none":
        chosen = f"the best with fresh seeds ({confirmed}), which are compared here"
    runs = frozenset(tags[WINNER_RUNS_TAG].split())
    return StudyWinner(int(tags[BEST_TRIAL_TAG]), runs, chosen, is_confirmed=confirmed != "none")


def _best_so_far(path: Path) -> StudyWinner:
    """By the storage, of a study that is under way or older than the tags."""
    from nnlab.config.quoting import as_override
    from nnlab.tuning.report.ranking import ranking
    from nnlab.tuning.stored_study import StoredStudy
    from nnlab.tuning.trials import Outcome

    study = StoredStudy.open(path.name, [as_override("runs_dir", str(path.parent))])
    ranked = ranking(study.trials, study.objectives)
    outcome = Outcome.of(ranked[0]) if ranked else None
    if outcome is None:
        raise UserError(
            f"A study stands for its winner's runs, but no trial of {path.name} is complete. Let it go on: "
            f"{study_command(path)}"
        )
    finished = sum(trial.state.is_finished() for trial in study.trials)
    words = f"the best of {finished} by {' and '.join(study.objectives)}, {SELECTED}"
    return StudyWinner(ranked[0].number, frozenset(outcome.runs), words)
