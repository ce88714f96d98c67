"""What the two files of a saved model may hold, and how large that makes them: known before anything is unpacked.

A copy of this file travels with the model in MLflow, see `nnlab.models.code`.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import numpy as np

from nnlab.check import Matches, OneOf, Range
from nnlab.core.activations import ACTIVATIONS
from nnlab.json_text import read_json
from nnlab.plain import shown
from nnlab.typed import FILLED, ByName, MalformedError

TERMS = ("scale", "offset", "shift")
"""Of the scaling, in full: narrowed to float32 they would lose what they are there for."""
LARGEST_WEIGHTS = 4 * 2**30
"""Bytes of the weights: a thousand million parameters."""
LARGEST_ARCHITECTURE = 16 * 2**20
LARGEST_HEADER = 2**20
MOST_LAYERS = 10_000
MOST_EXAMPLES = 1000
"""How many rows of the data a model may show."""

Count = Annotated[int, Range(ge=1, le=2**31)]


class DenseForm(TypedDict):
    """See `nnlab.core.layers`, whose layers describe themselves so."""

    kind: Literal["dense"]
    units: Count
    use_bias: bool
    activation: NotRequired[Annotated[str, OneOf(ACTIVATIONS)]]


class ActivationForm(TypedDict):
    """An activation layer."""

    kind: Literal["activation"]
    function: Annotated[str, OneOf(ACTIVATIONS)]


class DropoutForm(TypedDict):
    """A dropout layer."""

    kind: Literal["dropout"]
    rate: Annotated[float, Range(ge=0, lt=1)]


LAYERS = ByName("kind", {"dense": DenseForm, "activation": ActivationForm, "dropout": DropoutForm})


class NetworkForm(TypedDict):
    """A network without its parameters."""

    features: Annotated[list[Count], FILLED]
    dtype: Literal["float32", "float64"]
    layers: Annotated[list[Annotated[dict[str, Any], LAYERS]], FILLED]


class InputForm(TypedDict):
    """The rows as they are stored; format 1 does not know `in_float64`."""

    features: Count
    dtype: Annotated[str, Matches(r"[a-z]{1,8}[0-9]{0,3}", "a name of NumPy's")]
    in_float64: NotRequired[bool]


class WeightsForm(TypedDict):
    """The other file."""

    file: str
    sha256: Annotated[str, Matches(r"[0-9a-f]{64}", "a SHA-256 in hexadecimal")]


class ArchitectureForm(TypedDict):
    """`architecture.json`. Format 1 had only scale and offset of the scaling."""

    format: Literal[1, 2]
    network: NetworkForm
    input: InputForm
    classes: list[str]
    weights: WeightsForm


class TensorForm(TypedDict):
    """An array of a safetensors file: where its bytes are, from the end of the header on."""

    dtype: Literal["F64", "F32", "F16", "I64", "U64", "I32", "U32", "I16", "U16", "I8", "U8", "BOOL"]
    shape: list[Annotated[int, Range(ge=0, le=2**31)]]
    data_offsets: tuple[Annotated[int, Range(ge=0)], Annotated[int, Range(ge=0)]]


def largest_file(architecture: ArchitectureForm) -> int:
    """How many bytes the weights' file of this architecture has at most.

    Raises:
        MalformedError: if it is more than nnlab reads.
    """
    network = architecture["network"]
    if len(network["layers"]) > MOST_LAYERS:
        raise MalformedError(f"`network.layers` must be at most {MOST_LAYERS:,}, but are {len(network['layers']):,}")
    weights = _parameter_bytes(network)
    if weights > LARGEST_WEIGHTS:
        raise MalformedError(f"its weights must have at most {LARGEST_WEIGHTS:,} bytes, but would have {weights:,}")
    others = (MOST_EXAMPLES + len(TERMS)) * architecture["input"]["features"] * 8
    return weights + others + LARGEST_HEADER


def _parameter_bytes(network: NetworkForm) -> int:
    width, parameters = math.prod(network["features"]), 0
    for layer in network["layers"]:
        if layer["kind"] == "dense":
            parameters += (width + layer["use_bias"]) * layer["units"]
            width = layer["units"]
    return parameters * np.dtype(network["dtype"]).itemsize


def check_header(weights: bytes, architecture: ArchitectureForm) -> None:
    """Check that a safetensors file says that it holds what the architecture needs, and nothing larger than itself.

    Raises:
        MalformedError: if it does not.
    """
    size = int.from_bytes(weights[:8], "little")
    if not 0 < size <= min(LARGEST_HEADER, len(weights) - 8):
        raise MalformedError(f"its header must be in the file, but has {size:,} bytes")
    if (needed_bytes := _parameter_bytes(architecture["network"])) > len(weights):
        raise MalformedError(f"the network's parameters have {needed_bytes:,} bytes, but the file has {len(weights):,}")
    tensors: dict[str, Any] = read_json(weights[8 : 8 + size], dict[str, TensorForm])
    needed = {"F32": "float32", "F64": "float64"}
    for name, tensor in tensors.items():
        if not name.startswith("input.") and needed.get(tensor["dtype"]) != architecture["network"]["dtype"]:
            dtype = architecture["network"]["dtype"]
            raise MalformedError(f"the array {shown(name)} must be of {dtype}, but is {tensor['dtype']}")
