"""The sweep that searches for the net, by `nnlab.sweep`; its winner is read back from the study's directory."""

from __future__ import annotations

import shlex
from pathlib import Path

import pandas as pd
import yaml

from experiments.lab import Lab
from nnlab.errors import RunFailedError
from nnlab.sweep import sweep

OBJECTIVE = "objective val/accuracy"
VALIDATION = "data.split.validation=0.1"
TRIALS, EPOCHS = 14, 12
QUICK_TRIALS = 3
LABS = ("seed=", "data=", "data.", "trainer.test=")
"""Overrides of a run that the lab sets."""


def search(lab: Lab, experiment: str) -> Path:
    """Run the sweep in the runs folder, under a name that is free; returns the study's directory.

    Raises:
        RunFailedError: if it does not finish.
        KeyboardInterrupt: if it is interrupted.
    """
    runs_dir = Path(lab.runs_dir)
    number = 1
    while (runs_dir / f"{experiment}-{number}").exists():
        number += 1
    name = f"{experiment}-{number}"
    overrides = [*search_overrides(lab), *lab.places, f"tracking.experiment={experiment}", f"sweep.name={name}"]
    status = sweep(overrides)
    if status == 130:
        raise KeyboardInterrupt
    if status != 0:
        raise RunFailedError(f"The sweep {name} did not finish. Resume it: python -m nnlab.sweep sweep.resume={name}")
    return runs_dir / name


def search_overrides(lab: Lab) -> list[str]:
    """What is searched, and how: the preset `records` with fewer epochs and trials, and no layer wider than 768.

    Batches of trials are synchronous, so that two workers find the same winner each time.
    """
    trials = QUICK_TRIALS if lab.is_quick else TRIALS
    return [
        "sweep=records",
        *lab.digits(),
        lab.epochs(EPOCHS),
        f"sweep.trials={trials}",
        f"sweep.workers={lab.workers}",
        "sweep.deterministic=true",
        "trainer.test=false",  # the winner is tested where it is trained again
        "model.width=range(256,769,128)",
        *(["sweep.pruner_options.warmup_epochs=1"] if lab.is_quick else []),
    ]


def search_command(lab: Lab) -> str:
    """The command of the sweep alone."""
    return shlex.join(["python", "-m", "nnlab.sweep", *search_overrides(lab)])


def trials_of(study: Path) -> pd.DataFrame:
    """The trials of a study, by number."""
    return pd.read_csv(study / "trials.csv").sort_values("number")


def best_of(trials: pd.DataFrame) -> pd.Series:
    """The complete trial with the best validation accuracy; the first of several."""
    complete = trials[trials["state"] == "COMPLETE"]
    return complete.sort_values([OBJECTIVE, "number"], ascending=[False, True]).iloc[0]


def winner_overrides(study: Path) -> list[str]:
    """What composes the winner's config, its seed and data aside: those are the lab's."""
    run = study / "trials" / str(best_of(trials_of(study))["runs"])
    overrides = yaml.safe_load((run / "overrides.yaml").read_text(encoding="utf-8"))
    ours = [override for override in overrides if not override.startswith(LABS)]
    return [*ours, VALIDATION]
