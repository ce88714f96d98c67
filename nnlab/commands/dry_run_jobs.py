"""What `python -m nnlab.run [-m] ... --dry-run` shows: runs that are not started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nnlab.commands.dry_run import NOTHING_DONE, disk_lines, from_to, labelled, rows_text, size_text, table, write
from nnlab.config.job import Job
from nnlab.config.overrides import key_of
from nnlab.config.size import NetworkSize
from nnlab.execution.forecast import Kept, Work, kept_of_run, seconds_of_runs, size_of
from nnlab.execution.groups import Group, grouped
from nnlab.table import Column
from nnlab.wording import about, number_of

MOST_SHOWN = 10
"""Runs that are listed."""


def show_jobs(jobs: Sequence[Job], *, fresh: bool) -> None:
    """Print what runs would do.

    Args:
        jobs: of one command line.
        fresh: whether all would be run anew in any case.

    Raises:
        UserError: if the data is gone.
    """
    write(_blocks(jobs, grouped(jobs, fresh=fresh)))


def _blocks(jobs: Sequence[Job], group: Group) -> Iterator[str]:
    over = {place for place, run in group.earlier.items() if run.is_over}
    sizes = [size_of(job.config, job.load()) for job in jobs]
    left = [place for place in range(len(jobs)) if place not in over]
    seconds, note = _seconds(jobs, left)
    yield "\n".join(_title_lines(jobs, group))
    yield labelled("networks", _network_lines(jobs, sizes))
    if len(jobs) > 1:
        yield "\n".join(_table_lines(jobs, sizes, seconds, over))
    if left:
        yield labelled("time", _time_lines(jobs, seconds, note))
        kept = Kept(0, 0)
        for place in left:
            config = jobs[place].config
            kept += kept_of_run(config, sizes[place], pictures=config.tracking.plots)
        yield labelled("disk", disk_lines(Path(jobs[0].config.runs_dir), kept))
    yield NOTHING_DONE


def _title_lines(jobs: Sequence[Job], group: Group) -> Iterator[str]:
    yield number_of(len(jobs), "run") + (", one after another" if len(jobs) > 1 else "")
    if (told := group.told()) is not None:
        yield told
    yield from dict.fromkeys(rows_text(job.load()) for job in jobs)
    tests = sum(bool(job.config.trainer.test) and len(job.load().test) > 0 for job in jobs)
    if tests == len(jobs):
        yield f"test split evaluated at the end of {'the run' if len(jobs) == 1 else 'each'}"
    else:
        yield "test split left alone" if not tests else f"test split evaluated at the end of {tests} of them"


def _network_lines(jobs: Sequence[Job], sizes: Sequence[NetworkSize]) -> Iterator[str]:
    smallest, largest = min(sizes), max(sizes)
    if smallest == largest:
        yield size_text(smallest) if len(jobs) == 1 else f"all have {size_text(smallest)}"
        return
    for name, size in (("smallest", smallest), ("largest", largest)):
        yield f"{name:<8}  {size_text(size)}: run {sizes.index(size) + 1}"


def _table_lines(
    jobs: Sequence[Job], sizes: Sequence[NetworkSize], seconds: Mapping[int, float], over: set[int]
) -> Iterator[str]:
    shown = range(min(MOST_SHOWN, len(jobs)))
    more = [Column("parameters", [f"{sizes[place].parameters:,}" for place in shown])]
    if seconds:
        more.append(Column("about", [about(seconds[place]) if place in seconds else "" for place in shown]))
    if over:
        more.append(Column("", ["ended before" if place in over else "" for place in shown], is_left=True))
    yield from table("run", [str(place + 1) for place in shown], _differing(jobs)[: len(shown)], more)
    if len(shown) < len(jobs):
        yield f"  and {number_of(len(jobs) - len(shown), 'run')} more"


def _differing(jobs: Sequence[Job]) -> list[dict[str, str]]:
    """For each job the overrides in which the jobs differ, by key."""
    given = [{key_of(text): text.partition("=")[2] for text in job.overrides} for job in jobs]
    keys = dict.fromkeys(key for each in given for key in each)
    differing = {key for key in keys if len({each.get(key) for each in given}) > 1}
    return [{key: value for key, value in each.items() if key in differing} for each in given]


def _seconds(jobs: Sequence[Job], places: Sequence[int]) -> tuple[dict[int, float], str]:
    """About how many seconds the runs in some places take, and what to tell with that."""
    if not places:
        return {}, ""
    works = {place: Work.of(jobs[place]).seconds for place in places}
    ends = [by(places, key=works.__getitem__) for by in (min, max)]
    ordered = list(dict.fromkeys([*ends, *places]))
    estimates = seconds_of_runs([jobs[place] for place in ordered])
    return dict(zip(ordered, estimates.seconds, strict=True)), estimates.note


def _time_lines(jobs: Sequence[Job], seconds: Mapping[int, float], note: str) -> Iterator[str]:
    total = sum(seconds.values())
    if len(seconds) == 1:
        yield f"about {about(total)} with all epochs, by steps timed just now"
    else:
        ends = from_to(about(min(seconds.values())), about(max(seconds.values())))
        yield f"a run: about {ends} with all epochs, by steps timed just now"
        yield f"{number_of(len(seconds), 'run')}: about {about(total)}"
    if note:
        yield note
    if any(jobs[place].config.trainer.patience for place in seconds):
        yield "an upper bound: trainer.patience makes it less"
