"""What is shown of a study when a session starts and when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nnlab.runs.resolve import study_command
from nnlab.tuning.events import BudgetUsedUp, ConfirmationStarted, StudyEnded, StudyStarted
from nnlab.tuning.report.choice_cost import cost_lines
from nnlab.tuning.report.confirmation_lines import block, winner_lines
from nnlab.tuning.report.leaderboard import leaderboard
from nnlab.tuning.report.trial_facts import objective_text
from nnlab.tuning.winner import Winner
from nnlab.wording import number_of


def title(event: StudyStarted) -> str:
    """The study's name, how far it has come, and what it searches."""
    trials = "any number of trials" if event.trials is None else number_of(event.trials, "trial")
    return (
        f"{event.name}\n"
        f"{trials}, {event.finished} finished; {number_of(event.workers, 'worker')}; "
        f"{' and '.join(event.objectives)}\nsearched: {', '.join(event.searched)}"
        f"{f'{chr(10)}ends {event.ends}' if event.ends else ''}"
    )


def summary(event: StudyEnded, *, encoding: str | None, width: int | None) -> str:
    """The leaderboard, the winner's test, how to resume a study that was stopped, and where it is.

    Args:
        event: the end of a session.
        encoding: of the stream that shows the text.
        width: of the screen; None where lines may be of any length.
    """
    return "\n\n".join(_blocks(event, encoding, width))


def confirmation_title(event: ConfirmationStarted) -> str:
    """Which trials are confirmed, and with how many runs."""
    count, runs = len(event.trials), len(event.trials) * event.seeds
    which = ", ".join(map(str, event.trials))
    best = f"the best {count} trials ({which})" if count > 1 else f"the best trial ({which})"
    fewer = f" (sweep.confirm={event.asked}, but no more are complete)" if count < event.asked else ""
    done = f", {event.finished} of them done" if event.finished else ""
    return f"confirming {best}{fewer} with {number_of(event.seeds, 'fresh seed')}: {number_of(runs, 'run')}{done}"


def over_line(event: BudgetUsedUp) -> str:
    """What a budget that is used up does to what runs."""
    parts = [f"{number_of(event.running, 'running trial')} will finish" if event.running else "nothing runs"]
    parts.append("no new ones start" + (" unless it brings something better" if event.may_go_on else ""))
    if event.confirms:
        parts.append(f"and then sweep.confirm={event.confirms} runs to its end, which takes longer")
    return f"{event.ended_by}: {', '.join(parts)}"


def how_to_resume(directory: Path) -> str:
    """What to tell the user who stopped a study."""
    return f"resume it with   {study_command(directory)}"


def _blocks(event: StudyEnded, encoding: str | None, width: int | None) -> Iterator[str]:
    yield leaderboard(event.trials, event.objectives, confirmation=event.confirmation, encoding=encoding, width=width)
    if event.winner is not None:
        yield "\n".join(_winner(event.winner, event, width))
    elif event.confirmation is not None and event.confirmation.winner is not None:
        yield block(winner_lines(event.confirmation, event.finished), width)
    if event.status == "finished" and (lines := cost_lines(event.directory, event.objectives, event.finished)):
        yield block(lines, width)
    if event.ended_by:
        yield f"ended by         {event.ended_by}"
    if event.test_left_alone:
        yield f"test split       not evaluated ({event.test_left_alone})"
    if event.status == "interrupted":
        yield how_to_resume(event.directory)
    yield f"study directory  {event.directory}"


def _winner(winner: Winner, event: StudyEnded, width: int | None) -> Iterator[str]:
    best = next(trial for trial in event.trials if trial.number == winner.number)
    values = zip(event.objectives, best.values, strict=True)
    seeds = f" (mean of {winner.runs}{' fresh' if winner.is_confirmed else ''} seeds)" if winner.runs > 1 else ""
    if event.confirmation is not None and winner.is_confirmed:
        yield block(winner_lines(event.confirmation, event.finished), width)
    else:
        yield f"winner           trial {winner.number}, the best of {event.finished} on validation: " + ", ".join(
            f"{name} {objective_text(name, value)}" for name, value in values
        )
    for name, value in winner.scores.items():
        yield f"{name:<16} {objective_text(name, value)}{seeds}"
    yield f"repeat it alone  {winner.command}"
    if winner.evaluations > 1:
        yield f"note             {winner.evaluations} winners of this study were evaluated on the test split so far"
