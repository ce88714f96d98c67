"""Whether runs evaluate the test split, where `trainer.test=auto` leaves it to what else is run beside them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from nnlab.config.job import Job
from nnlab.config.schema import Config, as_dict


def decided(jobs: Sequence[Job]) -> list[Job]:
    """The jobs of one command or call, each with `trainer.test` as true or false.

    `auto` becomes true for a run alone, and for several that are repetitions of one another: alike but for their
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
    """All of a config but the seeds, where things are kept, and the question itself."""
    plain = as_dict(config)
    for key in ("seed", "runs_dir", "tracking"):
        del plain[key]
    del plain["data"]["split"]["seed"], plain["trainer"]["test"]
    return repr(plain)
