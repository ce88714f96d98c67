"""One of nnlab's own files, read back: no larger than stated, parsed strictly, of its declared type, or one message."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nnlab.errors import UserError
from nnlab.json_text import read_json
from nnlab.runs.files import open_binary
from nnlab.runs.yaml_text import read_yaml
from nnlab.typed import MalformedError

LARGEST = 16 * 2**20
"""Bytes of a file that is read as a whole, such as `config.yaml`; nnlab's own have a few thousand."""


def read_stored(path: Path, shape: Any, remedy: str) -> Any:
    """What a file says, of a declared type (see `nnlab.typed`).

    Args:
        path: of a `.json` or `.yaml` file.
        shape: of its content.
        remedy: what to do about a damaged one.

    Raises:
        FileNotFoundError: if there is none.
        UserError: if it cannot be read, or is damaged.
    """
    try:
        data = read_bounded(path, LARGEST)
        return read_json(data, shape) if path.suffix == ".json" else read_yaml(data, shape)
    except MalformedError as error:
        raise damaged(path, str(error), remedy) from error


def read_bounded(path: Path, limit: int) -> bytes:
    """The content of a file of at most `limit` bytes.

    Raises:
        FileNotFoundError: if there is none.
        MalformedError: if it is larger.
        UserError: if it cannot be read.
    """
    try:
        with open_binary(path) as file:
            size = os.fstat(file.fileno()).st_size  # `read` would take memory for all that it is asked for
            if size > limit:
                raise MalformedError(f"it has more than {limit:,} bytes")
            return file.read(size)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError(
            f"The files of a run must be readable, but {path.name} in {path.parent} is not ({error.strerror}). "
            "Change its permissions, or move the run directory away."
        ) from error


def damaged(path: Path, fault: str, remedy: str) -> UserError:
    """What to raise for a file that is not as nnlab wrote it."""
    where = f"{path.name} in {path.parent}"
    return UserError(f"The files of a run must be as nnlab wrote them, but {where} is damaged: {fault}. {remedy}")
