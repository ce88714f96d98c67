"""The files of checkpoints: what no run writes is refused, and a kill while one is written leaves the one before."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from faults.fuzzing import fuzz
from faults.promise import BrokenPromiseError, Promise, Work
from faults.stopped_training import Training
from nnlab.errors import UserError
from nnlab.runs.checkpoints import Checkpoint, Checkpoints
from nnlab.runs.directory import CHECKPOINTS, JOURNAL

FORGED = ("optimizer=adam", "model.dropout=0.3", "trainer.batch_size=16")


def forged(work: Work) -> str:
    """Change a checkpoint and give it the name that it then should have: what only its reader can find wrong."""
    training = Training(work.folder / "run", FORGED)
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
