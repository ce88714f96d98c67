"""The winner of a study, for a comparison."""

from __future__ import annotations

from pathlib import Path

from nnlab.errors import UserError


def winner_of(path: Path) -> tuple[int, int, str]:
    """The number of the best trial of the study in a directory, of how many it is the best, and by what.

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
    return ranked[0].number, finished, " and ".join(study.objectives)
