"""`python -m nnlab.gradcheck [overrides]`: hold the gradients of any composed model against central differences."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nnlab.exit_status import exit_status

if TYPE_CHECKING:
    from nnlab.config.schema import Config
    from nnlab.core.gradient_check import ParameterCheck

ROWS = 8


def main() -> None:
    """The command: a table of relative errors by parameter, and exit status 1 if one is off."""
    with exit_status():
        from nnlab.command import composed_jobs

        jobs = composed_jobs(sys.argv[1:])
        if not jobs:
            return
        checks = [check for job in jobs for check in check_config(job.config)]
        sys.stdout.write(f"{table(checks)}\n")
        if not all(check.is_right for check in checks):
            sys.exit(1)


def check_config(config: Config) -> list[ParameterCheck]:
    """Check the model of a config in float64, about where it begins, on the first rows of its training split."""
    from nnlab.config.build import build_objective
    from nnlab.config.validation import dataset_of
    from nnlab.core.gradient_check import check_gradients
    from nnlab.core.seeding import streams

    random = streams(config.seed)
    dataset = dataset_of(config.data, seed=config.seed)
    objective = build_objective(dataclasses.replace(config, dtype="float64"), dataset, random)
    return check_gradients(objective, dataset.train.first(ROWS), dropout=random.dropout)


def table(checks: Sequence[ParameterCheck]) -> str:
    """A line a parameter: its name, how many entries were checked, the relative error, the verdict."""
    width = max(len("parameter"), *(len(check.name) for check in checks))
    lines = [f"{'parameter':<{width}}  {'entries checked':>17}  relative error"]
    for check in checks:
        entries = f"{check.entries[0]:,} of {check.entries[1]:,}"
        verdict = "ok" if check.is_right else "WRONG"
        lines.append(f"{check.name:<{width}}  {entries:>17}  {check.error:<14.2e}  {verdict}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
