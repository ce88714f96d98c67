"""What is known of a trial by its values, before its config is composed: that takes a hundred times as long."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from nnlab.config.leaves import leaves
from nnlab.config.size import NetworkSize, network_size
from nnlab.core.optimizers import OPTIMIZERS
from nnlab.data.dataset import Dataset
from nnlab.execution.forecast import Work, states_of
from nnlab.tuning.search.conditions import Facts
from nnlab.tuning.search.dimension import HIDDEN
from nnlab.tuning.search.searchable import DEPTH, GROUPS, WIDTH, is_width
from nnlab.tuning.trial_configs import TrialConfigs

COMPUTED = ("parameters", "multiplications")
"""What is known of the network of a trial; the latter for the prediction of a row."""
BATCH = "trainer.batch_size"
OF_A_WORKER = 50_000_000
"""Bytes that a worker's process has before it trains: 63 MB were measured."""


class Points:
    """The trials that a study may have, by their values.

    Args:
        configs: of the study.
        dataset: of its runs.
    """

    def __init__(self, configs: TrialConfigs, dataset: Dataset) -> None:
        self._configs = configs
        self._features, self._classes = dataset.features, dataset.classes
        self._rows = len(dataset.train)
        self._of_rows = sum({id(rows.x): rows.x.nbytes for rows in (dataset.train, dataset.validation)}.values())

    def facts(self, values: Mapping[str, Any]) -> Facts:
        """What a name has as its value in the trial with these values: a key, a group (its choice), or one of
        `COMPUTED`. None where the trial has none."""
        others = self._others(values)

        def fact(name: str) -> Any:
            if name in values and name not in (DEPTH, WIDTH):
                value = values[name]
            elif name in GROUPS:
                value = others.get(f"{name}.name")
            elif name in COMPUTED or name == DEPTH or is_width(name):
                value = self._of_network(name, values, others)
            else:
                value = others.get(name)
            return self._rows if name == BATCH and value == "full" else value

        return fact

    def memory(self, values: Mapping[str, Any]) -> int:
        """Bytes that the trial with these values takes at least: its process, the rows that it reads, a batch's
        activations, and of each parameter the weight, the gradient, the optimizer's state, the best weight so far and
        the weight as it is stored in the end. (A checkpoint takes about as much again, but not every trial lasts for
        one.)"""
        fact = self.facts(values)
        widths = self._widths(values, self._others(values))
        kept = 1 if fact("trainer.restore_best") else 0
        copies = 3 + _slots(str(fact("optimizer.name"))) + kept
        numbers = fact("parameters") * copies + min(fact(BATCH), self._rows) * sum(widths)
        return int(OF_A_WORKER + self._of_rows + numbers * np.dtype(fact("dtype")).itemsize)

    def size(self, values: Mapping[str, Any]) -> NetworkSize:
        """That of the network of the trial with these values."""
        return self._size(values, self._others(values))

    def work(self, values: Mapping[str, Any]) -> Work:
        """What the time of its runs depends on."""
        fact = self.facts(values)
        epochs = fact("trainer.stop_after") or fact("trainer.epochs")
        states = _slots(str(fact("optimizer.name")))
        rows = values.get("data.limit") or self._rows
        return Work(self.size(values), fact(DEPTH), rows, fact(BATCH), epochs, states)

    def _others(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._of_choices(tuple((group, values[group]) for group in GROUPS if group in values))

    @functools.lru_cache(maxsize=256)  # noqa: B019  it lives as long as the process
    def _of_choices(self, choices: tuple[tuple[str, Any], ...]) -> Mapping[str, Any]:
        return dict(leaves(self._configs.at(dict(choices))))

    def _widths(self, values: Mapping[str, Any], others: Mapping[str, Any]) -> list[int]:
        """From the input to the output."""
        hidden = values[HIDDEN] if HIDDEN in values else others[HIDDEN]
        outputs = others["model.output_units"] or self._classes
        return [self._features, *hidden, outputs]

    def _size(self, values: Mapping[str, Any], others: Mapping[str, Any]) -> NetworkSize:
        has_biases = values.get("model.bias", others["model.bias"])
        return network_size(self._widths(values, others), has_biases=has_biases)

    def _of_network(self, name: str, values: Mapping[str, Any], others: Mapping[str, Any]) -> int | None:
        if name in COMPUTED:
            size = self._size(values, others)
            return size.parameters if name == "parameters" else size.multiplications
        hidden = self._widths(values, others)[1:-1]
        if name == DEPTH:
            return len(hidden)
        layer = int(name.rpartition(".")[2])
        return hidden[layer] if layer < len(hidden) else None


@functools.cache
def _slots(optimizer: str) -> int:
    """How many numbers an optimizer keeps of each parameter."""
    return states_of(OPTIMIZERS[optimizer]())
