"""From a command line in Hydra's grammar to validated jobs; every problem is found before any work starts."""

from __future__ import annotations

from collections.abc import Sequence

from nnlab.config.compose import CONFIG_NAME, composed, hydra_initialized
from nnlab.config.groups import conf_dir
from nnlab.config.job import Job
from nnlab.config.multirun import each_job
from nnlab.config.overrides import read, several_values, with_quotes_as_remedy
from nnlab.config.problems import ConfigError, ConfigProblem
from nnlab.config.repeat import repeatable
from nnlab.config.validate import validate
from nnlab.data.loading import arrays_of

__all__ = ["CONFIG_NAME", "compose_jobs", "conf_dir"]

BYTES_HELD = 2**30
"""Limit of the data that the jobs of one command line hold in total; further jobs load theirs when they start."""


def compose_jobs(arguments: Sequence[str], *, multirun: bool) -> list[Job]:
    """The jobs that overrides describe.

    Args:
        arguments: the overrides, in Hydra's grammar.
        multirun: whether an override may have several values, each of which makes a job.

    Raises:
        ConfigError: with every problem of every job.
    """
    problems: list[ConfigProblem] = []
    overrides = read(arguments, problems)
    if not multirun:
        problems += [several_values(override) for override in overrides if override.is_sweep_override()]
        overrides = [override for override in overrides if not override.is_sweep_override()]
    combinations = list(each_job(overrides, problems))
    in_doubt = {problem.key for problem in problems}
    jobs: list[Job] = []
    held: dict[int, int] = {}
    with hydra_initialized():
        for job in combinations:
            try:
                config, dataset = validate(composed(job, problems, in_doubt=in_doubt))
                again = repeatable(job, config)
            except ConfigError as error:
                problems += [with_quotes_as_remedy(problem, job) for problem in error.problems]
                continue
            with_these = held | arrays_of(dataset)
            is_held = not held or sum(with_these.values()) <= BYTES_HELD
            held = with_these if is_held else held
            jobs.append(Job(config, dataset if is_held else None, again, dataset.sha256))
    if problems:
        raise ConfigError(list({str(problem): problem for problem in problems}.values()))
    return jobs
