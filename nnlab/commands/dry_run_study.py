"""What `python -m nnlab.sweep ... --dry-run` shows: a study that is not started."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from statistics import fmean

from nnlab.commands.dry_run import (
    NOTHING_DONE,
    disk_lines,
    from_to,
    labelled,
    rows_text,
    size_text,
    table,
    values_text,
    write,
)
from nnlab.config.problems import as_typed
from nnlab.config.schema import form_name
from nnlab.cpu import usable_cores
from nnlab.execution.forecast import Kept, kept_of_run
from nnlab.redaction import redacted
from nnlab.table import Column
from nnlab.tuning.budget import Budget
from nnlab.tuning.dry_run import DryRun, Proposed, dry_run
from nnlab.tuning.plan import Plan
from nnlab.tuning.report.budget_text import ended_text, ends_text, larger
from nnlab.tuning.search.dimension import HIDDEN
from nnlab.tuning.search.pruners import NoPruner
from nnlab.tuning.search.samplers import SAMPLERS
from nnlab.tuning.search.words import combinations_in_words, space_lines
from nnlab.wording import about, bytes_in_words, duration, number_of

SHAPE = ("model", HIDDEN, "model.output_units", "model.bias")
"""Keys on which a network's size depends."""
TIMED = (*SHAPE, "optimizer", "regularizer", "trainer.batch_size", "trainer.epochs", "data.limit", "model.dropout")
"""Keys on which a run's time depends."""
SECONDS_OF_STUDY = 4.0
"""Until the first trial trains, and after the last: workers import nnlab and Optuna, pictures are drawn."""
SECONDS_OF_TRIAL = 0.03
SECONDS_OF_MLFLOW = 0.06
"""Of the processors, for each run: what proposes and judges it, and what brings it into MLflow."""
BYTES_OF_STUDY = 2_500_000
"""What a study keeps beside its trials: its pictures, above all."""


def show_study(plan: Plan, directory: Path | None, arguments: Sequence[str]) -> None:
    """Print what a study would do; arguments and errors are those of `nnlab.tuning.dry_run.dry_run`."""
    found = dry_run(plan, directory, arguments)
    write(_blocks(found))


def _blocks(found: DryRun) -> Iterator[str]:
    plan = found.plan
    yield "\n".join([_title(found), rows_text(plan.dataset), *plan.notes, *found.beginning.notes])
    yield labelled("trials", _trial_lines(found))
    yield labelled("space", _space_lines(found))
    yield labelled("networks", _network_lines(found))
    yield "\n".join(_proposal_lines(found))
    if found.trials_left != 0:
        yield labelled("time", _time_lines(found))
        yield labelled("disk", _disk_lines(found))
    yield NOTHING_DONE


def _title(found: DryRun) -> str:
    name, objectives = found.plan.settings.name, " and ".join(found.plan.settings.objectives)
    if found.name is not None:
        return f"study {found.name} goes on; {objectives}"
    return f"new study{f' {name}' if name else ''}; {objectives}"


def _trial_lines(found: DryRun) -> Iterator[str]:
    settings, plan = found.plan.settings, found.plan
    counted, left, there = "complete or pruned; those that fail come on top", found.trials_left, found.trials
    workers = number_of(plan.workers, "worker")
    if left is None:
        yield f"any number of trials, {workers}"
    else:
        few = left and (settings.trials is None or found.use.finished + left < settings.trials)
        allowed = "" if plan.accepts is None else " that are allowed"
        only = f"the space has only {number_of(found.combinations or 0, 'combination')}{allowed}; {counted}"
        only = only if few else counted
        more = "more trial" if there else "trial"
        yield f"{f'at most {number_of(left, more)}' if left else f'no {more}s'} ({only}), {workers}"
    if there:
        going = f"; {number_of(len(found.unfinished), 'trial')} that had not ended go on" if found.unfinished else ""
        yield f"{number_of(there, 'trial')} are there, {found.use.finished} of them complete or pruned{going}"
    for key in found.budget.used_up(found.use)[:1]:
        ended, more = ended_text(found.budget, found.use, key), larger(found.budget, found.use)
        yield f"{ended} has ended the search; with {more} it goes on"
    if found.budget.is_more_than_a_number and not found.budget.used_up(found.use):
        yield f"ends {ends_text(_reachable(found), found.use, datetime.now())}, if it starts now"
    if settings.seeds > 1:
        at_most = "" if left is None else f": at most {number_of(left * settings.seeds, 'run')}"
        keeps_up = ", after the first only while it keeps up with the best (sweep.race)" if settings.race else ""
        yield f"each with {settings.seeds} seeds{keeps_up}{at_most}"
    limits = {"trial_seconds": settings.trial_seconds, "trial_memory": settings.trial_memory}
    if texts := [f"sweep.{key}={as_typed(value)}" for key, value in limits.items() if value is not None]:
        yield f"a trial that goes over {' or '.join(texts)} is ended, and counts"
    if settings.confirm is not None:
        runs = settings.confirm * settings.confirm_seeds
        yield f"then the best {settings.confirm} with {settings.confirm_seeds} fresh seeds each: {runs:,} runs more"
    if settings.storage is not None and found.name is None:
        yield f"kept in {redacted(settings.storage)}, which was not opened now"
    yield (
        f"the winner is not tested ({plan.why_untested})"
        if plan.why_untested
        else "the winner alone is evaluated on the test split, once"
    )


def _reachable(found: DryRun) -> Budget:
    """What ends the search; its number of trials is no more than there can be."""
    budget, left = found.budget, found.trials_left
    if budget.trials is None or left is None:
        return budget
    return replace(budget, trials=found.use.finished + left)


def _space_lines(found: DryRun) -> Iterator[str]:
    lines = space_lines(found.plan.space)
    width = max(len(key) for key, _ in lines)
    yield from (f"{key:<{width}}  {text}" for key, text in lines)
    yield combinations_in_words(found.plan.space)


def _network_lines(found: DryRun) -> Iterator[str]:
    smallest, largest = found.networks
    if smallest.size == largest.size:
        yield f"all have {size_text(smallest.size)}"
        return
    for name, point in (("smallest", smallest), ("largest", largest)):
        shape = {key: value for key, value in point.values.items() if key in SHAPE}
        yield f"{name:<8}  {size_text(point.size)}: {values_text(shape)}"


def _proposal_lines(found: DryRun) -> Iterator[str]:
    shown, left = found.proposed, found.trials_left
    sampler = form_name(SAMPLERS, found.plan.settings.sampler)
    are_all = left is not None and len(shown) + len(found.unfinished) >= left
    if shown:
        place = "next" if shown[0].number else "first"
        which = f"the {place} {len(shown)} trials" if len(shown) > 1 else f"the {place} trial"
        yield f"{'all trials' if are_all else which}, as proposed by {sampler}"
        numbers, values = [str(each.number) for each in shown], [each.asked.values for each in shown]
        yield from table("trial", numbers, values, list(_more(shown)))
        yield from (f"  trial {each.number} cannot run: {each.problem}" for each in shown if each.point is None)
    if not are_all and (start := found.learns_from) is not None:
        yield f"from trial {start} on, {sampler} learns from the trials before: what it proposes is not known yet"


def _more(shown: Sequence[Proposed]) -> Iterator[Column]:
    parameters = [f"{each.point.size.parameters:,}" if each.point else "" for each in shown]
    seconds = [about(each.point.seconds) if each.point and each.point.seconds is not None else "" for each in shown]
    notes = [each.asked.source or "" for each in shown]
    yield Column("parameters", parameters)
    if any(seconds):
        yield Column("about", seconds)
    if any(notes):
        yield Column("source", notes, is_left=True)


def _time_lines(found: DryRun) -> Iterator[str]:
    plan, settings = found.plan, found.plan.settings
    known = [point.seconds or 0.0 for point in found.sample]
    ends = [*known, *(run.seconds or 0.0 for run in found.runs)]
    shortest, longest = min(ends), max(ends)
    what = "a trial" if settings.seeds == 1 else "a seed of a trial"
    yield f"{what}: about {from_to(about(shortest), about(longest))} with all epochs, by steps timed just now"
    texts = [values_text({key: run.values[key] for key in run.values if key in TIMED}) for run in found.runs]
    if texts[0] != texts[1]:
        yield from (f"  {name:<8}  {text}" for name, text in zip(("shortest", "longest"), texts, strict=True))
    rate = _seconds_a_trial(found)
    workers = number_of(plan.workers, "worker")
    if found.trials_left is None:
        yield f"about {float(f'{60 / rate:.2g}'):,g} trials a minute with {workers}"
    else:
        trials, most = number_of(found.trials_left, "trial"), _seconds_a_trial(found, longest)
        usual, worst = (about(SECONDS_OF_STUDY + found.trials_left * each) for each in (rate, most))
        yield f"{trials} with {workers}: about {usual}; {worst} if each took the longest"
    if (limit := settings.seconds) is not None and not found.budget.used_up(found.use):
        fit = max(1, round(float(f"{(limit - found.use.seconds) / rate:.2g}")))
        fit = fit if found.trials_left is None else min(fit, found.trials_left)
        yield f"in the {duration(limit - found.use.seconds)} that are left: about {number_of(fit, 'trial')}"
    if found.runs_to_confirm:
        confirming = found.runs_to_confirm * rate / settings.seeds
        yield f"then {number_of(found.runs_to_confirm, 'run')} that confirm: about {about(confirming)} more"
    if found.note:
        yield found.note
    sooner = [
        *([] if isinstance(settings.pruner, NoPruner) else ["trials that are pruned"]),
        *(["trainer.patience"] if plan.fixed.trainer.patience else []),
    ]
    if sooner:
        yield f"an upper bound of the time: {' and '.join(sooner)} make it less"


def _seconds_a_trial(found: DryRun, run: float | None = None) -> float:
    """Seconds from one trial to the next: of the whole study, with all of its workers.

    Args:
        found: the study.
        run: seconds of a run; None is the mean of those that were looked at.
    """
    plan = found.plan
    at_once = min(plan.workers, max(1, usable_cores() // int(plan.fixed.trainer.threads)))
    beside = SECONDS_OF_TRIAL + (SECONDS_OF_MLFLOW if plan.fixed.tracking.enabled else 0)
    mean = fmean(point.seconds or 0.0 for point in found.sample)
    return plan.settings.seeds * ((mean if run is None else run) + beside) / at_once


def _disk_lines(found: DryRun) -> Iterator[str]:
    plan, left = found.plan, found.trials_left
    pictures = plan.settings.plots == "all" and plan.fixed.tracking.plots
    kept = Kept(0, 0)
    for point in found.sample:
        kept += kept_of_run(plan.fixed, point.size, pictures=pictures)
    kept *= 1 / len(found.sample)
    if left is None and plan.settings.seconds is not None:
        left = round((plan.settings.seconds - found.use.seconds) / _seconds_a_trial(found))
    if left is None:
        yield f"about {bytes_in_words(kept.runs + kept.mlflow)} for each run"
        return
    of_study = Kept(BYTES_OF_STUDY, BYTES_OF_STUDY if kept.mlflow else 0)
    runs = left * plan.settings.seeds + found.runs_to_confirm
    yield from disk_lines(Path(plan.fixed.runs_dir), kept * runs + of_study)
