"""Rules that tie keys to each other and to the data. They look only at values that are valid by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nnlab.config.problems import ConfigProblem
from nnlab.core.objective import LOSSES
from nnlab.data.dataset import Dataset
from nnlab.data.narrowing import narrowing_loss


def combination_problems(settings: Mapping[str, Any]) -> Iterator[ConfigProblem]:
    """Keys that are valid alone and wrong together.

    Args:
        settings: the valid values by full key (see `Reader.settings`).
    """
    get = settings.get
    loss, output = get("model.loss"), get("model.output")
    if loss and output:
        needed = LOSSES[loss].fused_with
        if needed and output != needed:
            fitting = next((name for name, other in LOSSES.items() if other.fused_with == output), "half_squared_error")
            yield ConfigProblem(
                "model.loss",
                f"needs model.output={needed}, as it is computed from logits, but model.output={output}",
                loss,
                f"model.output={needed}, or model.loss={fitting}",
            )
    if output == "softmax" and get("model.output_units") == 1:
        yield ConfigProblem(
            "model.output_units", "must be at least 2 with softmax, as its outputs sum to 1", 1, "model.output=sigmoid"
        )
    if get("model.bias") is False and get("regularizer.biases"):
        yield ConfigProblem(
            "regularizer.biases", "needs biases, but model.bias=false", True, "regularizer.biases=false"
        )
    warmup, epochs = get("schedule.warmup"), get("trainer.epochs")
    if warmup and epochs and warmup > epochs:
        yield ConfigProblem(
            "schedule.warmup",
            f"must be at most trainer.epochs={epochs}, or the warm-up never ends",
            warmup,
            str(epochs),
        )
    stop_after = get("trainer.stop_after")
    if stop_after and epochs and stop_after > epochs:
        yield ConfigProblem("trainer.stop_after", f"must be at most trainer.epochs={epochs}", stop_after, str(epochs))


def data_problems(settings: Mapping[str, Any], dataset: Dataset) -> Iterator[ConfigProblem]:
    """Keys that do not fit the data.

    Args:
        settings: the valid values by full key.
        dataset: the data that they name.
    """
    get = settings.get
    rows, batch_size = len(dataset.train), get("trainer.batch_size")
    if isinstance(batch_size, int) and batch_size > rows:
        yield ConfigProblem(
            "trainer.batch_size",
            f"must be at most the {rows} rows of the training split of {dataset.name}",
            batch_size,
            f"{rows}, or full",
        )
    units = get("model.output_units")
    is_binary = units == 1 and dataset.classes == 2
    if units is not None and units != dataset.classes and not is_binary:
        yield ConfigProblem(
            "model.output_units", f"must be {dataset.classes}, one per class of {dataset.name}", units, "null"
        )
    if get("trainer.patience") is not None and not len(dataset.validation):
        yield ConfigProblem(
            "trainer.patience",
            "needs a validation split to judge epochs by, but the split is empty",
            get("trainer.patience"),
            "null, or data.split.validation=0.15",
        )
    if dtype := get("dtype"):
        loss = narrowing_loss(dataset, np.dtype(dtype))
        if loss is not None:
            yield ConfigProblem("dtype", loss.rule, dtype, loss.remedy)
