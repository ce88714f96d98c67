"""The best trials of a study as a table of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from optuna.trial import FrozenTrial, TrialState

from nnlab.streams import folded
from nnlab.table import Column, fitting
from nnlab.tuning.confirm.results import Confirmation
from nnlab.tuning.report.certainty import certainty_of
from nnlab.tuning.report.columns import RANK, VERSUS, columns_of
from nnlab.tuning.report.ranking import pareto_front, ranking
from nnlab.tuning.report.trial_facts import code_text, codes_of
from nnlab.tuning.trials import Asked, Outcome, is_failure, is_over_limit
from nnlab.wording import number_of

WIDTH = 120


def leaderboard(
    trials: Sequence[FrozenTrial],
    objectives: Sequence[str],
    *,
    count: int = 10,
    confirmation: Confirmation | None = None,
    encoding: str | None = "utf-8",
    width: int | None = None,
) -> str:
    """The best `count` trials, or for two objectives those of the Pareto front, and below them how all trials ended.

    A trial that repeats an earlier one has no row of its own: the row of the earlier one names it, as `=12`. Where not
    all trials had the same code, a column tells them apart. Where there is no room for all columns, seconds, epochs,
    further scores and searched keys are left out, in this order, and named below the table. No number is ever cut or
    wrapped.

    Args:
        trials: of the study, in any order and state.
        objectives: their names, one or two.
        count: of rows, at most; but all that are confirmed are shown.
        confirmation: of the best trials, if they were run again with fresh seeds: then these come first, by that.
        encoding: of the stream that the text is written to; one without `±` and `–` gets `+-` and `-`.
        width: of the screen in columns; None, for lines of any length, is 120.
    """
    width = width or WIDTH
    candidates = ranking(trials, objectives) if len(objectives) == 1 else pareto_front(trials, objectives)
    if not candidates:
        lines = ["No trial is complete, so there is nothing to rank."]
    else:
        first = [each.trial for each in confirmation.confirmed] if confirmation is not None else []
        known = {trial.number for trial in first}
        candidates = [*first, *(trial for trial in candidates if trial.number not in known)]
        shown = candidates[: max(count, len(first))]
        certainty = certainty_of(shown, objectives, confirmation)
        lines = _table(columns_of(shown, objectives, trials, confirmation, certainty), width, encoding)
        counts = [len(Asked.of(trial).seeds) for trial in shown]
        if min(counts) < max(counts):
            few = [(each.number, count) for each, count in zip(shown, counts, strict=True) if count < max(counts)]
            named = f"trial{'s' if len(few) > 1 else ''} {', '.join(f'{number} ({count})' for number, count in few)}"
            had = f"ranked by those that trial {shown[0].number} had too"
            lines += ["", f"fewer than {max(counts)} seeds: {named}; {had}"]
        if certainty is not None:
            lines += ["", *map(_plain if not _can_encode("±–", encoding) else str, certainty.lines())]
        if len(objectives) == 2:
            title = f"Pareto front of {objectives[0]} and {objectives[1]}: {number_of(len(candidates), 'trial')}"
            title += f", the first {count} of them" if len(candidates) > count else ""
            lines = [title, "", *lines]
    return folded("\n".join([*lines, "", counts_line(trials), *_codes_lines(trials, confirmation)]), width)


def counts_line(trials: Sequence[FrozenTrial]) -> str:
    """How many trials ended how: `48 complete, 20 pruned, 3 failed (2 diverged, 1 killed), 5 duplicates, 2 running`."""
    states = Counter(trial.state for trial in trials)
    failures = Counter(
        outcome.status for trial in trials if is_failure(trial) and (outcome := Outcome.of(trial)) is not None
    )
    failed = sum(map(is_failure, trials))
    parts = [f"{states[TrialState.COMPLETE]} complete"]
    over_limit = sum(map(is_over_limit, trials))
    if pruned := states[TrialState.PRUNED] - over_limit:
        parts.append(f"{pruned} pruned")
    if over_limit:
        parts.append(f"{over_limit} over their limit")
    if failed:
        # Of the others it is only known that they failed.
        kinds = ", ".join(f"{failures[kind]} {kind}" for kind in ("diverged", "killed") if failures[kind])
        parts.append(f"{failed} failed" + (f" ({kinds})" if kinds else ""))
    if duplicates := sum(Asked.of(trial).duplicate_of is not None for trial in trials):
        parts.append(number_of(duplicates, "duplicate"))
    if states[TrialState.RUNNING]:
        parts.append(f"{states[TrialState.RUNNING]} running")
    return ", ".join(parts)


def _codes_lines(trials: Sequence[FrozenTrial], confirmation: Confirmation | None) -> list[str]:
    """How many trials had which code, where not all had the same; the samplers know nothing of it."""
    codes = codes_of(trials)
    lines = [f"not all of the same code: {_counted(codes, 'trial')}"] if len(codes) > 1 else []
    fresh = codes_of(run for each in confirmation.confirmed for run in each.runs.values()) if confirmation else {}
    if fresh and (len(fresh) > 1 or fresh.keys() != codes.keys()):
        lines.append(f"with fresh seeds the code was {_counted(fresh, 'run')}")
    return lines


def _counted(codes: Mapping[str, Sequence[int]], noun: str) -> str:
    return ", ".join(f"{code_text([digest])} in {number_of(len(numbers), noun)}" for digest, numbers in codes.items())


def _table(columns: list[Column], width: int, encoding: str | None) -> list[str]:
    if not _can_encode("±–", encoding):
        columns = [replace(each, texts=[_plain(text) for text in each.texts]) for each in columns]
    lines, left = fitting(columns, width)
    missed = [name for name in left if name not in (RANK, VERSUS)]  # the order of rows and a line below say these
    return [*lines, f"(in trials.csv, but no room here: {', '.join(missed)})"] if missed else lines


def _plain(text: str) -> str:
    return text.replace("±", "+-").replace("–", "-")


def _can_encode(text: str, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
