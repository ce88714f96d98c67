"""The document's network the document's way: add, compile, fit, evaluate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from nnlab.config import Config
from nnlab.core import L2, Activation, Dense, Momentum, Sequential, TimeDecay
from nnlab.data import Dataset

HIDDEN: dict[str, Any] = {"kernel_initializer": "glorot_uniform", "kernel_regularizer": L2(0.01)}


def fitted(dataset: Dataset, config: Config) -> tuple[NDArray[np.float32], float]:
    """Fit on the rows, for the epochs and with the seed and threads of the preset's `config`.

    Returns:
        All weights as one vector, and the accuracy on the test split.
    """
    held_out = len(dataset.validation)
    x = np.concatenate([dataset.train.inputs(), dataset.validation.inputs()])
    y = np.eye(10)[np.concatenate([dataset.train.targets(), dataset.validation.targets()])]
    model = Sequential(seed=config.seed)
    model.add(Dense(300, input_dim=784, **HIDDEN))
    model.add(Activation("relu"))
    model.add(Dense(50, **HIDDEN))
    model.add(Activation("relu"))
    model.add(Dense(10, kernel_initializer="glorot_uniform"))
    model.add(Activation("softmax"))
    sgd = Momentum(lr=0.01, momentum=0.9)
    model.compile(sgd, "categorical_crossentropy", ["accuracy"], schedule=TimeDecay(decay=1e-4))
    with threadpool_limits(config.trainer.threads):
        model.fit(x, y, validation_split=held_out / len(x), epochs=config.trainer.epochs, batch_size=50, verbose=0)
        _, accuracy = model.evaluate(dataset.test.inputs(), np.eye(10)[dataset.test.targets()])
    return model.network.parameters.values_vector, accuracy
