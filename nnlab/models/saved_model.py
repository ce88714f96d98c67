"""A trained network as files that anyone can read: `architecture.json` and `weights.safetensors`, no pickle.

A copy of this file, of `nnlab.core` and of what reads them travels with the model in MLflow, see `nnlab.models.code`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from nnlab.core.network import Network
from nnlab.core.rows import Scaling
from nnlab.errors import UserError
from nnlab.json_text import read_json
from nnlab.models.stored_form import LARGEST_ARCHITECTURE, TERMS, ArchitectureForm, check_header, largest_file
from nnlab.typed import MalformedError

Array = NDArray[Any]
Open = Callable[[Path], BinaryIO]
Write = Callable[[Path, bytes], object]

FORMAT = 2
ARCHITECTURE = "architecture.json"
WEIGHTS = "weights.safetensors"
RESTORE = "Restore the model's two files, or load them with the version of nnlab that wrote them."


@dataclass(frozen=True)
class Model:
    """A network together with what turns stored rows into its inputs.

    Args:
        network: trained.
        scaling: of the rows, per feature or one for all.
        class_names: the classes in the order of the outputs.
        example: (k, features) a few rows as they are stored, in their own dtype.
    """

    network: Network
    scaling: Scaling
    class_names: tuple[str, ...]
    example: Array

    def predict(self, rows: Array) -> Array:
        """The network's outputs (n, outputs) for rows (n, features) as they are stored (bytes 0..255, say).

        They get the arithmetic of training, so the same numbers give the same inputs to the bit, whatever type they
        come in.

        Raises:
            ValueError: if the rows are no numbers, or have another number of features.
        """
        if rows.dtype.kind not in "biuf" or rows.shape[1:] != self.network.features:
            raise ValueError(
                f"`rows` must be numbers of shape (n, {', '.join(map(str, self.network.features))}), but are "
                f"{rows.dtype} of shape {rows.shape}."
            )
        return self.network.predict(self.scaling.inputs(rows, self.network.dtype))


def save_model(folder: Path, model: Model, write: Write = Path.write_bytes) -> None:
    """Write the model into `folder`, which is made if absent.

    The weights go first, so that an architecture always speaks of weights that are there.

    Args:
        folder: for the two files.
        model: trained.
        write: how a file is written.

    Raises:
        OSError: if the folder cannot be written.
    """
    arrays = {
        **model.network.parameters.named(),
        **{f"input.{term}": np.asarray(getattr(model.scaling, term), np.float64) for term in TERMS},
        "input.example": model.example,
    }
    weights = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    architecture = {
        "format": FORMAT,
        "network": model.network.to_dict(),
        "input": {
            "features": model.example.shape[1],
            "dtype": model.example.dtype.name,
            "in_float64": model.scaling.in_float64,
        },
        "classes": list(model.class_names),
        "weights": {"file": WEIGHTS, "sha256": hashlib.sha256(weights).hexdigest()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / WEIGHTS, weights)
    write(folder / ARCHITECTURE, (json.dumps(architecture, indent=2) + "\n").encode())


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def load_model(architecture: Path, weights: Path, opened: Open = _open) -> Model:
    """Read a model back.

    Args:
        architecture, weights: the two files.
        opened: how a file is opened.

    Raises:
        UserError: if a file cannot be read or is damaged, or they do not belong together, or are of another format.
    """
    try:
        fields: ArchitectureForm = read_json(_content(architecture, LARGEST_ARCHITECTURE, opened), ArchitectureForm)
        data = _content(weights, largest_file(fields), opened)
    except MalformedError as error:
        raise UserError(f"{architecture} must describe a model as nnlab does: {error}. {RESTORE}") from error
    found, expected = hashlib.sha256(data).hexdigest(), fields["weights"]["sha256"]
    if found != expected:
        raise UserError(
            f"The weights must be those that the model was saved with (SHA-256 {expected}), but {weights} "
            f"has {found}. The file was changed or damaged: take it from the run's own directory."
        )
    try:
        return _model(fields, data)
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{architecture} and {weights} do not make a network: {error}. {RESTORE}") from error


def _model(fields: ArchitectureForm, data: bytes) -> Model:
    check_header(data, fields)
    kind, input_ = fields["format"], fields["input"]
    arrays = load(data)
    terms = {term: arrays.pop(f"input.{term}") for term in TERMS if kind > 1 or term != "shift"}
    for term, array in terms.items():
        if (
            array.dtype.kind != "f"
            or array.shape not in ((), (1,), (input_["features"],))
            or not np.isfinite(array).all()
        ):
            raise ValueError(f"`input.{term}` must be finite, a number or one per feature")
    example = arrays.pop("input.example")
    if example.ndim != 2 or example.shape[1] != input_["features"] or example.dtype.name != input_["dtype"]:
        raise ValueError(f"`input.example` must be rows of {input_['features']} features of {input_['dtype']}")
    network = Network.from_dict(fields["network"])
    network.parameters.load(arrays)
    scaling = Scaling(**terms, in_float64=kind > 1 and input_["in_float64"])
    return Model(network, scaling, tuple(fields["classes"]), example)


def _content(path: Path, limit: int, opened: Open) -> bytes:
    try:
        with opened(path) as file:
            size = os.fstat(file.fileno()).st_size  # `read` would take memory for all that it is asked for
            if size > limit:
                raise MalformedError(f"{path.name} must have at most {limit:,} bytes, but has {size:,}")
            return file.read(size)
    except OSError as error:
        raise UserError(f"A model's files must be readable, but {path} is not ({error.strerror}). {RESTORE}") from error
