"""What a session tells of its study's budget: as it starts, when it is used up, and how to go on after that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from nnlab.execution.events import Notice
from nnlab.runs.resolve import study_command
from nnlab.tuning.events import BudgetUsedUp, StudyEvent, StudyStarted
from nnlab.tuning.plan import Plan
from nnlab.tuning.report.budget_text import ends_text, larger
from nnlab.tuning.search.samplers import Grid
from nnlab.tuning.spending import Spending
from nnlab.tuning.study import Study
from nnlab.wording import number_of


def study_started(plan: Plan, study: Study, spending: Spending) -> StudyStarted:
    """The start of a session, with what will end it."""
    budget, use = spending.budget, spending.use
    has_end = budget.is_more_than_a_number and not budget.used_up(use)
    return StudyStarted(
        name=study.name,
        trials=plan.settings.trials,
        finished=study.finished,
        workers=plan.workers,
        objectives=plan.settings.objectives,
        searched=list(plan.space.to_dict()),
        ends=ends_text(budget, use, datetime.now()) if has_end else "",
    )


class BudgetNews:
    """Tells once that the budget is used up, and again if the search has gone on in between.

    Args:
        spending: of the session.
        plan: of the study.
        directory: of the study.
        tell: called with what there is to tell.
    """

    def __init__(
        self, spending: Spending, plan: Plan, directory: Path, *, tell: Callable[[StudyEvent], object]
    ) -> None:
        self._spending = spending
        self._plan = plan
        self._directory = directory
        self._tell = tell
        self._is_told = False

    def at_start(self) -> None:
        """Tell how to go on where the budget was used up already, and nothing is left to finish."""
        if self._keys and not self._spending.unfinished:
            self._is_told = True
            self._tell(Notice(f"{self._spending.ended_by} has ended the search. {self._how_to_go_on}"))

    def now(self, running: int) -> None:
        """Tell that it is used up, if that is new and there is something that still goes on."""
        if not self._spending.budget.is_more_than_a_number:
            return
        keys = self._keys
        is_new, self._is_told = bool(keys) and not self._is_told, bool(keys)
        confirms = self._plan.settings.confirm
        if is_new and keys != ["trials"] and (running or confirms):
            self._tell(BudgetUsedUp(self._spending.ended_by, running, keys == ["patience"], confirms))

    def nothing_left(self, study: Study) -> None:
        """Tell why the search has ended before its budget, if it has because there is nothing more to try."""
        if study.nothing_left:
            total = self._plan.settings.trials
            count = number_of(study.finished, "trial") + ("" if total is None else f" of {total:,}")
            self._tell(Notice(f"The study ends after {count}: {study.nothing_left}."))

    @property
    def at_end(self) -> str:
        """What has ended the search, in words, if not its number of trials alone may have."""
        return self._spending.ended_by if self._spending.budget.is_more_than_a_number else ""

    @property
    def without_a_winner(self) -> str:
        """Why there is no winner where the search has ended without a complete trial."""
        if not self._keys:
            return "no trial is complete"
        return f"no trial is complete, and {self._spending.ended_by} has ended the search. {self._how_to_go_on}"

    @property
    def _keys(self) -> list[str]:
        return self._spending.budget.used_up(self._spending.use)

    @property
    def _how_to_go_on(self) -> str:
        budget, use = self._spending.budget, self._spending.use
        points = self._plan.space.size if isinstance(self._plan.settings.sampler, Grid) else None
        if points is not None and use.finished >= points:
            return "It has had every point of the grid; other points are another study."
        return f"To go on: {study_command(self._directory)} {larger(budget, use, points)}"
