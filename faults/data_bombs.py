"""Files of a megabyte that would fill the memory: gzip and ZIP make a thousand bytes of one."""

from __future__ import annotations

import gzip
import io
import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from faults.promise import BrokenPromiseError, NotHereError, Promise, Work

MEGABYTE = 2**20
MOST_MEGABYTES = 100
"""By which reading a bomb lets a process grow at most that the default limit refuses."""
READ = """
import json, sys
from pathlib import Path
from nnlab.data import DataSettings, load

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024

exec(sys.argv[2])
before, answer = peak(), ""
try:
    load(DataSettings(**json.loads(sys.argv[1])))
except Exception as error:
    answer = f"{type(error).__name__}: {error}"
exec(sys.argv[3])
print(json.dumps([peak() - before, answer]))
"""
"""A process of its own, as its peak is that of its whole life; not `ru_maxrss`, which starts with its parent's."""


def read_apart(first: str = "", then: str = "", **settings: object) -> tuple[int, str]:
    """Load data in another process; returns the bytes by which its memory grew, and the error if there was one.

    Args:
        first: statements to run before.
        then: statements to run afterwards.
        settings: those of `data`.
    """
    command = [sys.executable, "-c", READ, json.dumps(settings), first, then]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    grown, answer = json.loads(done.stdout)
    return int(grown), str(answer)


def bombs(folder: Path, megabytes: int) -> Iterator[tuple[str, Path, str]]:
    """Write one bomb of each kind that unpacks to so many megabytes.

    Yields:
        its kind, where it is, and the `data` that reads it.
    """
    yield "IDX", _idx(folder / "idx", megabytes, says=megabytes), "idx"
    yield "IDX of another size than it says", _idx(folder / "lying", megabytes, says=1), "idx"
    yield "NPZ", _npz(folder / "bomb.npz", megabytes), "npz"
    for name, start, unit in (
        ("rows", b"", b"0,0\n1,0\n" * (MEGABYTE // 8)),
        ("one cell", b"a,b\n0,1\n1,", b"0" * MEGABYTE),
        ("one line", b"0,", b"10," * (MEGABYTE // 3)),
        ("a header", b"", b"a," * (MEGABYTE // 2)),
    ):
        file = folder / f"{name}.csv.gz"
        file.write_bytes(gzip.compress(start) + gzip.compress(unit) * megabytes)
        yield f"CSV, {name}", file, "csv"


def _idx(folder: Path, megabytes: int, *, says: int) -> Path:
    folder.mkdir()
    rows, zeros = says * 1024, gzip.compress(bytes(MEGABYTE))
    images = gzip.compress(struct.pack(">4I", 0x803, rows, 32, 32)) + zeros * megabytes
    (folder / "train-images-idx3-ubyte.gz").write_bytes(images)
    labels = struct.pack(">2I", 0x801, rows) + bytes(range(2)) * (rows // 2)
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    return folder


def _npz(file: Path, megabytes: int) -> Path:
    rows = megabytes * 1024
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, shape in (("y_train", (rows,)), ("x_train", (rows, 1024))):
            header = io.BytesIO()
            np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                member.write(header.getvalue())
                for _ in range(int(np.prod(shape)) // 1024 // 16):
                    member.write(bytes(1024 * 16))
    return file


def bombs_of_data(work: Work) -> str:
    """Files that unpack to a thousand times their size, each read in a process of its own."""
    if not Path("/proc/self/status").exists():
        raise NotHereError("/proc, which says how much memory a process has had")
    figures = []
    for kind, path, name in bombs(work.folder, megabytes=1600):
        grown, answer = read_apart(name=name, root=str(path))
        if not answer.startswith("UserError") or grown > MOST_MEGABYTES * MEGABYTE:
            raise BrokenPromiseError(f"{kind}: grown by {grown / MEGABYTE:.0f} MB; {answer[:300]}")
        figures.append(f"{kind} {grown / MEGABYTE:.0f} MB")
    return f"1.6 GB in a file of about 1.6 MB, refused with one message; memory grew by: {', '.join(figures)}"


PROMISES = (
    Promise(
        name="data-memory",
        promise="A data file that would fill the memory is refused before it takes any to speak of.",
        fault="files of 1.6 MB that unpack to 1.6 GB: IDX, NPZ, CSV; long, wide, one cell, another size than told",
        rounds=1,
        sample=1,
        do=bombs_of_data,
    ),
)
