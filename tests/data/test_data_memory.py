"""What a data file takes of the memory: measured in a process of its own, and refused where it would be too much."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from idx_samples import idx_bytes, write_idx_folder

from faults.data_bombs import MEGABYTE, bombs, read_apart
from nnlab.data import DataSettings, load
from nnlab.data.limits import GIGABYTE, MemoryLimit
from nnlab.errors import UserError

RNG = np.random.default_rng(0)


@pytest.mark.slow
def test_bombs_are_refused_before_they_take_any_memory_to_speak_of(tmp_path: Path) -> None:
    for kind, path, name in bombs(tmp_path, megabytes=1600):
        grown, answer = read_apart(name=name, root=str(path))
        assert answer.startswith("UserError: "), (kind, answer)
        assert str(path) in answer, kind
        assert grown < 100 * MEGABYTE, kind


def test_a_file_larger_than_the_limit_names_it_what_it_takes_and_the_setting(tmp_path: Path) -> None:
    write_idx_folder(tmp_path)
    images = np.zeros((40, 1000, 1000), np.uint8)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(images), 1))
    with pytest.raises(UserError, match="images of shape") as raised:
        load(DataSettings(name="idx", root=str(tmp_path), max_gigabytes=0.01))
    for fact in ("train-images-idx3-ubyte.gz", "0.04 GB", "data.max_gigabytes=0.01", "data.max_gigabytes=0.1"):
        assert fact in str(raised.value)
    with pytest.raises(UserError, match="shape"):  # enough memory now, and the next mistake: 4×3 test images
        load(DataSettings(name="idx", root=str(tmp_path), max_gigabytes=0.1))


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_text_larger_than_the_limit_is_refused_plain_or_packed(ending: str, tmp_path: Path) -> None:
    text = b"label,a\n" + b"0,1\n1,2\n" * 200_000
    file = tmp_path / f"data.csv{ending}"
    file.write_bytes(gzip.compress(text) if ending else text)
    with pytest.raises(UserError, match=r"data\.csv.* needs 0\.0032 GB"):
        load(DataSettings(name="csv", root=str(file), max_gigabytes=0.002))
    assert len(load(DataSettings(name="csv", root=str(file))).train) > 200_000


def test_what_is_free_counts_beside_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnlab.data.limits.free_bytes", lambda: 200 * MEGABYTE)
    limit, file = MemoryLimit(8), tmp_path / "x"
    limit.check(file, 150 * MEGABYTE, "")
    limit.check(file, 300 * MEGABYTE, "", held=150 * MEGABYTE)
    with pytest.raises(UserError, match=r"0\.21 GB are free.* End other programs") as raised:
        limit.check(file, GIGABYTE, "facts")
    assert "add `data.max_gigabytes" not in str(raised.value)  # which would not help
    monkeypatch.setattr("nnlab.data.limits.free_bytes", lambda: None)
    limit.check(file, GIGABYTE, "")


def test_the_limit_of_a_process_gives_the_message_too(tmp_path: Path) -> None:
    write_idx_folder(tmp_path)
    announced = struct.pack(">4I", 0x803, 2**21, 28, 28)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(announced))
    code = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))"
    grown, answer = read_apart(code, name="idx", root=str(tmp_path), max_gigabytes=8)
    assert answer.startswith("UserError: ")
    assert "GB are free" in answer
    assert grown < 100 * MEGABYTE


def floats(rows: int, columns: int) -> Any:
    return RNG.normal(size=(rows, columns))


def labels(rows: int) -> Any:
    return np.arange(rows) % 10


def save_npz(folder: Path, x: Any, y: Any) -> tuple[str, Path]:
    np.savez(folder / "data.npz", x_train=x, y_train=y)
    return "npz", folder / "data.npz"


def save_csv(folder: Path, x: Any, form: str) -> tuple[str, Path]:
    columns = np.column_stack([labels(len(x)), x])
    np.savetxt(folder / "data.csv", columns, fmt=["%d"] + [form] * x.shape[1], delimiter=",")
    return "csv", folder / "data.csv"


def save_idx(folder: Path, rows: int, side: int) -> tuple[str, Path]:
    write_idx_folder(folder, test=False)
    images = RNG.integers(0, 256, (rows, side, side), dtype=np.uint8)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(images), 1))
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(labels(rows).astype(np.uint8)), 1))
    return "idx", folder


FITTING: dict[str, Callable[[Path], tuple[str, Path]]] = {
    "images": lambda folder: save_idx(folder, 60_000, 28),
    "images of one pixel": lambda folder: save_idx(folder, 1_000_000, 1),
    "float64": lambda folder: save_npz(folder, floats(60_000, 100), labels(60_000)),
    "float32": lambda folder: save_npz(folder, floats(60_000, 100).astype("f4"), labels(60_000)),
    "int64": lambda folder: save_npz(folder, (floats(60_000, 100) * 1e12).astype("i8"), labels(60_000)),
    "another byte order": lambda folder: save_npz(folder, floats(60_000, 100).astype(">f8"), labels(60_000)),
    "Fortran order": lambda folder: save_npz(folder, np.asfortranarray(floats(60_000, 100)), labels(60_000)),
    "one feature": lambda folder: save_npz(folder, floats(1_000_000, 1).astype("f4"), labels(1_000_000)),
    "texts": lambda folder: save_npz(folder, floats(1_000_000, 1), labels(1_000_000).astype("U12")),
    "wide": lambda folder: save_npz(folder, RNG.integers(0, 256, (60, 1_000_000), dtype=np.uint8), labels(60) % 2),
    "decimals": lambda folder: save_csv(folder, floats(30_000, 100), "%.17g"),
    "short decimals": lambda folder: save_csv(folder, floats(60_000, 100), "%.1f"),
    "whole numbers": lambda folder: save_csv(folder, floats(60_000, 100) * 1000, "%d"),
    "bits": lambda folder: save_csv(folder, floats(100_000, 100) > 0, "%d"),
}


@pytest.mark.slow
@pytest.mark.parametrize("save", FITTING.values(), ids=FITTING)
def test_what_is_asked_for_is_what_is_taken(save: Callable[[Path], tuple[str, Path]], tmp_path: Path) -> None:
    name, path = save(tmp_path)
    noted = (
        "from nnlab.data.limits import MemoryLimit\nasked, check = [], MemoryLimit.check\n"
        "def noting(self, file, needed, *facts, **more):\n"
        "    asked.append(needed); check(self, file, needed, *facts, **more)\n"
        "MemoryLimit.check = noting\n"
    )
    settings = {"name": name, "root": str(path), "standardize": True, "scale": "none"}
    grown, answer = read_apart(noted, then="answer = answer or max(asked)", **settings)
    assert answer.isdigit() or answer.replace(".", "").isdigit(), answer
    # The rest is a fixed amount: the working copies of some rows, the code of what is imported late.
    assert grown <= 1.1 * float(answer) + 100 * MEGABYTE
    assert grown >= 0.25 * float(answer)


def npz(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in members.items():
            archive.writestr(f"{name}.npy", contents)
    return stream.getvalue()


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


ROWS, CLASSES = npy(np.arange(60.0).reshape(30, 2)), npy(np.arange(30) % 3)


def twice() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in ("x_train.npy", "y_train.npy", "x_train"):
            archive.writestr(name, ROWS if name.startswith("x") else CLASSES)
    return stream.getvalue()


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


LYING = {
    "more rows than there are": ROWS.replace(b"(30, 2)", b"(90, 2)"),
    "fewer rows than there are": ROWS.replace(b"(30, 2)", b"(29, 2)"),
    "rows of nothing": header("{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000000000, 2)}"),
    "a negative number of rows": ROWS.replace(b"(30, 2)", b"(-3, 2)"),
    "a truth value as size": header("{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}") + bytes(8),
    "records": header("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}") + bytes(8),
    "arrays as numbers": header("{'descr': '(1000,)f8', 'fortran_order': False, 'shape': (1,)}") + bytes(8000),
    "objects": header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}") + bytes(8),
    "an unknown type": header("{'descr': '<f7', 'fortran_order': False, 'shape': (1,)}") + bytes(7),
    "deep nesting": header("(" * 9000),
    "a call": header("{'descr': exit(), 'fortran_order': False, 'shape': (1,)}"),
    "no header": b"\x93NUMPY\x01\x00",
    "another version": b"\x93NUMPY\x09\x00" + ROWS[8:],
    "odd truth values": npy(np.zeros((30, 2), bool))[:-1] + b"\x07",
}


@pytest.mark.parametrize("contents", LYING.values(), ids=LYING)
def test_an_array_whose_header_cannot_be_true_is_named(contents: bytes, tmp_path: Path) -> None:
    file = tmp_path / "data.npz"
    file.write_bytes(npz(x_train=contents, y_train=CLASSES))
    with pytest.raises(UserError, match="x_train in") as raised:
        load(DataSettings(name="npz", root=str(file)))
    assert str(file) in str(raised.value)


def test_two_arrays_of_one_name_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "data.npz"
    file.write_bytes(twice())
    with pytest.raises(UserError, match="'x_train' twice"):
        load(DataSettings(name="npz", root=str(file)))


def test_arrays_that_are_not_needed_are_not_read(tmp_path: Path) -> None:
    file = tmp_path / "data.npz"
    file.write_bytes(npz(x_train=ROWS, y_train=CLASSES, huge=b"damaged"))
    assert load(DataSettings(name="npz", root=str(file))).features == 2


@pytest.mark.parametrize("name", ["a\nb", "\x1b[2J", "x" * 101, "\ud800"])
def test_names_of_classes_can_be_shown(name: str, tmp_path: Path) -> None:
    np.savez(
        tmp_path / "data.npz",
        x_train=np.arange(60.0).reshape(30, 2),
        y_train=np.array(["cat", name])[np.arange(30) % 2],
    )
    with pytest.raises(UserError, match="printable") as raised:
        load(DataSettings(name="npz", root=str(tmp_path)))
    assert str(raised.value).isprintable()


def test_long_lines_and_long_quoted_cells_are_named(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("label,a\n0,1\n1," + "1" * 2**21 + "\n")
    with pytest.raises(UserError, match="line 3 of"):
        load(DataSettings(name="csv", root=str(file)))
    file.write_text('label,a\n0,1\n1,"' + "1\n" * 2**17)
    with pytest.raises(UserError, match="quote"):
        load(DataSettings(name="csv", root=str(file)))
