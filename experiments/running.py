"""All runs of several experiments on one pool of workers; each experiment is judged as soon as its runs have ended."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from experiments.claims import Measured
from experiments.experiment import Answer, Experiment, Runs, evaluations_of
from experiments.lab import Lab, Planned
from experiments.tables import spread
from experiments.verdicts import verdict
from nnlab.batch import run_each
from nnlab.results import histories, results

T = TypeVar("T")
AS_LONG_AS_FULL = 100
"""The batch size at which an epoch takes about as long as one of a single, full batch."""


def run_experiments(experiments: Sequence[Experiment], lab: Lab) -> list[Answer]:
    """Run the experiments; returns what they found, in their order.

    Raises:
        UserError: if an experiment asks for something that the data do not allow.
        RunFailedError: if a run fails.
    """
    planned = sorted((run for each in experiments for run in each.plan(lab)), key=_length, reverse=True)
    missing = {each.name: sum(run.experiment == each.name for run in planned) for each in experiments}
    print(
        f"{len(experiments)} experiments, {len(planned)} runs, {lab.workers} at a time, on {lab.data_name}", flush=True
    )
    directories: dict[int, Path] = {}
    answers: dict[str, Answer] = {}
    with closing(run_each([run.job for run in planned], workers=lab.workers)) as ended:
        for place, directory in ended:
            directories[place] = directory
            name = planned[place].experiment
            missing[name] -= 1
            _show_progress(len(directories), len(planned))
            if not missing[name]:
                experiment = next(each for each in experiments if each.name == name)
                places = [place for place, run in enumerate(planned) if run.experiment == name]
                answers[name] = _judged(experiment, lab, [planned[i] for i in places], [directories[i] for i in places])
    return [answers[each.name] for each in experiments]


def in_workers(workers: int, function: Callable[..., T], *arguments: Iterable[object]) -> list[T]:
    """`map` in so many processes, for what an experiment does outside its runs; the arguments are sent there."""
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(function, *arguments))


def _judged(experiment: Experiment, lab: Lab, planned: Sequence[Planned], directories: Sequence[Path]) -> Answer:
    table, epochs = results(directories), histories(directories)
    table.insert(0, "variant", [run.variant for run in planned])
    epochs = epochs.merge(table[["directory", "variant", "seed"]], on="directory")
    findings = experiment.judge(lab, Runs(table, epochs))
    print(f"\n{experiment.name}: {experiment.title}", flush=True)
    for measured in findings.measured:
        print(f"  {_line(measured)}", flush=True)
    return Answer(experiment, replace(findings, evaluations=evaluations_of(table, findings.evaluations)))


def _line(measured: Measured) -> str:
    """A claim and its verdict; that of a hypothesis depends on all others, and comes at the end."""
    claim = measured.claim
    text = f"{claim.text}: {spread(measured.values, claim.decimals)}"
    if claim.kind == "hypothesis":
        return f"{text}, p = {measured.p:.2g}"
    found = verdict(measured)
    if claim.kind == "check":
        return f"{text} (at most {claim.claimed:g}), {'holds' if found == 'yes' else 'does NOT hold'}"
    words = {"yes": "reproduced", "spread": "within the spread of single runs", "no": "NOT reproduced"}
    reason = f" ({measured.reason})" if found != "yes" and measured.reason else ""
    return f"{text} (claimed {claim.claimed:.{claim.decimals}f}), {words[found]}{reason}"


def _length(planned: Planned) -> float:
    """Roughly how long the run takes: the longest start first, so that the last ones end together."""
    trainer = planned.job.config.trainer
    return trainer.epochs / (AS_LONG_AS_FULL if trainer.batch_size == "full" else trainer.batch_size)


def _show_progress(done: int, total: int) -> None:
    if sys.stdout.isatty():
        print(f"\r{done}/{total} runs", end="", flush=True)
