"""The trials that a study keeps, as they are in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from optuna.trial import FrozenTrial, create_trial

from nnlab.errors import UserError
from nnlab.runs.stored_run import StoredRun
from nnlab.tuning.growth.fitting import Fit, fit
from nnlab.tuning.growth.growth import Growth
from nnlab.tuning.other_study import other_study
from nnlab.tuning.plan import Plan
from nnlab.tuning.trials import ASKED, OUTCOME, Asked, Outcome


def trials_here(growth: Growth, plan: Plan, start: int = 0) -> Iterator[tuple[FrozenTrial, list[StoredRun]]]:
    """The trials that a study keeps, from the number `start` on, with their runs in the other one; nothing is written.

    Raises:
        UserError: if the other study is gone, or is not what it was.
    """
    so_far = f"The study has {start} of the {len(growth.trials)} trials that it keeps of another"
    try:
        source = other_study(Path(plan.fixed.runs_dir) / growth.study, plan)
    except UserError as error:
        raise UserError(f"{so_far}. {error}") from error
    plan = replace(plan, accepts=None)  # it was asked when the trials were chosen, and may be another by now
    for number in range(start, len(growth.trials)):
        wanted = growth.trials[number]
        old = source.trials[wanted] if wanted < len(source.trials) else None
        found = Fit("it is gone") if old is None else fit(old, source.directory, plan, growth.values)
        if old is None or found.why_not:
            raise UserError(
                f"{so_far}, but trial {wanted} of {growth.study!r} cannot be kept any more ({found.why_not}). "
                "Restore it, or start another study without sweep.resume."
            )
        yield _here(old, found, number, growth, plan), found.runs


def _here(old: FrozenTrial, found: Fit, number: int, growth: Growth, plan: Plan) -> FrozenTrial:
    outcome, asked = Outcome.of(old), Asked.of(old)
    assert outcome is not None
    here = Asked(plan.space.values(found.params), asked.seeds, (number, 1), source=growth.source(number))
    axes = {dimension.name: dimension.distribution for dimension in plan.space.dimensions}
    trial = create_trial(
        state=old.state,
        values=old.values,
        params=dict(found.params),
        distributions={name: axes[name] for name in found.params},
        user_attrs={ASKED: here.to_dict(), OUTCOME: outcome.to_dict()},
        intermediate_values=old.intermediate_values,
    )
    trial.number = number
    trial.datetime_start, trial.datetime_complete = old.datetime_start, old.datetime_complete
    return trial
