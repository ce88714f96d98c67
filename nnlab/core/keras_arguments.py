"""The arguments of `compile` and `fit`, checked before anything changes."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from nnlab.check import Range, checked, closest, problem_with
from nnlab.core.keras_names import KERAS_OPTIMIZERS
from nnlab.core.objective import KERAS_LOSSES, LOSSES
from nnlab.core.optimizers import Optimizer
from nnlab.core.schedules import Constant, Schedule
from nnlab.plain import shown

Count = Annotated[int, Range(ge=1)]
Whole = Annotated[int, Range(ge=0)]
Fraction = Annotated[float, Range(ge=0, lt=1)]

ALL_LOSSES = {**LOSSES, **KERAS_LOSSES}


class CompileArguments(NamedTuple):
    """The arguments of `compile`, checked.

    Args:
        optimizer: the rule.
        loss: its name in `ALL_LOSSES`.
        has_accuracy: whether accuracy is reported.
        schedule: of the learning rate.
        schedule_epochs: how many epochs a schedule that ends is planned for; None takes those of the first `fit`.
        clip_norm: the largest global norm of a gradient.
    """

    optimizer: Optimizer
    loss: str
    has_accuracy: bool
    schedule: Schedule
    schedule_epochs: int | None
    clip_norm: float | None


class FitArguments(NamedTuple):
    """The arguments of `fit` besides the rows, checked."""

    batch_size: int
    epochs: int
    initial_epoch: int
    validation_split: float
    shuffle: bool
    verbose: int


def compile_arguments(
    optimizer: Any, loss: Any, metrics: Any, schedule: Any, schedule_epochs: Any, clip_norm: Any
) -> CompileArguments:
    """The arguments of `compile`, if all of them are right.

    Raises:
        ValueError: with the first that is not.
    """
    if not isinstance(loss, str) or loss not in ALL_LOSSES:
        near = closest(loss, ALL_LOSSES) if isinstance(loss, str) else ""
        hint = f" Did you mean {near!r}?" if near else ""
        raise ValueError(f"`loss` must be one of {', '.join(ALL_LOSSES)}, but got {shown(loss)}.{hint}")
    return CompileArguments(
        _optimizer(optimizer),
        loss,
        _has_accuracy(metrics),
        Constant() if schedule is None else _schedule(schedule),
        checked("schedule_epochs", Count | None, schedule_epochs, "None"),
        checked("clip_norm", Annotated[float, Range(gt=0)] | None, clip_norm, "None"),
    )


def fit_arguments(
    batch_size: Any, epochs: Any, initial_epoch: Any, validation_split: Any, shuffle: Any, verbose: Any
) -> FitArguments:
    """The arguments of `fit`, if all of them are right.

    Raises:
        ValueError: with the first that is not.
    """
    asked = FitArguments(
        batch_size=checked("batch_size", Count, 32 if batch_size is None else batch_size, "32"),
        epochs=checked("epochs", Whole, epochs, "1"),
        initial_epoch=checked("initial_epoch", Whole, initial_epoch, "0"),
        validation_split=checked("validation_split", Fraction, validation_split, "0.2"),
        shuffle=checked("shuffle", bool, shuffle, "True"),
        verbose=verbosity(verbose),
    )
    if asked.initial_epoch > asked.epochs:
        raise ValueError(
            f"`epochs` is the epoch to end with, not how many follow, and must be at least `initial_epoch`; but got "
            f"epochs={asked.epochs} and initial_epoch={asked.initial_epoch}. "
            f"Try epochs={asked.initial_epoch + asked.epochs}."
        )
    return asked


def verbosity(verbose: Any) -> int:
    """0 for silence, 1 or 2 for lines; Keras' auto means lines."""
    level = checked("verbose", Literal["auto", 0, 1, 2], verbose, "0")
    return 1 if level == "auto" else int(level)


def _optimizer(optimizer: Any) -> Optimizer:
    if isinstance(optimizer, str) and optimizer.lower() in KERAS_OPTIMIZERS:
        return KERAS_OPTIMIZERS[optimizer.lower()]
    needed = ("lr", "init", "step")
    if isinstance(optimizer, str | type) or not all(hasattr(optimizer, name) for name in needed):
        raise ValueError(
            f"`optimizer` must be one of {', '.join(KERAS_OPTIMIZERS)}, but got {shown(optimizer)}. "
            "Or give one of nnlab's optimizers: `SGD(lr=0.1)`."
        )
    checked_optimizer: Optimizer = optimizer
    return checked_optimizer


def _has_accuracy(metrics: Any) -> bool:
    names = [metrics] if isinstance(metrics, str) else [] if metrics is None else metrics
    if problem_with(tuple[Literal["accuracy"], ...], names):
        raise ValueError(
            f"`metrics` supports only accuracy, but got {shown(metrics)}. Give metrics=['accuracy'], or [] for none."
        )
    return bool(names)


def _schedule(schedule: Any) -> Schedule:
    if problem_with(Schedule, schedule):
        raise ValueError(f"`schedule` must be one of nnlab's schedules, but got {shown(schedule)}. Try `Cosine()`.")
    checked_schedule: Schedule = schedule
    return checked_schedule
