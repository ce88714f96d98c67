"""What ends a search in words: beforehand, while it runs, afterwards, and how to go on."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta

from nnlab.config.problems import as_typed
from nnlab.tuning.budget import Budget, Use
from nnlab.tuning.search.settings import direction
from nnlab.wording import YEAR, duration, either, number_of

HALF_A_DAY = 12 * 3600.0


def setting(budget: Budget, key: str) -> str:
    """One of the `BUDGETS` as it is typed: `sweep.seconds=60`."""
    return f"sweep.{key}={as_typed(getattr(budget, key))}"


def ends_text(budget: Budget, use: Use, now: datetime) -> str:
    """What will end a search that is about to start: `after 10 min (at 22:58), or at val/loss <= 0.05`."""
    parts = []
    if budget.trials is not None:
        parts.append(f"after {number_of(budget.trials, 'trial')}")
    if budget.seconds is not None:
        left = max(0.0, budget.seconds - use.seconds)
        used = f"{duration(use.seconds)} of them used, so " if use.seconds >= 1 and left else ""
        at = f" ({used}at {_time_of_day(now, left)})" if left < YEAR else ""
        parts.append(f"after {duration(budget.seconds)}{at}")
    if budget.until is not None:
        parts.append(f"at {goal(budget)}")
    if budget.patience is not None:
        parts.append(f"after {number_of(budget.patience, 'trial')} in a row without a better one")
    is_sure = len(parts) > 1 or budget.until is None
    return either(parts) if is_sure else f"{parts[0]} alone, however long that takes"


def left_text(budget: Budget, use: Use) -> str:
    """What will end a search that runs, and what is missing: `in 0:48, or after 7 more trials without a better one`."""
    if over := budget.used_up(use):
        return f"{setting(budget, over[0])} is used up: what runs comes to its end"
    parts = []
    if budget.trials is not None:
        parts.append(f"after {number_of(budget.trials - use.finished, 'more trial', 'more trials')}")
    if budget.seconds is not None:
        parts.append(f"in {clock(budget.seconds - use.seconds)}")
    if budget.until is not None:
        parts.append(f"at {goal(budget)}")
    if budget.patience is not None:
        more = number_of(budget.patience - use.in_vain, "more trial", "more trials")
        parts.append(f"after {more} without a better one")
    return either(parts)


def ended_text(budget: Budget, use: Use, key: str) -> str:
    """What has ended a search: `sweep.seconds=60 (61.2 s of search)`."""
    facts: dict[str, Callable[[], str]] = {
        "trials": lambda: f"{number_of(use.finished, 'trial')} finished",
        "seconds": lambda: f"{duration(use.seconds)} of search",
        "until": lambda: f"{budget.objectives[0]} {use.best:.4g} of trial {use.best_trial}",
        "patience": lambda: f"{number_of(use.in_vain, 'trial')} without a better one",
    }
    return f"{setting(budget, key)} ({facts[key]()})"


def larger(budget: Budget, use: Use, most: int | None = None) -> str:
    """The overrides with which a search whose budget is used up goes on, each about twice as far.

    Args:
        budget: of the study.
        use: of that.
        most: trials that there can be.
    """
    texts = {}
    for key in budget.used_up(use):
        if key == "until":
            texts[key] = _better_than(use.best or 0.0, budget.objectives[0])
        elif key == "seconds":
            texts[key] = str(math.ceil(2 * max(budget.seconds or 0, use.seconds)))
        else:
            texts[key] = str(2 * max(getattr(budget, key), use.finished if key == "trials" else use.in_vain))
    if texts.get("until") == "null" and not any((budget.trials, budget.seconds, budget.patience)):
        texts["trials"] = str(2 * use.finished)
    if most is not None and "trials" in texts:
        texts["trials"] = str(min(int(texts["trials"]), most))
    return " ".join(f"sweep.{key}={text}" for key, text in texts.items())


def _better_than(best: float, objective: str) -> str:
    """A score halfway between one and the best there can be, or `null` where that is the same."""
    halfway = (1 + best) / 2 if direction(objective) == "maximize" else best / 2
    text = f"{halfway:.5g}"
    return text if float(text) != best else "null"


def goal(budget: Budget) -> str:
    """The score that ends a search: `val/loss <= 0.05`."""
    name = budget.objectives[0]
    return f"{name} {'>=' if direction(name) == 'maximize' else '<='} {as_typed(budget.until)}"


def _time_of_day(now: datetime, left: float) -> str:
    """`22:58:10`, or in more than half a day `27 Nov 09:15`."""
    return f"{now + timedelta(seconds=left):{'%H:%M:%S' if left < HALF_A_DAY else '%d %b %H:%M'}}"


def clock(seconds: float | None) -> str:
    """`1:16` or `2:03:45`."""
    if seconds is None:
        return "-:--"
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
