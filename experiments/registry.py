"""The studies, in the order of the table."""

from __future__ import annotations

from experiments.column_mlp.study import STUDY as COLUMN_MLP
from experiments.initialization.study import STUDY as INITIALIZATION
from experiments.keras_mlp.study import STUDY as KERAS_MLP
from experiments.l2.study import STUDY as L2
from experiments.learning_rate_and_batch.study import STUDY as LEARNING_RATE_AND_BATCH
from experiments.miniflow.study import STUDY as MINIFLOW
from experiments.momentum.study import STUDY as MOMENTUM
from experiments.network.study import STUDY as NETWORK
from experiments.record.study import STUDY as RECORD
from experiments.sigmoid_or_relu.study import STUDY as SIGMOID_OR_RELU
from experiments.study import Study
from experiments.toy.study import STUDY as TOY
from experiments.width_and_depth.study import STUDY as WIDTH_AND_DEPTH

STUDIES: dict[str, Study] = {
    study.name: study
    for study in (
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
