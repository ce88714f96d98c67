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
from nnlab.tuning.spending import Spending
from nnlab.tuning.study import Study


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
        confirms: how many trials are to be confirmed after the search.
        directory: of the study.
        tell: called with what there is to tell.
    """

    def __init__(
        self, spending: Spending, confirms: int | None, directory: Path, *, tell: Callable[[StudyEvent], object]
    ) -> None:
        self._spending = spending
        self._confirms = confirms
        self._directory = directory
        self._tell = tell
        self._is_told = False

    def at_start(self) -> None:
        """Tell how to go on where the budget is used up already."""
        budget, use = self._spending.budget, self._spending.use
        if budget.used_up(use):
            self._is_told = True
            go_on = f"{study_command(self._directory)} {larger(budget, use)}"
            self._tell(Notice(f"{self._spending.ended_by} has ended the search. To go on: {go_on}"))

    def now(self, running: int) -> None:
        """Tell that it is used up, if that is new and there is something that still goes on."""
        budget, use = self._spending.budget, self._spending.use
        keys = budget.used_up(use)
        is_new, self._is_told = bool(keys) and not self._is_told, bool(keys)
        if is_new and keys != ["trials"] and (running or self._confirms):
            self._tell(BudgetUsedUp(self._spending.ended_by, running, keys == ["patience"], self._confirms))

    @property
    def at_end(self) -> str:
        """What has ended the search, in words, if not its number of trials alone may have."""
        return self._spending.ended_by if self._spending.budget.is_more_than_a_number else ""
