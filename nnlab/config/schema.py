"""The schema of a config: everything that `conf/` can set, typed.

A config is made of the settings classes of the parts below: an optimizer in a config *is* the core's frozen
optimizer. So each rule is written once, where the thing it is about lives. Groups with several forms
(`optimizer`, `schedule`, `regularizer`) are told apart by their `name`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from nnlab.check import NOT_EMPTY, Checked, OneOf, Range
from nnlab.config.tracking import TrackingSettings
from nnlab.core.activations import ACTIVATIONS
from nnlab.core.initializers import BIAS_INITIALIZERS, INITIALIZERS
from nnlab.core.objective import LOSSES
from nnlab.core.optimizers import OPTIMIZERS, Optimizer
from nnlab.core.regularizers import L1, L2
from nnlab.core.schedules import SCHEDULES, Schedule
from nnlab.data.settings import DataSettings
from nnlab.training.settings import TrainerSettings


@dataclass(frozen=True)
class ModelSettings(Checked):
    """A stack of dense layers.

    Args:
        name: for people; it has no effect.
        hidden: the widths of the hidden layers, from the input on; may be empty.
        activation: after each hidden layer; softmax is for outputs.
        output: the activation after the output layer.
        output_units: the width of the output layer; null is one per class. One unit can tell two classes apart.
        loss: what training minimizes.
        init: how weights are initialized.
        bias: whether layers have biases.
        bias_init: how biases are initialized.
        dropout: the probability of dropping a hidden unit's output while training.
    """

    name: str
    hidden: tuple[Annotated[int, Range(ge=1)], ...]
    activation: Annotated[str, OneOf(ACTIVATIONS, but=("softmax",))]
    output: Annotated[str, OneOf(ACTIVATIONS)]
    output_units: Annotated[int, Range(ge=1)] | None
    loss: Annotated[str, OneOf(LOSSES)]
    init: Annotated[str, OneOf(INITIALIZERS)]
    bias: bool
    bias_init: Annotated[str, OneOf(BIAS_INITIALIZERS)]
    dropout: Annotated[float, Range(ge=0, lt=1)]


@dataclass(frozen=True)
class NoPenalty(Checked):
    """No regularizer."""


@dataclass(frozen=True)
class Penalty(Checked):
    """A penalty on the size of parameters; see `nnlab.core.regularizers` for what `strength` multiplies.

    Args:
        strength: λ.
        layers: `hidden` excludes the output layer.
        biases: whether biases are penalised too.
        reported: whether reported losses include the penalty (as Keras' do), which makes them incomparable
            between strengths.
    """

    regularizer: ClassVar[type[L1] | type[L2]]
    """The core's class of it."""

    strength: Annotated[float, Range(ge=0)]
    layers: Literal["all", "hidden"] = "all"
    biases: bool = False
    reported: bool = False


@dataclass(frozen=True)
class L1Penalty(Penalty):
    """λ Σ |w|."""

    regularizer = L1


@dataclass(frozen=True)
class L2Penalty(Penalty):
    """λ Σ w²."""

    regularizer = L2


@dataclass(frozen=True)
class Config:
    """Everything that defines a run.

    Args:
        seed: of every random stream but the split's (see `data.split.seed`).
        dtype: of parameters and activations.
        model: the network and its loss.
        optimizer: the rule that turns gradients into steps.
        regularizer: the penalty.
        schedule: of the learning rate.
        data: what to learn from.
        trainer: how long, and in which batches.
        tracking: how the run reaches MLflow.
        runs_dir: the folder that run directories are made in.
        strict: refuses to start a run that could not be reproduced.
    """

    seed: Annotated[int, Range(ge=0)]
    dtype: Literal["float32", "float64"]
    model: ModelSettings
    optimizer: Optimizer
    regularizer: NoPenalty | Penalty
    schedule: Schedule
    data: DataSettings
    trainer: TrainerSettings
    tracking: TrackingSettings
    runs_dir: Annotated[str, NOT_EMPTY]
    strict: bool


PENALTIES: dict[str, type[NoPenalty | Penalty]] = {"none": NoPenalty, "l1": L1Penalty, "l2": L2Penalty}
"""By the `name` of the group `regularizer`."""

VARIANTS: Mapping[str, Mapping[str, type]] = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "regularizer": PENALTIES,
}
"""For each group with several forms, the table of their classes by the group's `name`."""


def as_dict(config: Config) -> dict[str, Any]:
    """The resolved config as plain values, with every key and default: what `config.yaml` and MLflow hold."""
    plain = dataclasses.asdict(config)
    for group, forms in VARIANTS.items():
        plain[group] = {"name": form_name(forms, getattr(config, group)), **plain[group]}
    return {key: _plain(value) for key, value in plain.items()}


def form_name(forms: Mapping[str, type], chosen: object) -> str:
    """The name of the form that a group's settings have."""
    return next(name for name, form in forms.items() if form is type(chosen))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value
