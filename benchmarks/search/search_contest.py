"""The default sweep against the script that a person would write instead: how long, and how good."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from benchmarks.bench import Bench
from benchmarks.machine import environment
from benchmarks.report import Row, Table
from benchmarks.search import plain_script
from benchmarks.watching import new_runs_dir, sweep_command, watched
from nnlab.data.loading import dataset_of
from nnlab.tuning.planning import make_plan

TRIALS = 60
"""Of the script, as the default sweep had when they were first compared."""


@dataclass(frozen=True)
class Found:
    """What a contestant found.

    Attributes:
        loss: on the validation rows, the best of all trials and epochs.
        wall: seconds from command to exit.
        until: seconds from the command until the trial with this loss had ended.
    """

    loss: float
    wall: float
    until: float


def search_contest(bench: Bench) -> Table:
    """`make sweep` against Optuna, scikit-learn and MLflow in a plain script, on the same rows."""
    quick = ("data=digits", "sweep.trials=3", "trainer.epochs=2") if bench.is_quick else ()
    rows = bench.folder / "rows.npz"
    dataset = dataset_of(make_plan([*quick, "seed=0"]).fixed.data, seed=0)
    train, validation = dataset.train, dataset.validation
    x, y, x_val, y_val = train.inputs(), train.targets(), validation.inputs(), validation.targets()
    np.savez(rows, allow_pickle=False, x=x, y=y, x_val=x_val, y_val=y_val)
    scripts, sweeps, reached = [], [], []
    for seed in range(bench.rounds):
        scripts.append(_script(bench, rows, seed, 3 if bench.is_quick else TRIALS))
        sweeps.append(_sweep(bench, [*quick, f"seed={seed}"]))
        reached.append(_sweep(bench, [*quick, f"seed={seed}", f"sweep.until={scripts[-1].loss!r}"]))
    rounds = list(zip(scripts, sweeps, reached, strict=True))
    table = [
        Row("the script", [script.wall for script in scripts], " s"),
        Row("its loss", [script.loss for script in scripts]),
        Row("until the trial with that had ended", [script.until for script in scripts], " s"),
        Row("nnlab", [sweep.wall for sweep in sweeps], " s"),
        Row("nnlab's loss", [sweep.loss for sweep in sweeps], "", "<= the script's"),
        Row("the script against nnlab", [script.wall / sweep.wall for script, sweep, _ in rounds], "x"),
        Row("nnlab with sweep.until=the script's loss", [sweep.wall for sweep in reached], " s"),
        Row("the loss of that", [sweep.loss for sweep in reached], "", "<= the script's"),
        Row("the script against that", [script.wall / sweep.wall for script, _, sweep in rounds], "x", ">= 2x"),
        Row("the script until its best against that", [script.until / sweep.wall for script, _, sweep in rounds], "x"),
    ]
    return Table(
        f"make sweep{' with 3 trials' if bench.is_quick else ''}, its winner's test and pictures included, against a\n"
        f"  plain script of {3 if bench.is_quick else TRIALS} trials: Optuna's TPE and median pruner, scikit-learn's\n"
        "  partial_fit and MLflow by epoch, on the same rows and space; two processes each; the loss is that of the\n"
        "  best epoch on the validation rows, and times are from command to exit where nothing else is said",
        table,
    )


def _script(bench: Bench, rows: Path, seed: int, trials: int) -> Found:
    runs = new_runs_dir(bench)
    command = [sys.executable, plain_script.__file__, str(rows), str(runs), str(seed), str(trials)]
    started = time.time()
    done = subprocess.run(command, cwd=bench.folder, env=environment(), capture_output=True, text=True)
    wall = time.time() - started
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr}")
    shutil.rmtree(runs)
    found = json.loads(done.stdout.splitlines()[-1])
    return Found(found["loss"], wall, found["at"] - started)


def _sweep(bench: Bench, overrides: list[str]) -> Found:
    runs = new_runs_dir(bench)
    seen = watched(sweep_command(runs, *overrides, "sweep.workers=2", "sweep.name=contest"), bench.folder)
    with (runs / "contest" / "trials.csv").open(encoding="utf-8", newline="") as file:
        trials = [row for row in csv.DictReader(file) if row["state"] == "COMPLETE"]
    shutil.rmtree(runs)
    loss, ended = min((float(row["objective val/loss"]), row["ended"]) for row in trials)
    return Found(loss, seen.wall, datetime.fromisoformat(ended).timestamp() - seen.started)
