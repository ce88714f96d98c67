"""`checkpoints/`: whole or told to be damaged, the one before it kept, never ahead of its journal."""

from __future__ import annotations

import hashlib
import json
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from nnlab.errors import RunFailedError
from nnlab.runs.checkpoints import FORMAT, HEADER, Checkpoint, Checkpoints
from nnlab.runs.directory import JOURNAL

ARRAYS = {
    "weights": np.arange(1000, dtype=np.float32) / 7,
    "t": np.array(41, np.int64),
    "share": np.array(0.1 + 0.2),
    "none": np.zeros((0, 3), np.float64),
}
BYTES = sum(array.nbytes for array in ARRAYS.values())


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / JOURNAL).write_text("x" * 100)
    return tmp_path


def written(run: Path, *counts: int, journal_bytes: int = 100) -> Checkpoints:
    checkpoints = Checkpoints(run)
    for count in counts:
        checkpoints.write(ARRAYS, {"count": count}, journal_bytes)
    return checkpoints


def newest(
    run: Path, take: Callable[[Checkpoint], object] = lambda _: None, journal_bytes: int = 100, most: int = BYTES
) -> tuple[Checkpoint | None, list[str]]:
    told: list[str] = []
    return Checkpoints(run).newest(journal_bytes, most, take, told.append), told


def files(run: Path) -> list[Path]:
    return sorted((run / "checkpoints").iterdir())


def test_what_is_written_is_read_back_to_the_bit(run: Path) -> None:
    facts: dict[str, Any] = {"loss": 0.1 + 0.2, "tiny": 5e-324, "stream": {"state": (1 << 127) + 1}, "score": None}
    Checkpoints(run).write(ARRAYS, facts, 100)
    found, told = newest(run)
    assert found is not None
    assert told == []
    assert (found.facts, found.journal_bytes) == (facts, 100)
    assert set(found.arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert (found.arrays[name].dtype, found.arrays[name].shape) == (array.dtype, array.shape)
        assert found.arrays[name].tobytes() == array.tobytes()


def test_anyone_can_read_it(run: Path) -> None:
    written(run, 1)
    (path,) = files(run)
    np.testing.assert_array_equal(load_file(path)["weights"], ARRAYS["weights"])
    assert hashlib.sha256(path.read_bytes()).hexdigest() in path.name


def test_two_are_kept_and_the_newest_is_taken(run: Path) -> None:
    written(run, 1, 2, 3, 4)
    assert len(files(run)) == 2
    found, _ = newest(run)
    assert found is not None
    assert found.facts == {"count": 4}
    files(run)[-1].unlink()
    found, _ = newest(run)
    assert found is not None
    assert found.facts == {"count": 3}


def test_without_any_there_is_none(run: Path) -> None:
    assert newest(run) == (None, [])
    (run / "checkpoints").mkdir()
    assert newest(run) == (None, [])


def test_one_that_knows_more_than_the_journal_is_not_used(run: Path) -> None:
    written(run, 1, journal_bytes=90)
    written(run, 2, journal_bytes=100)
    found, told = newest(run, journal_bytes=95)
    assert found is not None
    assert found.facts == {"count": 1}
    assert len(told) == 1
    assert "had 100 bytes" in told[0]


def damages(data: bytes, chance: random.Random) -> dict[str, bytes]:
    """A checkpoint's bytes, damaged at every kind of place."""
    header = 8 + struct.unpack("<Q", data[:8])[0]
    places = [
        0,
        1,
        7,
        8,
        9,
        header - 1,
        header,
        header + 1,
        len(data) - 1,
        *(chance.randrange(len(data)) for _ in "1234"),
    ]
    cut = {f"cut at {place}": data[:place] for place in places}
    flipped = {
        f"bit flipped at {place}": data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]
        for place in places
    }
    return {
        **cut,
        **flipped,
        "more": data + b"\0",
        "zeros": bytes(len(data)),
        "a huge header": struct.pack("<Q", 1 << 62) + data[8:],
        "text": b"{}\n",
    }


def test_a_damaged_newest_falls_back_to_the_one_before_with_a_message(run: Path) -> None:
    written(run, 1, 2)
    before, path = files(run)
    for damage, data in damages(path.read_bytes(), random.Random(1)).items():
        path.write_bytes(data)
        found, told = newest(run)
        assert found is not None, damage
        assert found.facts == {"count": 1}, damage
        assert len(told) == 1, damage
        assert str(path) in told[0]
    before.write_bytes(b"")
    found, told = newest(run)
    assert found is None
    assert len(told) == 2


def test_files_that_have_changed_places_are_both_told(run: Path) -> None:
    written(run, 1, 2)
    one, other = files(run)
    one.rename(run / "aside")
    other.rename(one)
    (run / "aside").rename(other)
    found, told = newest(run)
    assert found is None
    assert len(told) == 2


def forged(run: Path, data: bytes) -> None:
    (run / "checkpoints").mkdir(exist_ok=True)
    (run / "checkpoints" / f"00000009-{hashlib.sha256(data).hexdigest()}.safetensors").write_bytes(data)


def named(content: object) -> bytes:
    return save(ARRAYS, metadata={"nnlab": json.dumps(content)})


FORGED: dict[str, bytes] = {
    "empty": b"",
    "no header": b"\xff" * 64,
    "a header that is a list": struct.pack("<Q", 2) + b"[]",
    "nesting without an end": struct.pack("<Q", 200_000) + b"[" * 200_000,
    "a number without an end": named({"format": 1, "journal_bytes": 1, "facts": {}}).replace(b"{", b"9" * 10_000, 1),
    "no metadata": save(ARRAYS),
    "other metadata": save(ARRAYS, metadata={"nnlab": "no JSON"}),
    "a list": named([]),
    "nothing in it": named({}),
    "a format of another type": named({"format": "1", "journal_bytes": 1, "facts": {}}),
    "true for a number": named({"format": 1, "journal_bytes": True, "facts": {}}),
    "facts as a list": named({"format": 1, "journal_bytes": 1, "facts": []}),
    "more fields": named({"format": 1, "journal_bytes": 1, "facts": {}, "more": 1}),
    "a format to come": named({"format": FORMAT + 1, "journal_bytes": 1, "facts": {}}),
    "a type that numpy has not": struct.pack("<Q", 66)
    + b'{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}'.ljust(66)
    + b"1234",
}


@pytest.mark.parametrize("data", FORGED.values(), ids=FORGED)
def test_one_whose_digest_is_right_and_content_wrong_is_told(data: bytes, run: Path) -> None:
    written(run, 1)
    forged(run, data)
    found, told = newest(run)
    assert found is not None
    assert found.facts == {"count": 1}
    assert len(told) == 1


def test_a_file_that_is_too_large_is_not_read(run: Path) -> None:
    written(run, 1)
    path = run / "checkpoints" / f"00000009-{'0' * 64}.safetensors"
    path.touch()
    os.truncate(path, 1 << 43)  # 8 TB, of which nothing is on the disk
    found, told = newest(run)
    assert found is not None
    assert len(told) == 1
    assert str(BYTES + HEADER) in told[0]


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_plain_file_is_not_opened(kind: str, run: Path) -> None:
    written(run, 1)
    (path,) = files(run)
    path.rename(run / "elsewhere")
    if kind == "link":
        path.symlink_to(run / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    found, told = newest(run)
    assert found is None
    assert len(told) == 1


@pytest.mark.parametrize("kind", ["dangling link", "file"])
def test_what_is_no_folder_is_told_and_nothing_is_written_into_it(kind: str, run: Path) -> None:
    folder = run / "checkpoints"
    if kind == "file":
        folder.write_text("mine")
    else:
        folder.symlink_to("/dev/null")
    found, told = newest(run)
    assert found is None
    assert len(told) == 1
    with pytest.raises(RunFailedError, match=str(folder)):
        written(run, 1)
    assert folder.is_symlink() or folder.read_text() == "mine"


def test_one_that_does_not_fit_is_told_and_removed_by_the_next_that_is_written(run: Path) -> None:
    written(run, 1, 2)
    checkpoints, told = Checkpoints(run), list[str]()

    def take(checkpoint: Checkpoint) -> None:
        if checkpoint.facts["count"] == 2:
            raise ValueError("of another run")

    found = checkpoints.newest(100, BYTES, take, told.append)
    assert found is not None
    assert len(told) == 1
    assert "of another run" in told[0]
    checkpoints.write(ARRAYS, {"count": 3}, 100)
    taken = []
    newest(run, lambda checkpoint: taken.append(checkpoint.facts["count"]))
    files(run)[-1].unlink()
    newest(run, lambda checkpoint: taken.append(checkpoint.facts["count"]))
    assert taken == [3, 1]


def test_what_a_killed_writer_left_is_removed(run: Path) -> None:
    checkpoints = written(run, 1)
    draft = run / "checkpoints" / ".00000002-abc.safetensors.123.tmp"
    draft.write_bytes(b"half")
    assert newest(run)[1] == []
    checkpoints.write(ARRAYS, {"count": 2}, 100)
    assert not draft.exists()
    draft.write_bytes(b"half")
    checkpoints.clear()
    assert not (run / "checkpoints").exists()
    checkpoints.clear()


def test_a_full_disk_leaves_the_ones_before(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = written(run, 1, 2)
    before = [path.name for path in files(run)]

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFailedError, match="No space left"):
        checkpoints.write(ARRAYS, {"count": 3}, 100)
    assert [path.name for path in files(run)] == before


def test_the_journal_is_on_the_disk_before_the_checkpoint_and_that_before_its_name(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(run, 1)
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        done.append(JOURNAL if path.name == JOURNAL else "folder" if path.is_dir() else "draft")
        fsync(descriptor)

    def replaced(*names: Any, **folders: Any) -> None:
        done.append("name")
        replace(*names, **folders)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    written(run, 2)
    assert done == [JOURNAL, "draft", "name", "folder"]
