"""Users' data files, damaged in every way: the right data or one message, and never more memory than stated."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from faults.fuzzing import fuzz
from faults.promise import Promise, Work
from nnlab.data import DataSettings, read_source
from nnlab.data.source import Source

Oracle = Callable[[bytes, object], str]

FEATURES = 4
CELLS = [[(7 * row + 3 * column) % 5 for column in range(FEATURES)] for row in range(12)]
LABELS = [row % 3 for row in range(12)]
STORED_TYPES = ("uint8", "float32", "float64", "int64")


def _csv(form: str, head: str = "", end: str = "\n") -> bytes:
    rows = (form.format(label, *cells) for label, cells in zip(LABELS, CELLS, strict=True))
    return (head + end + "".join(row + end for row in rows) if head else "".join(row + end for row in rows)).encode()


CSV_SAMPLES = (
    _csv("{},{},{},{},{}"),
    _csv("{},{}.5,{}e1,-{},{}", "label,a,b,c,d"),
    _csv("{};{};{};{};{};", "label;a;b;c;d;", "\r\n"),
    _csv('"{}"\t"{}"\t{}\t{}\t{}', '"label"\t"a\tb"\t"c"\t"d"\t"e"'),
    _csv("{},{},True,{},{}", "# a comment\nlabel,a,b,c,d"),
    _csv("{},{},{},{},9007199254740995", "label,e,f,g,h"),
    _csv("{};{},5;{},25;{};{}"),
    _csv("{} {}  {} {} {}", "\ufefflabel a b c d"),
    gzip.compress(_csv("{},{},{},{},{}"), mtime=0),
    _csv("{},{},{},{},{}", "label,a,b,c,d").decode().encode("utf-16"),
)


def _written_numbers(data: bytes) -> set[float]:
    """All numbers that stand in a text, whatever separates them."""
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    found = {0.0, 1.0}  # also false and true
    for text in re.split(r'[,;\t| \n\r"]+', text_of(data, encoding)) + re.split(
        r'[;\t| \n\r"]+', text_of(data, encoding).replace(",", ".")
    ):
        try:
            found.add(float(text))
        except ValueError:
            continue
    return found


def text_of(data: bytes, encoding: str) -> str:
    """The text of a file, as far as it is one."""
    return data.decode(encoding, "replace").strip("\ufeff")


def _fault_in_csv(data: bytes, value: object) -> str:
    fault = _fault_in_source(value)
    if fault or not isinstance(value, Source):
        return fault
    strange = set(np.unique(value.parts["train"].x.astype(np.float64))) - _written_numbers(data)
    return f"it has numbers that are not in the file: {sorted(strange)[:3]}" if strange else ""


def _fault_in_source(value: object) -> str:
    """What no source may be: empty, not finite, or with labels that are no classes."""
    if not isinstance(value, Source):
        return f"it is {type(value).__name__}"
    for part, (x, y) in value.parts.items():
        if x.ndim != 2 or y.shape != (len(x),) or x.size == 0:
            return f"its {part} rows have the shape {x.shape}, its labels {y.shape}"
        if x.dtype.name not in STORED_TYPES or not np.isfinite(x).all():
            return f"its {part} rows have the type {x.dtype}, or are not finite"
        if y.dtype != np.int64 or y.min() < 0 or y.max() >= len(value.class_names):
            return f"its {part} labels are not 0 to {len(value.class_names) - 1}"
    return ""


def _reader(name: str, file: Path, root: Path) -> Callable[[bytes], Source]:
    settings = DataSettings(name=name, root=str(root))
    file.touch()

    def read(data: bytes) -> Source:
        with file.open("r+b") as stream:  # a file that is emptied first is written to the disk each time
            stream.write(data)
            stream.truncate()
        return read_source(settings)

    return read


def damaged_csv(work: Work) -> str:
    """Texts of all forms that are read, also compressed."""
    file = work.folder / "data.csv"
    read = _reader("csv", file, file)
    return fuzz(read, CSV_SAMPLES, work.rounds, work.random, kind="text", fault_in=_fault_in_csv, named=file.name)


IMAGES = np.array(CELLS, np.uint8).reshape(12, 2, 2) * 20
IDX_IMAGES = bytes([0, 0, 8, 3]) + np.array(IMAGES.shape, ">u4").tobytes() + IMAGES.tobytes()
IDX_LABELS = bytes([0, 0, 8, 1]) + np.array([12], ">u4").tobytes() + bytes(LABELS)


def _fault_in_images(data: bytes, value: object) -> str:
    """The file's own bytes, after its header, are the numbers."""
    if fault := _fault_in_source(value):
        return fault
    plain = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    rows = value.parts["train"].x if isinstance(value, Source) else None
    return "" if rows is not None and rows.tobytes() == plain[16:] else "its numbers are not those of the file"


def _fault_in_labels(data: bytes, value: object) -> str:
    if fault := _fault_in_source(value):
        return fault
    plain = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    names = [int(value.class_names[label]) for label in value.parts["train"].y] if isinstance(value, Source) else None
    return "" if names == list(plain[8:]) else "its labels are not those of the file"


def damaged_idx(work: Work) -> str:
    """The file of the images, then that of the labels, each plain and compressed."""
    images, labels = work.folder / "train-images-idx3-ubyte", work.folder / "train-labels-idx1-ubyte"
    images.write_bytes(IDX_IMAGES)
    labels.write_bytes(IDX_LABELS)
    figures = []
    for file, content, fault_in in ((images, IDX_IMAGES, _fault_in_images), (labels, IDX_LABELS, _fault_in_labels)):
        read, samples = _reader("idx", file, work.folder), (content, gzip.compress(content, mtime=0))
        figures.append(fuzz(read, samples, work.rounds // 2, work.random, fault_in=fault_in, named="train-"))
        file.write_bytes(content)
    return f"images, {figures[0]}; labels, {figures[1]}"


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _zipped(method: int, **members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, contents in members.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), contents, method)
    return stream.getvalue()


METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ROWS, CLASSES = _npy(np.array(CELLS) / 8), _npy(np.array(LABELS))
ARRAYS = (
    ROWS,
    _npy(IMAGES),
    _npy(np.asfortranarray(np.array(CELLS, ">f4"))),
    _npy(np.array(CELLS) * 10**12),
    _npy(np.array(CELLS) > 3),
    _npy(np.array(CELLS, "f2")),
)
NAMES = _npy(np.array(["cat", "dog", "eel"])[LABELS])


def _fault_in_archive(data: bytes, value: object) -> str:
    """NumPy's own reader is the oracle."""
    if fault := _fault_in_source(value):
        return fault
    with np.lib.npyio.NpzFile(io.BytesIO(data), allow_pickle=False) as archive:
        x, labels = archive["x_train"], archive["y_train"]
    assert isinstance(value, Source)
    rows, classes = value.parts["train"]
    if not np.array_equal(rows, x.reshape(len(x), -1)):
        return "its rows are not those that NumPy reads"
    names = [value.class_names[label] for label in classes]
    expected = [str(label) if labels.dtype.kind == "U" else str(int(label)) for label in labels.ravel()]
    return "" if names == expected else "its labels are not those that NumPy reads"


def damaged_npz(work: Work) -> str:
    """Archives whose bytes are damaged, and archives that are whole, of damaged arrays."""
    file, third = work.folder / "data.npz", work.rounds // 3
    read = _reader("npz", file, file)
    whole = [
        _zipped(method, x_train=each, y_train=labels)
        for each in ARRAYS[:3]
        for labels in (CLASSES, NAMES)
        for method in (0, 8)
    ]
    figures = [fuzz(read, whole, third, work.random, fault_in=_fault_in_archive, named=file.name)]

    def of_rows(data: bytes) -> bytes:
        return _zipped(METHODS[0], x_train=data, y_train=CLASSES)

    def of_labels(data: bytes) -> bytes:
        return _zipped(METHODS[0], x_train=ROWS, y_train=data)

    for packed, samples in ((of_rows, ARRAYS), (of_labels, (CLASSES, NAMES))):
        figures.append(
            fuzz(
                lambda data, packed=packed: read(packed(data)),  # type: ignore[misc]
                samples,
                third,
                work.random,
                kind="text",
                fault_in=lambda data, value, packed=packed: _fault_in_archive(packed(data), value),  # type: ignore[misc]
                named=file.name,
            )
        )
    return "; ".join(f"{name}, {figure}" for name, figure in zip(("archives", "rows", "labels"), figures, strict=True))


_FILES = (
    ("csv", "CSV file", "the text", damaged_csv),
    ("idx", "IDX file", "the file's bytes", damaged_idx),
    ("npz", "NPZ archive", "what NumPy reads", damaged_npz),
)
PROMISES = tuple(
    Promise(
        name=f"data-{name}",
        promise=f"A damaged {kind} gives the right data, held to {oracle}, or one message that names the file.",
        fault=f"damage to each kind of {kind}, plain and compressed, and to what it holds",
        rounds=100_000,
        sample=3000,
        do=do,
    )
    for name, kind, oracle, do in _FILES
)
