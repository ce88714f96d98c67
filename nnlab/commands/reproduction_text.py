"""What a reproduction shows: what agrees before it starts, and the verdict at its end."""

from __future__ import annotations

import dataclasses
import math
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nnlab.analysis.reproduction.facts import Fact, disagreeing
from nnlab.analysis.reproduction.in_worktree import AttemptInWorktree
from nnlab.analysis.reproduction.plan import home_of
from nnlab.analysis.reproduction.reproduce import Attempt, Reproduction
from nnlab.analysis.reproduction.verdict import Difference, Verdict, changed_underway
from nnlab.runs.provenance import PACKAGES
from nnlab.runs.resolve import runs_dir_option
from nnlab.runs.stored_run import StoredRun
from nnlab.wording import number_of

WORDS = {True: "agrees", False: "differs", None: "unknown"}
SHORT = 16
"""Characters of a digest that are shown."""


def opening_lines(stored: StoredRun, tried: Attempt | AttemptInWorktree, runs_dir: Path | None = None) -> list[str]:
    """What agrees with the recorded run and what does not, and what is set.

    `runs_dir` is the folder in which commands look for an original that is in MLflow alone.
    """
    epochs = len(stored.epochs)
    lines = [f"reproducing {stored.name}: {stored.status_now}, {number_of(epochs, 'epoch')} recorded"]
    same = [fact for fact in tried.facts if fact.agrees and fact.name in PACKAGES]
    facts = [fact for fact in tried.facts if fact not in same]
    width = max(len(fact.name) for fact in facts)
    lines += [f"  {fact.name:<{width}}  {WORDS[fact.agrees]:<8} {_values(fact)}".rstrip() for fact in facts]
    if same:
        versions = ", ".join(f"{fact.name} {fact.recorded}" for fact in same)
        lines.append(f"  {'packages':<{width}}  {WORDS[True]:<8} {versions}")
    if isinstance(tried, Attempt) and any(_is_other_code(fact) for fact in tried.facts):
        lines.append(f"the recorded code is run by: {_command(stored, runs_dir)} --worktree")
    lines += [f"changed while it was recorded: {text}" for text in changed_underway(stored)]
    lines += [f"set      {text}" for text in tried.setting.told]
    lines += [f"cannot be set: {text}" for text in tried.setting.unmet]
    return [*lines, ""]


def verdict_lines(done: Reproduction, name: str | None = None) -> list[str]:
    """The verdict, and where the runs part; `name` is that of an original that is in MLflow alone."""
    verdict = done.verdict
    lines = ["", f"verdict        {verdict.in_words}"]
    lines += [f"               {line}" for line in _grounds(verdict)]
    if verdict.word != "identical" and (others := disagreeing(done.facts)):
        lines.append(f"               not as recorded: {', '.join(others)}")
    if verdict.word != "identical" and (unknown := [fact.name for fact in done.facts if fact.agrees is None]):
        lines.append(f"               not known to be as recorded: {', '.join(unknown)}")
    return [*lines, f"original       {name or done.original}", f"again          {done.again}"]


def summary_lines(found: Sequence[tuple[str, str]]) -> list[str]:
    """The verdict on each of several runs, and how many there are of each."""
    width = max(len(name) for name, _ in found)
    counts = Counter(word for _, word in found)
    total = ", ".join(f"{count} {word}" for word, count in counts.most_common())
    return ["", *(f"{name:<{width}}  {word}" for name, word in found), "", f"{number_of(len(found), 'run')}: {total}"]


def as_json(done: Reproduction, name: str | None = None) -> dict[str, Any]:
    """All of it, as JSON has it; `name` as for `verdict_lines`."""
    verdict = done.verdict
    return {
        "run": name or str(done.original),
        "again": str(done.again),
        "verdict": verdict.in_words,
        "tolerance": verdict.tolerance,
        "epochs": verdict.epochs,
        "first": _as_json(verdict.first),
        "largest": _as_json(verdict.largest),
        "weights": list(verdict.weights),
        "tested": verdict.tested,
        "ended": list(verdict.ended),
        "doubt": verdict.doubt,
        "changed": list(verdict.changed),
        "facts": [{**dataclasses.asdict(fact), "agrees": fact.agrees} for fact in done.facts],
        "set": dict(done.setting.variables),
        "unmet": list(done.setting.unmet),
    }


def _is_other_code(fact: Fact) -> bool:
    """Whether the code is another, or may be: a commit was recorded, and here something has been changed since one."""
    return fact.name in ("code", "commit") and not fact.agrees and fact.recorded is not None


def _command(stored: StoredRun, runs_dir: Path | None) -> str:
    return shlex.join(["python", "-m", "nnlab.reproduce", stored.name, *runs_dir_option(runs_dir or home_of(stored))])


def _grounds(verdict: Verdict) -> Iterator[str]:
    epochs = number_of(verdict.epochs, "epoch")
    recorded, again = verdict.weights
    if verdict.first is None:
        yield f"every metric of {epochs}{', and the test scores' if verdict.tested else ''}: the same to the last digit"
    else:
        yield f"first  {_shown(verdict.first)}"
    if verdict.largest is not None and verdict.largest.size != getattr(verdict.first, "size", None):
        yield f"most   {_shown(verdict.largest)}"
    if recorded is None:
        yield "weights: none are recorded that could be compared"
    elif recorded == again:
        yield f"weights: the same, SHA-256 {recorded[:SHORT]}"
    else:
        yield f"weights: SHA-256 {recorded[:SHORT]} was recorded, and is {str(again)[:SHORT]}"
    if verdict.doubt is not None and verdict.word != "identical":
        yield f"when the original was resumed, this did not come out again: {verdict.doubt}"
    if verdict.word != "identical":
        yield from (f"the original is of two computations: {text}" for text in verdict.changed)
    if verdict.ended[0] != verdict.ended[1]:
        yield f"the original is {verdict.ended[0]}, the new run {verdict.ended[1]}"


def _shown(difference: Difference) -> str:
    where = "at the end" if difference.epoch is None else f"epoch {difference.epoch}"
    values = ["missing" if value is None else repr(float(value)) for value in (difference.recorded, difference.again)]
    size = "" if math.isinf(difference.size) else f", a difference of {difference.size:.3g}"
    return f"{where}, {difference.metric}: {values[0]} was recorded, and is {values[1]}{size}"


def _values(fact: Fact) -> str:
    if fact.agrees:
        return _short(fact.recorded)
    recorded = "not recorded" if fact.recorded is None else f"recorded {_short(fact.recorded)}"
    return f"{recorded}, here {_short(fact.here) or 'unknown'}"


def _short(value: str | None) -> str:
    text = value or ""
    is_digest = len(text) == 64 and not set(text) - set("0123456789abcdef")
    return text[:SHORT] if is_digest else text


def _as_json(difference: Difference | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    return {
        "epoch": difference.epoch,
        "metric": difference.metric,
        "recorded": _number(difference.recorded),
        "again": _number(difference.again),
        "size": _number(difference.size),
    }


def _number(value: float | None) -> float | str | None:
    """JSON has no NaN and no infinities; they are texts, as in a journal."""
    return value if value is None or math.isfinite(value) else str(value)
