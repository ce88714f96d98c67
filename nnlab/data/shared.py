"""A dataset as files that processes map into memory: all of them share one copy in the page cache."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from nnlab.core.rows import Array, Rows, Scaling
from nnlab.data.dataset import Dataset
from nnlab.errors import UserError

DESCRIPTION = "dataset.json"
FORMAT = 2
SPLITS = ("train", "validation", "test")


Written = dict[int, tuple[Array, Path]]
"""Arrays by their identity, and where they were written: held, so that no other array gets it."""


def save_shared(dataset: Dataset, folder: Path, written: Written | None = None) -> None:
    """Write a dataset so that `open_shared` can map it; an array that several splits refer to is written once.

    The folder appears whole or not at all. An earlier dataset in its place is replaced; processes that have
    it open keep it.

    Args:
        dataset: to write.
        folder: for its files.
        written: the rows and labels of earlier calls, to which this one's are added. Datasets that have them in common,
            such as other divisions of the same rows, have them as one file by several names, where the disk can do it.

    Raises:
        UserError: the folder exists and holds something else, or cannot be written.
    """
    if folder.exists() and not (folder / DESCRIPTION).is_file():
        raise UserError(f"A shared dataset needs a folder of its own, but {folder} is something else. Name another.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as work:
            fresh, earlier = Path(work, "fresh"), Path(work, "earlier")
            names = _write(dataset, fresh, {} if written is None else written)
            if folder.exists():
                folder.rename(earlier)
            fresh.rename(folder)
            if written is not None:
                tables = (array for rows in _splits(dataset) for array in (rows.x, rows.y))
                written |= {id(array): (array, folder / f"{names[id(array)]}.npy") for array in tables}
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror}. Name another folder.") from error


def open_shared(folder: Path) -> Dataset:
    """Map a dataset that `save_shared` wrote: its arrays are read-only and loaded page by page as they are used.

    Raises:
        UserError: the folder holds no whole dataset.
    """
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        if description["format"] != FORMAT:
            raise ValueError(f"its format is {description['format']}, this version reads {FORMAT}")
        arrays = {name: _mapped(folder, name) for name in description["arrays"]}
        splits = {name: _rows(description["splits"][name], arrays) for name in SPLITS}
        shape = description["image_shape"]
        return Dataset(
            name=description["name"],
            **splits,
            class_names=tuple(description["class_names"]),
            image_shape=None if shape is None else (shape[0], shape[1]),
            sha256=description["sha256"],
            row_type=None if description["row_type"] is None else np.dtype(description["row_type"]),
            notes=tuple(description["notes"]),
        )
    except (OSError, EOFError, ValueError, LookupError, TypeError) as error:
        raise UserError(
            f"{folder} must hold a dataset that nnlab shared, but it is missing or damaged: {error}. "
            "Remove the folder and start the command again."
        ) from error


def _write(dataset: Dataset, folder: Path, written: Written) -> dict[int, str]:
    """Write the files into a new folder; returns their names by the identity of their arrays."""
    folder.mkdir()
    names: dict[int, str] = {}

    def store(array: Array, name: str) -> str:
        if id(array) not in names:
            names[id(array)] = name
            target = folder / f"{name}.npy"
            try:
                os.link(written[id(array)][1], target)
            except (KeyError, OSError):  # not written yet, removed since, or on a disk without links
                np.save(target, array, allow_pickle=False)
        return names[id(array)]

    def store_term(term: float | Array, name: str) -> float | str:
        return store(term, name) if isinstance(term, np.ndarray) else float(term)

    splits = {}
    for split in SPLITS:
        rows: Rows = getattr(dataset, split)
        splits[split] = {
            "x": store(rows.x, f"{split}_x"),
            "y": store(rows.y, f"{split}_y"),
            "index": store(rows.index, f"{split}_index"),
            "scale": store_term(rows.scaling.scale, f"{split}_scale"),
            "offset": store_term(rows.scaling.offset, f"{split}_offset"),
            "shift": store_term(rows.scaling.shift, f"{split}_shift"),
            "in_float64": rows.scaling.in_float64,
        }
    description = {
        "format": FORMAT,
        "name": dataset.name,
        "sha256": dataset.sha256,
        "class_names": dataset.class_names,
        "image_shape": dataset.image_shape,
        "row_type": None if dataset.row_type is None else dataset.row_type.name,
        "notes": dataset.notes,
        "arrays": list(names.values()),
        "splits": splits,
    }
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=1), encoding="utf-8")
    return names


def _splits(dataset: Dataset) -> tuple[Rows, ...]:
    return (dataset.train, dataset.validation, dataset.test)


def _mapped(folder: Path, name: str) -> Array:
    """The array of a file, as a plain view on its pages: `np.memmap` itself makes every slice slower."""
    return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))


def _rows(description: dict[str, Any], arrays: dict[str, Array]) -> Rows:
    def term(value: float | str) -> float | Array:
        return arrays[value] if isinstance(value, str) else float(value)

    x, y, index = (arrays[description[key]] for key in ("x", "y", "index"))
    if len(x) != len(y) or (len(index) and not 0 <= index.min() <= index.max() < len(x)):
        raise ValueError("its rows, labels and splits do not match")
    terms = {name: term(description[name]) for name in ("scale", "offset", "shift")}
    return Rows(x, y, index, Scaling(**terms, in_float64=bool(description["in_float64"])))
