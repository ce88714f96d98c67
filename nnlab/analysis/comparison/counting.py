"""Which runs of a part count: those that finished, each once; and what is said of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from nnlab.analysis.comparison.facts import RunFacts
from nnlab.analysis.comparison.likeness import distinct
from nnlab.analysis.comparison.metrics import known
from nnlab.analysis.comparison.parts import Part
from nnlab.errors import UserError
from nnlab.wording import number_of

CHOSEN_BY_OUTCOME = ("diverged", "failed")
"""Without the runs that ended so, a mean is that of the lucky ones."""


def counted(parts: Sequence[Part]) -> tuple[list[Part], list[str]]:
    """The parts with the runs that count, and what was left out, by reason.

    Raises:
        UserError: if none is left at all, or none of a part that was asked for by name.
    """
    kept, notes = [], []
    for part in parts:
        reasons = Counter(reason for run in part.runs if (reason := _reason(run, part)) is not None)
        members = [run for run in part.runs if _reason(run, part) is None]
        different = distinct(members)
        if len(members) > len(different):
            reasons["the same as a later run (config, data, code, seed)"] = len(members) - len(different)
        words = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        if different:
            kept.append(replace(part, runs=different))
        elif part.asked is not None:
            raise UserError(
                f"Only runs that finished are compared, but {part.asked} has none: {words}. {_remedy(part)}"
            )
        if words:
            notes.append(f"Left out of {part.name}: {words}.")
        if lost := sum(reasons[status] for status in CHOSEN_BY_OUTCOME):
            total = len(different) + lost
            notes.append(
                f"WARNING: {lost} of {number_of(total, 'run')} of {part.name} came to nothing: its mean is of the "
                "others."
            )
    if not kept:
        statuses = Counter(run.status for part in parts for run in part.runs)
        words = ", ".join(f"{count} {status}" for status, count in statuses.items())
        raise UserError(f"Only runs that finished are compared, but there is none: {words}. {_remedy(parts[0])}")
    return kept, notes


def with_metric(parts: Sequence[Part], metric: str) -> tuple[list[Part], list[str]]:
    """The parts with the runs that have a metric, and what was left out.

    Raises:
        UserError: if a part that was asked for by name has none.
    """
    kept, notes = [], []
    for part in parts:
        having = [run for run in part.runs if metric in run.metrics]
        if len(having) < len(part.runs):
            lacking = f"{len(part.runs) - len(having)} without {metric}"
            notes.append(f"Left out of {part.name}: {lacking}.")
            if part.asked is not None and not having:
                raise UserError(
                    f"Every group needs runs with the metric, but {part.asked} has only {lacking}. "
                    f"Choose with --metric one of {', '.join(known(part.runs))}."
                )
        if having:
            kept.append(replace(part, runs=having))
    return kept, notes


def _reason(run: RunFacts, part: Part) -> str | None:
    if run.repeats is not None and len(part.runs) > 1:
        return {"reproduction": "reproducing another run", "duplicate": "copied from another trial"}[run.repeats]
    return None if run.status == "finished" else run.status


def _remedy(part: Part) -> str:
    for run in part.runs:
        if run.status in ("killed", "interrupted") and run.path is not None:
            from nnlab.execution.resume import resume_command

            return f"Go on with it first: {resume_command(run.path)}"
    return "Compare when some have finished."
