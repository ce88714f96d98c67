"""The best trials of a study as a table of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from optuna.trial import FrozenTrial, TrialState

from nnlab.streams import folded
from nnlab.tuning.report.ranking import pareto_front, ranking
from nnlab.tuning.report.trial_facts import code_text, codes_of, natural_order, objective_text, short_names, value_text
from nnlab.tuning.trials import Asked, Outcome, is_failure

WIDTH = 120
GAP = "  "
REPETITIONS = 3
RANK = "rank"
SCORES = ("val/accuracy", "val/loss")


@dataclass(frozen=True)
class _Column:
    """A column of the table.

    Attributes:
        name: by which it is named where it is left out: the heading, or a searched key in full.
        texts: the heading and one text per trial.
        leaves: when it is left out where there is no room, the lowest first; None if never.
        is_left: whether the texts are aligned to the left.
    """

    name: str
    texts: list[str]
    leaves: int | None
    is_left: bool

    @property
    def cells(self) -> list[str]:
        """The texts, padded to one width."""
        width = max(map(len, self.texts))
        return [text.ljust(width) if self.is_left else text.rjust(width) for text in self.texts]


def leaderboard(
    trials: Sequence[FrozenTrial],
    objectives: Sequence[str],
    *,
    count: int = 10,
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
        count: of rows, at most.
        encoding: of the stream that the text is written to; one without `±` and `–` gets `+-` and `-`.
        width: of the screen in columns; None, for lines of any length, is 120.
    """
    width = width or WIDTH
    candidates = ranking(trials, objectives) if len(objectives) == 1 else pareto_front(trials, objectives)
    if not candidates:
        lines = ["No trial is complete, so there is nothing to rank."]
    else:
        shown = candidates[:count]
        several = len(codes_of(trials)) > 1
        lines = _table(shown, objectives, _repetitions(trials), width, encoding, shows_code=several)
        if len(objectives) == 2:
            title = f"Pareto front of {objectives[0]} and {objectives[1]}: {_number(len(candidates), 'trial')}"
            title += f", the first {count} of them" if len(candidates) > count else ""
            lines = [title, "", *lines]
    return folded("\n".join([*lines, "", counts_line(trials), *_codes_line(trials)]), width)


def counts_line(trials: Sequence[FrozenTrial]) -> str:
    """How many trials ended how: `48 complete, 20 pruned, 3 failed (2 diverged, 1 killed), 5 duplicates, 2 running`."""
    states = Counter(trial.state for trial in trials)
    failures = Counter(
        outcome.status for trial in trials if is_failure(trial) and (outcome := Outcome.of(trial)) is not None
    )
    failed = sum(map(is_failure, trials))
    parts = [f"{states[TrialState.COMPLETE]} complete"]
    if states[TrialState.PRUNED]:
        parts.append(f"{states[TrialState.PRUNED]} pruned")
    if failed:
        # Of the others it is only known that they failed.
        kinds = ", ".join(f"{failures[kind]} {kind}" for kind in ("diverged", "killed") if failures[kind])
        parts.append(f"{failed} failed" + (f" ({kinds})" if kinds else ""))
    if duplicates := sum(Asked.of(trial).duplicate_of is not None for trial in trials):
        parts.append(_number(duplicates, "duplicate"))
    if states[TrialState.RUNNING]:
        parts.append(f"{states[TrialState.RUNNING]} running")
    return ", ".join(parts)


def _codes_line(trials: Sequence[FrozenTrial]) -> list[str]:
    """How many trials had which code, where not all had the same; the samplers know nothing of it."""
    codes = codes_of(trials)
    if len(codes) < 2:
        return []
    parts = (f"{code_text([digest])} in {_number(len(numbers), 'trial')}" for digest, numbers in codes.items())
    return [f"not all of the same code: {', '.join(parts)}"]


def _table(
    trials: Sequence[FrozenTrial],
    objectives: Sequence[str],
    repetitions: dict[int, list[int]],
    width: int,
    encoding: str | None,
    *,
    shows_code: bool,
) -> list[str]:
    columns = _columns(trials, objectives, repetitions)
    if shows_code:
        columns.insert(2, _column("code", trials, lambda trial: code_text(_outcome(trial).code), left=True))
    if not _can_encode("±–", encoding):
        columns = [replace(each, texts=[_plain(text) for text in each.texts]) for each in columns]
    left_out = []
    while len(GAP.join(column.cells[0] for column in columns)) > width:
        dispensable = [column for column in columns if column.leaves is not None]
        if not dispensable:
            break
        first = min(dispensable, key=lambda column: column.leaves or 0)
        columns.remove(first)
        if first.name != RANK:  # the order of the rows shows it
            left_out.append(first.name)
    lines = [GAP.join(cells).rstrip() for cells in zip(*(column.cells for column in columns), strict=True)]
    if left_out:
        lines.append(f"(in trials.csv, but no room here: {', '.join(left_out)})")
    return lines


def _columns(
    trials: Sequence[FrozenTrial], objectives: Sequence[str], repetitions: dict[int, list[int]]
) -> list[_Column]:
    keys = natural_order(key for trial in trials for key in Asked.of(trial).values)
    names = short_names(keys)
    scores = [name for name in SCORES if name not in objectives]
    columns = [
        _column(RANK, trials, lambda trial: str(trials.index(trial) + 1), leaves=100),
        _column("trial", trials, lambda trial: str(trial.number)),
        *(_column(name, trials, _score(name)) for name in objectives),
        *(_column(name, trials, _score(name), leaves=4) for name in scores),
        _column("epochs", trials, lambda trial: str(_outcome(trial).epochs), leaves=2),
        _column("seconds", trials, lambda trial: f"{_outcome(trial).seconds:.1f}", leaves=1),
        *(
            _column(names[key], trials, _searched(key), left=True, leaves=99 - place, key=key)
            for place, key in enumerate(keys)
        ),
    ]
    if any(trial.number in repetitions for trial in trials):
        same = _column("same", trials, lambda trial: _same(repetitions.get(trial.number, [])), left=True, leaves=3)
        columns.insert(2, same)
    return columns


def _column(
    name: str,
    trials: Sequence[FrozenTrial],
    text: Callable[[FrozenTrial], str],
    *,
    left: bool = False,
    leaves: int | None = None,
    key: str = "",
) -> _Column:
    return _Column(key or name, [name, *map(text, trials)], leaves, left)


def _score(name: str) -> Callable[[FrozenTrial], str]:
    def text(trial: FrozenTrial) -> str:
        outcome = _outcome(trial)
        if name in SCORES and name not in outcome.scores:
            return "–"
        value = objective_text(name, outcome.objective(name))
        return f"{value} ± {outcome.std[name]:.4f}" if name in outcome.std else value

    return text


def _searched(key: str) -> Callable[[FrozenTrial], str]:
    def text(trial: FrozenTrial) -> str:
        values = Asked.of(trial).values
        return value_text(values[key]) if key in values else "–"

    return text


def _repetitions(trials: Sequence[FrozenTrial]) -> dict[int, list[int]]:
    """By a trial's number, the numbers of those that repeat it."""
    found: dict[int, list[int]] = {}
    for trial in sorted(trials, key=lambda trial: trial.number):
        if (original := Asked.of(trial).duplicate_of) is not None:
            found.setdefault(original, []).append(trial.number)
    return found


def _same(numbers: Sequence[int]) -> str:
    shown = " ".join(f"={number}" for number in numbers[:REPETITIONS])
    return shown + (f" +{len(numbers) - REPETITIONS}" if len(numbers) > REPETITIONS else "")


def _outcome(trial: FrozenTrial) -> Outcome:
    outcome = Outcome.of(trial)
    assert outcome is not None  # a complete trial has one
    return outcome


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _plain(text: str) -> str:
    return text.replace("±", "+-").replace("–", "-")


def _can_encode(text: str, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
