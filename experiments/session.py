"""All runs of several studies on one pool of workers, and each study's judgement as soon as its runs have ended."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.claims import Measured
from experiments.lab import Lab, Planned
from experiments.looks import looks_of
from experiments.report import Result
from experiments.study import Runs, Study
from experiments.verdicts import verdict
from nnlab.batch import run_each
from nnlab.results import histories, results

AS_LONG_AS_FULL = 100
"""The batch size with which an epoch takes about as long as one of a single, full batch."""


def do_studies(studies: Sequence[Study], lab: Lab) -> list[Result]:
    """Do the studies; returns what they found, in their order.

    Raises:
        UserError: if a study asks for something that the data do not allow.
        RunFailedError: if a run fails.
    """
    planned = sorted((run for study in studies for run in study.plan(lab)), key=_length, reverse=True)
    missing = {study.name: sum(run.study == study.name for run in planned) for study in studies}
    print(f"{len(studies)} studies, {len(planned)} runs, {lab.workers} at a time, on {lab.data_name}", flush=True)
    directories: dict[int, Path] = {}
    found: dict[str, Result] = {}
    for place, directory in run_each([run.job for run in planned], workers=lab.workers):
        directories[place] = directory
        name = planned[place].study
        missing[name] -= 1
        _show_progress(len(directories), len(planned))
        if not missing[name]:
            study = next(study for study in studies if study.name == name)
            places = [place for place, run in enumerate(planned) if run.study == name]
            found[name] = _result(study, lab, [planned[i] for i in places], [directories[i] for i in places])
    return [found[study.name] for study in studies]


def _result(study: Study, lab: Lab, planned: Sequence[Planned], directories: Sequence[Path]) -> Result:
    table, epochs = results(directories), histories(directories)
    table.insert(0, "variant", [run.variant for run in planned])
    epochs = epochs.merge(table[["directory", "variant", "seed"]], on="directory")
    findings = study.judge(lab, Runs(table, epochs))
    print(f"\n{study.name}: {study.title}", flush=True)
    for measured in findings.measured:
        print(f"  {_line(measured)}", flush=True)
    return Result(study, findings, looks_of(table, findings.looks))


def _line(measured: Measured) -> str:
    """A claim and what came of it; of a hypothesis the verdict comes last, when all of them are known."""
    claim = measured.claim
    std = f" ± {measured.std:.{claim.decimals}f}" if len(measured.values) > 1 else ""
    told = f"{claim.text}: {measured.mean:.{claim.decimals}f}{std}"
    if claim.kind == "hypothesis":
        return f"{told}, p = {measured.p:.2g}"
    found = verdict(measured)
    if claim.kind == "check":
        return f"{told} (at most {claim.claimed:g}), {'holds' if found == 'yes' else 'does NOT hold'}"
    words = {"yes": "reproduced", "spread": "within the spread of single runs", "no": "NOT reproduced"}
    reason = f" ({measured.reason})" if found != "yes" and measured.reason else ""
    return f"{told} (claimed {claim.claimed:.{claim.decimals}f}), {words[found]}{reason}"


def _length(planned: Planned) -> float:
    """How long the run will be, roughly: the longest are begun first, so that the last ones end together."""
    trainer = planned.job.config.trainer
    return trainer.epochs / (AS_LONG_AS_FULL if trainer.batch_size == "full" else trainer.batch_size)


def _show_progress(done: int, total: int) -> None:
    if sys.stdout.isatty():
        print(f"\r{done}/{total} runs", end="", flush=True)
