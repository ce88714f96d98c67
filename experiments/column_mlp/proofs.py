"""What system 2 checks: its columns are nnlab's rows, and its file is read back as it was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments.column_mlp.column_form import backward, cost, forward
from nnlab.batch import compose
from nnlab.config.build import build_trainer
from nnlab.config.quoting import as_override
from nnlab.config.schema import Config
from nnlab.core.batches import BatchLoader
from nnlab.data import Dataset, read_source

UPDATES = 5


def gradient_difference(config: Config, dataset: Dataset) -> tuple[float, float]:
    """Descend on the whole batch, and at each update compute the column form on the same weights.

    Returns:
        The largest absolute difference of a gradient, and of the cost.
    """
    objective = build_trainer(config, dataset).objective
    parameters = objective.network.parameters
    program, _ = BatchLoader(dataset.train, objective, objective.training, len(dataset.train)).load(dataset.train.index)
    layers = range(1, len(config.model.hidden) + 2)
    X = dataset.train.inputs(np.float64).T
    Y = np.eye(dataset.classes)[dataset.train.targets()].T
    of_gradients, of_costs = 0.0, 0.0
    for _ in range(UPDATES):
        W = [parameters[f"dense_{layer}.weight"].value.T for layer in layers]
        b = [parameters[f"dense_{layer}.bias"].value[:, None] for layer in layers]
        Z, A = forward(X, W, b)
        dW, db = backward(Y, Z, A, W)
        of_costs = max(of_costs, abs(float(program.forward()) - cost(Y, A[-1])))
        program.backward()
        for layer, weights, biases in zip(layers, dW, db, strict=True):
            rows = parameters[f"dense_{layer}.weight"].gradient, parameters[f"dense_{layer}.bias"].gradient
            differences = np.abs(rows[0].T - weights).max(), np.abs(rows[1] - biases[:, 0]).max()
            of_gradients = max(of_gradients, *map(float, differences))
        parameters.values_vector[...] -= config.optimizer.lr * parameters.gradients_vector
    return of_gradients, of_costs


def csv_difference(dataset: Dataset, file: Path) -> int:
    """Write the training digits in the CSV form, and read the file by `data=csv`.

    Returns:
        The largest absolute difference of a pixel or a label.
    """
    pixels, labels = dataset.train.x[dataset.train.index].astype(np.int64), dataset.train.targets()
    names = ["label", *(f"pixel{column}" for column in range(pixels.shape[1]))]
    file.parent.mkdir(parents=True, exist_ok=True)
    table = np.column_stack([labels, pixels])
    np.savetxt(file, table, fmt="%d", delimiter=",", header=",".join(names), comments="")
    settings = compose("data=csv", as_override("data.root", str(file))).config.data
    x, y = read_source(settings).parts["train"]
    if x.shape != pixels.shape:
        raise ValueError(f"{file} was written with {pixels.shape} pixels, but read with {x.shape}.")
    return int(max(np.abs(x - pixels).max(), np.abs(y - labels).max()))
