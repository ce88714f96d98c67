"""What `python -m nnlab.sweep ... --dry-run` shows: a study that is not started."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from nnlab.config.schema import form_name
from nnlab.cpu import usable_cores
from nnlab.execution.forecast import Kept, busy_note, kept_of_run
from nnlab.table import Column
from nnlab.tuning.dry_run import DryRun, Proposed, dry_run
from nnlab.tuning.plan import Plan
from nnlab.tuning.search.dimension import HIDDEN
from nnlab.tuning.search.pruners import NoPruner
from nnlab.tuning.search.samplers import SAMPLERS
from nnlab.tuning.search.words import combinations_in_words, space_lines
from nnlab.wording import duration, number_of

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
    yield "\n".join([_title(found), rows_text(plan.dataset), *plan.notes])
    yield labelled("trials", _trial_lines(found))
    yield labelled("space", _space_lines(found))
    yield labelled("networks", _network_lines(found))
    yield "\n".join(_proposal_lines(found))
    yield labelled("time", _time_lines(found))
    yield labelled("disk", _disk_lines(found))
    yield NOTHING_DONE


def _title(found: DryRun) -> str:
    name = found.name or found.plan.settings.name
    kind = "new study" if found.name is None else "study that goes on"
    return f"{kind}{f' {name}' if name else ''}, {' and '.join(found.plan.settings.objectives)}"


def _trial_lines(found: DryRun) -> Iterator[str]:
    settings, plan = found.plan.settings, found.plan
    counted = "complete or pruned; those that fail come on top"
    if found.name is None:
        yield f"at most {number_of(settings.trials, 'trial')} ({counted}), {plan.workers} at a time"
    else:
        going = f", {number_of(len(found.unfinished), 'trial')} of them go on" if found.unfinished else ""
        yield (
            f"{found.finished} of {number_of(settings.trials, 'trial')} are there, at most {found.trials_left} "
            f"to go ({counted}){going}, {plan.workers} at a time"
        )
    if settings.seeds > 1:
        runs = found.trials_left * settings.seeds
        yield f"each with {settings.seeds} seeds: at most {number_of(runs, 'run')}"
    size = plan.space.size
    if size is not None and size < settings.trials and not settings.repeat_duplicates:
        yield f"but the space has only {size:,} combinations: the others repeat them, and are not trained again"
    if settings.confirm is not None:
        runs = settings.confirm * settings.confirm_seeds
        yield f"then the best {settings.confirm} with {settings.confirm_seeds} fresh seeds each: {runs:,} runs more"
    yield (
        f"the winner is not tested ({plan.why_untested})"
        if plan.why_untested
        else "the winner alone is evaluated on the test split, once"
    )


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
    if shown:
        which = f"the {'next' if shown[0].number else 'first'} {number_of(len(shown), 'trial')}"
        yield f"{'all trials' if len(shown) == left else which}, as {sampler} proposes them"
        numbers, values = [str(each.number) for each in shown], [each.asked.values for each in shown]
        yield from table("trial", numbers, values, list(_more(shown)))
        yield from (f"  trial {each.number} cannot run: {each.problem}" for each in shown if each.point is None)
    if len(shown) < left and (start := found.learns_from) is not None:
        yield f"from trial {start} on, {sampler} learns from the trials before: what it proposes is not known yet"


def _more(shown: Sequence[Proposed]) -> Iterator[Column]:
    parameters = [f"{each.point.size.parameters:,}" if each.point else "" for each in shown]
    seconds = [duration(each.point.seconds) if each.point and each.point.seconds is not None else "" for each in shown]
    notes = ["" if each.asked.duplicate_of is None else f"same as trial {each.asked.duplicate_of}" for each in shown]
    yield Column("parameters", parameters)
    if any(seconds):
        yield Column("about", seconds)
    if any(notes):
        yield Column("", notes, is_left=True)


def _time_lines(found: DryRun) -> Iterator[str]:
    plan, settings = found.plan, found.plan.settings
    ends = [run.seconds or 0.0 for run in found.runs]
    known = [each.point.seconds for each in found.proposed if each.point and each.point.seconds is not None] or ends
    shortest, longest = min(*ends, *known), max(*ends, *known)
    what = "a trial" if settings.seeds == 1 else "a seed of a trial"
    yield f"{what}: about {from_to(duration(shortest), duration(longest))} with all epochs, by steps timed just now"
    for name, run in zip(("shortest", "longest"), found.runs, strict=True):
        timely = {key: value for key, value in run.values.items() if key in TIMED}
        yield f"  {name:<8}  {values_text(timely)}"
    at_once = min(plan.workers, max(1, usable_cores() // int(plan.fixed.trainer.threads)))
    beside = SECONDS_OF_TRIAL + (SECONDS_OF_MLFLOW if plan.fixed.tracking.enabled else 0)
    mean, most = (SECONDS_OF_STUDY + found.runs_left * (s + beside) / at_once for s in (fmean(known), longest))
    runs, workers = number_of(found.runs_left, "run"), number_of(plan.workers, "worker")
    yield f"{runs} with {workers}: about {duration(mean)}; {duration(most)} if each took the longest"
    sooner = [
        *([] if isinstance(settings.pruner, NoPruner) else ["trials that are pruned"]),
        *(["trainer.patience"] if plan.fixed.trainer.patience else []),
    ]
    if (note := busy_note()) is not None:
        yield note
    if sooner:
        yield f"these are upper bounds: {' and '.join(sooner)} make it less"


def _disk_lines(found: DryRun) -> Iterator[str]:
    plan = found.plan
    sizes = [each.point.size for each in found.proposed if each.point] or [point.size for point in found.networks]
    pictures = plan.settings.plots == "all" and plan.fixed.tracking.plots
    kept = Kept(0, 0)
    for size in sizes:
        kept += kept_of_run(plan.fixed, size, pictures=pictures)
    kept *= found.runs_left / len(sizes)
    of_study = Kept(BYTES_OF_STUDY, BYTES_OF_STUDY if kept.mlflow else 0)
    yield from disk_lines(Path(plan.fixed.runs_dir), kept + of_study)
