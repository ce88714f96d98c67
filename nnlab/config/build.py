"""From a config and its data to the objects that train."""

from __future__ import annotations

from nnlab.config.schema import Config, ModelSettings, Penalty
from nnlab.core.initializers import INITIALIZERS
from nnlab.core.layers import Activation, Dense, Dropout, Layer
from nnlab.core.network import Network
from nnlab.core.objective import Objective
from nnlab.core.regularizers import Regularizer
from nnlab.core.seeding import Streams, streams
from nnlab.data.dataset import Dataset
from nnlab.training.trainer import Trainer


def build_layers(model: ModelSettings, regularizer: object, classes: int) -> list[Layer]:
    """The layers of the network, from the first hidden one to the output's activation."""
    layers: list[Layer] = []
    for width in model.hidden:
        layers += [_dense(model, width, regularizer, is_output=False), Activation(model.activation)]
        if model.dropout:
            layers.append(Dropout(model.dropout))
    layers += [_dense(model, model.output_units or classes, regularizer, is_output=True), Activation(model.output)]
    return layers


def build_objective(config: Config, dataset: Dataset, random: Streams) -> Objective:
    """The initialized network, with its loss and penalties."""
    network = Network(
        build_layers(config.model, config.regularizer, dataset.classes),
        features=(dataset.features,),
        rng=random.init,
        dtype=config.dtype,
    )
    reported = isinstance(config.regularizer, Penalty) and config.regularizer.reported
    return Objective(network, config.model.loss, dropout=random.dropout, reports_penalty=reported)


def build_trainer(config: Config, dataset: Dataset) -> Trainer:
    """Everything that a run trains with, its random streams spawned from `config.seed`."""
    random = streams(config.seed)
    objective = build_objective(config, dataset, random)
    return Trainer(objective, config.optimizer, config.schedule, dataset, config.trainer, random.shuffle)


def _dense(model: ModelSettings, units: int, penalty: object, *, is_output: bool) -> Dense:
    rule: Regularizer | None = None
    biases = False
    if isinstance(penalty, Penalty) and not (is_output and penalty.layers == "hidden"):
        rule = penalty.regularizer(penalty.strength)
        biases = penalty.biases
    return Dense(
        units,
        use_bias=model.bias,
        kernel_initializer=INITIALIZERS[model.init](),
        bias_initializer=INITIALIZERS[model.bias_init](),
        kernel_regularizer=rule,
        bias_regularizer=rule if biases else None,
    )
