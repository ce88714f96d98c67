"""A trained network as files that anyone can read: `architecture.json` and `weights.safetensors`, no pickle.

A copy of this file and of `nnlab.core` travels with the model in MLflow, so it uses nothing else of nnlab.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from nnlab.core.network import Network
from nnlab.core.rows import Scaling
from nnlab.errors import UserError

Array = NDArray[Any]
Write = Callable[[Path, bytes], object]

FORMAT = 2
READABLE = (1, FORMAT)
"""Format 1 had only scale and offset."""
ARCHITECTURE = "architecture.json"
WEIGHTS = "weights.safetensors"
TERMS = ("scale", "offset", "shift")
"""Of the scaling, in full: narrowed to float32 they would lose what they are there for."""


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


def load_model(architecture: Path, weights: Path, read: Callable[[Path], bytes] = Path.read_bytes) -> Model:
    """Read a model back.

    Args:
        architecture, weights: the two files.
        read: how a file is read.

    Raises:
        UserError: if the files are damaged, do not belong together, or are of another format.
        OSError: if a file cannot be read.
    """
    data = read(weights)
    try:
        fields = json.loads(read(architecture))
        kind, expected = fields["format"], fields["weights"]["sha256"]
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{architecture} must describe a model in nnlab's JSON, but does not ({error!r}).") from error
    if kind not in READABLE:
        raise UserError(
            f"{architecture} must be of format {' or '.join(map(str, READABLE))}, but is of format {kind!r}. "
            "Load it with the version of nnlab that wrote it."
        )
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise UserError(
            f"The weights must be those that the model was saved with (SHA-256 {expected}), but {weights} "
            f"has {found}. The file was changed or damaged: take it from the run's own directory."
        )
    try:
        arrays = load(data)
        terms = {term: arrays.pop(f"input.{term}") for term in TERMS if kind > 1 or term != "shift"}
        scaling = Scaling(**terms, in_float64=kind > 1 and bool(fields["input"]["in_float64"]))
        example = arrays.pop("input.example")
        network = Network.from_dict(fields["network"])
        network.parameters.load(arrays)
        class_names: Sequence[str] = fields["classes"]
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{architecture} and {weights} do not make a network: {error}") from error
    return Model(network, scaling, tuple(class_names), example)
