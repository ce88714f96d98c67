"""A trial as a line of text: after it has ended, and while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from nnlab.tuning.report.standing import Standing
from nnlab.tuning.report.trial_facts import objective_text, status_of, status_text, values_text
from nnlab.tuning.trials import Asked, Outcome, is_over_limit


def trial_line(trial: FrozenTrial, standing: Standing, *, is_short: bool = False) -> str:
    """A trial that has ended, in columns of fixed width; if it has no scores, the reason instead.

    Example: ` 7/30  trial  8  finished  val/loss 0.0421  best   3 epochs     1.2 s  lr=0.1 batch_size=32`.
    In short: ` 7/30 trial  8 0.0421 best     lr=0.1 batch_size=32`, without epochs, seconds and the names of the
    objectives, which the study's title has.
    """
    digits = _digits(standing)
    asked, outcome = Asked.of(trial), Outcome.of(trial)
    columns = [of_total(standing.done, standing), f"trial {trial.number:>{digits}}"]
    if _has_no_scores(trial):
        columns += _why(trial, outcome)
    elif is_short:
        columns += _scores(trial, outcome, standing, is_short=True)
        columns.append(f"{_short_status(trial, standing):<8}")
    else:
        columns += [f"{status_of(trial):<8}", *_scores(trial, outcome, standing, is_short=False)]
        if outcome is not None:
            columns.append("best" if trial.number == standing.best_trial else "    ")
            columns += _effort(asked, outcome)
    columns.append(values_text(asked.values))
    return (" " if is_short else "  ").join(filter(None, columns))


def confirming_line(run: FrozenTrial, number: int, place: int, standing: Standing) -> str:
    """A run that has ended and confirms trial `number` with the fresh seed of that place, in columns of fixed width.

    Example: ` 7/15  trial  8, fresh seed 2  val/loss 0.0421   3 epochs     1.2 s`.
    """
    outcome = Outcome.of(run)
    done = standing.done + standing.failed
    columns = [of_total(done, standing), f"{trial_name(number, place):<22}"]
    if _has_no_scores(run):
        columns += _why(run, outcome)
    elif outcome is not None:
        columns += [*_scores(run, outcome, standing, is_short=False), *_effort(Asked.of(run), outcome)]
    return "  ".join(filter(None, columns))


def further_line(run: FrozenTrial, number: int, place: int, trial: FrozenTrial, standing: Standing) -> str:
    """A run that has ended and gives a trial the seed of that place in a race, in columns of fixed width.

    Example: `      trial  8, seed 2    val/loss 0.0421  mean of 2 0.0436  best   3 epochs     1.2 s`.
    """
    outcome = Outcome.of(run)
    columns = [" " * len(of_total(0, standing)), f"{trial_name(number, further=place):<16}"]
    if _has_no_scores(run):
        columns += _why(run, outcome)
    elif outcome is not None:
        seeds, means, name = len(Asked.of(trial).seeds), Outcome.of(trial), standing.objectives[0]
        columns += _scores(run, outcome, standing, is_short=False)
        columns += [
            f"mean of {seeds} {objective_text(name, means.objective(name))}"
            if means is not None and means.scores
            else ""
        ]
        columns += ["best" if number == standing.best_trial else "    ", *_effort(Asked.of(run), outcome)]
    return "  ".join(columns)


def of_total(done: int, standing: Standing) -> str:
    """` 7/30`; without a total `   7`."""
    return f"{done:>{_digits(standing)}}" + ("" if standing.total is None else f"/{standing.total}")


def _digits(standing: Standing) -> int:
    return len(str(standing.total))  # four without a total, as None has


def trial_name(number: int, place: int | None = None, further: int | None = None) -> str:
    """`trial 8`; `trial 8, fresh seed 2` confirms it, and `trial 8, seed 2` gives it a further seed in a race."""
    if place is not None:
        return f"trial {number}, fresh seed {place}"
    return f"trial {number}" if further is None else f"trial {number}, seed {further}"


def running_line(name: str, epoch: int | None, scores: Mapping[str, float], values: str, width: int | None) -> str:
    """A running trial: `trial 2  epoch 4  val/loss 0.1250  lr=0.25`, or in short `2 epoch 4 0.1250 lr=0.25`.

    Args:
        name: see `trial_name`.
        epoch: the latest; None before the first.
        scores: of that epoch.
        values: the searched values, as `values_text` has them.
        width: of the screen in columns; None gives the long form.
    """
    done = "starting" if epoch is None else f"epoch {epoch}"
    shown = {name: objective_text(name, value) for name, value in scores.items()}
    line = "  ".join([name, done, *(f"{name} {text}" for name, text in shown.items()), values]).rstrip()
    if width is None or len(line) <= width:
        return line
    return " ".join([name.removeprefix("trial ").replace(", fresh", ""), done, *shown.values(), values])


def _has_no_scores(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.FAIL or is_over_limit(trial)


def _why(trial: FrozenTrial, outcome: Outcome | None) -> list[str]:
    """The status of a trial without scores, and the reason."""
    return [f"{status_text(trial):<8}", "" if outcome is None else " ".join(outcome.reason.split())]


def _scores(trial: FrozenTrial, outcome: Outcome | None, standing: Standing, *, is_short: bool) -> list[str]:
    """The objectives as far as they are known: for a pruned trial its last score."""
    if outcome is None:
        return []
    objectives: Sequence[str] = standing.objectives
    known: list[tuple[str, Any]] = (
        list(zip(objectives, trial.values, strict=False))
        if trial.values is not None
        else [(name, outcome.scores[name]) for name in objectives if name in outcome.scores]
    )
    return [objective_text(*pair).rjust(6) if is_short else named_objective(*pair) for pair in known]


def named_objective(name: str, value: float) -> str:
    """`val/loss 0.0421`."""
    return f"{name} {objective_text(name, value):>6}"


def _effort(asked: Asked, outcome: Outcome) -> list[str]:
    if asked.duplicate_of is not None:
        return [f"same as trial {asked.duplicate_of:<5}"]
    epochs = "epoch " if outcome.epochs == 1 else "epochs"
    return [f"{outcome.epochs:>2} {epochs}", f"{outcome.seconds:>6.1f} s"]


def _short_status(trial: FrozenTrial, standing: Standing) -> str:
    """The status where there is little room: only what is unusual."""
    duplicate_of = Asked.of(trial).duplicate_of
    if trial.number == standing.best_trial:
        return "best"
    if duplicate_of is not None:
        return f"same {duplicate_of}"
    status = status_of(trial)
    return "" if status == "finished" else status
