"""Everything that `conf/` can say, typed.

A config is made of the settings classes of the parts below: an optimizer in a config *is* the core's frozen
optimizer. So each rule is written once, where the thing it is about lives. Groups with several forms
(`optimizer`, `schedule`, `regularizer`) are told apart by their `name`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from nnlab.check import Checked, NotEmpty, Range
from nnlab.config.tracking import TrackingSettings
from nnlab.core.optimizers import OPTIMIZERS, Optimizer
from nnlab.core.schedules import SCHEDULES, Schedule
from nnlab.data.settings import DataSettings
from nnlab.training.settings import TrainerSettings


@dataclass(frozen=True)
class ModelSettings(Checked):
    """A stack of dense layers.

    Args:
        name: what to call it; decides nothing.
        hidden: the widths of the hidden layers, from the input on; may be empty.
        activation: behind each hidden layer.
        output: the activation behind the output layer.
        output_units: the width of the output layer; null is one a class. One unit can decide two classes.
        loss: what training makes small.
        init: how weights begin.
        bias: whether layers have biases.
        bias_init: how biases begin.
        dropout: the probability of dropping a hidden unit's output while training.
    """

    name: str
    hidden: tuple[Annotated[int, Range(ge=1)], ...]
    activation: Literal["relu", "sigmoid", "tanh", "identity"]
    output: Literal["softmax", "sigmoid", "identity", "tanh", "relu"]
    output_units: Annotated[int, Range(ge=1)] | None
    loss: Literal["cross_entropy", "binary_cross_entropy", "half_squared_error", "mean_squared_error"]
    init: Literal["glorot_uniform", "glorot_normal", "he_normal", "he_uniform", "normal", "zeros"]
    bias: bool
    bias_init: Literal["zeros", "normal"]
    dropout: Annotated[float, Range(ge=0, lt=1)]


@dataclass(frozen=True)
class NoPenalty(Checked):
    """No regularizer."""


@dataclass(frozen=True)
class Penalty(Checked):
    """A penalty on the size of parameters; see `nnlab.core.regularizers` for what `strength` multiplies.

    Args:
        strength: λ.
        layers: `hidden` leaves the output layer out.
        biases: whether biases are penalised too.
        reported: whether reported losses include the penalty (as Keras' do), which makes them incomparable
            between strengths.
    """

    kind: ClassVar[str]
    """Its name among the core's `REGULARIZERS`."""

    strength: Annotated[float, Range(ge=0)]
    layers: Literal["all", "hidden"] = "all"
    biases: bool = False
    reported: bool = False


@dataclass(frozen=True)
class L1Penalty(Penalty):
    """λ Σ |w|."""

    kind: ClassVar[str] = "l1"


@dataclass(frozen=True)
class L2Penalty(Penalty):
    """λ Σ w²."""

    kind: ClassVar[str] = "l2"


@dataclass(frozen=True)
class Config:
    """A run, whole.

    Args:
        seed: of every random stream but the split's (see `data.split.seed`).
        dtype: of parameters and activations.
        model: the network and its loss.
        optimizer: the rule that makes steps of gradients.
        regularizer: the penalty.
        schedule: of the learning rate.
        data: what to learn from.
        trainer: how long, in which portions.
        tracking: how the run reaches MLflow.
        runs_dir: the folder that run directories are made in.
    """

    seed: Annotated[int, Range(ge=0)]
    dtype: Literal["float32", "float64"]
    model: ModelSettings
    optimizer: Optimizer
    regularizer: NoPenalty | L1Penalty | L2Penalty
    schedule: Schedule
    data: DataSettings
    trainer: TrainerSettings
    tracking: TrackingSettings
    runs_dir: Annotated[str, NotEmpty()]


VARIANTS: dict[str, dict[str, type]] = {
    "optimizer": dict(OPTIMIZERS),
    "schedule": dict(SCHEDULES),
    "regularizer": {"none": NoPenalty, "l1": L1Penalty, "l2": L2Penalty},
}
"""For each group with several forms, the class by the group's `name`."""


def as_dict(config: Config) -> dict[str, Any]:
    """The resolved config as plain values, every key and default spelt out: what `config.yaml` and MLflow hold."""
    plain = dataclasses.asdict(config)
    for group, forms in VARIANTS.items():
        chosen = type(getattr(config, group))
        name = next(name for name, form in forms.items() if form is chosen)
        plain[group] = {"name": name, **plain[group]}
    return {key: _plain(value) for key, value in plain.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value
