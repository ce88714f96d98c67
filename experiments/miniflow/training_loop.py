"""A net of one hidden layer learns to read digits: the loop written out, on nothing but a graph and its gradients.

python -m experiments.miniflow.training_loop data=idx data.root=FOLDER seed=0
"""

from __future__ import annotations

import sys

import numpy as np
from threadpoolctl import threadpool_limits

from nnlab.config.jobs import compose_jobs
from nnlab.core import CrossEntropyWithSoftmax, Input, Linear, Sigmoid, accuracy, value_and_grad
from nnlab.data import Dataset
from nnlab.data.loading import dataset_of
from nnlab.exit_status import exit_status


def train(data: Dataset, *, seed: int, iterations: int = 10_000, test: bool = True) -> tuple[dict[int, float], float]:
    """Train on random batches; returns the validation accuracy by iteration, and the test accuracy, NaN if untested."""
    batch_size, step_size = 128, 0.5
    random = np.random.default_rng(seed)
    x_train, y_train = data.train.inputs(), data.train.targets()

    # The architecture: what is computed from what. Nothing is computed yet.
    x, y, w1, b1, w2, b2 = (Input(name) for name in ("x", "y", "w1", "b1", "w2", "b2"))
    hidden = Sigmoid(Linear(x, w1, b1))
    loss = CrossEntropyWithSoftmax(Linear(hidden, w2, b2), y)

    # The parameters. Weights of variance 1 / fan_in keep the sums that a unit sees near 1.
    weights = {
        w1: random.normal(0, np.sqrt(1 / data.features), (data.features, 100)),
        b1: np.zeros(100),
        w2: random.normal(0, np.sqrt(1 / 100), (100, data.classes)),
        b2: np.zeros(data.classes),
    }
    validation = {x: data.validation.inputs(), y: data.validation.targets()}

    reports = {}
    for i in range(iterations):
        rows = random.integers(len(y_train), size=batch_size)
        error, gradients = value_and_grad(loss, {x: x_train[rows], y: y_train[rows], **weights}, list(weights))
        if i % 1000 == 0:
            reports[i] = accuracy(loss, {**validation, **weights})
            print(f"iteration {i:5}  loss {error:.4f}  validation accuracy {reports[i]:.4f}")
        for weight, gradient in zip(weights.values(), gradients, strict=True):
            weight -= step_size * gradient
    return reports, accuracy(loss, {x: data.test.inputs(), y: data.test.targets(), **weights}) if test else np.nan


if __name__ == "__main__":
    with exit_status(), threadpool_limits(1):  # as a run: more would not be faster here
        for job in compose_jobs(["experiment=miniflow", *sys.argv[1:]], multirun=True):
            config, tests = job.config, bool(job.config.trainer.test)
            _, tested = train(dataset_of(config.data, seed=config.seed), seed=config.seed, test=tests)
            print(f"seed {config.seed}: " + (f"test accuracy {tested:.4f}" if tests else "test split left alone"))
