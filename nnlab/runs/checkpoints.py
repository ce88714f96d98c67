"""`checkpoints/` of a run directory: where training was, so that it can go on from there after a kill.

A checkpoint is one file, of arrays in safetensors with the rest as JSON in its header. Its name has its number and the
SHA-256 of its content, so that it is there whole or is told to be damaged. The one before it is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from nnlab.runs.directory import CHECKPOINTS, JOURNAL
from nnlab.runs.files import (
    bring_names_to_disk,
    bring_to_disk,
    is_folder,
    make_folder,
    names_in,
    not_writable,
    open_binary,
    remove,
    write_atomically,
)

Array = NDArray[Any]

FORMAT = 1
KEPT = 2
LONGEST_REASON = 500
HEADER = 1 << 20
"""Bytes, at most, of all in a checkpoint that is not an array."""

_NAME = re.compile(r"([0-9]{8})-([0-9a-f]{64})\.safetensors")
_FIELDS = {"format": int, "journal_bytes": int, "facts": dict}


class DamagedError(ValueError):
    """A checkpoint is not what was written."""


@dataclass(frozen=True)
class Checkpoint:
    """One that was read back.

    Args:
        path: of the file.
        arrays: by name.
        facts: plain JSON.
        journal_bytes: how long the journal was.
    """

    path: Path
    arrays: dict[str, Array]
    facts: dict[str, Any]
    journal_bytes: int


class Checkpoints:
    """Those of one run.

    Args:
        directory: of the run, which this process has locked if it writes.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._folder = directory / CHECKPOINTS
        self._useless: set[str] = set()

    def write(self, arrays: Mapping[str, Array], facts: Mapping[str, Any], journal_bytes: int) -> None:
        """Write another, and remove all but the one before it.

        The journal is brought to the disk first, so that no checkpoint knows more than the journal; then the file,
        under another name; then its name. A kill or a power failure at any moment leaves the ones before.

        Args:
            arrays: by name.
            facts: plain JSON.
            journal_bytes: how long the journal is.

        Raises:
            RunFailedError: if that fails; the ones before are then untouched.
        """
        try:
            bring_to_disk(self._directory / JOURNAL)
            if not is_folder(self._folder):
                make_folder(self._folder)
                bring_names_to_disk(self._directory)
            content = {"format": FORMAT, "journal_bytes": journal_bytes, "facts": dict(facts)}
            data = save(dict(arrays), metadata={"nnlab": json.dumps(content, allow_nan=False)})
            there = self._names()
            before = [name for name in there if name not in self._useless][: KEPT - 1]
            number = 1 + max((int(name[:8]) for name in there), default=0)
            self._remove_drafts()
            write_atomically(self._folder / f"{number:08}-{hashlib.sha256(data).hexdigest()}.safetensors", data)
            bring_names_to_disk(self._folder)
            for name in set(there) - set(before):
                remove(self._folder / name)
        except OSError as error:
            raise not_writable(self._folder, error) from error

    def newest(
        self,
        journal_bytes: int,
        most_bytes: int,
        take: Callable[[Checkpoint], object],
        warn: Callable[[str], object],
    ) -> Checkpoint | None:
        """The newest that can be used, or None. Each that cannot is named, and removed with the next `write`.

        Args:
            journal_bytes: how long the journal is. One that was written when it was longer is of another journal.
            most_bytes: of all arrays together; a file that is larger is not read.
            take: goes on from one; raises ValueError, having changed nothing, if it does not fit.
            warn: told why one is of no use.
        """
        try:
            names = self._names()
        except OSError as error:
            warn(f"the checkpoints in {self._folder} are not used: {_one_line(error)}")
            return None
        for name in names:
            try:
                checkpoint = _read(self._folder / name, most_bytes)
                if checkpoint.journal_bytes > journal_bytes:
                    raise DamagedError(
                        f"its journal had {checkpoint.journal_bytes} bytes, this one has {journal_bytes}"
                    )
                take(checkpoint)
            except (ValueError, OSError) as error:
                self._useless.add(name)
                warn(f"the checkpoint {self._folder / name} is not used: {_one_line(error)}")
            else:
                return checkpoint
        return None

    def clear(self) -> None:
        """Remove all of them.

        Raises:
            RunFailedError: if that fails.
        """
        try:
            remove(self._folder)
        except OSError as error:
            raise not_writable(self._folder, error) from error

    def _names(self) -> list[str]:
        """The newest first."""
        return sorted(filter(_NAME.fullmatch, names_in(self._folder)), reverse=True)

    def _remove_drafts(self) -> None:
        """Of processes that were killed while they wrote."""
        for name in names_in(self._folder):
            if name.endswith(".tmp"):
                remove(self._folder / name)


def _one_line(error: Exception) -> str:
    """What is wrong with a file of which anything may be in the message."""
    return "".join(sign if sign.isprintable() else " " for sign in str(error)[:LONGEST_REASON])


def _read(path: Path, most_bytes: int) -> Checkpoint:
    """Read one back.

    Raises:
        DamagedError: if it is not what was written.
        OSError: if it cannot be read.
    """
    with open_binary(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most_bytes + HEADER:
            raise DamagedError(f"it has {size} bytes, where those of this run have at most {most_bytes + HEADER}")
        data = file.read(size)
    if hashlib.sha256(data).hexdigest() != path.stem.partition("-")[2]:
        raise DamagedError("its content is not what its name says (SHA-256): it is damaged")
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        content = json.loads(header["__metadata__"]["nnlab"])
        arrays = load(data)
    except (SafetensorError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise DamagedError(f"it is none of nnlab's ({type(error).__name__}: {error})") from error
    if not isinstance(content, dict) or {key: type(value) for key, value in content.items()} != _FIELDS:
        raise DamagedError(f"it must hold {', '.join(_FIELDS)}, but holds {str(content)[:200]}")
    if content["format"] != FORMAT:
        raise DamagedError(f"it is of format {content['format']}, where this version of nnlab reads {FORMAT}")
    return Checkpoint(path, arrays, content["facts"], content["journal_bytes"])
