"""How large the signal and its gradients are, layer by layer, before a net has learned anything."""

from __future__ import annotations

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from nnlab.config.build import build_trainer
from nnlab.config.schema import Config
from nnlab.core.activations import ACTIVATIONS
from nnlab.core.node import Array
from nnlab.data.loading import dataset_of

ROWS = 1000
SIGNAL, GRADIENT, WEIGHTS = "activations", "gradient by the activations", "gradient by the weights"


def norms(config: Config) -> pd.DataFrame:
    """Root mean squares over a batch of training rows: one row per hidden layer (from 1), one column per quantity."""
    dataset = dataset_of(config.data, seed=config.seed)
    batch = dataset.train.first(ROWS)
    objective = build_trainer(config, dataset).objective
    network = objective.network
    program = objective.training.program(
        {network.x: (len(batch), *network.features), objective.target: (len(batch),)},
    )
    program.values[network.x][...] = batch.inputs()
    program.values[objective.target][...] = batch.targets()
    with threadpool_limits(config.trainer.threads):
        program.forward()
        program.backward()
    kind = ACTIVATIONS[config.model.activation]
    activations = [node for node in objective.training.order if kind is not None and isinstance(node, kind)]
    layers = range(1, len(activations) + 1)
    return pd.DataFrame(
        {
            SIGNAL: [_rms(program.values[node]) for node in activations],
            GRADIENT: [_rms(program.gradients[node]) for node in activations],
            WEIGHTS: [_rms(network.parameters[f"dense_{layer}.weight"].gradient) for layer in layers],
        },
        index=pd.Index(layers, name="hidden layer"),
    )


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
