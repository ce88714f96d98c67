"""The winner of a study, for a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nnlab.errors import UserError


@dataclass(frozen=True)
class StudyWinner:
    """The winner of a study.

    Attributes:
        number: of the trial.
        count: of how many it is the best.
        objective: by what.
        fresh: the names of its runs with fresh seeds (`sweep.confirm`); empty if it was chosen by the search alone.
        confirmed: of how many it is the best by those.
    """

    number: int
    count: int
    objective: str
    fresh: tuple[str, ...] = ()
    confirmed: int = 0


def winner_of(path: Path) -> StudyWinner:
    """The winner of the study in a directory.

    Raises:
        UserError: if no trial is complete, or the storage cannot be read.
    """
    from nnlab.config.quoting import as_override
    from nnlab.tuning.report.ranking import ranking
    from nnlab.tuning.stored_study import StoredStudy

    path = path.absolute()
    study = StoredStudy.open(path.name, [as_override("runs_dir", str(path.parent))])
    ranked = ranking(study.trials, study.objectives)
    if not ranked:
        raise UserError(
            f"A study stands for its winner's runs, but no trial of {path.name} is complete. Compare it later, or by "
            f"a key of all its trials: --by KEY {path.name}."
        )
    finished = sum(trial.state.is_finished() for trial in study.trials)
    objective = " and ".join(study.objectives)
    confirmation = study.confirmation
    if confirmation is None or confirmation.winner is None:
        return StudyWinner(ranked[0].number, finished, objective)
    best = confirmation.winner
    fresh = tuple(run for outcome in best.finished.values() for run in outcome.runs)
    return StudyWinner(best.trial.number, finished, objective, fresh, len(confirmation.confirmed))
