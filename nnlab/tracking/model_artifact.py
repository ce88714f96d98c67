"""A trained network as files that anyone can read: `architecture.json` and `weights.safetensors`, no pickle.

A copy of this file and of `nnlab.core` travels with the model in MLflow, so it uses nothing else of nnlab.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
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

FORMAT = 1
ARCHITECTURE = "architecture.json"
WEIGHTS = "weights.safetensors"


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

        Raises:
            ValueError: if the rows have another number of features.
        """
        dtype = self.network.dtype
        inputs = np.empty(rows.shape, dtype)
        # As in training: the factor in the network's precision, straight into its inputs.
        np.multiply(rows, np.asarray(self.scaling.scale, dtype), out=inputs, casting="same_kind")
        inputs += np.asarray(self.scaling.offset, dtype)
        return self.network.predict(inputs)


def save_model(folder: Path, model: Model) -> None:
    """Write the model into `folder`, which is made if absent.

    The weights go first, so that an architecture always speaks of weights that are there.

    Raises:
        OSError: if the folder cannot be written.
    """
    dtype = model.network.dtype
    arrays = {
        **model.network.parameters.named(),
        "input.scale": np.asarray(model.scaling.scale, dtype),
        "input.offset": np.asarray(model.scaling.offset, dtype),
        "input.example": model.example,
    }
    weights = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    architecture = {
        "format": FORMAT,
        "network": model.network.to_dict(),
        "input": {"features": model.example.shape[1], "dtype": model.example.dtype.name},
        "classes": list(model.class_names),
        "weights": {"file": WEIGHTS, "sha256": hashlib.sha256(weights).hexdigest()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(weights)
    (folder / ARCHITECTURE).write_text(json.dumps(architecture, indent=2) + "\n", encoding="utf-8")


def load_model(architecture: Path, weights: Path) -> Model:
    """Read a model back.

    Raises:
        UserError: if the files are damaged, do not belong together, or are of another format.
        OSError: if a file cannot be read.
    """
    data = weights.read_bytes()
    try:
        fields = json.loads(architecture.read_text(encoding="utf-8"))
        kind, expected = fields["format"], fields["weights"]["sha256"]
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{architecture} must describe a model in nnlab's JSON, but does not ({error!r}).") from error
    if kind != FORMAT:
        raise UserError(f"{architecture} must be of format {FORMAT}, but is of format {kind!r}. Use its own nnlab.")
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise UserError(
            f"The weights must be those that the model was saved with (SHA-256 {expected}), but {weights} "
            f"has {found}. The file was changed or damaged: take it from the run's own directory."
        )
    try:
        arrays = load(data)
        scaling = Scaling(arrays.pop("input.scale"), arrays.pop("input.offset"))
        example = arrays.pop("input.example")
        network = Network.from_dict(fields["network"])
        network.parameters.load(arrays)
        class_names: Sequence[str] = fields["classes"]
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{architecture} and {weights} do not make a network: {error}") from error
    return Model(network, scaling, tuple(class_names), example)
