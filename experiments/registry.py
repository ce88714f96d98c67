"""The experiments, in the order of the table."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.column_mlp.experiment import EXPERIMENT as COLUMN_MLP
from experiments.experiment import Experiment
from experiments.initialization.experiment import EXPERIMENT as INITIALIZATION
from experiments.keras_mlp.experiment import EXPERIMENT as KERAS_MLP
from experiments.l2.experiment import EXPERIMENT as L2
from experiments.learning_rate_and_batch.experiment import EXPERIMENT as LEARNING_RATE_AND_BATCH
from experiments.miniflow.experiment import EXPERIMENT as MINIFLOW
from experiments.momentum.experiment import EXPERIMENT as MOMENTUM
from experiments.network.experiment import EXPERIMENT as NETWORK
from experiments.record.experiment import EXPERIMENT as RECORD
from experiments.sigmoid_or_relu.experiment import EXPERIMENT as SIGMOID_OR_RELU
from experiments.toy.experiment import EXPERIMENT as TOY
from experiments.width_and_depth.experiment import EXPERIMENT as WIDTH_AND_DEPTH
from nnlab.check import closest
from nnlab.errors import UserError

EXPERIMENTS: dict[str, Experiment] = {
    each.name: each
    for each in (
        KERAS_MLP,
        COLUMN_MLP,
        TOY,
        NETWORK,
        MINIFLOW,
        MOMENTUM,
        L2,
        LEARNING_RATE_AND_BATCH,
        WIDTH_AND_DEPTH,
        INITIALIZATION,
        SIGMOID_OR_RELU,
        RECORD,
    )
}


def named(names: Sequence[str] | None) -> list[Experiment]:
    """The experiments of these names, in the order of the table; all if none is named.

    Raises:
        UserError: if there is no such experiment.
    """
    for name in names or ():
        if name not in EXPERIMENTS:
            near = closest(name, EXPERIMENTS)
            hint = f" Did you mean {near}?" if near else ""
            raise UserError(f"--only must be an experiment, one of {', '.join(EXPERIMENTS)}, but got {name}.{hint}")
    return [each for name, each in EXPERIMENTS.items() if not names or name in names]
