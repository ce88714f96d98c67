"""All pictures of a run as files: what is drawn depends on what the run has."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nnlab.core.rows import Array, Rows
from nnlab.plots.confusion import confusion_matrix
from nnlab.plots.curves import learning_curves
from nnlab.plots.images import SAMPLES, most_confident_mistakes, sample_grid, worst_mistakes
from nnlab.plots.network_outputs import outputs, shown_rows
from nnlab.plots.style import Write, save
from nnlab.plots.weights import first_layer_weights

if TYPE_CHECKING:
    from nnlab.core.network import Network
    from nnlab.data.dataset import Dataset


def draw_run(
    folder: Path,
    network: Network,
    dataset: Dataset,
    *,
    history: Sequence[Mapping[str, float]],
    best_epoch: int | None,
    test_outputs: Array | None,
    write: Write = Path.write_bytes,
) -> list[Path]:
    """`draw_all` for a trained network.

    Args:
        folder: where the pictures go.
        network: with the weights that it keeps.
        dataset: its splits.
        history: one mapping per epoch, see `learning_curves`.
        best_epoch: the epoch whose weights were kept, if any.
        test_outputs: (n, k) outputs of the test split's evaluation, whose mistakes are shown. None leaves the test
            split alone, and validation rows are passed forward (training rows where there are none).
        write: how a file is written.
    """
    if test_outputs is None:
        name, rows = shown_rows(dataset)
        shown_outputs = outputs(network, rows)
    else:
        name, rows, shown_outputs = "test", dataset.test, test_outputs
    weights = [array for array in network.parameters.named().values() if array.ndim == 2]
    return draw_all(
        folder,
        history=history,
        best_epoch=best_epoch,
        dataset=dataset,
        outputs=shown_outputs,
        shown=rows,
        shown_name=name,
        first_weights=weights[0],
        write=write,
    )


def draw_all(
    folder: Path,
    *,
    history: Sequence[Mapping[str, float]],
    best_epoch: int | None,
    dataset: Dataset,
    outputs: Array,
    shown: Rows,
    shown_name: str,
    first_weights: Array | None,
    write: Write = Path.write_bytes,
) -> list[Path]:
    """Write every picture that the run has data for as a PNG into `folder`, which is created if missing.

    No epochs: no learning curves. No rows: no confusion matrix and no mistakes. Rows that are not images:
    learning curves and confusion matrix alone. The same arguments give the same bytes.

    Args:
        folder: where the pictures go.
        history: one mapping per epoch, see `learning_curves`.
        best_epoch: the epoch whose weights were kept, if any.
        dataset: gives the names, the image shape and the samples.
        outputs: (n, k) what the network gives for the rows of `shown`: probabilities, or one sigmoid each;
            (n, 1) for two classes, the second one above 0.5.
        shown: the n rows.
        shown_name: what they are called, "test" for example.
        first_weights: (features, units) of the first layer; None if there is none.
        write: how a file is written.

    Returns:
        The paths written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = {}
    if history:
        figures["learning_curves"] = learning_curves(history, best_epoch)

    names = dataset.class_names
    true, (predicted, probability) = shown.targets(), _predictions(outputs)
    if len(shown):
        figures["confusion_matrix"] = confusion_matrix(
            true, predicted, names, title=f"Confusion matrix, {dataset.name}, {shown_name} split"
        )

    shape = dataset.image_shape
    if shape is not None:
        samples = _spread(dataset.train, SAMPLES)
        figures["sample_grid"] = sample_grid(
            _images(samples, shape),
            samples.targets(),
            names,
            title=f"Samples of {dataset.name}, training split",
        )
        if len(shown):
            worst = most_confident_mistakes(true, predicted, probability)
            figures["worst_mistakes"] = worst_mistakes(
                _images(_chosen(shown, worst), shape),
                true[worst],
                predicted[worst],
                probability[worst],
                names,
                title=f"Most confident mistakes, {shown_name} split",
            )
        if first_weights is not None and len(first_weights) == math.prod(shape):
            figures["first_layer_weights"] = first_layer_weights(first_weights, shape)
    return [save(figure, folder / f"{name}.png", write) for name, figure in figures.items()]


def _predictions(outputs: Array) -> tuple[Array, Array]:
    """The class that each row of `outputs` (n, k) or (n, 1) predicts, and the output for that class."""
    if outputs.shape[1] == 1:
        second = outputs[:, 0]
        predicted = (second > 0.5).astype(np.intp)
        return predicted, np.where(predicted == 1, second, 1.0 - second)
    return outputs.argmax(axis=1), outputs.max(axis=1)


def _chosen(rows: Rows, positions: Array) -> Rows:
    return dataclasses.replace(rows, index=rows.index[positions])


def _spread(rows: Rows, count: int) -> Rows:
    """Rows evenly spaced over the split: of many classes also where the file is sorted by class."""
    return _chosen(rows, np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(np.intp))


def _images(rows: Rows, shape: tuple[int, int]) -> Array:
    """The rows as they are stored, before any scaling, (n, height, width)."""
    return rows.x[rows.index].reshape(-1, *shape)
