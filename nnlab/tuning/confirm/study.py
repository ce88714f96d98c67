"""The confirming runs of a study in its storage: a study of their own, whose trials are one run each.

So whatever holds for trials holds for them: what is proposed is stored in one record, a killed process leaves a run
that the next session takes up, and its outcome is stored before anything is built on it. No sampler sees them, and
they are not counted in `sweep.trials`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from optuna.trial import FrozenTrial, TrialState

from nnlab.tuning.confirm.plan import PLAN, ConfirmPlan, study_of
from nnlab.tuning.new_trial import running
from nnlab.tuning.search.pruners import NoPruner
from nnlab.tuning.search.settings import SweepSettings
from nnlab.tuning.storage import answering
from nnlab.tuning.study import Study
from nnlab.tuning.trials import Asked, Outcome


class ConfirmStudy(Study):
    """The confirming runs that `plan` has, and those of earlier plans, which are left aside.

    A run that failed, other than by diverging, may have been unlucky: it is made once more in each session.

    Args:
        search: the study that is confirmed.
        settings: of the sweep.
        trials: of the search, as its storage has them.
        plan: what is to be confirmed.
    """

    def __init__(
        self, search: Study, settings: SweepSettings, trials: Sequence[FrozenTrial], plan: ConfirmPlan
    ) -> None:
        self.plan = plan
        self.settings = replace(
            settings,
            trials=len(plan.items),
            seeds=1,
            pruner=NoPruner(),
            deterministic=False,
            on_failure="continue",
            trial_seconds=None,  # what is confirmed was within the limits
            trial_memory=None,
        )
        super().__init__(study_of(search.name), search.storage, self.settings, search._space, seed=0, epochs=1)
        self._asked = {trial.number: Asked.of(trial) for trial in trials}
        self._put_aside = {trial.number for trial in self.known if _may_be_unlucky(trial)}
        with answering():
            study_id = self.storage.get_study_id_from_name(self.name)
            if self.storage.get_study_user_attrs(study_id).get(PLAN) != plan.to_dict():
                self.storage.set_study_user_attr(study_id, PLAN, plan.to_dict())

    @property
    def planned(self) -> list[FrozenTrial]:
        """The runs of the plan, as far as they were started, as this process knows them."""
        return self._planned(self.known)

    @property
    def finished(self) -> int:
        """How many runs of the plan have ended, in whatever way."""
        return sum(run.state.is_finished() for run in self.planned)

    @property
    def is_exhausted(self) -> bool:
        """Never: each run is planned."""
        return False

    def unfinished(self) -> list[FrozenTrial]:
        """The runs of the plan that were started and not ended."""
        return [trial for trial in self._planned(self.trials) if trial.state == TrialState.RUNNING]

    def place(self, run: FrozenTrial) -> tuple[int, int]:
        """The number of the trial that a run confirms, and the place of its seed, from 1."""
        trial, seed = item_of(run)
        return trial, self.plan.seeds.index(seed) + 1

    def _planned(self, runs: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        items = set(self.plan.items)
        return [run for run in runs if item_of(run) in items and run.number not in self._put_aside]

    def _next(self, number: int, batch: tuple[int, int]) -> FrozenTrial:
        known = {item_of(run) for run in self.planned}
        trial, seed = next(item for item in self.plan.items if item not in known)
        asked = Asked(self._asked[trial].values, [seed], (number, 1), confirms=trial)
        return running(number, {}, self._space, asked, {})


def item_of(run: FrozenTrial) -> tuple[int, int]:
    """The number of the trial that a run confirms, and its seed."""
    asked = Asked.of(run)
    return (-1 if asked.confirms is None else asked.confirms), asked.seeds[0]


def _may_be_unlucky(run: FrozenTrial) -> bool:
    outcome = Outcome.of(run)
    return run.state == TrialState.FAIL and (outcome is None or outcome.status != "diverged")
