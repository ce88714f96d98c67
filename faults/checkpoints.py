"""Checkpoints: training goes on from one to the same bits, and one that is damaged is told and does no harm."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from faults.fuzzing import fuzz
from faults.mutations import mutated
from faults.promise import BrokenPromiseError, Promise, Work
from nnlab.batch import compose
from nnlab.config.build import build_trainer
from nnlab.config.job import Job
from nnlab.errors import UserError
from nnlab.execution.checkpointing import Checkpointing
from nnlab.runs.checkpoints import Checkpoint, Checkpoints
from nnlab.runs.directory import CHECKPOINTS, JOURNAL
from nnlab.training import EpochEnd, Trainer, TrainingEnd

SMALL = ("data=digits", "data.limit=203", "model.hidden=[7]", "trainer.epochs=4", "tracking.enabled=false")
CHOICES = (
    ("optimizer=sgd", "optimizer=momentum", "optimizer=nesterov", "optimizer=adam"),
    ("regularizer=none", "regularizer=l2", "regularizer=l1"),
    *(("schedule=constant", "schedule=cosine", "schedule=step", "schedule=exponential", "schedule=time_decay"),),
    ("schedule.warmup=0", "schedule.warmup=1.5"),
    ("model.dropout=0", "model.dropout=0.3"),
    ("trainer.clip_norm=null", "trainer.clip_norm=0.5"),
    ("trainer.restore_best=true", "trainer.restore_best=false"),
    ("trainer.batch_size=16", "trainer.batch_size=5", "trainer.batch_size=full"),
    ("dtype=float32", "dtype=float64"),
    ("trainer.count_correct=false", "trainer.count_correct=true"),
    ("trainer.patience=null", "trainer.patience=1", "data.split.validation=0"),
)


@dataclass(frozen=True)
class Outcome:
    """What a training leaves: each epoch's metrics but its time, its end, and its weights."""

    epochs: dict[int, dict[str, float]]
    end: TrainingEnd | None
    weights: bytes


class Training:
    """A small training of some config, in a folder of its own, that can be stopped and gone on with."""

    def __init__(self, folder: Path, overrides: tuple[str, ...]) -> None:
        folder.mkdir()
        (folder / JOURNAL).write_text("{}\n")
        self.folder = folder
        self.overrides = overrides
        self.job: Job = compose(*SMALL, *overrides)
        self._dataset = self.job.load()
        self.told: list[str] = []
        self.is_inside_an_epoch = False
        self.recorded: dict[int, dict[str, float]] = {}

    def fresh(self) -> tuple[Trainer, Checkpointing]:
        """A trainer at its beginning, and what brings it to the newest checkpoint."""
        trainer = build_trainer(self.job.config, self._dataset)
        trainer._pace.interval = 3  # steps: so that there are many events inside an epoch
        return trainer, Checkpointing(self.job.config, trainer, self.folder, self.told.append)

    def go_on(self, events: int | None = None, saved: tuple[int, ...] = ()) -> Outcome:
        """From the newest checkpoint on, so many events, or all; with a checkpoint after the last, and some others."""
        trainer, checkpointing = self.fresh()
        checkpointing.restore(len(self.recorded))
        end = None
        with closing(checkpointing), closing(trainer.run(test=False)) as run:
            for number, event in enumerate(run, 1):
                if isinstance(event, TrainingEnd):
                    end = event
                    continue
                if isinstance(event, EpochEnd):
                    metrics = {name: number for name, number in event.metrics.items() if not name.startswith("time/")}
                    before = self.recorded.setdefault(event.epoch, metrics)
                    if before != metrics:
                        raise BrokenPromiseError(
                            f"{self.overrides}: epoch {event.epoch} was {before}, is {metrics} again"
                        )
                if number in saved or number == events:
                    checkpointing.write()
                self.is_inside_an_epoch = trainer.under_way.steps > 0
                if number == events:
                    break
        return Outcome(dict(self.recorded), end, trainer.objective.network.parameters.values_vector.tobytes())

    def events(self) -> int:
        """How many events an undisturbed training has before its end."""
        trainer, _ = self.fresh()
        return sum(not isinstance(event, TrainingEnd) for event in trainer.run(test=False))


def cut(work: Work) -> str:
    """Stop trainings of random configs at random events, and go on with them in a fresh trainer, from the files."""
    stops = inside = 0
    for number in range(work.rounds):
        overrides = tuple(work.random.choice(choices) for choices in CHOICES)
        whole = Training(work.folder / f"{number}-whole", overrides).go_on()
        training = Training(work.folder / f"{number}-cut", overrides)
        events = training.events()
        count = work.random.randint(1, 4)
        first = work.random.randint(1, events)
        steps = [first, *(work.random.randint(1, 4) for _ in range(count - 1))]  # the later ones close behind it
        for step in steps:
            found = training.go_on(step)
            stops += 1
            inside += training.is_inside_an_epoch
            if found.end is not None:
                break
        found = training.go_on()
        if found != whole or training.told:
            raise BrokenPromiseError(f"{overrides} stopped after events {steps} of {events}: differs; {training.told}")
    return (
        f"{work.rounds} trainings, {stops} cuts, {inside} of them inside an epoch, up to 4 close together: all metrics "
        "and weights equal to the bit"
    )


def damaged(work: Work) -> str:
    """Damage the newest checkpoint, or both, in every way that a disk or a careless hand can; then go on."""
    trainings = [_Damaged(work, number) for number in range(6)]
    names = sorted(DAMAGES)
    fell_back = anew = 0
    for number in range(work.rounds):
        training, name = trainings[number % len(trainings)], names[number % len(names)]
        told, epochs = training.after(name, work.random)
        if not told:
            raise BrokenPromiseError(f"{name}: nothing was told")
        fell_back += epochs > 0
        anew += epochs == 0
    return (
        f"{work.rounds} checkpoints damaged in {len(names)} ways: {fell_back} fell back to the one before, {anew} "
        "began anew, all told, all weights equal to the bit"
    )


class _Damaged:
    """A training that was stopped, with two checkpoints, and what it leaves if it is let go on."""

    def __init__(self, work: Work, number: int) -> None:
        overrides = tuple(work.random.choice(choices) for choices in CHOICES[:6])
        self._training = Training(work.folder / f"{number}-cut", overrides)
        self._whole = Training(work.folder / f"{number}-whole", overrides).go_on()
        events = self._training.events()
        self._training.go_on(work.random.randint(events // 2, events - 1), saved=(events // 3,))
        self._folder = self._training.folder / CHECKPOINTS
        self._files = {path.name: path.read_bytes() for path in self._folder.iterdir()}
        other = Training(work.folder / f"{number}-other", (*overrides, "seed=7"))
        other.go_on(events // 2)
        (self._foreign,) = (other.folder / CHECKPOINTS).iterdir()

    def after(self, damage: str, chance: random.Random) -> tuple[list[str], int]:
        """Do the damage and go on; returns what was told, and after how many steps training went on."""
        for path in self._folder.iterdir():
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        for name, data in self._files.items():
            (self._folder / name).write_bytes(data)
        DAMAGES[damage](self._folder, self._foreign, chance)
        told = self._training.told = list[str]()
        trainer, checkpointing = self._training.fresh()
        checkpointing.restore(len(self._training.recorded))
        steps = trainer.learner.step
        found = self._training.go_on()
        if (found.weights, found.end) != (self._whole.weights, self._whole.end):
            raise BrokenPromiseError(f"{damage}: training went on after {steps} steps, and ended in other weights")
        return told, steps


def _newest(folder: Path) -> Path:
    return max(folder.iterdir())


def _mutate(folder: Path, chance: random.Random, kind: str) -> None:
    path = _newest(folder)
    data = path.read_bytes()
    while (changed := mutated(data, chance, kind)) == data:
        pass
    path.write_bytes(changed)


def _swap(folder: Path) -> None:
    one, other = sorted(folder.iterdir())
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


def _huge(folder: Path) -> None:
    os.truncate(_newest(folder), 1 << 42)  # 4 TB, with nothing on the disk


def _link(folder: Path) -> None:
    path = _newest(folder)
    path.rename(folder.parent / "elsewhere")
    path.symlink_to(folder.parent / "elsewhere")


def _pipe(folder: Path) -> None:
    path = _newest(folder)
    path.unlink()
    os.mkfifo(path)


def _cut(folder: Path, chance: random.Random) -> None:
    path = _newest(folder)
    os.truncate(path, chance.choice([0, 1, 7, 8, 9, 100, chance.randrange(path.stat().st_size)]))


def _foreign(folder: Path, foreign: Path) -> None:
    (folder / f"99999999{foreign.name[8:]}").write_bytes(foreign.read_bytes())


def _both(folder: Path, chance: random.Random) -> None:
    for path in folder.iterdir():
        os.truncate(path, chance.randrange(path.stat().st_size))


DAMAGES: dict[str, Callable[[Path, Path, random.Random], None]] = {
    "cut": lambda folder, foreign, chance: _cut(folder, chance),
    "changed bytes": lambda folder, foreign, chance: _mutate(folder, chance, "bytes"),
    "changed header": lambda folder, foreign, chance: _mutate(folder, chance, "safetensors"),
    "both cut": lambda folder, foreign, chance: _both(folder, chance),
    "swapped": lambda folder, foreign, chance: _swap(folder),
    "huge": lambda folder, foreign, chance: _huge(folder),
    "a link": lambda folder, foreign, chance: _link(folder),
    "a pipe": lambda folder, foreign, chance: _pipe(folder),
    "of another run": lambda folder, foreign, chance: _foreign(folder, foreign),
}


def forged(work: Work) -> str:
    """Change a checkpoint and give it the name that it then should have: what only its reader can find wrong."""
    training = Training(work.folder / "run", CHOICES_OF_FORGED)
    training.go_on(9)
    (path,) = (training.folder / CHECKPOINTS).iterdir()
    sample = path.read_bytes()
    path.unlink()
    _, checkpointing = training.fresh()

    def read(data: bytes) -> bool:
        """The file."""
        path = training.folder / CHECKPOINTS / f"00000001-{hashlib.sha256(data).hexdigest()}.safetensors"
        path.write_bytes(data)
        training.told.clear()
        try:
            was_used = checkpointing.restore(4)
        finally:
            path.unlink()
        if training.told:
            raise UserError(training.told[0])
        return was_used

    def fault_in(data: bytes, was_used: object) -> str:
        return "" if was_used else "nothing was told, and nothing used"

    header = 8 + int.from_bytes(sample[:8], "little")
    arrays, content = load(sample), json.loads(sample[8:header])["__metadata__"]["nnlab"].encode()

    def read_facts(data: bytes) -> bool:
        """The JSON in it."""
        return read(save(arrays, metadata={"nnlab": data.decode(errors="replace")}))

    half, named = work.rounds // 2, str(path.parent)
    files = fuzz(read, [sample], half, work.random, kind="safetensors", fault_in=fault_in, named=named)
    facts = fuzz(read_facts, [content], half, work.random, kind="json", fault_in=fault_in, named=named)
    return f"files: {files}; facts: {facts}"


CHOICES_OF_FORGED = ("optimizer=adam", "model.dropout=0.3", "trainer.batch_size=16")


def write_killed(work: Work) -> str:
    """Kill a process that writes one checkpoint after the other."""
    (work.folder / JOURNAL).write_bytes(b"")
    arrays = {"weights": np.arange(20_000, dtype=np.float32)}
    drafts = 0
    for number in range(work.rounds):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            _write_for_ever(work.folder, arrays, writing)
        os.close(writing)
        done = len(os.read(reading, 1 << 16))
        time.sleep(work.random.random() * 0.02)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        done += len(os.read(reading, 1 << 16))
        os.close(reading)
        drafts += any(path.suffix == ".tmp" for path in (work.folder / CHECKPOINTS).iterdir())
        _check_after_kill(work.folder, arrays, done, f"kill {number}")
    return f"{work.rounds} kills, {drafts} with half a file on the disk: the newest was always whole, and never lost"


def _write_for_ever(folder: Path, arrays: dict[str, Any], writing: int) -> None:
    """In the child: append to the journal, write a checkpoint, say so by a byte."""
    try:
        checkpoints, count = Checkpoints(folder), 0
        while True:
            count += 1
            with (folder / JOURNAL).open("ab") as journal:
                journal.write(b"x" * 100)
            checkpoints.write(arrays, {"count": count}, (folder / JOURNAL).stat().st_size)
            os.write(writing, b".")
    finally:
        os._exit(1)


def _check_after_kill(folder: Path, arrays: dict[str, Any], done: int, when: str) -> None:
    told: list[str] = []

    def take(checkpoint: Checkpoint) -> None:
        if checkpoint.arrays["weights"].tobytes() != arrays["weights"].tobytes():
            raise BrokenPromiseError(f"{when}: its weights are others")

    journal_bytes = (folder / JOURNAL).stat().st_size
    found = Checkpoints(folder).newest(journal_bytes, 80_000, take, told.append)
    if found is None or told or not done <= found.facts["count"] <= done + 1:
        raise BrokenPromiseError(f"{when}, after {done} were written: found {found and found.facts}; told {told}")


PROMISES = (
    Promise(
        "checkpoint-cut",
        "A training that goes on from a checkpoint ends as if it had not been stopped: all metrics, all weights.",
        "Trainings of random configs are stopped at random events, up to four times close together.",
        120,
        10,
        cut,
    ),
    Promise(
        "checkpoint-damaged",
        "A damaged checkpoint is told; training goes on from the one before, or begins anew, to the same bits.",
        "The newest is cut, changed, swapped, grown to 4 TB, a link, a pipe, of another run; or both are cut.",
        1800,
        36,
        damaged,
    ),
    Promise(
        "checkpoint-forged",
        "A checkpoint that holds what no run writes is refused with one message, or used as the state that it is.",
        "Bytes and JSON of one are changed at random, and its digest made to fit.",
        100_000,
        3_000,
        forged,
    ),
    Promise(
        "checkpoint-write-killed",
        "A kill in the middle of writing a checkpoint leaves the one before.",
        "A process that writes one after the other is killed (SIGKILL) at random moments.",
        1000,
        60,
        write_killed,
    ),
)
