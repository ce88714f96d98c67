"""Targets as users give them, read as the loss needs them: class labels, or columns of numbers."""

from __future__ import annotations

import numpy as np

from nnlab.core.node import Array
from nnlab.core.objective import Loss


def read_targets(y: Array, loss: Loss, outputs: int) -> Array:
    """Labels (n,) integer where `y` names classes, else targets (n, outputs).

    Classes are whole numbers (n,), a column of zeros and ones, or one-hot rows. For a loss on columns, floats
    other than zeros and ones are numbers to predict.

    Args:
        y: (n,) or (n, k).
        loss: the loss that takes them.
        outputs: the width of the network's output.

    Raises:
        ValueError: if they do not fit the loss or the width.
    """
    if y.ndim not in (1, 2):
        raise ValueError(
            f"Targets must be labels (n,) or columns (n, outputs), but got {y.shape}. Give `y.reshape(len(y), -1)`."
        )
    is_binary = bool(np.all((y == 0) | (y == 1)))
    if y.ndim == 2 and y.shape[1] == 1 and (is_binary or loss.takes_labels or outputs == 1):
        y = y[:, 0]
    if not loss.takes_labels and (y.ndim == 2 or outputs == 1):
        loss.node.targets.check(y)
    if y.ndim == 2:
        if y.shape[1] != outputs:
            raise ValueError(
                f"Targets have {y.shape[1]} columns, but the network has {outputs} outputs. "
                "Give the last layer as many units, or give labels (n,)."
            )
        if is_binary and np.all(y.sum(axis=1) == 1):
            labels: Array = y.argmax(axis=1)
            return labels
        if loss.takes_labels:
            raise ValueError(
                "Cross-entropy needs a class for each row: labels (n,) or one-hot rows (n, k). "
                "For several classes per row, use `Activation('sigmoid')` and binary cross-entropy."
            )
        return y
    is_whole = y.dtype.kind in "iub" or bool(np.all(y == np.floor(y)))
    if loss.takes_labels and not is_whole:
        raise ValueError(
            f"Cross-entropy needs classes, which are whole numbers, but got {y[y != np.floor(y)][0]}. "
            "To predict numbers, take mean_squared_error."
        )
    if loss.takes_labels or is_binary or y.dtype.kind in "iub":
        return checked_labels(y, outputs).astype(np.intp, copy=False)
    if outputs != 1:
        raise ValueError(
            f"Targets have one column, but the network has {outputs} outputs. Give the last layer one unit."
        )
    return y.reshape(-1, 1)


def checked_labels(labels: Array, outputs: int) -> Array:
    """The same labels (n,), if the network has outputs for them: one output decides between two classes.

    Raises:
        ValueError: if it has none for one of them.
    """
    classes = max(2, outputs)
    wrong = labels[(labels < 0) | (labels >= classes)]
    if wrong.size:
        raise ValueError(
            f"Labels must be classes from 0 to {classes - 1}, as the network has {outputs} output"
            f"{'s' if outputs > 1 else ''}, but got {int(wrong[0])}. "
            "Give the last layer a unit for each class; numbers to predict, not classes, are given as floats."
        )
    return labels
