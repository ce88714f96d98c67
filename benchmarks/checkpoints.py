"""What a checkpoint costs training, as a share of an epoch.

It is measured in a process of its own, `python -m benchmarks.checkpoints EPOCHS FOLDER OVERRIDE ...`, which prints a
JSON object. An epoch with checkpoints beside one without differs by less than the machine does from epoch to epoch, so
the parts are measured by themselves.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.report import Row, Table
from benchmarks.training.race import REPOSITORY, held_to

NETWORK = ("model.hidden=[300,50]", "trainer.batch_size=100", "tracking.enabled=false")
TARGET = "< 1 %"
CHECKPOINTS_AN_EPOCH = 10


def checkpoints(bench: Bench) -> Table:
    """What a checkpoint of 784-300-50-10 costs at each epoch."""
    rows = []
    for optimizer in ("sgd", "adam"):
        overrides = (*bench.data.overrides, *NETWORK, f"optimizer={optimizer}")
        command = [sys.executable, "-m", "benchmarks.checkpoints", str(1 if bench.is_quick else bench.rounds)]
        done = subprocess.run(
            [*command, str(bench.folder), *overrides], env=held_to(1), capture_output=True, text=True, cwd=REPOSITORY
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr}")
        found = json.loads(done.stdout)
        shares = [
            100 * cost / epoch
            for epoch, start in zip(found["epoch"], range(0, len(found["cost"]), CHECKPOINTS_AN_EPOCH), strict=True)
            for cost in found["cost"][start : start + CHECKPOINTS_AN_EPOCH]
        ]
        rows += [
            Row(f"{optimizer}: an epoch", [1000 * each for each in found["epoch"]], " ms"),
            Row(f"{optimizer}: the copy, in training", [1000 * each for each in found["copy"]], " ms"),
            Row(f"{optimizer}: with hashing and writing beside it", [1000 * each for each in found["cost"]], " ms"),
            Row(f"{optimizer}: until it is on the disk", [1000 * each for each in found["wall"]], " ms"),
            Row(f"{optimizer}: of an epoch, if each has one", shares, " %", TARGET),
        ]
    return Table(f"a checkpoint of 784-300-50-10 on {bench.data.name}, batches of 100, 1 thread", rows)


def main(epochs: str, folder: str, *overrides: str) -> None:
    """Measure, and print."""
    from threadpoolctl import threadpool_limits

    from nnlab.batch import compose
    from nnlab.config.build import build_trainer
    from nnlab.execution.checkpointing import Checkpointing
    from nnlab.runs.directory import JOURNAL
    from nnlab.training import EpochEnd

    job = compose(*overrides, f"trainer.epochs={int(epochs) + 2}")
    (Path(folder) / JOURNAL).write_text("{}\n")
    found: dict[str, list[float]] = {"epoch": [], "copy": [], "cost": [], "wall": []}
    with threadpool_limits(1):
        trainer = build_trainer(job.config, job.load())
        checkpointing = Checkpointing(job.config, trainer, Path(folder), print)
        for event in trainer.run(test=False):
            if not isinstance(event, EpochEnd) or event.epoch == 1:  # which is the warm-up
                continue
            if event.epoch == int(epochs) + 2:
                break
            found["epoch"].append(event.metrics["time/epoch_seconds"])
            for _ in range(CHECKPOINTS_AN_EPOCH):
                started, cpu = time.perf_counter(), time.thread_time()
                checkpointing.write()
                found["wall"].append(time.perf_counter() - started)
                found["copy"].append(time.thread_time() - cpu)
                found["cost"].append(checkpointing.cost)
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
