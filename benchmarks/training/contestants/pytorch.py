"""PyTorch, eager with the fused SGD, or with the step compiled."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.training.point import Array, Labels, Point, Weights, targets


class _PyTorch:
    def __init__(self, point: Point, x: Array, labels: Labels, *, compiled: bool) -> None:
        self._point = point
        layers: list[torch.nn.Module] = []
        for place, (inputs, outputs) in enumerate(pairwise(point.widths)):
            layers.append(torch.nn.Linear(inputs, outputs, bias=not point.is_classic))
            if point.is_classic:
                layers.append(torch.nn.Sigmoid())
            elif place < len(point.widths) - 2:
                layers.append(torch.nn.ReLU())
        self._model = torch.nn.Sequential(*layers)
        linear = [layer for layer in layers if isinstance(layer, torch.nn.Linear)]
        with torch.no_grad():
            for layer, (weight, bias) in zip(linear, point.initial_weights(), strict=True):
                layer.weight.copy_(torch.from_numpy(weight.T.copy()))
                if bias is not None:
                    layer.bias.copy_(torch.from_numpy(bias))
        self._linear = linear
        self._x = torch.from_numpy(x)
        self._y = torch.from_numpy(targets(point, labels) if point.is_classic else labels)
        self._labels = torch.from_numpy(labels)
        if point.is_classic:
            self._optimizer = torch.optim.SGD(self._model.parameters(), lr=point.lr, fused=True)
        else:
            groups: list[dict[str, Any]] = [
                {"params": [layer.weight for layer in linear], "weight_decay": 2 * point.penalty},
                {"params": [layer.bias for layer in linear]},
            ]
            self._optimizer = torch.optim.SGD(groups, lr=point.lr, momentum=point.momentum, fused=True)
        self._forward: Callable[..., torch.Tensor] = torch.compile(self._loss) if compiled else self._loss

    def _loss(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        outputs = self._model(x)
        if self._point.is_classic:
            return 0.5 * (outputs - y).square().sum() / len(x)
        return torch.nn.functional.cross_entropy(outputs, y)

    def train(self, order: NDArray[np.intp]) -> None:
        ids = torch.from_numpy(order)
        for batch in ids.split(self._point.batch):
            self._optimizer.zero_grad(set_to_none=True)
            self._forward(self._x[batch], self._y[batch]).backward()
            self._optimizer.step()

    def weights(self) -> Weights:
        found: Weights = []
        for layer in self._linear:
            bias = None if self._point.is_classic else layer.bias.detach().numpy()
            found.append((layer.weight.detach().numpy().T, bias))
        return found

    @torch.no_grad()
    def evaluate(self, rows: int) -> float:
        correct, loss = 0, 0.0
        for x, labels in zip(self._x[:rows].split(1000), self._labels[:rows].split(1000), strict=True):
            logits = self._model(x)
            loss += float(torch.nn.functional.cross_entropy(logits, labels)) * len(x)
            correct += int((logits.argmax(dim=1) == labels).sum())
        return correct / rows


def make(point: Point, x: Array, labels: Labels, threads: int) -> _PyTorch:
    """PyTorch, eager."""
    torch.set_num_threads(threads)
    return _PyTorch(point, x, labels, compiled=False)


def make_compiled(point: Point, x: Array, labels: Labels, threads: int) -> _PyTorch:
    """PyTorch, compiled."""
    torch.set_num_threads(threads)
    return _PyTorch(point, x, labels, compiled=True)
