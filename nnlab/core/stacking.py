"""From the arguments of `Sequential` to what is trained: a network for its rows, rows for its loss, an objective.

All of it can be discarded again: nothing here changes anything that a `Sequential` has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nnlab.core.arrays import check_resolution, check_size, numeric
from nnlab.core.keras_arguments import ALL_LOSSES
from nnlab.core.layers import Activation, Layer
from nnlab.core.network import Network
from nnlab.core.node import Array
from nnlab.core.objective import Objective
from nnlab.core.rows import Rows
from nnlab.core.targets import read_targets
from nnlab.plain import shown


def float_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """float32 or float64.

    Raises:
        ValueError: if it is neither.
    """
    try:
        found = np.dtype(dtype)
    except (TypeError, ValueError):
        found = None
    if dtype is None or found not in (np.float32, np.float64):
        raise ValueError(f"`dtype` must be float32 or float64, but got {shown(dtype)}. Try np.float32.")
    return np.dtype(found)


def network_for(x: Array, layers: Sequence[Layer], rng: np.random.Generator, dtype: np.dtype[Any]) -> Network:
    """The initialized network, for rows `x` (n, features...); it has been tried on a row of zeros.

    Args:
        x: the rows.
        layers: from the input to the output.
        rng: the stream of initial values, which is copied, so that another network may be built from it.
        dtype: float32 or float64.

    Raises:
        ValueError: if the layers fit neither the rows nor each other, or could not learn.
    """
    features = x.shape[1:]
    if x.ndim < 2 or not math.prod(features):
        raise ValueError(
            f"`x` must have rows of at least one feature, shape (n, features), but got {x.shape}. "
            "Give one row as [x], and one feature of many rows as np.c_[x]."
        )
    try:
        network = Network(layers, features=features, rng=deepcopy(rng), dtype=dtype)
    except (MemoryError, OverflowError):
        raise ValueError(
            f"The network is too large for this machine's memory: {list(layers)}. Lower `units`."
        ) from None
    _check_softmax(network)
    network.predict(np.zeros((1, *features)))
    return network


def _check_softmax(network: Network) -> None:
    shape = network.features
    for layer in network.layers:
        shape = layer.output_shape(shape)
        if isinstance(layer, Activation) and layer.function == "softmax" and shape == (1,):
            raise ValueError(
                "A softmax of one unit is always 1, so the network could learn nothing. For two classes give the layer "
                "before it 2 units, or 1 unit with `Activation('sigmoid')` and loss='binary_crossentropy'."
            )


def objective_for(network: Network, loss: str, dropout: np.random.Generator) -> Objective:
    """The objective of training; its shapes have been tried on one row.

    Raises:
        ValueError: if the loss does not fit the network.
    """
    objective = Objective(network, loss, dropout=dropout, reports_penalty=True)
    target = (1,) if objective.loss.takes_labels else (1, network.outputs)
    objective.evaluation.program({network.x: (1, *network.features), objective.target: target})
    return objective


def check_rows(x: Array, network: Network) -> None:
    """Check that rows `x` (n, features...) have the shape that the network was built for.

    Raises:
        ValueError: if they have another shape, or the network's dtype cannot hold them.
    """
    if x.shape[1:] != network.features:
        raise ValueError(
            f"The network needs rows of shape {network.features}, but got {x.shape[1:]}. "
            f"Give an array of shape (n, {', '.join(map(str, network.features))})."
        )
    check_size("x", x, network.dtype)


def rows_for(x: Array, y: Array, loss: str, network: Network) -> Rows:
    """Rows as the network and its loss need them.

    Raises:
        ValueError: if there are none, or they do not fit.
    """
    check_rows(x, network)
    if not len(x):
        raise ValueError("`x` needs at least one row, but got none. Give more rows.")
    rows = Rows.whole(x, read_targets(y, ALL_LOSSES[loss], network.outputs))
    if rows.y.ndim > 1:
        check_size("y", rows.y, network.dtype)
    return rows


def check_distinguishable(rows: Rows, dtype: np.dtype[Any]) -> None:
    """Check that rows which differ still differ in `dtype`.

    Raises:
        ValueError: if it would round different numbers of a column to the same one.
    """
    check_resolution("x", rows.x, dtype)
    if rows.y.ndim > 1:
        check_resolution("y", rows.y, dtype)


def validation_rows(data: Any, loss: str, network: Network) -> Rows:
    """`validation_data`, a pair of arrays, as rows.

    Raises:
        ValueError: if it is not a pair, or the rows do not fit.
    """
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise ValueError(f"`validation_data` must be a pair (x, y), but got {shown(data)}. Try (x[:10], y[:10]).")
    x, y = (numeric(f"validation_data[{place}]", array) for place, array in enumerate(data))
    if not x.ndim or not len(x):
        raise ValueError("`validation_data` needs at least one row, but got none. Leave it out for no validation.")
    return rows_for(x, y, loss, network)


def split(rows: Rows, fraction: float) -> tuple[Rows, Rows]:
    """The first ⌊n (1 − fraction)⌋ rows, to train on, and the others: as Keras rounds.

    Raises:
        ValueError: if there is none of either, and a fraction was asked for.
    """
    kept = math.floor(len(rows) * (1.0 - fraction))
    if fraction and kept in (0, len(rows)):
        raise ValueError(
            f"`validation_split={fraction}` of {len(rows)} rows must leave at least one row to train on and one to "
            f"evaluate on, but would train on {kept}. Give more rows, or another fraction, or `validation_data`."
        )
    return rows.first(kept), Rows(rows.x, rows.y, rows.index[kept:], rows.scaling)
