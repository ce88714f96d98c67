"""`python -m nnlab.gradcheck [overrides]`: check the gradients and steps of any composed run."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence

from nnlab.commands.arguments import composed_jobs
from nnlab.config.build import build_objective
from nnlab.config.schema import Config
from nnlab.core.gradient_check import ParameterCheck, check_gradients
from nnlab.core.seeding import streams
from nnlab.core.step_check import StepCheck, check_steps
from nnlab.data.loading import dataset_of

ROWS = 8
BATCH_SIZES = (3, 1)
"""With eight rows, the last batch of three is smaller."""


def main(arguments: Sequence[str]) -> int:
    """The command: two tables of relative errors; returns exit status 1 if one is off."""
    jobs = composed_jobs(arguments)
    if not jobs:
        return 0
    gradients = [check for job in jobs for check in check_config(job.config)]
    steps = [check for job in jobs for check in check_training(job.config)]
    sys.stdout.write(f"{table(gradients)}\n\n{steps_table(steps)}\n")
    is_right = all(check.is_right for check in gradients) and all(check.is_right for check in steps)
    return 0 if is_right else 1


def check_config(config: Config) -> list[ParameterCheck]:
    """Check the model of a config in float64, as initialized, on the first rows of its training split."""
    random = streams(config.seed)
    dataset = dataset_of(config.data, seed=config.seed)
    objective = build_objective(dataclasses.replace(config, dtype="float64"), dataset, random)
    return check_gradients(objective, dataset.train.first(ROWS), dropout=random.dropout)


def check_training(config: Config) -> list[StepCheck]:
    """Check the first, middle and last steps of a config's training on a few rows, in both dtypes."""
    dataset = dataset_of(config.data, seed=config.seed)
    checks: list[StepCheck] = []
    for dtype in ("float64", "float32"):
        random = streams(config.seed)
        objective = build_objective(dataclasses.replace(config, dtype=dtype), dataset, random)
        for batch_size in BATCH_SIZES:
            checks += check_steps(
                objective,
                dataset.train.first(ROWS),
                config.optimizer,
                config.schedule,
                dropout=random.dropout,
                batch_size=batch_size,
                epochs=config.trainer.epochs,
                clip_norm=config.trainer.clip_norm,
            )
    return checks


def table(checks: Sequence[ParameterCheck]) -> str:
    """One row per parameter: its name, how many entries were checked, the relative error, the verdict."""
    width = max(len("parameter"), *(len(check.name) for check in checks))
    lines = [f"{'parameter':<{width}}  {'entries checked':>17}  relative error"]
    for check in checks:
        entries = f"{check.entries[0]:,} of {check.entries[1]:,}"
        lines.append(f"{check.name:<{width}}  {entries:>17}  {check.error:<14.2e}  {_verdict(check.is_right)}")
    return "\n".join(lines)


def steps_table(checks: Sequence[StepCheck]) -> str:
    """One row per part of training: its name, how many numbers were compared, the relative error, the verdict."""
    width = max(len("training"), *(len(check.name) for check in checks))
    lines = [f"{'training':<{width}}  {'compared':>8}  relative error"]
    lines += [
        f"{check.name:<{width}}  {check.compared:>8,}  {check.error:<14.2e}  {_verdict(check.is_right)}"
        for check in checks
    ]
    return "\n".join(lines)


def _verdict(is_right: bool) -> str:
    return "ok" if is_right else "WRONG"
