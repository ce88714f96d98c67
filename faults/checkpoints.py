"""Checkpoints: training goes on from one to the same bits, and one that is damaged is told and does no harm."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

from faults.mutations import mutated
from faults.promise import BrokenPromiseError, Promise, Work
from faults.stopped_training import CHOICES, Training
from nnlab.runs.directory import CHECKPOINTS


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
)
