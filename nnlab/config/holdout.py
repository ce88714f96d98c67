"""What `trainer.test=auto` means: whether runs evaluate the test split depends on what they are run with."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from nnlab.config.job import Job
from nnlab.config.leaves import WITHOUT_EFFECT, without
from nnlab.config.schema import Config, as_dict


def decided(jobs: Sequence[Job]) -> list[Job]:
    """The jobs of one command or call, each with `trainer.test` as true or false.

    `auto` becomes true for a single run, and for several runs that repeat one another, equal except for their
    seeds. Runs that differ in anything else are there to be compared, so that one of them can be chosen; a choice is
    made on validation, and theirs becomes false, which then also stands among the job's overrides. Where runs are
    kept and how they are tracked makes no difference.
    """
    are_compared = len({_what_is_compared(job.config) for job in jobs}) > 1
    return [_decided(job, tests=not are_compared) for job in jobs]


def with_test(config: Config, tests: bool) -> Config:
    """The config of a run that evaluates its test split at the end, or leaves it alone."""
    return dataclasses.replace(config, trainer=dataclasses.replace(config.trainer, test=tests))


def _decided(job: Job, *, tests: bool) -> Job:
    if job.config.trainer.test != "auto":
        return job
    overrides = job.overrides if tests else [*job.overrides, "trainer.test=false"]
    return dataclasses.replace(job, config=with_test(job.config, tests), overrides=overrides)


def _what_is_compared(config: Config) -> str:
    """All of a config that changes numbers, and which data it names, but the seeds."""
    kept = without(as_dict(config), (*WITHOUT_EFFECT, "seed", "data.split.seed"))
    return repr((kept, config.data.root))
