"""The document's network the document's way: add, compile, fit, evaluate."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from nnlab.config.schema import Config
from nnlab.core import L2, Activation, Dense, Momentum, Sequential, TimeDecay
from nnlab.data.loading import dataset_of

HIDDEN: dict[str, Any] = {"kernel_initializer": "glorot_uniform", "kernel_regularizer": L2(0.01)}


def fitted(config: Config) -> tuple[NDArray[np.float32], float]:
    """Fit on the rows, for the epochs and with the seed and threads of the preset's `config`.

    Returns:
        All weights as one vector, and the seconds that it took.
    """
    dataset = dataset_of(config.data, seed=config.seed)
    held_out = dataset.validation.inputs(), np.eye(10)[dataset.validation.targets()]
    x = np.concatenate([dataset.train.inputs(), held_out[0]])
    y = np.concatenate([np.eye(10)[dataset.train.targets()], held_out[1]])
    started = time.perf_counter()
    model = Sequential(seed=config.seed)
    model.add(Dense(300, input_dim=784, **HIDDEN))
    model.add(Activation("relu"))
    model.add(Dense(50, **HIDDEN))
    model.add(Activation("relu"))
    model.add(Dense(10, kernel_initializer="glorot_uniform"))
    model.add(Activation("softmax"))
    sgd = Momentum(lr=0.01, momentum=0.9)
    model.compile(sgd, "categorical_crossentropy", ["accuracy"], schedule=TimeDecay(decay=1e-4))
    share = (len(held_out[0]) - 0.25) / len(x)  # a quarter of a row less, so that rounding never loses a row
    with threadpool_limits(int(config.trainer.threads)):
        model.fit(x, y, validation_split=share, epochs=config.trainer.epochs, batch_size=50, verbose=0)
        model.evaluate(*held_out)
    return model.network.parameters.values_vector, time.perf_counter() - started
